//! From what a user wrote to a path: lists of paths, schemes, and absolute names. The only place that knows of schemes.

use crate::error::{IoCause, IoError, IoOperation};
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

/// The path without its `file:` scheme. Any other scheme is an error that names it.
///
/// What stands before a colon is a scheme if it is a word and a slash follows, or if it is `file`: a file may be called
/// `12:30.txt`.
pub fn without_scheme(operation: IoOperation, path: &str) -> Result<&str, IoError> {
    let bad = |cause| Err(IoError::new(operation, path, cause));
    if path.is_empty() {
        return Err(IoError::new(operation, "\"\"", IoCause::BadPath("the path is empty".into())));
    }
    let Some((scheme, rest)) = path.split_once(':') else { return Ok(path) };
    if !is_scheme(scheme) || (scheme != "file" && !rest.starts_with('/')) {
        return Ok(path);
    }
    if scheme != "file" {
        return bad(IoCause::UnknownScheme(scheme.into()));
    }
    match rest.strip_prefix("//") {
        _ if rest.is_empty() || rest == "//" => bad(IoCause::BadPath("there is no path after file:".into())),
        Some(local) if local.starts_with('/') => Ok(local),
        Some(_) => bad(IoCause::BadPath(
            "file:// is followed by the name of a host; write file:/// before an absolute path".into(),
        )),
        None => Ok(rest),
    }
}

/// The local file or directory that a path without globs names, made absolute, so that it means the same to every process
/// of this host.
pub fn local(operation: IoOperation, path: &str) -> Result<PathBuf, IoError> {
    let plain = without_scheme(operation, path)?;
    std::path::absolute(plain).map_err(|error| IoError::new(operation, path, error.into()))
}

/// The path as text. Paths travel to executors as text, so one that is not Unicode cannot be used.
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

/// Whether a name says of itself that it is no data: it starts with `_` or `.`.
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

    fn cause(path: &str) -> IoCause {
        without_scheme(IoOperation::List, path).unwrap_err().cause
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
            assert_eq!(without_scheme(IoOperation::List, path).unwrap(), "/a/b");
        }
        for name in ["12:30.txt", "a:b", "c:", "x/y:/z"] {
            assert_eq!(without_scheme(IoOperation::List, name).unwrap(), name);
        }
    }

    #[test]
    fn another_scheme_is_an_error_that_names_it() {
        assert_eq!(cause("s3://bucket/a"), IoCause::UnknownScheme("s3".into()));
        assert_eq!(cause("hdfs:/a"), IoCause::UnknownScheme("hdfs".into()));
        for path in ["", "file:", "file://", "file://host/a"] {
            assert!(matches!(cause(path), IoCause::BadPath(_)), "{path}");
        }
    }
}
