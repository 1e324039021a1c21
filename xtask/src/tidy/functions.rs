//! The function length rule: a note for each long function, since one screen is what a reader can hold.
//!
//! A note and no failure, since a known algorithm may be longer if its steps are numbered and argued.

use super::Finding;
use super::lists::MAX_FUNCTION_LINES;
use super::source::Source;

pub(super) fn check(source: &Source, is_test_file: bool) -> Vec<Finding> {
    let is_ours = source.path.starts_with("crates/") && !is_test_file && !source.is_under_tests();
    if !is_ours {
        return vec![];
    }
    let long = functions(&source.code)
        .filter(|function| function.lines > MAX_FUNCTION_LINES && !source.is_in_test(function.line));
    long.map(|function| {
        let message = format!("`{}` has {} lines, more than a screen", function.name, function.lines);
        Finding::note(function.line, "long-function", message)
    })
    .collect()
}

struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
}

/// Returns the functions with a body, from the line of `fn` to the closing brace.
fn functions(code: &[String]) -> impl Iterator<Item = Function<'_>> {
    code.iter().enumerate().filter_map(|(index, line)| {
        let at = line.match_indices("fn ").map(|(at, _)| at).find(|&at| {
            at == 0 || line[..at].ends_with([' ', '(']) && !line[..at].trim_end().ends_with("->")
        })?;
        let after = &line[at + 3..];
        let length = after.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(after.len());
        let end = body_end(code, index, at)?;
        Some(Function { name: &after[..length], line: index + 1, lines: end - index + 1 })
    })
}

/// Returns the line of the brace that closes the body, unless the declaration ends in a semicolon.
fn body_end(code: &[String], start: usize, column: usize) -> Option<usize> {
    let (mut parens, mut braces) = (0i32, 0i32);
    for (index, line) in code.iter().enumerate().skip(start) {
        let from = if index == start { column } else { 0 };
        for char in line[from..].chars() {
            match char {
                '(' | '[' => parens += 1,
                ')' | ']' => parens -= 1,
                ';' if parens == 0 && braces == 0 => return None,
                '{' => braces += 1,
                '}' => {
                    braces -= 1;
                    if braces == 0 {
                        return Some(index);
                    }
                }
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_measured_and_declarations_are_not() {
        let text = "trait A {\n  fn a(&self, b: [u8; 2]);\n  fn c(\n    d: u8,\n  ) -> u8 {\n    d\n  }\n}\n";
        let source = Source::new("x.rs", text.to_owned());
        let found: Vec<_> = functions(&source.code).map(|f| (f.name, f.line, f.lines)).collect();
        assert_eq!(found, [("c", 3, 5)]);
    }

    #[test]
    fn a_long_function_is_a_note() {
        let text = format!("fn long() {{\n{}}}\n", "    x();\n".repeat(MAX_FUNCTION_LINES));
        let found = check(&Source::new("crates/a/src/b.rs", text), false);
        assert_eq!(found.len(), 1);
        assert!(found[0].is_note);
    }
}
