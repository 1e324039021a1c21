//! The MSRV step of `cargo xtask test`: checks that the oldest promised Rust works.
//!
//! Every crate of the workspace inherits `rust-version` from the workspace; the compiler in use is at least that; and when rustup has exactly that
//! toolchain beside a newer one in use, the workspace is checked with it.

use std::process::Command;

use crate::process::{find_program, output, run};
use crate::test::Outcome;
use crate::{Fallible, workspace};

pub(crate) fn check() -> Outcome {
    match versions() {
        Err(message) => Outcome::Failed(message),
        Ok((promised, used)) if used == promised => {
            println!("promised and in use: {}.{}", promised.0, promised.1);
            Outcome::Passed
        }
        Ok((promised, _)) => check_with(&format!("{}.{}", promised.0, promised.1)),
    }
}

type Version = (u32, u32);

/// Returns the promised version and the one in use, after checking that all manifests inherit the first.
fn versions() -> Fallible<(Version, Version)> {
    let root = workspace::root();
    let read =
        |path: &str| std::fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"));
    // Below `tests/` are packages that stand for a user's; the fuzzer is a workspace of its own.
    let is_ours = |path: &&String| {
        path.ends_with("/Cargo.toml") && !["tests/", "fuzz/"].iter().any(|other| path.starts_with(other))
    };
    for path in workspace::files()?.iter().filter(is_ours) {
        let inherits = read(path)?.lines().any(|line| line.trim() == "rust-version.workspace = true");
        if !inherits {
            return Err(format!("{path}: wants `rust-version.workspace = true`"));
        }
    }
    let manifest = read("Cargo.toml")?;
    let promise = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let promised = promise.and_then(version).ok_or("Cargo.toml: no rust-version for the workspace")?;
    let used = output(Command::new("rustc").arg("--version"))?;
    let used = version(&used).ok_or_else(|| format!("cannot read the version in `{}`", used.trim()))?;
    if used < promised {
        return Err(format!(
            "rustc {}.{} is older than the promised {}.{}",
            used.0, used.1, promised.0, promised.1
        ));
    }
    Ok((promised, used))
}

/// Returns the first `major.minor` in the text.
fn version(text: &str) -> Option<Version> {
    text.split(|char: char| !char.is_ascii_digit() && char != '.').find_map(|word| {
        let mut numbers = word.split('.').map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    })
}

fn check_with(toolchain: &str) -> Outcome {
    if find_program("rustup").is_none() || !has_toolchain(toolchain) {
        println!("(a newer compiler is in use, and rustup has no {toolchain} to check with)");
        return Outcome::Passed;
    }
    let folder = workspace::target_dir().join("msrv");
    let mut check = Command::new("rustup");
    check.args(["run", toolchain, "cargo", "check", "--workspace", "--all-targets", "--quiet"]);
    check
        .env("CARGO_TARGET_DIR", folder)
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("RUSTUP_TOOLCHAIN");
    run(&mut check).into()
}

fn has_toolchain(name: &str) -> bool {
    let listed = output(Command::new("rustup").args(["toolchain", "list"])).unwrap_or_default();
    listed.lines().any(|line| line.split('-').next() == Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_manifests_and_compilers() {
        assert_eq!(version("\"1.95\""), Some((1, 95)));
        assert_eq!(version("rustc 1.97.1 (abc 2026-01-01)"), Some((1, 97)));
        assert_eq!(version("none"), None);
    }
}
