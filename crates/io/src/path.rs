//! Parses the paths that users write: lists of paths, addresses, and absolute names.

use crate::error::{IoCause, IoError, IoOperation};
use crate::scheme::Scheme;
use std::path::{Path, PathBuf};

/// Splits a list of paths at its commas, except those inside `{}` or after a backslash.
///
/// ```
/// assert_eq!(firesteel_io::path::split_list("a,b/{c,d}"), ["a", "b/{c,d}"]);
/// ```
pub fn split_list(spec: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth, mut escaped) = (vec![], 0, 0_usize, false);
    for (at, c) in spec.char_indices() {
        match c {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&spec[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&spec[from..]);
    parts
}

/// A path cut into the root of its store and the path in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Address<'a> {
    /// A local path, with or without its `file:` taken off.
    Local(&'a str),
    /// A path in another store: the store's root, such as `s3a://bucket`, and the path below it.
    Remote { scheme: Scheme, root: &'a str, path: &'a str },
}

/// Returns the store that a path leads to, and the path in it.
///
/// The text before a colon is a scheme if it is a word and a slash follows, or if it is `file`: a file may be
/// called `12:30.txt`.
pub(crate) fn address(operation: IoOperation, path: &str) -> Result<Address<'_>, IoError> {
    let bad = |cause| Err(IoError::new(operation, path, cause));
    if path.is_empty() {
        return Err(IoError::new(operation, "\"\"", IoCause::BadPath("the path is empty".into())));
    }
    let Some((word, rest)) = path.split_once(':') else { return Ok(Address::Local(path)) };
    if !is_scheme(word) || (word != "file" && !rest.starts_with('/')) {
        return Ok(Address::Local(path));
    }
    if word == "file" {
        return without_file(operation, path, rest).map(Address::Local);
    }
    let Some(scheme) = Scheme::named(word) else {
        return bad(IoCause::UnknownScheme(word.into()));
    };
    let Some(after) = rest.strip_prefix("//") else {
        // `hdfs:/dir`: the name node that Hadoop's settings name.
        return match scheme {
            Scheme::Hdfs => Ok(Address::Remote { scheme, root: &path[..word.len() + 1], path: rest }),
            _ => {
                let what = format!("write {word}://{}/path, with two slashes", scheme.container());
                bad(IoCause::BadPath(what))
            }
        };
    };
    let end = path.len() - after.len() + after.find('/').unwrap_or(after.len());
    if end == word.len() + 3 && scheme != Scheme::Hdfs {
        let what = format!("it names no {}: write {word}://{}/path", scheme.container(), scheme.container());
        return bad(IoCause::BadPath(what));
    }
    Ok(Address::Remote { scheme, root: &path[..end], path: &path[end..] })
}

fn without_file<'a>(operation: IoOperation, path: &str, rest: &'a str) -> Result<&'a str, IoError> {
    let bad = |what: &str| Err(IoError::new(operation, path, IoCause::BadPath(what.into())));
    match rest.strip_prefix("//") {
        _ if rest.is_empty() || rest == "//" => bad("there is no path after file:"),
        Some(local) if local.starts_with('/') => Ok(local),
        Some(_) => bad("file:// is followed by the name of a host; write file:/// before an absolute path"),
        None => Ok(rest),
    }
}

/// Returns whether a path leads to another store than the local disks.
///
/// ```
/// assert!(firesteel_io::path::is_remote("s3a://bucket/dir") && !firesteel_io::path::is_remote("file:/dir"));
/// ```
pub fn is_remote(path: &str) -> bool {
    matches!(address(IoOperation::List, path), Ok(Address::Remote { .. }))
}

/// Returns the file or directory that a local path without globs names, made absolute, so that it means the
/// same to every process of this host.
pub(crate) fn absolute(operation: IoOperation, path: &str) -> Result<PathBuf, IoError> {
    std::path::absolute(path).map_err(|error| IoError::new(operation, path, error.into()))
}

/// Returns the path as text. Paths travel to executors as text, so one that is not Unicode cannot be used.
pub(crate) fn text(operation: IoOperation, path: &Path) -> Result<String, IoError> {
    match path.to_str() {
        Some(text) => Ok(text.into()),
        None => Err(IoError::new(
            operation,
            path.to_string_lossy(),
            IoCause::BadPath("the name is not valid UTF-8".into()),
        )),
    }
}

/// Returns whether a name is that of no data: it starts with `_` or `.`, as in Hadoop.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with(['_', '.'])
}

fn is_scheme(word: &str) -> bool {
    word.len() > 1
        && word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Address<'_> {
        address(IoOperation::List, path).unwrap()
    }

    fn cause(path: &str) -> IoCause {
        address(IoOperation::List, path).unwrap_err().cause
    }

    #[test]
    fn commas_inside_braces_and_after_backslashes_separate_nothing() {
        assert_eq!(split_list("a,b"), ["a", "b"]);
        assert_eq!(split_list("{a,{b,c},d},e"), ["{a,{b,c},d}", "e"]);
        assert_eq!(split_list("a\\,b,\\{c,d"), ["a\\,b", "\\{c", "d"]);
        assert_eq!(split_list("a},b,"), ["a}", "b", ""]);
    }

    #[test]
    fn a_file_scheme_is_taken_off() {
        for path in ["/a/b", "file:/a/b", "file:///a/b"] {
            assert_eq!(at(path), Address::Local("/a/b"));
        }
        for name in ["12:30.txt", "a:b", "c:", "x/y:/z"] {
            assert_eq!(at(name), Address::Local(name));
        }
    }

    #[test]
    fn other_schemes_are_cut_behind_what_holds_the_files() {
        let remote = |scheme, root, path| Address::Remote { scheme, root, path };
        assert_eq!(at("s3a://bucket/a/b"), remote(Scheme::S3, "s3a://bucket", "/a/b"));
        assert_eq!(at("gs://bucket"), remote(Scheme::Gcs, "gs://bucket", ""));
        assert_eq!(at("abfss://c@a.dfs.x/y"), remote(Scheme::Azure, "abfss://c@a.dfs.x", "/y"));
        assert_eq!(at("hdfs:/a"), remote(Scheme::Hdfs, "hdfs:", "/a"));
        assert_eq!(at("hdfs:///a"), remote(Scheme::Hdfs, "hdfs://", "/a"));
        assert_eq!(at("https://h:1/a?b"), remote(Scheme::Http, "https://h:1", "/a?b"));
    }

    #[test]
    fn what_is_wrong_with_a_path_is_said() {
        assert_eq!(cause("ftp://host/a"), IoCause::UnknownScheme("ftp".into()));
        for path in ["", "file:", "file://", "file://host/a", "s3:/bucket", "s3://", "s3:///a"] {
            assert!(matches!(cause(path), IoCause::BadPath(_)), "{path}");
        }
    }
}
