//! A program whose profile may say `panic = "abort"`: then Firesteel warns, once, and says what to write instead.
//!
//! It starts itself as a child that makes two contexts, and looks at what the child says on standard error.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("child") => make_contexts(),
        _ => look_at_a_child(),
    }
}

fn make_contexts() -> ExitCode {
    for _ in 0..2 {
        let sc = firesteel::Context::builder().master("local[1]").create().expect("a context can be made");
        assert_eq!(sc.range(0..10).map(|x| x + 1).count().expect("counting works"), 10);
    }
    ExitCode::SUCCESS
}

fn look_at_a_child() -> ExitCode {
    let child = Command::new("/proc/self/exe").arg("child").output().expect("this program starts");
    let said = String::from_utf8_lossy(&child.stderr);
    let warnings = said.matches("panic = \"abort\"").count();
    let expected = usize::from(cfg!(panic = "abort"));
    println!("  panic = \"abort\" is warned of: {warnings} times in two contexts");
    match child.status.success() && warnings == expected {
        true => ExitCode::SUCCESS,
        false => {
            eprintln!("face: expected {expected} warnings, and it said, with {}:\n{said}", child.status);
            ExitCode::FAILURE
        }
    }
}
