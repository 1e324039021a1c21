//! Lists the files that a job reads: paths, globs and directories, as Hadoop reads them, in every store
//! alike. The driver calls it once; `splits` cuts the files.

use crate::error::{IoCause, IoError, IoOperation::List};
use crate::glob::{self, Component};
use crate::location::Base;
use crate::path::{is_hidden, split_list};
use crate::scheme::is_plain;
use crate::store::{Entry, Kind, Store};
use crate::stores::Stores;
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
/// Globs are Hadoop's: `?`, `*`, `[abc]`, `[a-b]`, `[^a]`, `{ab,cd}` and `\c`, none of which but the braces
/// crosses a slash. A directory, whether named or matched, stands for its files; one that holds another
/// directory is an error, since neither reading nor leaving out its files can be assumed. Names that start
/// with `_` or `.` are left out, unless the path ends in exactly that name. The files of each path come
/// sorted, the paths in their order; a file that is given twice is listed twice.
///
/// # Errors
/// A path that is not there, and a glob that matches nothing, are errors; an empty directory is not.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path().to_str().unwrap();
/// std::fs::write(format!("{dir}/a.txt"), "hello").unwrap();
/// std::fs::write(format!("{dir}/_SUCCESS"), "").unwrap();
/// let files = firesteel_io::list_inputs(&firesteel_io::Stores::default(), &format!("{dir}/*")).unwrap();
/// assert_eq!((files.len(), files[0].length), (1, 5));
/// ```
pub fn list_inputs(stores: &Stores, spec: &str) -> Result<Vec<InputFile>, IoError> {
    list_inputs_with(stores, spec, &ListOptions::default())
}

/// The treatment by [`list_inputs_with`] of names in a directory that are no plain files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListOptions {
    /// The treatment of directories in directories.
    pub subdirectories: Subdirectories,
    /// True if a link in a directory whose target is gone is passed over; else it is an error.
    pub skip_dead_links: bool,
    /// True if a directory that is a MapFile of Hadoop's, a sorted SequenceFile `data` beside its `index`,
    /// stands for its data alone: named itself, or found in a directory.
    pub map_files: bool,
}

/// The treatment of directories in directories of input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subdirectories {
    /// They are an error, since neither reading nor leaving out their files can be assumed.
    #[default]
    Refuse,
    /// They are passed over.
    Skip,
    /// Their files are read, and so on downwards.
    Read,
}

/// The most directories that are read one inside the other: a link may lead into a directory that it is in.
const MAX_DEPTH: usize = 64;

/// Lists as [`list_inputs`] does, with the given treatment of directories in directories, dead links and
/// MapFiles.
///
/// # Errors
/// As [`list_inputs`].
///
/// ```
/// use firesteel_io::{ListOptions, Stores, Subdirectories, list_inputs_with};
/// # let dir = tempfile::tempdir().unwrap();
/// # let dir = dir.path().to_str().unwrap();
/// std::fs::create_dir(format!("{dir}/2024")).unwrap();
/// std::fs::write(format!("{dir}/2024/a.txt"), "hello").unwrap();
/// let stores = Stores::default();
/// let recursive = ListOptions { subdirectories: Subdirectories::Read, ..ListOptions::default() };
/// assert_eq!(list_inputs_with(&stores, dir, &recursive).unwrap().len(), 1);
/// assert!(list_inputs_with(&stores, dir, &ListOptions::default()).is_err());
/// ```
pub fn list_inputs_with(
    stores: &Stores,
    spec: &str,
    options: &ListOptions,
) -> Result<Vec<InputFile>, IoError> {
    let mut files = vec![];
    for path in split_list(spec) {
        let Base { store, directory, pattern } = Base::of(stores, path)?;
        let mut listing = Listing { store: &*store, options, files: &mut files };
        for found in expand(&*store, path, &directory, &pattern)? {
            match found.kind {
                Kind::Directory => listing.directory(&found.path, 0)?,
                Kind::File { length } => listing.file(&found.path, length),
            }
        }
    }
    Ok(files)
}

/// Returns a path with its root, as the user would write it.
fn whole(store: &dyn Store, path: &str) -> String {
    format!("{}{path}", store.root())
}

struct Found {
    path: String,
    kind: Kind,
}

