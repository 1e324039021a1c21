//! The modules that one Rust file speaks of: which it declares, which items it defines, and which paths it imports or names.
//!
//! Read from the words of the blanked code, not by a parser of Rust: `mod`, `use` with its braces, the keywords that define an item,
//! and everything with a `::` in it. Tests are left out. Modules that are written inside the file are told by their braces.

use std::collections::BTreeSet;

use crate::tidy::source::Source;

/// The words before a name that a module defines. `macro_rules` stands before its name too, behind a `!`.
const DEFINING: &[&str] =
    &["fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"];

/// A path that is imported or named, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// The modules inside of the file that it stands in.
    pub(super) inside: Vec<String>,
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

/// One leaf of a `use`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) path: Path,
    /// The name that it has here: `*` for all that the path holds.
    pub(super) name: String,
    /// True if it is handed on to other modules.
    pub(super) is_public: bool,
}

/// The modules, items and paths of a file. Items and modules stand with the modules inside of the file that they are in.
#[derive(Debug, Default)]
pub(super) struct Surface {
    /// `mod name;`: another file.
    pub(super) children: Vec<(Vec<String>, String)>,
    /// `mod name { .. }`: a part of this one.
    pub(super) inner: Vec<Vec<String>>,
    pub(super) items: Vec<(Vec<String>, String)>,
    /// Those of the items that are macros.
    pub(super) macros: Vec<String>,
    pub(super) uses: Vec<Use>,
    pub(super) paths: Vec<Path>,
    /// Each word that stands for itself outside of a `use`: no field, no method, no later part of a path.
    pub(super) mentioned: BTreeSet<String>,
}

impl Surface {
    pub(super) fn of(source: &Source) -> Surface {
        let words = source.code_outside_tests().flat_map(|(line, code)| words(line, code)).collect();
        let mut reader = Reader { words, at: 0, depth: 0, inside: vec![], surface: Surface::default() };
        reader.read();
        reader.surface
    }
}

#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    line: usize,
}

fn is_name(text: &str) -> bool {
    text.starts_with(|char: char| char.is_alphabetic() || char == '_')
}

/// Names, `::`, and every other character by itself.
fn words(line: usize, code: &str) -> Vec<Word<'_>> {
    let (mut found, mut rest) = (vec![], code.trim_start());
    while let Some(first) = rest.chars().next() {
        let is_letter = |char: char| char.is_alphanumeric() || char == '_';
        let length = match first {
            _ if is_letter(first) => rest.find(|char| !is_letter(char)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        found.push(Word { text: &rest[..length], line });
        rest = rest[length..].trim_start();
    }
    found
}

struct Reader<'a> {
    words: Vec<Word<'a>>,
    at: usize,
    depth: usize,
    /// The open modules of this file, and the depth of braces that each closes at.
    inside: Vec<(String, usize)>,
    surface: Surface,
}

impl<'a> Reader<'a> {
    fn read(&mut self) {
        while self.at < self.words.len() {
            let before = if self.at == 0 { "" } else { self.words[self.at - 1].text };
            match (self.text(0), self.text(1)) {
                ("{", _) => self.open(),
                ("}", _) => self.close(),
                ("mod", name) if is_name(name) => self.read_module(name),
                ("use", next) if next != "<" => self.read_use(),
                (word, name) if DEFINING.contains(&word) => self.read_item(word, name),
                (word, "::") if is_name(word) && before != "::" => self.read_path(),
                (word, _) => {
                    if is_name(word) && !matches!(before, "." | "::") {
                        self.surface.mentioned.insert(word.to_owned());
                    }
                    self.at += 1;
                }
            }
        }
    }

