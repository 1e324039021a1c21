//! The dependency steps of `cargo xtask test`: which crate may depend on which, checked by `cargo tree`.
//!
//! *Arrows*: the crates of the workspace form the layers of the architecture, and only one crate each depends
//! on Python, HTTP and sockets. *Purity*: the crates that decide have no library below them with a clock,
//! thread, file, socket or randomness of its own, and they build for a machine that has none of these. The
//! tables at the top are the rules; the rest reads and compares.

use std::collections::BTreeSet;
use std::path::Path;

use crate::process::{cargo, output, run};
use crate::test::Outcome;
use crate::tidy::PURE_CRATES;
use crate::{Fallible, workspace};

/// For each crate, the crates of the workspace that it may depend on. The order is the architecture's: words,
/// decisions, data, shells.
const ARROWS: &[(&str, &[&str])] = &[
    ("types", &[]),
    ("events", &[]),
    ("conf", &[]),
    ("plan", &["types"]),
    ("protocol", &["types"]),
    ("scheduler", &["types", "plan", "protocol"]),
    ("status", &["types", "events"]),
    ("standalone", &["types", "protocol"]),
    ("lending", &["types"]),
    ("recovery", &["types"]),
    ("macros", &[]),
    ("closures", &["types"]),
    ("data", &[]),
    ("kernels", &[]),
    ("storage", &["types", "data"]),
    ("shuffle", &["types", "data", "storage"]),
    ("io", &["types", "conf", "data"]),
    ("eventlog", &["events", "conf", "io"]),
    ("ui", &["conf", "events", "status", "eventlog", "io"]),
    ("tables", &["types", "io"]),
    ("operators", &["types", "protocol", "closures", "data", "storage", "shuffle", "io"]),
    ("net", &[]),
    ("transfer", &["types", "protocol", "data", "storage", "shuffle", "net"]),
    (
        "executor",
        &[
            "types",
            "plan",
            "protocol",
            "closures",
            "data",
            "storage",
            "shuffle",
            "io",
            "operators",
            "net",
            "transfer",
        ],
    ),
    (
        "cluster",
        &["types", "conf", "protocol", "standalone", "lending", "data", "storage", "net", "transfer"],
    ),
    ("kubernetes", &["types", "conf", "protocol", "cluster"]),
    ("yarn", &["types", "conf", "protocol", "io", "cluster"]),
    (
        "driver",
        &[
            "types",
            "events",
            "conf",
            "plan",
            "protocol",
            "scheduler",
            "recovery",
            "status",
            "eventlog",
            "ui",
            "closures",
            "data",
            "storage",
            "shuffle",
            "io",
            "tables",
            "operators",
            "net",
            "transfer",
            "executor",
            "cluster",
            "kubernetes",
            "yarn",
        ],
    ),
    (
        "firesteel",
        &[
            "types",
            "events",
            "conf",
            "plan",
            "macros",
            "closures",
            "data",
            "io",
            "tables",
            "operators",
            "executor",
            "cluster",
            "driver",
        ],
    ),
    ("cli", &["conf", "net", "cluster", "kubernetes", "yarn", "ui"]),
    (
        "python",
        &[
            "types",
            "conf",
            "protocol",
            "data",
            "io",
            "tables",
            "kernels",
            "operators",
            "transfer",
            "executor",
            "driver",
            "cli",
        ],
    ),
    ("sim", &["types", "plan", "scheduler", "status", "standalone", "lending", "recovery"]),
    ("fuzz", &["types", "plan", "protocol", "recovery", "closures", "data", "io", "tables", "net", "yarn"]),
    ("benches", &["firesteel"]),
    ("examples", &["firesteel"]),
    (
        "closure-matrix",
        &["types", "plan", "protocol", "closures", "data", "storage", "operators", "executor", "firesteel"],
    ),
    ("closure-matrix-plugin", &["closure-matrix"]),
];

/// Libraries on which only the listed crates may depend directly.
const KNOWN_ONLY_BY: &[(&str, &[&str])] = &[
    ("pyo3", &["python"]),
    ("axum", &["ui"]),
    ("hyper", &["ui"]),
    ("tower-http", &["ui"]),
    ("askama", &["ui"]),
    ("rustls", &["net"]),
    ("tokio-rustls", &["ui"]),
    ("socket2", &["net"]),
    ("kube", &["kubernetes"]),
    ("k8s-openapi", &["kubernetes"]),
];

