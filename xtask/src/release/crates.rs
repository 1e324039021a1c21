//! The crates as packages: made by `cargo package`, and looked at.

use super::{Options, manifests};
use crate::process::{cargo, run as run_process};
use crate::{Fallible, workspace};

/// The most bytes that the registry takes.
const MAX_BYTES: u64 = 10 << 20;

/// Makes a package of each crate, compiles it unless told otherwise, and gives their names.
pub(super) fn package(options: &Options, version: &str) -> Fallible<Vec<String>> {
    let manifests = manifests::published()?;
    let names = manifests.iter().map(|manifest| manifests::name(manifest)).collect::<Fallible<Vec<_>>>()?;
    // The release refuses uncommitted files by itself, unless it was told not to.
    let mut package = cargo(&["package", "--quiet", "--allow-dirty"]);
    package.args(names.iter().map(|name| format!("--package={name}")));
    if !options.verify {
        package.arg("--no-verify");
    }
    if options.offline {
        package.arg("--offline");
    }
    run_process(&mut package)?;
    let mut wrong = Vec::new();
    for name in &names {
        let file = workspace::target_dir().join("package").join(format!("{name}-{version}.crate"));
        let bytes = file.metadata().map_err(|error| format!("{}: {error}", file.display()))?.len();
        println!("  {name}-{version}.crate: {} KiB", bytes.div_ceil(1024));
        wrong.extend(too_large(name, bytes));
    }
    if wrong.is_empty() { Ok(names) } else { Err(wrong.join("\n")) }
}

fn too_large(name: &str, bytes: u64) -> Option<String> {
    (bytes > MAX_BYTES)
        .then(|| format!("{name}: {bytes} bytes, and the registry takes {MAX_BYTES}: exclude test data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_the_registry_would_not_take_is_named() {
        assert_eq!(too_large("a", MAX_BYTES), None);
        assert!(too_large("a", MAX_BYTES + 1).is_some_and(|wrong| wrong.starts_with("a: 10485761 bytes")));
    }
}