    /// The word so many further on; empty behind the end.
    fn text(&self, offset: usize) -> &'a str {
        self.words.get(self.at + offset).map_or("", |word| word.text)
    }

    fn line(&self) -> usize {
        self.words.get(self.at).map_or(0, |word| word.line)
    }

    fn here(&self) -> Vec<String> {
        self.inside.iter().map(|(name, _)| name.clone()).collect()
    }

    fn open(&mut self) {
        self.depth += 1;
        self.at += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.inside.last().is_some_and(|(_, depth)| *depth == self.depth) {
            self.inside.pop();
        }
        self.at += 1;
    }

    fn read_module(&mut self, name: &str) {
        let ends = self.text(2);
        self.at += 2;
        if ends == ";" {
            self.surface.children.push((self.here(), name.to_owned()));
        } else if ends == "{" {
            self.inside.push((name.to_owned(), self.depth));
            self.surface.inner.push(self.here());
        }
    }

    /// Only what stands directly in a module is an item of it; a method is none.
    fn read_item(&mut self, word: &str, name: &str) {
        let is_macro = word == "macro_rules";
        let name = if is_macro { self.text(2) } else { name };
        if is_macro {
            self.surface.macros.push(name.to_owned());
        }
        let is_in_module = self.depth == self.inside.last().map_or(0, |(_, depth)| depth + 1);
        if is_in_module && is_name(name) {
            self.surface.items.push((self.here(), name.to_owned()));
        }
        // The name itself is no mention of another of that name.
        self.at += if is_name(name) && !is_macro { 2 } else { 1 };
    }

    fn read_path(&mut self) {
        let (line, mut segments) = (self.line(), vec![self.text(0).to_owned()]);
        self.surface.mentioned.insert(segments[0].clone());
        self.at += 1;
        while self.text(0) == "::" && is_name(self.text(1)) {
            segments.push(self.text(1).to_owned());
            self.at += 2;
        }
        let inside = self.here();
        self.surface.paths.push(Path { inside, segments, line });
    }

    fn read_use(&mut self) {
        let is_public = self.is_behind_visibility();
        self.at += 1;
        self.read_tree(&[], is_public);
    }

    /// Returns whether `pub` or `pub(..)` stands before this word.
    fn is_behind_visibility(&self) -> bool {
        let before = |count: usize| self.at.checked_sub(count).map_or("", |at| self.words[at].text);
        before(1) == "pub" || (before(1) == ")" && (before(4) == "pub" || before(5) == "pub"))
    }

    /// Reads one tree of a `use`, up to the comma, brace or semicolon behind it.
    fn read_tree(&mut self, prefix: &[String], is_public: bool) {
        let mut segments = prefix.to_vec();
        loop {
            let (line, word) = (self.line(), self.text(0));
            self.at += 1;
            match word {
                "::" => {}
                "{" => return self.read_branches(&segments, is_public),
                "*" => return self.push_use(segments, "*", is_public, line),
                word if is_name(word) => {
                    if word != "self" || prefix.is_empty() || segments.len() > prefix.len() {
                        segments.push(word.to_owned());
                    }
                    if self.text(0) == "::" {
                        continue;
                    }
                    let mut name = segments.last().cloned().unwrap_or_default();
                    if self.text(0) == "as" {
                        name = self.text(1).to_owned();
                        self.at += 2;
                    }
                    return self.push_use(segments, &name, is_public, line);
                }
                _ => return,
            }
        }
    }

    fn read_branches(&mut self, prefix: &[String], is_public: bool) {
        while !matches!(self.text(0), "}" | ";" | "") {
            if self.text(0) == "," {
                self.at += 1;
            } else {
                self.read_tree(prefix, is_public);
            }
        }
        self.at += 1;
    }

    fn push_use(&mut self, segments: Vec<String>, name: &str, is_public: bool, line: usize) {
        let path = Path { inside: self.here(), segments, line };
        self.surface.uses.push(Use { path, name: name.to_owned(), is_public });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(text: &str) -> Surface {
        Surface::of(&Source::new("crates/a/src/b.rs", text.to_owned()))
    }

    fn imports(text: &str) -> Vec<(String, String, bool)> {
        let uses = surface(text).uses.into_iter();
        uses.map(|leaf| (leaf.path.segments.join("::"), leaf.name, leaf.is_public)).collect()
    }

    #[test]
    fn every_leaf_of_a_use_is_an_import() {
        let found = imports(
            "use crate::{\n  a::{self, B as C},\n  d::*,\n};\npub(crate) use self::e::F;\npub use g;",
        );
        let leaf = |path: &str, name: &str, is_public| (path.to_owned(), name.to_owned(), is_public);
        let expected = [
            leaf("crate::a", "a", false),
            leaf("crate::a::B", "C", false),
            leaf("crate::d", "*", false),
            leaf("self::e::F", "F", true),
            leaf("g", "g", true),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn paths_items_and_inner_modules_are_told() {
        let text =
            "mod a;\nmod b {\n  fn c() { super::d::e(); x.f::<u8>() }\n}\nstruct G;\nimpl G { fn h() {} }\n";
        let surface = surface(text);
        assert_eq!(surface.children, [(vec![], "a".to_owned())]);
        assert_eq!(surface.inner, [vec!["b".to_owned()]]);
        let items = [(vec!["b".to_owned()], "c".to_owned()), (vec![], "G".to_owned())];
        assert_eq!(surface.items, items);
        let path = &surface.paths[0];
        assert_eq!((path.segments.join("::"), path.inside.len(), path.line), ("super::d::e".into(), 1, 3));
    }

    #[test]
    fn tests_and_comments_say_nothing() {
        let surface = surface("// use crate::a;\n#[cfg(test)]\nmod tests {\n  use super::*;\n}\n");
        assert!(surface.uses.is_empty() && surface.inner.is_empty());
    }
}
