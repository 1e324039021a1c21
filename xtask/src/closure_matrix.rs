//! `cargo xtask closure-matrix`: closures travel between processes whatever the profile of the program.
//!
//! The names of closures are positions in the program's file, which compiler and linker choose; so the fixture
//! `tests/closure_matrix` is built with the settings that move, merge and fold code, and runs its checks each
//! time. This file has the combinations, which cover each pair of settings, and the builds; the checks are
//! described there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::args::Args;
use crate::process::{cargo, find_program, output, run as run_process};
use crate::test::Outcome;
use crate::{Fallible, optimised, workspace};

pub(crate) const HELP: &str = "
Builds the driver of tests/closure_matrix in several profiles and has each send its closures to other processes. Run it before a
release: `cargo xtask test` builds two of them.

  --only NAME     this combination; may be repeated
  --list          list the combinations

Examples:
  cargo xtask closure-matrix
  cargo xtask closure-matrix --only release-fat-folded
";

/// One way to build. All optimise or not, so the rest is expressed in cargo's profiles.
struct Combination {
    name: &'static str,
    optimise: bool,
    fat_lto: bool,
    codegen_units: u32,
    extra: Extra,
}

/// A setting that only one combination has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extra {
    Nothing,
    /// Identical functions are folded by the linker, even if that changes whether their addresses are equal.
    Folding,
    /// The same, in cargo's own release profile: what other steps have compiled serves this one.
    PlainFolding,
    /// Panics end the process, in a program with the whole of Firesteel.
    Abort,
    /// A static program.
    Musl,
}

const COMBINATIONS: &[Combination] = &[
    Combination { name: "dev", optimise: false, fat_lto: false, codegen_units: 256, extra: Extra::Nothing },
    Combination { name: "dev-fat", optimise: false, fat_lto: true, codegen_units: 1, extra: Extra::Nothing },
    Combination { name: "release", optimise: true, fat_lto: false, codegen_units: 1, extra: Extra::Nothing },
    Combination {
        name: "release-fat-folded",
        optimise: true,
        fat_lto: true,
        codegen_units: 256,
        extra: Extra::Folding,
    },
    Combination {
        name: "plain-folded",
        optimise: true,
        fat_lto: false,
        codegen_units: 16,
        extra: Extra::PlainFolding,
    },
    Combination { name: "abort", optimise: false, fat_lto: false, codegen_units: 16, extra: Extra::Abort },
    Combination { name: "musl", optimise: true, fat_lto: false, codegen_units: 16, extra: Extra::Musl },
];

/// The package of the shared object that a host loads.
const PLUGIN: &str = "closure-matrix-plugin";

pub(crate) fn run(mut args: Args) -> Fallible {
    let only = args.options("--only")?;
    let list = args.flag("--list");
    args.finish()?;
    if let Some(name) = only.iter().find(|name| !COMBINATIONS.iter().any(|one| one.name == **name)) {
        return Err(format!("no combination `{name}`; `cargo xtask closure-matrix --list` lists them"));
    }
    if list {
        COMBINATIONS.iter().for_each(|one| println!("{:<20}{}", one.name, one.settings()));
        return Ok(());
    }
    run_combinations(&only)
}

/// The one that most people build, with code folded. The others are built before a release: `cargo xtask closure-matrix`. Development builds
/// are covered by all tests that run in several processes.
const IN_EVERY_RUN: [&str; 1] = ["plain-folded"];

pub(crate) fn step() -> Outcome {
    run_combinations(&IN_EVERY_RUN.map(String::from)).into()
}

/// Runs all requested combinations, and goes on after one that fails.
fn run_combinations(only: &[String]) -> Fallible {
    let host = host()?;
    let mut failed = Vec::new();
    for combination in COMBINATIONS.iter().filter(|one| only.is_empty() || only.iter().any(|n| n == one.name))
    {
        println!("{}: {}", combination.name, combination.settings());
        let target = match combination.extra {
            Extra::Musl => host.replace("-gnu", "-musl"),
            _ => host.clone(),
        };
        if target != host
            && let Some(missing) = missing_for(&target)
        {
            println!("  NOT TESTED: {missing}");
            continue;
        }
        let start = Instant::now();
        if let Err(message) = combination.build_and_run(&target) {
            println!("  FAILED: {message}");
            failed.push(combination.name);
        }
        println!("  {:.1} s", start.elapsed().as_secs_f64());
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("closures do not travel in: {}", failed.join(", "))) }
}