/// Libraries that a pure crate may have below it, at any depth: all of them only compute.
const PURE_LIBRARIES: &[&str] = &[
    "arrayvec",
    "base64",
    "bitflags",
    "bytes",
    "cobs",
    "crc32fast",
    "either",
    "embedded-io",
    "equivalent",
    "foldhash",
    "hashbrown",
    "hex",
    "indexmap",
    "itertools",
    "itoa",
    "memchr",
    "postcard",
    "proc-macro2",
    "quote",
    "ryu",
    "serde",
    "serde_bytes",
    "serde_core",
    "serde_derive",
    "serde_json",
    "siphasher",
    "smallvec",
    "syn",
    "thiserror",
    "thiserror-impl",
    "unicode-ident",
    "xxhash-rust",
    "zmij",
];

/// Libraries that a pure crate must never depend on, with the reason; anything else unlisted is a question.
const IMPURE_LIBRARIES: &[(&str, &str)] = &[
    ("async-std", "runs threads and sockets"),
    ("chrono", "reads the clock"),
    ("crossbeam-channel", "waits"),
    ("fastrand", "makes its own chance"),
    ("getrandom", "makes its own chance"),
    ("libc", "speaks to the operating system"),
    ("mio", "waits on sockets"),
    ("parking_lot", "locks"),
    ("rand", "makes its own chance"),
    ("rayon", "runs threads"),
    ("rustix", "speaks to the operating system"),
    ("smol", "runs threads and sockets"),
    ("socket2", "opens sockets"),
    ("tempfile", "touches files"),
    ("time", "reads the clock"),
    ("tokio", "runs threads and sockets"),
    ("uuid", "makes its own chance"),
];

const WASM: &str = "wasm32-unknown-unknown";

pub(crate) fn check_arrows() -> Outcome {
    let tree = match output(&mut cargo(&[
        "tree",
        "--workspace",
        "--all-features",
        "--edges",
        "normal",
        "--depth",
        "1",
        "--prefix",
        "depth",
        // Without it, a crate that was listed before is listed without its dependencies.
        "--no-dedupe",
    ])) {
        Ok(tree) => tree,
        Err(message) => return Outcome::Failed(message),
    };
    let wrong = wrong_arrows(&tree);
    if wrong.is_empty() { Outcome::Passed } else { Outcome::Failed(wrong.join("\n")) }
}

/// Reads `0name version` and `1name version` lines: a crate, then what it depends on.
fn wrong_arrows(tree: &str) -> Vec<String> {
    let mut wrong = BTreeSet::new();
    let mut unused = allowed_arrows();
    let mut from = "";
    for line in tree.lines() {
        let Some((depth, rest)) = line.split_at_checked(1) else { continue };
        let name = rest.split(' ').next().unwrap_or("");
        if depth == "0" {
            from = short_name(name).unwrap_or(name);
            unused.retain(|(unused_from, to)| *unused_from != from || !to.is_empty());
            let is_listed = from == "xtask" || ARROWS.iter().any(|(listed, _)| *listed == from);
            if !is_listed {
                wrong.insert(format!(
                    "`{from}` has no row in the table of arrows, in xtask/src/dependencies.rs"
                ));
            }
        } else {
            wrong.extend(wrong_arrow(from, name));
            unused.retain(|arrow| Some(*arrow) != short_name(name).map(|to| (from, to)));
        }
    }
    wrong.extend(unused.into_iter().map(|(from, to)| match to {
        "" => format!("the table of arrows has a row for `{from}`, which is no crate"),
        to => format!(
            "the table of arrows allows `{from}` to depend on `{to}`, which it does not: take that out"
        ),
    }));
    wrong.into_iter().collect()
}

/// Returns all that the table allows, and each row with nothing: unused entries are findings, since they would
/// let the table rot.
fn allowed_arrows() -> Vec<(&'static str, &'static str)> {
    ARROWS
        .iter()
        .flat_map(|(from, to)| std::iter::once((*from, "")).chain(to.iter().map(|to| (*from, *to))))
        .collect()
}

fn wrong_arrow(from: &str, name: &str) -> Option<String> {
    let Some(to) = short_name(name) else {
        let (_, knowers) = KNOWN_ONLY_BY.iter().find(|(library, _)| *library == name)?;
        return (!knowers.contains(&from)).then(|| format!("`{from}` knows {name}; only {knowers:?} may"));
    };
    let (_, allowed) = ARROWS.iter().find(|(listed, _)| *listed == from)?;
    (!allowed.contains(&to)).then(|| format!("`{from}` depends on `{to}`; it may depend on {allowed:?}"))
}

