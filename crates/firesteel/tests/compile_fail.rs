//! Programs that the compiler must refuse, each with the text that a person then reads (`compile_fail/*.stderr`).
//!
//! The texts are the compiler's, with ours in them, so they are compared with the very compiler that the workspace promises;
//! with another one the test says aloud that it was skipped. After a change of ours, `TRYBUILD=overwrite` writes them anew:
//! read what comes, as somebody who wrote the program would.
//!
//! Closures whose size alone gives them away pass `cargo check`, which is all that happens here; they are in `foreign_crate`.

use std::process::Command;

/// The compiler whose texts are held: `rust-version` of the workspace.
const COMPILER: &str = concat!("rustc ", env!("CARGO_PKG_RUST_VERSION"), ".");

#[test]
fn programs_that_cannot_run_on_executors_are_refused_with_a_way_out() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("a compiler, since one compiled this");
    let version = String::from_utf8_lossy(&output.stdout);
    if !version.starts_with(COMPILER) {
        eprintln!("SKIPPED: the texts are those of `{COMPILER}x`, and this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
