//! Call sites from Python, which need no interpreter: the module is compiled here by itself.

#[path = "../src/sites.rs"]
mod sites;

use firesteel_types::CallSite;

fn site(operation: &str, file: &str, line: u32) -> CallSite {
    CallSite { operation: operation.into(), file: file.into(), line, ..CallSite::default() }
}

#[test]
fn a_call_site_names_the_operation_the_file_and_the_line() {
    assert_eq!(sites::parse("map at app.py:12"), site("map", "app.py", 12));
    assert_eq!(sites::parse("reduceByKey at /a b/x:1.py:7"), site("reduceByKey", "/a b/x:1.py", 7));
    assert_eq!(sites::parse("map at /look at this/app.py:3"), site("map", "/look at this/app.py", 3));
}

#[test]
fn a_text_of_another_form_is_shown_as_it_is() {
    for text in ["", "map", "map at", "map at app.py", "map at app.py:", "map at app.py:last", "map at a:-1"]
    {
        assert_eq!(sites::parse(text), site(text, "", 0));
    }
}
