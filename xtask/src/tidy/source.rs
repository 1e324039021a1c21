//! Source files as the rules see them: the lines as written, the lines with comments and literals blanked out,
//! and which lines are tests.
//!
//! This is no parser. It knows just enough of Rust's surface (nested comments, raw strings, characters and lifetimes) that a word
//! found in the blanked lines is really code.

use std::collections::BTreeSet;

/// One text file. For files that are not Rust, `code` is empty and nothing is a test.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) lines: Vec<String>,
    /// The same lines with every comment and the inside of every literal as spaces.
    pub(super) code: Vec<String>,
    in_test: Vec<bool>,
}

impl Source {
    pub(super) fn new(path: &str, text: String) -> Self {
        let is_rust = path.ends_with(".rs");
        let code: Vec<String> =
            if is_rust { blank(&text).split('\n').map(str::to_owned).collect() } else { vec![] };
        let in_test = test_lines(&code);
        let lines = text.split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect();
        Source { path: path.to_owned(), lines, code, in_test }
    }

    /// Returns the lines of code that are not in a test, with their numbers from 1.
    pub(super) fn code_outside_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let outside = self.code.iter().zip(&self.in_test).enumerate().filter(|(_, (_, in_test))| !**in_test);
        outside.map(|(index, (line, _))| (index + 1, line.as_str()))
    }

    pub(super) fn is_in_test(&self, line: usize) -> bool {
        self.in_test.get(line - 1).copied().unwrap_or(false)
    }

    /// Returns whether the file is in one of the folders for tests, benchmarks and examples.
    pub(super) fn is_under_tests(&self) -> bool {
        self.path.split('/').any(|part| matches!(part, "tests" | "benches" | "examples"))
    }
}

/// Returns the files that `#[cfg(test)] mod name;` declares.
pub(super) fn files_declared_as_tests(sources: &[Source]) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".rs")) {
        let (folder, stem) = split_path(&source.path);
        let folder = match stem {
            "lib" | "main" | "mod" => folder.to_owned(),
            _ => format!("{folder}{stem}/"),
        };
        for (line, in_test) in source.code.iter().zip(&source.in_test) {
            let declared = line.trim().strip_suffix(';').and_then(|line| line.rsplit_once("mod "));
            if let (true, Some((_, name))) = (in_test, declared) {
                files.insert(format!("{folder}{name}.rs"));
                files.insert(format!("{folder}{name}/mod.rs"));
            }
        }
    }
    files
}

/// Splits `a/b/c.rs` into `a/b/` and `c`.
pub(super) fn split_path(path: &str) -> (&str, &str) {
    let start = path.rfind('/').map_or(0, |slash| slash + 1);
    let (folder, name) = path.split_at(start);
    (folder, name.split('.').next().unwrap_or(name))
}

/// Blanks comments and the inside of literals; lines and columns stay where they are.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<char> = Vec::with_capacity(chars.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        match end {
            Some(end) => {
                let keeps_quotes = chars[at] != '/';
                for (offset, &char) in chars[at..end].iter().enumerate() {
                    let is_edge = keeps_quotes && (offset == 0 || at + offset + 1 == end);
                    out.push(if char == '\n' || is_edge { char } else { ' ' });
                }
                at = end;
            }
            None => {
                out.push(chars[at]);
                at += 1;
            }
        }
    }
    out.into_iter().collect()
}

/// Returns the end of the comment or literal that starts here, if one starts here.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let next = |offset: usize| chars.get(at + offset).copied();
    let follows_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match (chars[at], next(1)) {
        ('/', Some('/')) => {
            Some(chars[at..].iter().position(|&char| char == '\n').map_or(chars.len(), |n| at + n))
        }
        ('/', Some('*')) => Some(block_comment_end(chars, at)),
        ('"', _) => Some(string_end(chars, at + 1)),
        ('r', Some('"' | '#')) if !follows_word || chars[at - 1] == 'b' || chars[at - 1] == 'c' => {
            raw_string_end(chars, at + 1)
        }
        ('\'', Some('\\')) => Some(
            chars[at + 3..].iter().position(|&char| char == '\'').map_or(chars.len(), |n| at + 3 + n + 1),
        ),
        ('\'', Some(_)) if next(2) == Some('\'') => Some(at + 3),
        _ => None,
    }
}

fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => {
                depth += 1;
                at += 2;
            }
            ('*', '/') => {
                depth -= 1;
                at += 2;
            }
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// Returns the end of a raw string. `hashes_at` is just past the `r`. A raw identifier such as `r#type` is no
/// string.
fn raw_string_end(chars: &[char], hashes_at: usize) -> Option<usize> {
    let hashes = chars[hashes_at..].iter().take_while(|&&char| char == '#').count();
    if chars.get(hashes_at + hashes) != Some(&'"') {
        return None;
    }
    let mut at = hashes_at + hashes + 1;
    while at < chars.len() {
        let closed = chars[at] == '"'
            && chars[at + 1..].iter().take(hashes).filter(|&&char| char == '#').count() == hashes;
        if closed {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(chars.len())
}

/// Marks the item after each `#[cfg(test)]`, `#[test]` and their like, up to its closing brace or semicolon.
fn test_lines(code: &[String]) -> Vec<bool> {
    let mut marks = vec![false; code.len()];
    let mut index = 0;
    while index < code.len() {
        let line = code[index].trim();
        let starts = line.starts_with("#[cfg(test)]")
            || line.starts_with("#[cfg(all(test")
            || line.starts_with("#[test]");
        let end = if starts { item_end(code, index) } else { index };
        if starts {
            marks[index..=end].fill(true);
        }
        index = end + 1;
    }
    marks
}

/// Returns the line on which the item that follows the attribute on line `start` ends.
fn item_end(code: &[String], start: usize) -> usize {
    let mut depth = 0i32;
    for (index, line) in code.iter().enumerate().skip(start) {
        for char in line.chars() {
            match char {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth -= 1,
                _ => {}
            }
            let ends = depth == 0 && (char == ';' || char == '}');
            if ends {
                return index;
            }
        }
    }
    code.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lifetimes_are_not() {
        assert_eq!(blank("a // b\nc"), "a     \nc");
        assert_eq!(blank("a /* b /* c */ d */ e"), "a                   e");
        assert_eq!(blank(r#"f("x\"y", 'z', '\'')"#), r#"f("    ", ' ', '  ')"#);
        assert_eq!(blank("r#\"a\"b\"# r#type"), "r      # r#type");
        assert_eq!(blank("fn f<'a>(x: &'a str)"), "fn f<'a>(x: &'a str)");
    }

    #[test]
    fn a_test_module_is_told_from_what_follows_it() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n";
        let source = Source::new("x.rs", text.to_owned());
        let outside: Vec<usize> = source.code_outside_tests().map(|(line, _)| line).collect();
        assert_eq!(outside, [1, 6, 7]);
    }

    #[test]
    fn a_test_file_is_found_by_its_declaration() {
        let parent = Source::new("crates/a/src/b.rs", "#[cfg(test)]\nmod laws;\nmod c;\n".to_owned());
        let files = files_declared_as_tests(&[parent]);
        assert!(files.contains("crates/a/src/b/laws.rs"));
        assert!(!files.contains("crates/a/src/b/c.rs"));
    }
}
