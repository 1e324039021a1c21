//! `cargo xtask release`: checks whether the tree can be released, and builds the files of the release.
//!
//! Manifests and changelog come first ([`manifests`]), since that takes no time. Then everything is built as it would be
//! uploaded: crates ([`crates`]), wheel and source distribution ([`distribution`]). Nothing is uploaded here; the commands
//! for that are printed.

mod crates;
mod distribution;
mod manifests;

use std::process::Command;

use crate::args::Args;
use crate::process::output;
use crate::{Fallible, workspace};

pub(crate) const HELP: &str = "
Checks that the tree can be released: nothing uncommitted, one version everywhere, an entry for it in CHANGELOG.md, and what the
registries ask of crates and wheels. Then builds and checks what would be uploaded: each crate as a package, compiled by itself; the
wheel with the profile `dist`, whose platform tag tells the oldest Linux that it runs on; the source distribution. They are left in
target/package and target/release-files. Uploads nothing, and says by which commands that is done.

  --dry-run       what there is; without it the command says that it uploads nothing
  --no-verify     the packages of crates are made and not compiled
  --zig           builds the wheel with zig as linker, for Linux distributions from 2018 on, wherever it is built
  --offline       asks no registry, for crates that are on the machine already
  --allow-dirty   goes on where files are not committed, to try it while working on it

Examples:
  cargo xtask release --dry-run
  cargo xtask release --dry-run --no-verify --offline --allow-dirty
";

/// The options of the command line.
struct Options {
    verify: bool,
    zig: bool,
    offline: bool,
}

pub(crate) fn run(mut args: Args) -> Fallible {
    let dry_run = args.flag("--dry-run");
    let allow_dirty = args.flag("--allow-dirty");
    let options = Options {
        verify: !args.flag("--no-verify"),
        zig: args.flag("--zig"),
        offline: args.flag("--offline"),
    };
    args.finish()?;
    if !dry_run {
        return Err(
            "uploads are done by hand: `cargo xtask release --dry-run` checks, and prints the commands"
                .into(),
        );
    }
    if !allow_dirty {
        refuse_uncommitted(&uncommitted()?)?;
    }
    let version = manifests::check()?;
    println!("version {version}: manifests and changelog are as they should be");
    let packages = crates::package(&options, &version)?;
    let files = distribution::build(&options, &version)?;
    manifests::check_address()?;
    println!("\nall of {version} can be released. By hand:");
    println!("  git tag --annotate v{version} --message 'Firesteel {version}' && git push origin v{version}");
    println!(
        "  cargo publish --workspace        # {} crates, in the order of their dependencies",
        packages.len()
    );
    println!("  python -m twine upload {}", files.join(" "));
    Ok(())
}

/// Returns the lines of `git status` about uncommitted files.
fn uncommitted() -> Fallible<String> {
    let mut git = Command::new("git");
    output(git.args(["status", "--porcelain"]).current_dir(workspace::root()))
}

fn refuse_uncommitted(listed: &str) -> Fallible {
    match listed.lines().next() {
        None => Ok(()),
        Some(first) => Err(format!(
            "{} files are not committed, such as `{}`: a release is what a commit holds",
            listed.lines().count(),
            first.get(3..).unwrap_or(first)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_with_uncommitted_files_is_refused_and_one_is_named() {
        assert!(refuse_uncommitted("").is_ok());
        let refused = refuse_uncommitted(" M README.md\n?? notes\n").unwrap_err();
        assert!(refused.starts_with("2 files") && refused.contains("`README.md`"), "{refused}");
    }

    #[test]
    fn nothing_is_uploaded_and_that_is_said() {
        let refused = run(Args::new(std::iter::empty())).unwrap_err();
        assert!(refused.contains("--dry-run"), "{refused}");
    }
}
