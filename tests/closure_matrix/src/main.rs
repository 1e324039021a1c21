//! The driver of the closure matrix: sends its closures to other processes of itself, and says what held.
//!
//! Without arguments it makes every check of [`checks`]. It starts itself with an argument for another role: an executor, a
//! program that is replaced on disk while it runs, the host of a plugin.

mod checks;
mod host;
mod stages;

use closure_matrix::{Checked, executor};
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let checked = match words[..] {
        [] => checks::all(),
        ["executor"] => {
            executor::serve();
            Ok(())
        }
        ["replaced", own, other] => checks::replaced_while_it_runs(own, other),
        ["plugin", path, ..] => host::run_plugin(path),
        _ => Err(format!("did not understand {words:?}")),
    };
    report(checked)
}

fn report(checked: Checked) -> ExitCode {
    match checked {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("closure matrix: {why}");
            ExitCode::FAILURE
        }
    }
}
