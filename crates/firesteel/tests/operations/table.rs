//! The table of operations: a public method without a test fails here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn sources(dir: &str) -> impl Iterator<Item = String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
}

/// Whether a source file holds operations of the context.
fn makes_rdds(source: &str) -> bool {
    ["fn parallelize", "fn sequence_file"].iter().any(|method| source.contains(method))
}

/// The public methods of a source file, with the type that each belongs to. What the documentation hides is for other faces, which
/// test it.
fn public_methods(source: &str) -> Vec<(String, String)> {
    let (mut methods, mut owner) = (vec![], String::new());
    let (mut is_hidden, mut before) = (false, "");
    for line in source.lines() {
        let follows = std::mem::replace(&mut before, line);
        if line.starts_with("impl") {
            is_hidden = follows == "#[doc(hidden)]";
            let of = line.split(" for ").last().unwrap_or_default();
            owner = ["RddBarrier", "Rdd<", "Context", "StatCounter", "FutureAction"]
                .into_iter()
                .find(|name| {
                    of.contains(&format!("{name} "))
                        || of.contains(name) && name.ends_with('<')
                        || of.contains(&format!("{name}<"))
                })
                .unwrap_or_default()
                .trim_end_matches('<')
                .into();
        }
        if !is_hidden
            && follows != "    #[doc(hidden)]"
            && let Some(rest) = line.strip_prefix("    pub fn ")
        {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            methods.push((owner.clone(), name.into()));
        }
    }
    methods
}

/// The bodies of the functions of the tests, by name. Two of one name are one.
fn test_bodies() -> BTreeMap<String, String> {
    let mut bodies = BTreeMap::<String, String>::new();
    for source in sources("tests/operations") {
        let mut name = String::new();
        for line in source.lines() {
            let declared = line.trim_start().strip_prefix("fn ");
            if let Some(declared) = declared.filter(|_| line.len() - line.trim_start().len() <= 4) {
                name = declared.split(['(', '<']).next().unwrap_or_default().into();
            }
            bodies.entry(name.clone()).or_default().push_str(line);
        }
    }
    bodies
}

fn calls(body: &str, operation: &str) -> bool {
    body.contains(&format!(".{operation}(")) || body.contains(&format!(".{operation}::<"))
}

/// Whether the test of an operation calls it, itself or through a `check_...` of its own.
fn is_tested(bodies: &BTreeMap<String, String>, operation: &str) -> bool {
    let Some(body) = bodies.get(operation) else { return false };
    let helpers =
        bodies.iter().filter(|(name, _)| body.contains(&format!("{name}(")) && name.starts_with("check_"));
    calls(body, operation) || helpers.into_iter().any(|(_, helper)| calls(helper, operation))
}

#[test]
fn every_operation_has_a_test_of_its_name() {
    let (bodies, mut missing, mut found) = (test_bodies(), vec![], 0);
    let all = sources("src/rdd").chain(sources("src").filter(|source| makes_rdds(source)));
    for (owner, operation) in all.flat_map(|source| public_methods(&source)) {
        found += 1;
        let has_test = match owner.as_str() {
            "Rdd" | "Context" => is_tested(&bodies, &operation),
            // Part of an answer: any test may look at it.
            "StatCounter" => bodies.values().any(|body| calls(body, &operation)),
            // Told in the tests of jobs.
            "FutureAction" => true,
            // In tests/barriers.rs.
            "RddBarrier" => true,
            other => {
                panic!("`{operation}` is a public method of a type that this test does not know: {other:?}")
            }
        };
        if !has_test {
            missing.push(format!("{owner}::{operation}"));
        }
    }
    assert!(found > 120, "only {found} operations were found");
    assert!(missing.is_empty(), "operations without a test: {missing:?}");
}
