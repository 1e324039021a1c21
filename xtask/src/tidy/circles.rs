//! Circles of files that import each other, within a crate: a file of a circle can be neither read nor changed without all others.
//!
//! A file imports another when it names something that is defined there. To declare a child, or to hand on what a child defines, is
//! no import; nor is a use in a test. [`surface`] reads one file, [`modules`] follows paths to files, and this file looks for the
//! circles.

mod modules;
mod surface;

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::source::Source;
use modules::Modules;
use surface::Surface;

/// For each file, those that it imports, and on which line first.
type Imports = BTreeMap<String, BTreeMap<String, usize>>;

pub(super) fn check(sources: &[Source], test_files: &BTreeSet<String>) -> Vec<(String, Finding)> {
    let imports = imports(sources, test_files);
    circles(&imports).iter().flat_map(|circle| tell(circle, &imports)).collect()
}

/// One finding with the files of a circle, and what makes it one: a note for each import.
fn tell(circle: &BTreeSet<String>, imports: &Imports) -> Vec<(String, Finding)> {
    let files: Vec<&str> = circle.iter().map(String::as_str).collect();
    let message = format!("{} files import each other: {}", files.len(), files.join(", "));
    let mut found = vec![(files[0].to_owned(), Finding::new(1, "circle", message))];
    for file in circle {
        for (imported, line) in imports.get(file).into_iter().flatten() {
            if circle.contains(imported) {
                let message = format!("imports {imported}, which imports this file in turn");
                found.push((file.clone(), Finding::note(*line, "circle", message)));
            }
        }
    }
    found
}

/// Returns the imports of each file, over all crates below `crates/`.
fn imports(sources: &[Source], test_files: &BTreeSet<String>) -> Imports {
    let ours = sources.iter().filter(|source| is_product(&source.path) && !test_files.contains(&source.path));
    let surfaces: BTreeMap<String, Surface> =
        ours.map(|source| (source.path.clone(), Surface::of(source))).collect();
    let mut imports = Imports::new();
    for root in surfaces.keys().filter(|path| is_root(path)) {
        let modules = Modules::of(root, &surfaces);
        for (file, module) in &modules.files {
            let all = imports.entry(file.clone()).or_default();
            for (imported, line) in imports_of(file, module, &surfaces[file], &modules) {
                let first = all.entry(imported).or_insert(line);
                *first = line.min(*first);
            }
        }
    }
    imports
}

fn is_product(path: &str) -> bool {
    let inside = path.strip_prefix("crates/").and_then(|path| path.split_once("/src/"));
    inside.is_some() && path.ends_with(".rs")
}

fn is_root(path: &str) -> bool {
    path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs") || path.contains("/src/bin/")
}

/// Returns the files that a file imports, and where. A name that it hands on counts only if it uses that name itself.
fn imports_of(file: &str, module: &[String], surface: &Surface, modules: &Modules) -> Vec<(String, usize)> {
    let uses = surface.uses.iter();
    let used = uses.filter(|leaf| !leaf.is_public || surface.mentioned.contains(&leaf.name));
    let paths = used.map(|leaf| &leaf.path).chain(&surface.paths);
    let found = paths.filter_map(|path| Some((modules.file_of(module, path)?.to_owned(), path.line)));
    found.filter(|(imported, _)| imported != file).collect()
}

/// Groups of files each of which leads to all others of its group.
fn circles(imports: &Imports) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|file| (file.as_str(), reached_from(file, imports))).collect();
    let mut circles: Vec<BTreeSet<String>> = Vec::new();
    for (file, to) in &reached {
        let is_new = to.contains(file) && !circles.iter().any(|circle| circle.contains(*file));
        if is_new {
            let back = to.iter().filter(|other| reached.get(*other).is_some_and(|from| from.contains(file)));
            circles.push(back.map(|&other| other.to_owned()).collect());
        }
    }
    circles
}

fn reached_from<'a>(file: &str, imports: &'a Imports) -> BTreeSet<&'a str> {
    let of = |file: &str| imports.get(file).into_iter().flatten().map(|(imported, _)| imported.as_str());
    let (mut reached, mut pending) = (BTreeSet::new(), of(file).collect::<Vec<_>>());
    while let Some(next) = pending.pop() {
        if reached.insert(next) {
            pending.extend(of(next));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let path = |name: &str| format!("crates/x/src/{name}.rs");
        let sources: Vec<Source> =
            files.iter().map(|(name, text)| Source::new(&path(name), (*text).to_owned())).collect();
        let all = check(&sources, &BTreeSet::new()).into_iter();
        all.filter(|(_, finding)| !finding.is_note).map(|(_, finding)| finding.message).collect()
    }

    #[test]
    fn two_files_that_import_each_other_are_a_circle() {
        let files =
            [("lib", "mod a;\nmod b;\n"), ("a", "use crate::b::B;\n"), ("b", "fn f() { super::a::g() }\n")];
        let message = "2 files import each other: crates/x/src/a.rs, crates/x/src/b.rs";
        assert_eq!(found(&files), [message]);
    }

    #[test]
    fn handing_on_is_no_import_and_is_followed_to_the_file_behind_it() {
        // The child of `a` uses `c` by way of the root, which hands on what `a` and `c` define.
        let files = [
            ("lib", "mod a;\nmod c;\npub use a::A;\npub use c::C;\n"),
            ("a", "mod d;\npub(crate) use d::D;\npub struct A;\n"),
            ("a/d", "use crate::C;\nuse super::A;\npub struct D;\n"),
            ("c", "pub struct C;\n"),
        ];
        assert!(found(&files).is_empty());
        let mut round = files;
        round[1].1 = "mod d;\npub(crate) use d::D;\npub struct A(D);\n";
        assert_eq!(found(&round).len(), 1);
        let mut round = files;
        round[3].1 = "use crate::a::D;\npub struct C;\n";
        assert_eq!(found(&round), ["2 files import each other: crates/x/src/a/d.rs, crates/x/src/c.rs"]);
    }

    #[test]
    fn modules_inside_of_a_file_belong_to_it() {
        let files = [
            ("lib", "mod a;\nmod b;\n"),
            ("a", "mod inner {\n  use super::f;\n  use super::super::b::B;\n}\nfn f() {}\n"),
            ("b", "use crate::a::f;\npub struct B;\n"),
        ];
        assert_eq!(found(&files).len(), 1);
    }
}
