//! The wheel and the source distribution of the Python package: built as they are uploaded, and looked at.

use std::path::Path;

use super::Options;
use crate::process::{output, run as run_process};
use crate::python::environment::{self, Environment};
use crate::python::wheel::{self, Profile};
use crate::{Fallible, workspace};

/// The program that checks metadata as the registry does.
const TWINE: &str = "twine==6.2.0";

/// Linux distributions from 2018 on.
const WITH_ZIG: [&str; 3] = ["--zig", "--compatibility", "manylinux_2_28"];

/// Builds both, checks them, and gives their paths.
pub(super) fn build(options: &Options, version: &str) -> Fallible<Vec<String>> {
    let found = environment::installed();
    let python = found.last().ok_or_else(environment::none_found)?;
    let folder = workspace::target_dir().join("release-files");
    let more: &[&str] = if options.zig { &WITH_ZIG } else { &[] };
    let files =
        [wheel::build_into(&folder, python, Profile::Dist, more)?, wheel::source_into(&folder, python)?];
    let list = ["-c", "import sys, zipfile; print('\\n'.join(zipfile.ZipFile(sys.argv[1]).namelist()))"];
    let tools = Environment::kept("twine", python, &[TWINE])?;
    let names = output(tools.python().args(list).arg(&files[0]))?;
    let mut wrong = wrong_tag(&files[0]);
    wrong.extend(missing_in_wheel(&names, version));
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    run_process(tools.python().args(["-m", "twine", "check", "--strict"]).args(&files))?;
    Ok(files.iter().map(|file| file.display().to_string()).collect())
}

/// The tag was found by looking at what the wheel wants of the system's libraries.
fn wrong_tag(wheel: &Path) -> Vec<String> {
    let name = wheel.file_name().unwrap_or_default().to_string_lossy();
    if name.contains("-abi3-manylinux") {
        return vec![];
    }
    vec![format!("{name}: is for no other machine than this one; its tag should say abi3 and manylinux")]
}

fn missing_in_wheel(names: &str, version: &str) -> Vec<String> {
    let about = format!("firesteel-{version}.dist-info");
    let wanted = [
        format!("{about}/METADATA"),
        format!("{about}/licenses/LICENSE-APACHE"),
        format!("{about}/licenses/LICENSE-MIT"),
        format!("{about}/entry_points.txt"),
        "firesteel/__init__.py".into(),
        "firesteel/py.typed".into(),
        "firesteel/_native.abi3.so".into(),
    ];
    let is_missing = |file: &String| !names.lines().any(|name| name == file);
    wanted.into_iter().filter(is_missing).map(|file| format!("the wheel has no {file}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_for_this_machine_alone_is_refused() {
        assert!(wrong_tag(Path::new("a/firesteel-1.2.3-cp310-abi3-manylinux_2_28_x86_64.whl")).is_empty());
        assert_eq!(wrong_tag(Path::new("firesteel-1.2.3-cp310-abi3-linux_x86_64.whl")).len(), 1);
    }

    #[test]
    fn a_wheel_without_licences_is_refused() {
        let whole = "firesteel/__init__.py\nfiresteel/py.typed\nfiresteel/_native.abi3.so\n\
            firesteel-1.2.3.dist-info/METADATA\nfiresteel-1.2.3.dist-info/entry_points.txt\n\
            firesteel-1.2.3.dist-info/licenses/LICENSE-APACHE\nfiresteel-1.2.3.dist-info/licenses/LICENSE-MIT";
        assert!(missing_in_wheel(whole, "1.2.3").is_empty());
        let without = whole.replace("\nfiresteel-1.2.3.dist-info/licenses/LICENSE-MIT", "");
        assert_eq!(
            missing_in_wheel(&without, "1.2.3"),
            ["the wheel has no firesteel-1.2.3.dist-info/licenses/LICENSE-MIT"]
        );
    }
}