/// Returns `scheduler` for `firesteel-scheduler`; other crates of the table have no shorter name.
fn short_name(name: &str) -> Option<&str> {
    let is_listed = ARROWS.iter().any(|(listed, _)| *listed == name);
    name.strip_prefix("firesteel-").or_else(|| is_listed.then_some(name))
}

pub(crate) fn check_purity() -> Outcome {
    let mut wrong = Vec::new();
    let present: Vec<&str> =
        PURE_CRATES.iter().copied().filter(|name| workspace::crate_dir(name).is_some()).collect();
    for name in &present {
        let package = format!("firesteel-{name}");
        let words = ["tree", "--package", &package, "--edges", "normal", "--prefix", "none"];
        match output(&mut cargo(&words)) {
            Ok(tree) => wrong.extend(impure_libraries(name, &tree)),
            Err(message) => wrong.push(message),
        }
    }
    if !wrong.is_empty() {
        return Outcome::Failed(wrong.join("\n"));
    }
    println!("pure: {}", present.join(", "));
    build_for_wasm(&present).into()
}

fn impure_libraries(pure: &str, tree: &str) -> BTreeSet<String> {
    let names = tree.lines().filter_map(|line| line.split(' ').next()).filter(|name| !name.is_empty());
    names
        .filter(|name| short_name(name).is_none() && !PURE_LIBRARIES.contains(name))
        .map(|name| match IMPURE_LIBRARIES.iter().find(|(library, _)| *library == name) {
            Some((_, why)) => format!("`{pure}` is pure and has {name} below it, which {why}"),
            None => format!(
                "`{pure}` has {name} below it: if that only computes, list it in xtask/src/dependencies.rs"
            ),
        })
        .collect()
}

/// Builds the crates for a machine without clocks and threads, if its standard library is installed.
fn build_for_wasm(crates: &[&str]) -> Fallible {
    let folder =
        output(std::process::Command::new("rustc").args(["--print", "target-libdir", "--target", WASM]))?;
    if !Path::new(folder.trim()).is_dir() {
        println!("(not built for {WASM}: its standard library is not installed)");
        return Ok(());
    }
    let mut build = cargo(&["check", "--quiet", "--target", WASM]);
    build.args(crates.iter().map(|name| format!("--package=firesteel-{name}")));
    run(&mut build)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_go_one_way() {
        let all: String = ARROWS.iter().map(|(from, to)| tree_of(from, to)).collect();
        assert!(wrong_arrows(&all).is_empty());
        assert_eq!(wrong_arrows(&format!("{all}1firesteel-scheduler v0.1.0\n1hyper v1\n")).len(), 2);
        assert_eq!(wrong_arrows(&format!("{all}0firesteel-novelty v0.1.0\n")).len(), 1);
        let without_one: String = ARROWS.iter().skip(1).map(|(from, to)| tree_of(from, to)).collect();
        assert_eq!(
            wrong_arrows(&without_one),
            ["the table of arrows has a row for `types`, which is no crate"]
        );
        let unused = all.replace("0firesteel-plan v0\n1firesteel-types v0\n", "0firesteel-plan v0\n");
        assert!(wrong_arrows(&unused)[0].contains("`plan` to depend on `types`"));
    }

    fn tree_of(from: &str, to: &[&str]) -> String {
        let package =
            |name: &str| if name == "firesteel" { name.into() } else { format!("firesteel-{name}") };
        let below: String = to.iter().map(|to| format!("1{} v0\n", package(to))).collect();
        format!("0{} v0\n{below}", package(from))
    }

    #[test]
    fn the_table_itself_has_no_cycle() {
        for (index, (_, allowed)) in ARROWS.iter().enumerate() {
            for to in *allowed {
                let at = ARROWS.iter().position(|(name, _)| name == to);
                assert!(at.is_some_and(|at| at < index), "{to} stands before what may use it");
            }
        }
    }

    #[test]
    fn pure_crates_see_only_what_computes() {
        assert!(impure_libraries("plan", "firesteel-plan v0.1.0\nserde v1.0.0\n").is_empty());
        assert_eq!(impure_libraries("plan", "firesteel-plan v0.1.0\ntokio v1.0.0\nnovelty v2\n").len(), 2);
    }
}
