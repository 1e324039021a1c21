//! `cargo xtask`: the project's own commands.
//!
//! Everything that continuous integration runs, a person can run here with the same commands. The crate has no
//! dependencies, since it is the first thing built in a fresh clone. Each command is in a file of its own; this
//! file only chooses between them.

#![expect(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]

mod args;
mod bench;
mod chaos;
mod closure_matrix;
mod data;
mod dependencies;
mod examples;
mod fuzz;
mod instructions;
mod interop;
mod managers;
mod msrv;
mod optimised;
mod pages;
mod preemption;
mod process;
mod python;
mod quick;
mod release;
mod side_by_side;
mod sim;
mod test;
mod test_programs;
mod tidy;
mod workspace;

use std::process::ExitCode;

use args::Args;

/// The result of a command: nothing, or a sentence for a person.
type Fallible<T = ()> = Result<T, String>;

/// One command: its name, one line about it, its help, and what it does.
struct Command {
    name: &'static str,
    about: &'static str,
    help: &'static str,
    run: fn(Args) -> Fallible,
}

const COMMANDS: &[Command] = &[
    Command { name: "test", about: "run every check of the project", help: test::HELP, run: test::run },
    Command {
        name: "tidy",
        about: "rules about the tree, run, not remembered",
        help: tidy::HELP,
        run: tidy::run,
    },
    Command {
        name: "closure-matrix",
        about: "send closures between processes, in several profiles",
        help: closure_matrix::HELP,
        run: closure_matrix::run,
    },
    Command { name: "sim", about: "run the simulator over many seeds", help: sim::HELP, run: sim::run },
    Command {
        name: "chaos",
        about: "programs whose executors are killed and frozen",
        help: chaos::HELP,
        run: chaos::run,
    },
    Command {
        name: "preemption",
        about: "take half of the executors away, again and again",
        help: preemption::HELP,
        run: preemption::run,
    },
    Command {
        name: "bench",
        about: "measure by hand, Firesteel and Spark",
        help: bench::HELP,
        run: bench::run,
    },
    Command { name: "fuzz", about: "decoders with inputs made up", help: fuzz::HELP, run: fuzz::run },
    Command {
        name: "data",
        about: "fetch the data that the examples read",
        help: data::HELP,
        run: data::run,
    },
    Command {
        name: "instructions",
        about: "count instructions, against getting slower",
        help: instructions::HELP,
        run: instructions::run,
    },
    Command {
        name: "interop",
        about: "exchange files with other programs' servers",
        help: interop::HELP,
        run: interop::run,
    },
    Command {
        name: "release",
        about: "whether the tree can be released, and what would be uploaded",
        help: release::HELP,
        run: release::run,
    },
    Command {
        name: "conformance",
        about: "PySpark's own examples, run on Firesteel",
        help: python::conformance::HELP,
        run: python::conformance::run,
    },
    Command {
        name: "differential",
        about: "random programs in PySpark and in Firesteel",
        help: python::differential::HELP,
        run: python::differential::run,
    },
];

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(name) = words.next() else {
        print_overview();
        return ExitCode::FAILURE;
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        print_overview();
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprintln!("xtask: no command `{name}`; `cargo xtask help` lists them");
        return ExitCode::FAILURE;
    };
    let args = Args::new(words);
    if args.asks_for_help() {
        println!("cargo xtask {}: {}\n\n{}", command.name, command.about, command.help.trim());
        return ExitCode::SUCCESS;
    }
    match (command.run)(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // A command that has printed everything itself returns no message.
            if !message.is_empty() {
                eprintln!("xtask {name}: {message}");
            }
            ExitCode::FAILURE
        }
    }
}

fn print_overview() {
    println!("cargo xtask COMMAND [OPTIONS]\n");
    for command in COMMANDS {
        println!("  {:<16}{}", command.name, command.about);
    }
    println!("\n`cargo xtask COMMAND --help` tells more, with examples.");
}
