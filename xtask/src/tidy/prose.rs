//! The prose rule: documentation begins with a verb or the thing that it documents, and comments and messages name
//! the component that acts.
//!
//! Only product code is checked: tests, benchmarks and examples tell their own stories.

use super::Finding;
use super::source::Source;

/// The first words that documentation must not have: they withhold the verb, or the thing.
const BAD_BEGINNINGS: &[&str] = &[
    "What",
    "Who",
    concat!("Who", "ever"),
    "Whose",
    "Whether",
    concat!("Some", "body"),
    "Nobody",
    "Anybody",
    "Everybody",
];

/// Words that comments and messages must not have. Joined from pieces so that this file does not match itself.
const BAD_WORDS: &[&str] = &[
    concat!("who", "ever"),
    concat!("some", "body"),
    concat!("in ", "vain"),
    concat!("leads ", "nowhere"),
    concat!("without ", "more ado"),
];

pub(super) fn check(source: &Source, is_test_file: bool) -> Vec<Finding> {
    let is_product = source.path.starts_with("crates/") || source.path.starts_with("xtask/");
    if !is_product || is_test_file || source.is_under_tests() {
        return vec![];
    }
    let mut found = Vec::new();
    for (index, line) in source.lines.iter().enumerate().filter(|(index, _)| !source.is_in_test(index + 1)) {
        let before = index.checked_sub(1).map_or("", |before| source.lines[before].as_str());
        if let Some(word) = bad_beginning(before, line) {
            let message =
                format!("`{word}`: begin with a verb or the thing (\"Returns whether\", \"The name of\")");
            found.push(Finding::new(index + 1, "prose", message));
        }
        let text = comments_and_literals(line, &source.code[index]).to_lowercase();
        for word in BAD_WORDS.iter().filter(|word| has_words(&text, word)) {
            found.push(Finding::new(
                index + 1,
                "prose",
                format!("`{word}`: name the component, or say it plainly"),
            ));
        }
    }
    found
}

/// Returns the forbidden word with which an item's documentation begins on this line.
fn bad_beginning(before: &str, line: &str) -> Option<&'static str> {
    let marker = ["//! ", "/// "].into_iter().find(|marker| line.trim_start().starts_with(marker))?;
    // Later lines of the same documentation may begin with any word.
    if before.trim_start().starts_with(marker.trim_end()) {
        return None;
    }
    let text = line.trim_start()[marker.len()..].trim_start();
    let first = text.split(|char: char| !char.is_alphanumeric()).next()?;
    BAD_BEGINNINGS.iter().find(|word| **word == first).copied()
}

/// Returns the part of a line that is blanked in the code: its comments, and the insides of its literals.
fn comments_and_literals(line: &str, code: &str) -> String {
    let mut code = code.chars();
    line.chars().map(|char| if code.next().unwrap_or(' ') == ' ' { char } else { ' ' }).collect()
}

/// Returns whether the words are there by themselves, not as a part of longer ones.
fn has_words(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let is_letter = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
        !is_letter(text[..at].chars().next_back()) && !is_letter(text[at + words.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let found = check(&Source::new(path, text.to_owned()), false);
        found.into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn documentation_begins_with_a_verb_or_the_thing() {
        assert_eq!(lines("crates/a/src/lib.rs", "//! What it is.\n"), [1]);
        assert_eq!(lines("crates/a/src/lib.rs", "/// Whether it is.\nfn f() {}\n"), [1]);
        assert_eq!(lines("crates/a/src/lib.rs", "/// Returns\n/// Whose\nfn f() {}\n"), [0; 0]);
        assert_eq!(lines("crates/a/src/lib.rs", "// What follows is plain.\n"), [0; 0]);
    }

    #[test]
    fn comments_and_messages_name_the_component_and_code_does_not_count() {
        let person = BAD_WORDS[1];
        assert_eq!(lines("crates/a/src/lib.rs", &format!("// If {person} waits.\n")), [1]);
        assert_eq!(lines("crates/a/src/lib.rs", &format!("const A: &str = \"{person} waits\";\n")), [1]);
        assert_eq!(lines("crates/a/src/lib.rs", &format!("let {person} = 1;\n")), [0; 0]);
        assert_eq!(lines("crates/a/src/lib.rs", &format!("// {person}ies\n")), [0; 0]);
    }

    #[test]
    fn tests_are_left_out() {
        assert_eq!(lines("crates/a/tests/b.rs", "//! What it is.\n"), [0; 0]);
    }
}
