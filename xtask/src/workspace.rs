//! Workspace paths: the root, the member crates, the folder of built files, and the files under version
//! control.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Fallible, process};

/// Returns the folder with the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&here).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Returns the folder that cargo builds into.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// Returns the folder of a crate below `crates/`, by its short name, if it exists.
pub(crate) fn crate_dir(short_name: &str) -> Option<PathBuf> {
    let folder = root().join("crates").join(short_name);
    folder.join("Cargo.toml").is_file().then_some(folder)
}

/// Returns every file of the tree that is not ignored, committed or not, relative to the root.
pub(crate) fn files() -> Fallible<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let mut files: Vec<String> = process::output(&mut git)?.lines().map(str::to_owned).collect();
    files.retain(|file| root().join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}