/// Returns the files and directories that one path or glob names, sorted, each once.
fn expand(store: &dyn Store, path: &str, base: &str, pattern: &str) -> Result<Vec<Found>, IoError> {
    let bad = |what| IoError::new(List, path, IoCause::BadPattern(what));
    let mut walk = Walk { store, wild: false, last_directory: None, directories: 0, names: 0 };
    let mut found = vec![];
    if is_plain(path) {
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

/// A walk through directories that gathers their files.
struct Listing<'a> {
    store: &'a dyn Store,
    options: &'a ListOptions,
    files: &'a mut Vec<InputFile>,
}

impl Listing<'_> {
    fn file(&mut self, path: &str, length: u64) {
        self.files.push(InputFile { path: whole(self.store, path), length });
    }

    /// Adds the files of a directory.
    fn directory(&mut self, directory: &str, depth: usize) -> Result<(), IoError> {
        let entries = self.store.entries(directory)?.unwrap_or_default();
        let is_map_file = self.options.map_files && is_map_file(&entries);
        for entry in entries {
            // The index of a MapFile holds positions in its data, not pairs of the program's.
            if is_hidden(&entry.name) || is_map_file && entry.name != "data" {
                continue;
            }
            let path = join(self.store, directory, &entry)?;
            match self.kind(&path, entry.kind)? {
                Some(Kind::File { length }) => self.file(&path, length),
                Some(Kind::Directory) => self.inner_directory(directory, &entry.name, depth)?,
                // A link without a target, or a file that was removed since it was listed.
                None if self.options.skip_dead_links => {}
                None => return Err(IoError::new(List, whole(self.store, &path), IoCause::NotFound)),
            }
        }
        Ok(())
    }

    /// Returns the kind of a name in a directory; none where it is a link without a target.
    fn kind(&self, path: &str, listed: Option<Kind>) -> Result<Option<Kind>, IoError> {
        match listed {
            Some(kind) => Ok(Some(kind)),
            None => match self.store.kind(path) {
                Err(error) if self.options.skip_dead_links && error.cause == IoCause::NotFound => Ok(None),
                kind => kind,
            },
        }
    }

    fn inner_directory(&mut self, directory: &str, name: &str, depth: usize) -> Result<(), IoError> {
        let path = format!("{}/{name}", directory.trim_end_matches('/'));
        let at_map_file =
            self.options.map_files && self.store.entries(&path)?.is_some_and(|entries| is_map_file(&entries));
        match self.options.subdirectories {
            // A MapFile counts as the file that it stands for, not as a directory.
            _ if at_map_file => self.directory(&path, depth + 1),
            Subdirectories::Read if depth < MAX_DEPTH => self.directory(&path, depth + 1),
            Subdirectories::Read => {
                let what = format!(
                    "directories lie more than {MAX_DEPTH} deep in it; does a link in it lead to a directory above?"
                );
                Err(IoError::new(List, whole(self.store, directory), IoCause::BadPath(what)))
            }
            Subdirectories::Skip => Ok(()),
            Subdirectories::Refuse => {
                Err(IoError::new(List, whole(self.store, directory), IoCause::NestedDirectory(name.into())))
            }
        }
    }
}

/// Returns whether a directory's names are those of a MapFile.
fn is_map_file(entries: &[Entry]) -> bool {
    let has =
        |name: &str| entries.iter().any(|entry| entry.name == name && entry.kind != Some(Kind::Directory));
    has("data") && has("index")
}

fn join(store: &dyn Store, directory: &str, entry: &Entry) -> Result<String, IoError> {
    let path = format!("{}/{}", directory.trim_end_matches('/'), entry.name);
    if entry.is_text {
        return Ok(path);
    }
    let what = "the name is not valid UTF-8".into();
    Err(IoError::new(List, whole(store, &path), IoCause::BadPath(what)))
}

/// A walk down the components of a glob, with the counts for the message if it finds nothing.
struct Walk<'a> {
    store: &'a dyn Store,
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
                // A name is appended without a look at the store, which is asked about the whole path in the
                // end.
                Component::Literal(name) => {
                    paths
                        .iter_mut()
                        .for_each(|(path, kind)| (*path, *kind) = (format!("{path}/{name}"), None));
                }
                Component::Pattern(pattern) => {
                    self.wild = true;
                    let mut matched = vec![];
                    for (directory, _) in paths {
                        // Hidden directories are walked through, hidden files are no input.
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

    /// Returns the file or directory at a path, if there is one.
    fn found(&self, path: String, kind: Option<Kind>) -> Result<Option<Found>, IoError> {
        let kind = match kind {
            Some(kind) => Some(kind),
            None => self.store.kind(&path)?,
        };
        Ok(kind.map(|kind| Found { path, kind }))
    }

    fn matching(
        &mut self,
        directory: String,
        accepts: impl Fn(&str) -> bool,
        matched: &mut Vec<(String, Option<Kind>)>,
    ) -> Result<(), IoError> {
        if let Some(entries) = self.store.entries(&directory)? {
            self.directories += 1;
            self.names += entries.len();
            for entry in entries.iter().filter(|entry| accepts(&entry.name)) {
                matched.push((join(self.store, &directory, entry)?, entry.kind));
            }
        }
        self.last_directory = Some(directory);
        Ok(())
    }

    fn nothing_found(self) -> IoCause {
        match self.last_directory {
            Some(directory) if self.wild => IoCause::NoMatch {
                directory: whole(self.store, if directory.is_empty() { "/" } else { &directory }),
                directories: self.directories,
                names: self.names,
            },
            _ => IoCause::NotFound,
        }
    }
}
