//! Rules about every text file: whitespace, the closing newline, and absolute paths of one machine.

use super::Finding;
use super::lists::{MACHINE_PATHS, PROSE_AND_CODE};
use super::source::Source;

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    let extension = source.path.rsplit_once('.').map_or("", |(_, extension)| extension);
    let ours = PROSE_AND_CODE.contains(&extension);
    for (index, line) in source.lines.iter().enumerate() {
        let number = index + 1;
        if ours && line.trim_end() != line {
            found.push(Finding::new(number, "whitespace", "blanks at the end of the line"));
        }
        if ours && line.contains('\t') {
            found.push(Finding::new(number, "whitespace", "a tab; use spaces"));
        }
        for path in MACHINE_PATHS.iter().filter(|path| names_path(line, path)) {
            found.push(Finding::new(number, "machine-path", format!("`{path}` exists on one machine only")));
        }
    }
    let is_empty = source.lines.iter().all(String::is_empty);
    if ours && !is_empty && source.lines.last().is_some_and(|line| !line.is_empty()) {
        found.push(Finding::new(source.lines.len(), "whitespace", "no newline at the end of the file"));
    }
    if ours && source.lines.len() > 1 && source.lines[source.lines.len() - 2].is_empty() {
        found.push(Finding::new(
            source.lines.len() - 1,
            "whitespace",
            "an empty line at the end of the file",
        ));
    }
    found
}

/// Returns whether the line names the path from the root on, rather than as a part of a longer one or of a URL.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before
            .is_some_and(|char| char.is_alphanumeric() || matches!(char, '/' | '.' | '_' | '-' | '}' | '*'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(&Source::new(path, text.to_owned())).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn whitespace_is_ours_in_prose_and_code_only() {
        assert_eq!(rules("a.md", "x \n\ty\n"), ["whitespace", "whitespace"]);
        assert_eq!(rules("a.md", "x"), ["whitespace"]);
        assert_eq!(rules("a.md", "x\n\n"), ["whitespace"]);
        assert_eq!(rules("a.tsv", "x \ty"), [""; 0]);
    }

    #[test]
    fn machine_paths_count_from_the_root_only() {
        let work = concat!("/", "work/");
        assert_eq!(rules("a.txt", &format!("see {work}main")), ["machine-path"]);
        assert_eq!(rules("a.txt", &format!("`{work}main`")), ["machine-path"]);
        assert_eq!(rules("a.txt", &format!("spark{work}app-1")), [""; 0]);
    }
}
