//! The modules of one crate, as a table in which a path leads to the file that defines what it names.
//!
//! A path is followed through re-exports, so that who imports by way of a parent imports the file behind it and not the parent.

use std::collections::{BTreeMap, BTreeSet};

use super::surface::{Path, Surface};
use crate::tidy::source::split_path;

/// How many re-exports are followed one after the other; more are a ring of imports of one name.
const MOST_REEXPORTS: usize = 16;

/// The path of a module from the crate's root, which is empty itself.
type ModulePath = Vec<String>;

/// The names of one module.
#[derive(Default)]
struct Scope {
    file: String,
    items: BTreeSet<String>,
    imports: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
}

/// The modules that the `mod` lines of a root file lead to.
pub(super) struct Modules {
    scopes: BTreeMap<ModulePath, Scope>,
    /// Where each macro is written: one that is exported is named at the root.
    macros: BTreeMap<String, String>,
    /// In which module each file is.
    pub(super) files: BTreeMap<String, ModulePath>,
}

impl Modules {
    pub(super) fn of(root: &str, surfaces: &BTreeMap<String, Surface>) -> Modules {
        let mut modules =
            Modules { scopes: BTreeMap::new(), macros: BTreeMap::new(), files: BTreeMap::new() };
        let mut pending = vec![(root.to_owned(), vec![])];
        while let Some((file, module)) = pending.pop() {
            let Some(surface) = surfaces.get(&file) else { continue };
            for (inside, child) in &surface.children {
                let below = [&inside[..], std::slice::from_ref(child)].concat();
                let candidates = child_files(&file, module.is_empty(), &below);
                if let Some(found) = candidates.into_iter().find(|name| surfaces.contains_key(name)) {
                    pending.push((found, [&module[..], &below].concat()));
                }
            }
            modules.add(&file, &module, surface);
            modules.files.insert(file, module);
        }
        modules
    }

    fn add(&mut self, file: &str, module: &[String], surface: &Surface) {
        self.scope(file, module, &[]);
        for inside in &surface.inner {
            self.scope(file, module, inside);
        }
        for (inside, name) in &surface.items {
            self.scope(file, module, inside).items.insert(name.clone());
        }
        for name in &surface.macros {
            self.macros.insert(name.clone(), file.to_owned());
        }
        for leaf in &surface.uses {
            let scope = self.scope(file, module, &leaf.path.inside);
            let path = leaf.path.segments.clone();
            if leaf.name == "*" {
                scope.globs.push(path);
            } else {
                scope.imports.entry(leaf.name.clone()).or_insert(path);
            }
        }
    }

    fn scope(&mut self, file: &str, module: &[String], inside: &[String]) -> &mut Scope {
        let scope = self.scopes.entry([module, inside].concat()).or_default();
        scope.file = file.to_owned();
        scope
    }

    /// The file that defines what a path in another file names; none for what is outside of the crate.
    pub(super) fn file_of(&self, module: &[String], path: &Path) -> Option<&str> {
        let module = [module, &path.inside[..]].concat();
        self.find(&module, &path.segments, MOST_REEXPORTS)
    }

    /// `fuel` bounds how many re-exports are followed.
    fn find(&self, module: &[String], path: &[String], fuel: usize) -> Option<&str> {
        let fuel = fuel.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(&[], rest, fuel),
            "self" => self.walk(module, rest, fuel),
            "super" => {
                let (_, parent) = module.split_last()?;
                match rest.first().map(String::as_str) {
                    Some("super") => self.find(parent, rest, fuel),
                    _ => self.walk(parent, rest, fuel),
                }
            }
            // A name of this module, or else of another crate.
            _ if self.holds(module, first) => self.walk(module, path, fuel),
            _ => None,
        }
    }

    /// Follows a path from a module that it is relative to.
    fn walk(&self, module: &[String], path: &[String], fuel: usize) -> Option<&str> {
        let scope = self.scopes.get(module)?;
        let Some((first, rest)) = path.split_first() else { return Some(&scope.file) };
        let child = [module, std::slice::from_ref(first)].concat();
        if self.scopes.contains_key(&child) {
            return self.walk(&child, rest, fuel);
        }
        if scope.items.contains(first) {
            return Some(&scope.file);
        }
        if let Some(target) = scope.imports.get(first) {
            return self.find(module, &[&target[..], rest].concat(), fuel);
        }
        let through = |glob: &Vec<String>| self.find(module, &[&glob[..], path].concat(), fuel);
        let is_elsewhere = |file: &&str| *file != scope.file;
        let exported = self.macros.get(first).filter(|_| module.is_empty()).map(String::as_str);
        // A macro may have made the name, so the module itself is the last guess.
        scope.globs.iter().filter_map(through).find(is_elsewhere).or(exported).or(Some(&scope.file))
    }

    fn holds(&self, module: &[String], name: &str) -> bool {
        let child = [module, &[name.to_owned()]].concat();
        let scope = self.scopes.get(module);
        self.scopes.contains_key(&child)
            || scope.is_some_and(|scope| scope.items.contains(name) || scope.imports.contains_key(name))
    }
}

/// Where the file of a module declared in another may lie.
fn child_files(file: &str, is_root: bool, below: &[String]) -> [String; 2] {
    let (folder, stem) = split_path(file);
    let folder = if is_root || stem == "mod" { folder.to_owned() } else { format!("{folder}{stem}/") };
    let path = below.join("/");
    [format!("{folder}{path}.rs"), format!("{folder}{path}/mod.rs")]
}
