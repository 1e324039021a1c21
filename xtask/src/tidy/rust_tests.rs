//! Each rule about Rust files, shown on the smallest file that breaks it.

use super::*;

fn rules(path: &str, body: &str) -> Vec<&'static str> {
    let source = Source::new(path, format!("//! What this is.\n{body}\n"));
    check(&source, false).into_iter().map(|finding| finding.rule).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_file_opens_with_a_paragraph() {
    let source = Source::new("crates/io/src/a.rs", "use a;\n".to_owned());
    assert_eq!(check(&source, false)[0].rule, "header");
}

#[test]
fn a_file_ends_somewhere() {
    assert_eq!(rules("crates/io/src/a.rs", &"x;\n".repeat(MAX_FILE_LINES)), ["long-file"]);
}

#[test]
fn leftovers_are_found_in_code_and_not_in_prose() {
    assert_eq!(rules("crates/io/src/a.rs", concat!("fn a() { to", "do!() }")), ["leftover"]);
    assert_eq!(rules("crates/io/src/a.rs", concat!("// a to", "do! that was")), NOTHING);
}

#[test]
fn pure_crates_do_not_unwrap_outside_tests() {
    assert_eq!(rules("crates/plan/src/a.rs", "fn a() { b.unwrap() }"), ["unwrap"]);
    assert_eq!(rules("crates/plan/src/a.rs", "/// `b.unwrap()`\nfn a() { b.expect(\"c\") }"), NOTHING);
    assert_eq!(
        rules("crates/plan/src/a.rs", "#[cfg(test)]\nmod tests {\n  fn a() { b.unwrap() }\n}"),
        NOTHING
    );
    assert_eq!(rules("crates/plan/tests/a.rs", "fn a() { b.unwrap() }"), NOTHING);
    assert_eq!(rules("crates/io/src/a.rs", "fn a() { b.unwrap() }"), NOTHING);
}

#[test]
fn pure_crates_have_no_clock_thread_or_file() {
    assert_eq!(rules("crates/scheduler/src/a.rs", "let a = Instant::now();"), ["impure"]);
    assert_eq!(rules("crates/scheduler/src/dag/a.rs", "use std::{collections::BTreeMap, fs};"), ["impure"]);
    assert_eq!(rules("crates/executor/src/a.rs", "let a = Instant::now();"), NOTHING);
}

#[test]
fn people_are_told_by_the_log() {
    let print = "fn a() { eprintln!(\"b\") }";
    assert_eq!(rules("crates/io/src/a.rs", print), ["print"]);
    assert_eq!(rules("crates/driver/src/log.rs", print), NOTHING);
    assert_eq!(rules("crates/io/tests/a.rs", print), NOTHING);
    assert_eq!(rules("xtask/src/a.rs", print), NOTHING);
}

#[test]
fn unsafe_stands_in_listed_places_with_its_argument() {
    let argued = "// SAFETY: checked above.\nlet a =\n    unsafe { b() };";
    assert_eq!(rules("crates/io/src/a.rs", argued), ["unsafe"]);
    assert_eq!(rules("crates/closures/src/a.rs", argued), NOTHING);
    assert_eq!(rules("crates/closures/src/a.rs", "c();\nlet a = unsafe { b() };"), ["unsafe"]);
    assert_eq!(rules("crates/closures/src/a.rs", "type A = unsafe fn(*const u8);"), NOTHING);
    assert_eq!(rules("crates/io/src/a.rs", "#![deny(unsafe_op_in_unsafe_fn)]"), NOTHING);
}

#[test]
fn names_say_something() {
    assert_eq!(rules("crates/io/src/a.rs", "pub mod utils;"), ["empty-name"]);
    assert!(check_name("crates/common/src/lib.rs").is_some());
    assert!(check_name("crates/io/src/util.rs").is_some());
    assert!(check_name("crates/io/src/commit.rs").is_none());
    assert!(check_name("crates/io/src/commit/mod.rs").is_some());
}
