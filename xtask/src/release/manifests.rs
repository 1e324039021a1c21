//! The rules for manifests and changelog, checked before anything is built. Each rule is a function from text to findings.

use crate::{Fallible, workspace};

const CHANGELOG: &str = "CHANGELOG.md";

/// The keys that a published crate inherits from the workspace.
const INHERITED: &[&str] =
    &["version", "edition", "rust-version", "license", "readme", "keywords", "categories"];

/// Where the project lives. Asked for last, since nothing that is built depends on it.
const ADDRESS: &str = "repository";

/// Checks everything, and gives the version.
pub(super) fn check() -> Fallible<String> {
    let root = workspace::root();
    let read =
        |path: &str| std::fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"));
    let workspace = read("Cargo.toml")?;
    let version = value(section(&workspace, "workspace.package"), "version")
        .ok_or("Cargo.toml: the workspace has no version")?
        .to_owned();
    let mut wrong = wrong_in_workspace(&workspace, &version);
    for manifest in published()? {
        wrong.extend(wrong_in_crate(&read(&manifest)?).into_iter().map(|what| format!("{manifest}: {what}")));
    }
    wrong.extend(wrong_in_pyproject(&read("pyproject.toml")?));
    wrong.extend(wrong_in_changelog(&read(CHANGELOG).unwrap_or_default(), &version));
    if wrong.is_empty() {
        Ok(version)
    } else {
        Err(format!("not to be released yet:\n  {}", wrong.join("\n  ")))
    }
}

/// Checks the address of the project, which is wanted for an upload and for nothing before it.
pub(super) fn check_address() -> Fallible {
    let root = workspace::root();
    let read =
        |path: &str| std::fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"));
    let mut wrong: Vec<String> =
        wrong_address(&read("Cargo.toml")?, "workspace.package", ADDRESS, "Cargo.toml").into_iter().collect();
    for manifest in published()? {
        wrong.extend(wrong_address(&read(&manifest)?, "package", "repository.workspace", &manifest));
    }
    wrong.extend(wrong_address(&read("pyproject.toml")?, "project.urls", "Repository", "pyproject.toml"));
    if wrong.is_empty() { Ok(()) } else { Err(format!("wanted before an upload:\n  {}", wrong.join("\n  "))) }
}

fn wrong_address(text: &str, name: &str, key: &str, path: &str) -> Option<String> {
    value(section(text, name), key)
        .is_none()
        .then(|| format!("{path}: [{name}] has no `{key}`, where the project lives"))
}

/// The manifests of the crates that are published: those that do not say otherwise.
pub(super) fn published() -> Fallible<Vec<String>> {
    let root = workspace::root();
    let is_published = |path: &String| {
        let text = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        value(&text, "publish") != Some("false")
    };
    let is_crate = |path: &String| path.starts_with("crates/") && path.ends_with("/Cargo.toml");
    Ok(workspace::files()?.into_iter().filter(is_crate).filter(is_published).collect())
}

/// The name of the crate of a manifest.
pub(super) fn name(manifest: &str) -> Fallible<String> {
    let text = std::fs::read_to_string(workspace::root().join(manifest))
        .map_err(|error| format!("{manifest}: {error}"))?;
    value(section(&text, "package"), "name").map(str::to_owned).ok_or_else(|| format!("{manifest}: no name"))
}

/// The part of a manifest under `[name]`.
fn section<'a>(text: &'a str, name: &str) -> &'a str {
    let heading = format!("[{name}]\n");
    let Some(start) = text.find(&heading).map(|at| at + heading.len()) else { return "" };
    let end = text[start..].find("\n[").map_or(text.len(), |at| start + at);
    &text[start..end]
}

/// The value of the line `key = value`, without quotes.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once('=')?;
        (found.trim() == key).then(|| value.trim().trim_matches('"'))
    })
}

fn wrong_in_workspace(text: &str, version: &str) -> Vec<String> {
    let package = section(text, "workspace.package");
    let mut wrong: Vec<String> = INHERITED
        .iter()
        .filter(|key| value(package, key).is_none())
        .map(|key| format!("Cargo.toml: [workspace.package] has no `{key}`"))
        .collect();
    let ours =
        section(text, "workspace.dependencies").lines().filter(|line| line.contains("path = \"crates/"));
    for line in ours.filter(|line| !line.contains(&format!("version = \"{version}\""))) {
        let name = line.split(' ').next().unwrap_or(line);
        wrong.push(format!("Cargo.toml: `{name}` is depended on without `version = \"{version}\"`"));
    }
    wrong
}

