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
