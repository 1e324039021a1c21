//! `cargo xtask tidy`: checks that a reviewer should not have to make.
//!
//! Each rule is a function from one file to findings, so that three lines of test can call it; this file reads the tree, asks
//! every rule and prints. [`lists`] holds what the rules allow, with reasons. A *note* is shown and does not fail the run.

mod circles;
mod functions;
mod links;
mod lists;
mod prose;
mod python;
mod rust;
mod source;
mod text;

use std::collections::BTreeSet;

use crate::args::Args;
use crate::{Fallible, workspace};
use source::Source;

pub(crate) use lists::PURE_CRATES;

pub(crate) const HELP: &str = "
Checks headers, sizes, whitespace, leftovers (todo, dbg), unwrap and effects in pure crates, prints that pass the log by, unsafe
code, names, absolute paths, links, prose, and files that import each other in a circle. Prints `file:line: rule: message` for each finding. Notes are for the eye and do not fail the run.

  --no-notes      print only what fails the run

Examples:
  cargo xtask tidy
  cargo xtask tidy --no-notes
";

/// A finding of a rule on a line.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    line: usize,
    rule: &'static str,
    message: String,
    is_note: bool,
}

impl Finding {
    fn new(line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Finding { line, rule, message: message.into(), is_note: false }
    }

    fn note(line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Finding { is_note: true, ..Finding::new(line, rule, message) }
    }
}

pub(crate) fn run(mut args: Args) -> Fallible {
    let show_notes = !args.flag("--no-notes");
    args.finish()?;
    check(show_notes)
}

/// Checks the whole tree and prints the findings.
pub(crate) fn check(show_notes: bool) -> Fallible {
    let files = workspace::files()?;
    let (mut failures, mut notes) = (0, 0);
    for (file, finding) in findings_of(&files)? {
        let Finding { line, rule, message, is_note } = finding;
        *(if is_note { &mut notes } else { &mut failures }) += 1;
        if !is_note || show_notes {
            let kind = if is_note { "note: " } else { "" };
            println!("{file}:{line}: {kind}{rule}: {message}");
        }
    }
    println!("tidy: {} files, {failures} findings, {notes} notes", files.len());
    if failures == 0 { Ok(()) } else { Err(format!("{failures} findings")) }
}

fn findings_of(files: &[String]) -> Fallible<Vec<(String, Finding)>> {
    let sources = read(files)?;
    let test_files = source::files_declared_as_tests(&sources);
    let names: BTreeSet<&str> = files.iter().map(String::as_str).collect();
    let mut all = Vec::new();
    for source in &sources {
        let is_test_file = test_files.contains(source.path.as_str());
        let mut found = text::check(source);
        found.extend(rust::check_name(&source.path));
        if source.path.ends_with(".rs") {
            found.extend(rust::check(source, is_test_file));
            found.extend(functions::check(source, is_test_file));
            found.extend(prose::check(source, is_test_file));
        }
        if source.path.ends_with(".py") || source.path.ends_with(".pyi") {
            found.extend(python::check(source));
        }
        if source.path.ends_with(".md") {
            found.extend(links::check(source, &names));
        }
        found.sort_by_key(|finding| finding.line);
        all.extend(found.into_iter().map(|finding| (source.path.clone(), finding)));
    }
    all.extend(circles::check(&sources, &test_files));
    Ok(all)
}

/// Reads the text files among them; a file that is not UTF-8 is data, and no rule is about data.
fn read(files: &[String]) -> Fallible<Vec<Source>> {
    let mut sources = Vec::new();
    for file in files {
        let bytes =
            std::fs::read(workspace::root().join(file)).map_err(|error| format!("{file}: {error}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            sources.push(Source::new(file, text));
        }
    }
    Ok(sources)
}
