//! The link rule: links between Markdown files of the project must have a target.
//!
//! Only links to files of this repository are checked: nothing here asks the network.

use std::collections::BTreeSet;

use super::Finding;
use super::source::{Source, split_path};

pub(super) fn check(source: &Source, files: &BTreeSet<&str>) -> Vec<Finding> {
    let (folder, _) = split_path(&source.path);
    let mut found = Vec::new();
    let mut in_fence = false;
    for (index, line) in source.lines.iter().enumerate() {
        if line.trim_start().starts_with("```") {
            in_fence = !in_fence;
        }
        if in_fence {
            continue;
        }
        for target in targets(line).into_iter().filter(|target| !leads_somewhere(folder, target, files)) {
            found.push(Finding::new(
                index + 1,
                "broken-link",
                format!("`{target}` is not in the repository"),
            ));
        }
    }
    found
}

/// Returns the targets of `[text](target)` and `[text]: target`, outside of inline code.
fn targets(line: &str) -> Vec<String> {
    let prose: String =
        line.split('`').enumerate().map(|(index, part)| if index % 2 == 0 { part } else { "code" }).collect();
    let inline = prose.match_indices("](").filter_map(|(at, _)| {
        let rest = &prose[at + 2..];
        rest.split([')', ' ']).next().map(str::to_owned)
    });
    let defined = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    inline.chain(defined.map(|(_, target)| target.trim().to_owned())).collect()
}

fn leads_somewhere(folder: &str, target: &str, files: &BTreeSet<&str>) -> bool {
    let path = target.split('#').next().unwrap_or("");
    if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
        return true;
    }
    let Some(path) = resolve(folder, path) else { return false };
    let as_folder = format!("{path}/");
    path.is_empty() || files.contains(path.as_str()) || files.iter().any(|file| file.starts_with(&as_folder))
}

/// Returns the path from the root; `None` when it climbs out of the repository.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let from = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in from.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(path: &str, text: &str) -> usize {
        let files = BTreeSet::from(["README.md", "docs/a.md", "docs/pictures/b.png"]);
        check(&Source::new(path, text.to_owned()), &files).len()
    }

    #[test]
    fn links_are_followed_from_their_own_folder() {
        assert_eq!(broken("docs/a.md", "[up](../README.md#top) ![b](pictures/b.png) [f](pictures/)"), 0);
        assert_eq!(broken("docs/a.md", "[gone](README.md)"), 1);
        assert_eq!(broken("README.md", "[out](../README.md)"), 1);
        assert_eq!(broken("README.md", "[gone]: docs/c.md"), 1);
    }

    #[test]
    fn urls_anchors_and_code_are_left_alone() {
        assert_eq!(broken("README.md", "[a](https://example.org) [b](#here) `[c](d.md)`"), 0);
        assert_eq!(broken("README.md", "```\n[c](d.md)\n```\n"), 0);
    }
}