impl Combination {
    fn settings(&self) -> String {
        let opt_level = if self.optimise { 3 } else { 0 };
        let lto = if self.fat_lto { "fat" } else { "off" };
        let extra = match self.extra {
            Extra::Nothing => "",
            Extra::Folding | Extra::PlainFolding => ", identical code folded by the linker",
            Extra::Abort => ", panic = \"abort\"",
            Extra::Musl => ", static with musl",
        };
        format!("opt-level = {opt_level}, lto = \"{lto}\", codegen-units = {}{extra}", self.codegen_units)
    }

    fn build_and_run(&self, target: &str) -> Fallible {
        if self.extra == Extra::PlainFolding {
            return build_and_run_plainly();
        }
        // One folder for all of them: cargo tells their files apart, and builds programs for the host only
        // once.
        let folder = workspace::target_dir().join("closure-matrix");
        run_process(&mut self.build(&folder, target))?;
        let built = folder.join(target).join("release");
        let mut programs: Vec<PathBuf> = vec![built.join("closure-matrix")];
        if self.extra == Extra::Abort {
            programs.push(built.join("face"));
        }
        programs.into_iter().try_for_each(|program| run_process(&mut Command::new(program)))
    }

    fn build(&self, folder: &Path, target: &str) -> Command {
        let mut build =
            cargo(&["build", "--quiet", "--release", "--target", target, "--package", "closure-matrix"]);
        match self.extra {
            // A static program loads no shared object.
            Extra::Musl => &mut build,
            Extra::Abort => build.args(["--package", PLUGIN, "--features", "closure-matrix/face"]),
            Extra::Nothing | Extra::Folding | Extra::PlainFolding => build.args(["--package", PLUGIN]),
        };
        let rustflags = if self.extra == Extra::Folding { FOLD } else { "" };
        let switch = |on: bool| if on { "true" } else { "false" };
        build
            .env("CARGO_TARGET_DIR", folder)
            .env("RUSTFLAGS", rustflags)
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", if self.optimise { "3" } else { "0" })
            .env("CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS", switch(!self.optimise))
            .env("CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS", switch(!self.optimise))
            .env("CARGO_PROFILE_RELEASE_LTO", if self.fat_lto { "fat" } else { "off" })
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", self.codegen_units.to_string())
            .env("CARGO_PROFILE_RELEASE_PANIC", if self.extra == Extra::Abort { "abort" } else { "unwind" });
        build
    }
}

/// Builds in the workspace's own folder; the build scripts of our programs alone have the linker fold.
fn build_and_run_plainly() -> Fallible {
    let mut build = optimised::build(&["--bin", "closure-matrix", "--bin", "stranger", "--lib"]);
    run_process(build.env("FIRESTEEL_FOLD", "1"))?;
    run_process(&mut Command::new(workspace::target_dir().join("release/closure-matrix")))
}

/// Has the linker fold identical functions.
const FOLD: &str = "-Clink-arg=-Wl,--icf=all";

/// Returns the target that the compiler in use builds for by default.
fn host() -> Fallible<String> {
    let said = output(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| format!("cannot find the host in `{}`", said.trim()))
}

/// Returns what is missing to build for musl: the target, or a C compiler, since a dependency is written in C.
fn missing_for(target: &str) -> Option<String> {
    const C_COMPILER: &str = "musl-gcc";
    let listed = output(Command::new("rustup").args(["target", "list", "--installed"])).unwrap_or_default();
    if !listed.lines().any(|line| line == target) {
        return Some(format!("the target is not installed (`rustup target add {target}`)"));
    }
    find_program(C_COMPILER).is_none().then(|| format!("there is no `{C_COMPILER}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_of_settings_is_built_once() {
        for a in [false, true] {
            for b in [false, true] {
                let some = |meets: &dyn Fn(&Combination) -> bool| COMBINATIONS.iter().any(meets);
                assert!(some(&|one| one.optimise == a && one.fat_lto == b));
                assert!(some(&|one| one.optimise == a && one.codegen_units == if b { 256 } else { 1 }));
                assert!(some(&|one| one.fat_lto == a && one.codegen_units == if b { 256 } else { 1 }));
            }
        }
    }
}
