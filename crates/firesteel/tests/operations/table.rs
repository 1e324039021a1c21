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
        // Old names do what new ones do.
        let is_old = follows.trim_start().starts_with("#[deprecated");
        if !is_hidden
            && !is_old
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

/// Returns the names of public methods, each with the text up to its body.
fn signatures(source: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = source.split("\n    pub fn ").collect();
    let public = parts.windows(2).filter(|pair| !pair[0].ends_with("#[doc(hidden)]")).map(|pair| pair[1]);
    let signature = public.map(|rest| rest.split_once(" {\n").map_or(rest, |(signature, _)| signature));
    signature.map(|text| (text.split(['(', '<']).next().unwrap_or_default().into(), one_line(text))).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(")
}

/// The methods that people call: without old ones, and without those for other faces.
fn all_signatures() -> Vec<(String, String)> {
    let is_for_people =
        |source: &String| !source.contains("#[deprecated") && !source.contains("#[doc(hidden)]\nimpl");
    let of_rdds = sources("src/rdd").filter(is_for_people);
    of_rdds
        .chain(sources("src").filter(|source| makes_rdds(source)))
        .flat_map(|source| signatures(&source))
        .collect()
}

#[test]
fn every_method_with_a_closure_has_a_form_with_an_environment() {
    let methods = all_signatures();
    let takes_closures = methods.iter().filter(|(_, signature)| signature.contains(" + Plain"));
    let plain = takes_closures.filter(|(name, _)| !name.ends_with("_with")).collect::<Vec<_>>();
    assert!(plain.len() > 30, "only {} methods with closures were found", plain.len());
    let without =
        plain.iter().filter(|(name, _)| !methods.iter().any(|(other, _)| *other == format!("{name}_with")));
    assert_eq!(without.map(|(name, _)| name).collect::<Vec<_>>(), Vec::<&String>::new());
}

/// As docs/rdd-guide.md says.
#[test]
fn an_ending_of_a_name_means_one_thing() {
    let meanings = [("_with", " environment: E,"), ("_into", "(&self, partitions: usize")];
    for (name, signature) in all_signatures() {
        for (ending, argument) in meanings {
            let has_meaning = signature.contains(argument);
            assert!(!name.ends_with(ending) || has_meaning, "`{name}` ends in `{ending}`: {signature}");
        }
        let takes_codec = signature.contains("codec: Codec") && !signature.contains("Format");
        assert_eq!(name.ends_with("_compressed"), takes_codec && name.starts_with("save_"), "{signature}");
    }
}

#[test]
#[allow(deprecated, reason = "that is what is tested")]
fn old_names_do_what_new_ones_do() {
    let sc = firesteel::Context::builder().master("local[2]").create().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_string();
    let lines = sc.parallelize(["a b".to_string(), "c".to_string()], 1);
    assert_eq!(lines.flat_map_into(|line, out| out.push(line.len())).collect().unwrap(), [3, 1]);
    assert_eq!(
        lines.flat_map_into_with(2, |n, line, out| out.push(line.len() * n)).collect().unwrap(),
        [6, 2]
    );
    assert_eq!(lines.pipe_with(&["cat"], &[]).count().unwrap(), 2);
    assert_eq!(sc.range(0..4).histogram_with(&[0.0, 2.0, 4.0]).unwrap(), [2, 2]);
    lines.save_as_text_file_with(&path("text"), firesteel::Codec::Gzip).unwrap();
    lines.save_as_json_lines_with(&path("json"), firesteel::Codec::Gzip).unwrap();
    let pairs = lines.map(|line| (line.len() as i64, line));
    pairs.save_as_csv_with(&path("csv"), firesteel::CsvFormat::default(), firesteel::Codec::Gzip).unwrap();
    let options = firesteel::SequenceOptions::block(firesteel::Codec::Gzip);
    pairs.save_as_sequence_file_with(&path("sequence"), options).unwrap();
    #[cfg(feature = "parquet")]
    pairs.save_as_parquet_with(&path("parquet"), firesteel::ParquetFormat::default()).unwrap();
    assert!(
        dir.path().join("text/part-00000.gz").exists() && dir.path().join("json/part-00000.json.gz").exists()
    );
}
