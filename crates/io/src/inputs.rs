//! Which files a job reads: paths, globs and directories, as Hadoop reads them. Called once by the driver; what it gives is
//! cut by `splits`.

use crate::error::{IoCause, IoError, IoOperation::List};
use crate::glob::{self, Component};
use crate::path::{is_hidden, split_list, text, without_scheme};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One file to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its absolute path.
    pub path: String,
    /// Its length in bytes, as it lies on disk.
    pub length: u64,
}

/// Lists the files that `spec` stands for: paths separated by commas, each a file, a directory or a glob.
///
/// Globs are Hadoop's: `?`, `*`, `[abc]`, `[a-b]`, `[^a]`, `{ab,cd}` and `\c`, none of which but the braces crosses a slash.
/// A directory, whether named or matched, stands for its files; one that holds another directory is an error, since
/// neither reading nor leaving out what is in there can be assumed. Names that start with `_` or `.` are left out, unless
/// the path ends in exactly that name. The files of each path come sorted, the paths in their order; what is given twice
/// is listed twice.
///
/// # Errors
/// A path that is not there, and a glob that matches nothing, are errors; an empty directory is not.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path().to_str().unwrap();
/// std::fs::write(format!("{dir}/a.txt"), "hello").unwrap();
/// std::fs::write(format!("{dir}/_SUCCESS"), "").unwrap();
/// let files = firesteel_io::list_inputs(&format!("{dir}/*")).unwrap();
/// assert_eq!((files.len(), files[0].length), (1, 5));
/// ```
pub fn list_inputs(spec: &str) -> Result<Vec<InputFile>, IoError> {
    let mut files = vec![];
    for path in split_list(spec) {
        for found in expand(path)? {
            let metadata = fs::metadata(&found).map_err(|error| IoError::os(List, &found, error))?;
            if metadata.is_dir() {
                list_directory(&found, &mut files)?;
            } else {
                files.push(InputFile { path: text(List, &found)?, length: metadata.len() });
            }
        }
    }
    Ok(files)
}

/// The files and directories that one path or glob names, sorted, each once.
fn expand(path: &str) -> Result<Vec<PathBuf>, IoError> {
    let plain = without_scheme(List, path)?;
    let bad = |what| IoError::new(List, path, IoCause::BadPattern(what));
    let base = if plain.starts_with('/') {
        PathBuf::from("/")
    } else {
        std::env::current_dir().map_err(|error| IoError::new(List, path, error.into()))?
    };
    let mut walk = Walk::default();
    let mut found = vec![];
    for components in glob::parse(plain).map_err(bad)? {
        found.extend(walk.matches(&base, &components)?);
    }
    if found.is_empty() {
        return Err(IoError::new(List, path, walk.nothing_found()));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Adds the files of a directory.
fn list_directory(directory: &Path, files: &mut Vec<InputFile>) -> Result<(), IoError> {
    let os = |error| IoError::os(List, directory, error);
    for name in names(directory).map_err(os)? {
        if is_hidden(&name.to_string_lossy()) {
            continue;
        }
        let file = directory.join(&name);
        let metadata = fs::metadata(&file).map_err(|error| IoError::os(List, &file, error))?;
        if metadata.is_dir() {
            let nested = IoCause::NestedDirectory(name.to_string_lossy().into_owned());
            return Err(IoError::new(List, directory.to_string_lossy(), nested));
        }
        files.push(InputFile { path: text(List, &file)?, length: metadata.len() });
    }
    Ok(())
}

/// The names in a directory, sorted by their bytes.
fn names(directory: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Whether the error says that nothing of that name is there.
fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A walk down the components of a glob, and what it saw, for the message if it finds nothing.
#[derive(Default)]
struct Walk {
    wild: bool,
    last_directory: Option<PathBuf>,
    directories: usize,
    names: usize,
}

impl Walk {
    fn matches(&mut self, base: &Path, components: &[Component]) -> Result<Vec<PathBuf>, IoError> {
        let mut found = vec![base.to_path_buf()];
        for (i, component) in components.iter().enumerate() {
            let last = i + 1 == components.len();
            match component {
                Component::Literal(name) => found.iter_mut().for_each(|path| path.push(name)),
                Component::Pattern(pattern) => {
                    self.wild = true;
                    let mut matched = vec![];
                    for directory in found {
                        let accepts = |name: &str| pattern.is_match(name) && !(last && is_hidden(name));
                        matched.extend(self.matching_names(directory, accepts)?);
                    }
                    found = matched;
                }
            }
        }
        found.retain(|path| !fs::symlink_metadata(path).is_err_and(|error| is_absence(&error)));
        Ok(found)
    }

    fn matching_names(
        &mut self,
        directory: PathBuf,
        accepts: impl Fn(&str) -> bool,
    ) -> Result<Vec<PathBuf>, IoError> {
        let names = match names(&directory) {
            Ok(names) => {
                self.directories += 1;
                self.names += names.len();
                names
            }
            Err(error) if is_absence(&error) => vec![],
            Err(error) => return Err(IoError::os(List, &directory, error)),
        };
        let matched = names
            .iter()
            .filter(|name| accepts(&name.to_string_lossy()))
            .map(|name| directory.join(name))
            .collect();
        self.last_directory = Some(directory);
        Ok(matched)
    }

    fn nothing_found(self) -> IoCause {
        match self.last_directory {
            Some(directory) if self.wild => IoCause::NoMatch {
                directory: directory.to_string_lossy().into_owned(),
                directories: self.directories,
                names: self.names,
            },
            _ => IoCause::NotFound,
        }
    }
}
