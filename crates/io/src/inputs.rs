//! Which files a job reads: paths, globs and directories, as Hadoop reads them, in every place alike. Called once by the
//! driver; what it gives is cut by `splits`.

use crate::error::{IoCause, IoError, IoOperation::List};
use crate::glob::{self, Component};
use crate::listing::{Entry, Kind, Tree};
use crate::path::{self, is_hidden, split_list};
use crate::place::{self, Base};
use serde::{Deserialize, Serialize};

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
        let Base { tree, directory, pattern } = place::base(path)?;
        for found in expand(&*tree, path, &directory, &pattern)? {
            match found.kind {
                Kind::Directory => list_directory(&*tree, &found.path, &mut files)?,
                Kind::File { length } => files.push(InputFile { path: whole(&*tree, &found.path), length }),
            }
        }
    }
    Ok(files)
}

/// A path with its root, as the user would write it.
fn whole(tree: &dyn Tree, path: &str) -> String {
    format!("{}{path}", tree.root())
}

struct Found {
    path: String,
    kind: Kind,
}

/// The files and directories that one path or glob names, sorted, each once.
fn expand(tree: &dyn Tree, path: &str, base: &str, pattern: &str) -> Result<Vec<Found>, IoError> {
    let bad = |what| IoError::new(List, path, IoCause::BadPattern(what));
    let mut walk = Walk { tree, wild: false, last_directory: None, directories: 0, names: 0 };
    let mut found = vec![];
    if path::is_plain(path) {
        found.extend(walk.found(pattern.into(), None)?);
    } else {
        for components in glob::parse(pattern).map_err(bad)? {
            walk.matches(base, &components, &mut found)?;
        }
    }
    if found.is_empty() {
        return Err(IoError::new(List, path, walk.nothing_found()));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path && a.kind == b.kind);
    Ok(found)
}

/// Adds the files of a directory.
fn list_directory(tree: &dyn Tree, directory: &str, files: &mut Vec<InputFile>) -> Result<(), IoError> {
    for entry in tree.entries(directory)?.unwrap_or_default() {
        if is_hidden(&entry.name) {
            continue;
        }
        let path = join(tree, directory, &entry)?;
        let kind = match entry.kind {
            Some(kind) => Some(kind),
            None => tree.kind(&path)?,
        };
        match kind {
            Some(Kind::File { length }) => files.push(InputFile { path: whole(tree, &path), length }),
            Some(Kind::Directory) => {
                return Err(IoError::new(List, whole(tree, directory), IoCause::NestedDirectory(entry.name)));
            }
            // Removed since it was listed.
            None => return Err(IoError::new(List, whole(tree, &path), IoCause::NotFound)),
        }
    }
    Ok(())
}

fn join(tree: &dyn Tree, directory: &str, entry: &Entry) -> Result<String, IoError> {
    let path = format!("{}/{}", directory.trim_end_matches('/'), entry.name);
    if entry.is_text {
        return Ok(path);
    }
    let what = "the name is not valid UTF-8".into();
    Err(IoError::new(List, whole(tree, &path), IoCause::BadPath(what)))
}

/// A walk down the components of a glob, and what it saw, for the message if it finds nothing.
struct Walk<'a> {
    tree: &'a dyn Tree,
    wild: bool,
    last_directory: Option<String>,
    directories: usize,
    names: usize,
}

impl Walk<'_> {
    fn matches(
        &mut self,
        base: &str,
        components: &[Component],
        found: &mut Vec<Found>,
    ) -> Result<(), IoError> {
        let mut paths = vec![(base.trim_end_matches('/').to_string(), None)];
        for (i, component) in components.iter().enumerate() {
            let last = i + 1 == components.len();
            match component {
                Component::Literal(name) => {
                    paths
                        .iter_mut()
                        .for_each(|(path, kind)| (*path, *kind) = (format!("{path}/{name}"), None));
                }
                Component::Pattern(pattern) => {
                    self.wild = true;
                    let mut matched = vec![];
                    for (directory, _) in paths {
                        let accepts = |name: &str| pattern.is_match(name) && !(last && is_hidden(name));
                        self.matching(directory, accepts, &mut matched)?;
                    }
                    paths = matched;
                }
            }
        }
        for (path, kind) in paths {
            found.extend(self.found(if path.is_empty() { "/".into() } else { path }, kind)?);
        }
        Ok(())
    }

    /// What is at a path, if anything is.
    fn found(&self, path: String, kind: Option<Kind>) -> Result<Option<Found>, IoError> {
        let kind = match kind {
            Some(kind) => Some(kind),
            None => self.tree.kind(&path)?,
        };
        Ok(kind.map(|kind| Found { path, kind }))
    }

    fn matching(
        &mut self,
        directory: String,
        accepts: impl Fn(&str) -> bool,
        matched: &mut Vec<(String, Option<Kind>)>,
    ) -> Result<(), IoError> {
        if let Some(entries) = self.tree.entries(&directory)? {
            self.directories += 1;
            self.names += entries.len();
            for entry in entries.iter().filter(|entry| accepts(&entry.name)) {
                matched.push((join(self.tree, &directory, entry)?, entry.kind));
            }
        }
        self.last_directory = Some(directory);
        Ok(())
    }

    fn nothing_found(self) -> IoCause {
        match self.last_directory {
            Some(directory) if self.wild => IoCause::NoMatch {
                directory: whole(self.tree, if directory.is_empty() { "/" } else { &directory }),
                directories: self.directories,
                names: self.names,
            },
            _ => IoCause::NotFound,
        }
    }
}