fn wrong_in_crate(text: &str) -> Vec<String> {
    let package = section(text, "package");
    let mut wrong = Vec::new();
    if value(package, "description").is_none_or(str::is_empty) {
        wrong.push("no `description`".to_owned());
    }
    for key in INHERITED {
        if value(package, &format!("{key}.workspace")) != Some("true") {
            wrong.push(format!("wants `{key}.workspace = true`"));
        }
    }
    wrong
}

/// The version comes from the crate; the rest is said there.
fn wrong_in_pyproject(text: &str) -> Vec<String> {
    let project = section(text, "project");
    let mut wrong = Vec::new();
    for key in
        ["description", "readme", "requires-python", "license", "license-files", "keywords", "classifiers"]
    {
        if value(project, key).is_none() {
            wrong.push(format!("pyproject.toml: [project] has no `{key}`"));
        }
    }
    if !value(project, "dynamic").is_some_and(|dynamic| dynamic.contains("version")) {
        wrong.push(
            "pyproject.toml: the version must come from the workspace: dynamic = [\"version\"]".to_owned(),
        );
    }
    wrong
}

/// The entry is a heading `## 1.2.3`, maybe with a date, and text below it.
fn wrong_in_changelog(text: &str, version: &str) -> Option<String> {
    let mut lines = text.lines();
    let is_heading =
        |line: &str| line.strip_prefix("## ").and_then(|rest| rest.split(' ').next()) == Some(version);
    if !lines.by_ref().any(is_heading) {
        return Some(format!("{CHANGELOG}: no entry `## {version}`"));
    }
    let is_empty = lines.take_while(|line| !line.starts_with("## ")).all(|line| line.trim().is_empty());
    is_empty.then(|| format!("{CHANGELOG}: the entry of {version} says nothing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = "[workspace.package]\nversion = \"1.2.3\"\nedition = \"2024\"\nrust-version = \"1.95\"\n\
        license = \"MIT\"\nreadme = \"README.md\"\nkeywords = [\"a\"]\ncategories = [\"b\"]\n\n\
        [workspace.dependencies]\na = { path = \"crates/a\", version = \"1.2.3\" }\n";

    #[test]
    fn the_workspace_says_everything_once_and_path_dependencies_have_its_version() {
        assert!(wrong_in_workspace(WORKSPACE, "1.2.3").is_empty());
        let without = wrong_in_workspace(&WORKSPACE.replace("license = \"MIT\"\n", ""), "1.2.3");
        assert_eq!(without, ["Cargo.toml: [workspace.package] has no `license`"]);
        let other = wrong_in_workspace(&WORKSPACE.replace(", version = \"1.2.3\"", ""), "1.2.3");
        assert_eq!(other, ["Cargo.toml: `a` is depended on without `version = \"1.2.3\"`"]);
    }

    #[test]
    fn a_crate_describes_itself_and_takes_the_rest_from_the_workspace() {
        let inherited: String = INHERITED.iter().map(|key| format!("{key}.workspace = true\n")).collect();
        let whole = format!("[package]\nname = \"a\"\ndescription = \"what\"\n{inherited}\n[dependencies]\n");
        assert!(wrong_in_crate(&whole).is_empty());
        assert_eq!(wrong_in_crate(&whole.replace("description", "about")), ["no `description`"]);
        let own = whole.replace("version.workspace = true\nedition", "version = \"2.0.0\"\nedition");
        assert_eq!(wrong_in_crate(&own), ["wants `version.workspace = true`"]);
    }

    #[test]
    fn a_version_without_an_entry_in_the_changelog_is_refused() {
        let log = "# Changes\n\n## 1.2.3 (a day)\n\nNew: all.\n\n## 1.2.2\n\n## 1.2.1\n\nOld.\n";
        assert_eq!(wrong_in_changelog(log, "1.2.3"), None);
        assert!(wrong_in_changelog(log, "1.2").is_some_and(|wrong| wrong.contains("no entry `## 1.2`")));
        assert!(wrong_in_changelog(log, "1.2.2").is_some_and(|wrong| wrong.contains("says nothing")));
        assert!(wrong_in_changelog("", "1.2.3").is_some());
    }

    #[test]
    fn an_address_that_is_missing_is_named_with_its_file() {
        let text = "[workspace.package]\nrepository = \"there\"\n";
        assert_eq!(wrong_address(text, "workspace.package", ADDRESS, "Cargo.toml"), None);
        let wrong = wrong_address("[project]\n", "project.urls", "Repository", "pyproject.toml").unwrap();
        assert!(wrong.starts_with("pyproject.toml: [project.urls] has no `Repository`"), "{wrong}");
    }

    #[test]
    fn sections_end_where_the_next_begins() {
        let text = "[a]\nx = 1\n\n[b]\nx = \"2\"\n";
        assert_eq!((value(section(text, "a"), "x"), value(section(text, "b"), "x")), (Some("1"), Some("2")));
        assert_eq!(section(text, "c"), "");
    }
}
