//! Rules about Rust files: the opening paragraph, size, leftovers, purity, `unsafe`, and names.

use super::Finding;
use super::lists::{
    EMPTY_NAMES, IMPURE, IMPURE_MODULES, LEFTOVERS, LONG_FILES, MAX_FILE_LINES, NAMES_OF_PYSPARK, PRINTERS,
    PURE_CRATES, SAFETY_REACH, UNSAFE_PLACES,
};
use super::source::Source;

pub(super) fn check(source: &Source, is_test_file: bool) -> Vec<Finding> {
    let is_test = is_test_file || source.is_under_tests();
    let mut found = Vec::new();
    found.extend(header(source));
    found.extend(size(source));
    found.extend(leftovers(source));
    found.extend(unsafe_code(source));
    found.extend(empty_module_names(source));
    if is_pure(&source.path) && !is_test {
        found.extend(effects(source));
    }
    if !is_test {
        found.extend(prints(source));
    }
    found
}

/// Checks the name of a crate or module, which its folder or file gives it.
pub(super) fn check_name(path: &str) -> Option<Finding> {
    if path.ends_with("/mod.rs") {
        let message = "the file of a module has the module's name and lies beside its folder";
        return Some(Finding::new(1, "module-file", message));
    }
    let is_ours = ["crates/", "xtask/", "python/"].iter().any(|top| path.starts_with(top))
        && !NAMES_OF_PYSPARK.contains(&path);
    let mut parts = path.split(['/', '.']);
    let bad = parts.find(|part| EMPTY_NAMES.contains(part)).filter(|_| is_ours)?;
    Some(Finding::new(1, "empty-name", format!("`{bad}` says nothing about what is inside")))
}

fn is_pure(path: &str) -> bool {
    let name = path.strip_prefix("crates/").and_then(|rest| rest.split_once("/src/"));
    name.is_some_and(|(name, _)| PURE_CRATES.contains(&name))
}

fn header(source: &Source) -> Option<Finding> {
    let first = source.lines.first().map_or("", String::as_str);
    let is_missing = !first.starts_with("//! ");
    is_missing
        .then(|| Finding::new(1, "header", "open with a `//!` paragraph: what this file is and who calls it"))
}

fn size(source: &Source) -> Option<Finding> {
    let lines = source.lines.len() - 1;
    let is_listed = LONG_FILES.iter().any(|(path, _)| *path == source.path);
    let is_long = lines > MAX_FILE_LINES && !is_listed;
    is_long.then(|| Finding::new(1, "long-file", format!("{lines} lines; at most {MAX_FILE_LINES}")))
}

fn leftovers(source: &Source) -> impl Iterator<Item = Finding> {
    lines_with(source.code.iter().map(String::as_str).enumerate(), LEFTOVERS)
        .map(|(index, word)| Finding::new(index + 1, "leftover", format!("`{word}` marks unfinished work")))
}

fn effects(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, code) in source.code_outside_tests() {
        if code.contains(".unwrap()") {
            let message = "`unwrap()` in a pure crate; say with `expect` what you believe";
            found.push(Finding::new(line, "unwrap", message));
        }
        for (word, why) in IMPURE.iter().filter(|(word, _)| has_word(code, word)) {
            found.push(Finding::new(line, "impure", format!("`{word}` in a pure crate: {why}")));
        }
        for module in grouped_std_imports(code).filter(|module| IMPURE_MODULES.contains(module)) {
            found.push(Finding::new(line, "impure", format!("`std::{module}` in a pure crate")));
        }
    }
    found
}

/// Checks that what people are told goes through the log.
fn prints(source: &Source) -> Vec<Finding> {
    let is_product = source.path.starts_with("crates/") && source.path.contains("/src/");
    if !is_product || PRINTERS.iter().any(|(path, _)| *path == source.path) {
        return vec![];
    }
    let prints = source.code_outside_tests().filter(|(_, code)| has_word(code, "eprintln!"));
    let message = "`eprintln!` passes the log by; emit an event: `tracing::warn!`";
    prints.map(|(line, _)| Finding::new(line, "print", message)).collect()
}

/// Returns the modules in a `use std::{a, b::c}` of one line.
fn grouped_std_imports(code: &str) -> impl Iterator<Item = &str> {
    let group = code.trim().strip_prefix("use std::{").unwrap_or("");
    group.split(',').filter_map(|item| item.trim().split([':', '}', ';']).next())
}

/// Checks that `unsafe` is only in listed places, and that each has its argument.
fn unsafe_code(source: &Source) -> Vec<Finding> {
    let is_allowed = UNSAFE_PLACES
        .iter()
        .any(|(place, _)| *place == source.path || place.ends_with('/') && source.path.starts_with(place));
    let mut found = Vec::new();
    for (index, code) in source.code.iter().enumerate() {
        if !has_word(code, "unsafe") || is_function(code) {
            continue;
        }
        if !is_allowed {
            found.push(Finding::new(index + 1, "unsafe", "not a listed place for `unsafe`"));
        } else if !is_argued(source, index) {
            let message = "say above it, in a `SAFETY:` comment or under `# Safety`, why this is sound";
            found.push(Finding::new(index + 1, "unsafe", message));
        }
    }
    found
}

/// Returns whether a line is a function or its type, which promises nothing by itself; clippy wants `# Safety`
/// of the public ones.
fn is_function(code: &str) -> bool {
    let mut places = code.match_indices("unsafe ").map(|(at, word)| &code[at + word.len()..]);
    code.contains("unsafe ")
        && places
            .all(|rest| rest.trim_start_matches("extern ").trim_start_matches(['"', ' ']).starts_with("fn"))
}

/// Looks for the argument on the line and a few above it. Clippy, which knows statements, is stricter about
/// blocks; this also sees `unsafe impl` and attributes.
fn is_argued(source: &Source, index: usize) -> bool {
    let from = index.saturating_sub(SAFETY_REACH);
    source.lines[from..=index].iter().any(|line| line.contains("SAFETY:") || line.contains("# Safety"))
}

fn empty_module_names(source: &Source) -> impl Iterator<Item = Finding> {
    source.code.iter().enumerate().filter_map(|(index, code)| {
        let (before, name) = code.trim().trim_end_matches([';', '{', ' ']).rsplit_once("mod ")?;
        let is_module = before.is_empty() || before.starts_with("pub");
        let is_empty = is_module && EMPTY_NAMES.contains(&name);
        is_empty.then(|| {
            Finding::new(index + 1, "empty-name", format!("`{name}` says nothing about what is inside"))
        })
    })
}

fn lines_with<'a>(
    lines: impl Iterator<Item = (usize, &'a str)>,
    words: &'static [&'static str],
) -> impl Iterator<Item = (usize, &'static str)> {
    lines.flat_map(move |(index, line)| {
        words.iter().filter(move |word| has_word(line, word)).map(move |word| (index, *word))
    })
}

/// Returns whether the word is there by itself, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let is_letter = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
    line.match_indices(word).any(|(at, _)| {
        let ends_open = word.ends_with(|char: char| !char.is_alphanumeric());
        !is_letter(line[..at].chars().next_back())
            && (ends_open || !is_letter(line[at + word.len()..].chars().next()))
    })
}

#[cfg(test)]
#[path = "rust_tests.rs"]
mod tests;
