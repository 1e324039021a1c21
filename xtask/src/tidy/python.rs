//! Rules about Python files: the opening docstring, size, width, leftovers, and exceptions or type errors swallowed whole.
//!
//! Types, unused names and the like are checked by mypy, in the step `python`.

use super::Finding;
use super::lists::{MAX_PYTHON_LINES, MAX_PYTHON_WIDTH, PYTHON_LEFTOVERS};
use super::source::Source;

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    found.extend(header(source));
    let lines = source.lines.len() - 1;
    if lines > MAX_PYTHON_LINES {
        found.push(Finding::new(1, "long-file", format!("{lines} lines; at most {MAX_PYTHON_LINES}")));
    }
    for (index, line) in source.lines.iter().enumerate() {
        let number = index + 1;
        let width = line.chars().count();
        if width > MAX_PYTHON_WIDTH {
            let message = format!("{width} characters; at most {MAX_PYTHON_WIDTH}");
            found.push(Finding::new(number, "wide-line", message));
        }
        for word in PYTHON_LEFTOVERS.iter().filter(|word| line.contains(*word)) {
            found.push(Finding::new(number, "leftover", format!("`{word}` marks unfinished work")));
        }
        if line.trim() == "except:" {
            let message = "catches everything, an interrupt too; name what is expected";
            found.push(Finding::new(number, "bare-except", message));
        }
        if line.trim_end().ends_with("# type: ignore") {
            found.push(Finding::new(number, "type-ignore", "say in brackets which error is ignored"));
        }
    }
    found
}

/// Checks that a docstring comes first, after a line for the kernel and an empty line at most.
fn header(source: &Source) -> Option<Finding> {
    let mut lines = source.lines.iter().map(|line| line.trim()).filter(|line| !line.starts_with("#!"));
    let first = lines.find(|line| !line.is_empty()).unwrap_or("");
    let text = first.trim_start_matches('r').strip_prefix("\"\"\"");
    let is_missing = text.is_none_or(|text| text.is_empty());
    is_missing.then(|| Finding::new(1, "header", "open with a docstring: what this file is and who calls it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<&'static str> {
        check(&Source::new("python/a.py", text.to_owned())).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_file_opens_with_a_docstring() {
        assert_eq!(rules("import os\n"), ["header"]);
        assert_eq!(rules(""), ["header"]);
        assert_eq!(rules("\"\"\"\nToo late.\"\"\"\n"), ["header"]);
        assert_eq!(rules("#!/usr/bin/env python3\n\"\"\"What this is.\"\"\"\n"), [""; 0]);
    }

    #[test]
    fn lines_and_files_end_somewhere() {
        assert_eq!(rules(&format!("\"\"\"A.\"\"\"\n# {}\n", "x".repeat(118))), [""; 0]);
        assert_eq!(rules(&format!("\"\"\"A.\"\"\"\n# {}\n", "ä".repeat(119))), ["wide-line"]);
        assert_eq!(rules(&format!("\"\"\"A.\"\"\"\n{}", "x = 1\n".repeat(MAX_PYTHON_LINES))), ["long-file"]);
    }

    #[test]
    fn leftovers_and_swallowed_errors_are_found() {
        assert_eq!(rules(concat!("\"\"\"A.\"\"\"\nx = 1  # TO", "DO: two\n")), ["leftover"]);
        assert_eq!(rules(concat!("\"\"\"A.\"\"\"\nbreak", "point()\n")), ["leftover"]);
        assert_eq!(rules("\"\"\"A.\"\"\"\ntry:\n    f()\nexcept:\n    pass\n"), ["bare-except"]);
        assert_eq!(rules("\"\"\"A.\"\"\"\nx = f()  # type: ignore\n"), ["type-ignore"]);
        assert_eq!(rules("\"\"\"A.\"\"\"\nx = f()  # type: ignore[attr-defined]\n"), [""; 0]);
    }
}
