//! `cargo xtask bench --python`: the programs of `benches/python`, which know neither engine, run in PySpark
//! and in Firesteel, and beside them a solution in plain Python with the same functions.
//!
//! A session of a peer does all of its runs, the first to warm up; if the start is measured, each run is a
//! process.

use std::fmt::Write;
use std::path::PathBuf;

use super::measure::{self, Sample};
use super::results::median;
use super::{machine, text};
use crate::python::conformance::beside_pyspark;
use crate::python::environment::Environment;
use crate::python::wheel::Profile;
use crate::{Fallible, workspace};

const TABLE: &str = "benches/RESULTS-PYTHON.md";
const PYSPARK: &str = "PySpark";
const INTERPRETED: &str = "Firesteel, interpreted";
const ON_A_CLUSTER: &str = "Firesteel, local-cluster[2,1,2048]";

/// The number of bytes of text that are counted.
const TEXT_BYTES: u64 = 300_000_000;
const PARTITIONS: &str = "8";
const DRIVER_MEMORY: &str = "8g";

/// One workload; `benches/python/NAME.py` is the program, `plain_NAME.py`, if there is one, the plain peer.
struct Workload {
    name: &'static str,
    about: &'static str,
    /// Set if a start is measured: each run is a process of its own.
    starts: Option<Start>,
    /// Variable, full value, quick value.
    sizes: &'static [(&'static str, u64, u64)],
}

/// The part of a start that is measured.
#[derive(Clone, Copy, PartialEq)]
enum Start {
    /// The part that the program itself measured.
    Part,
    /// The process from its start to its end.
    Process,
}

const ONE: Workload = Workload { name: "", about: "", starts: None, sizes: &[] };

const WORKLOADS: &[Workload] = &[
    Workload {
        name: "word_count",
        about: "word count of the first 300 MB of the Linux 6.1 sources",
        sizes: &[],
        ..ONE
    },
    Workload { name: "context_start", about: "making a context", starts: Some(Start::Part), ..ONE },
    Workload {
        name: "first_result",
        about: "from nothing to the first result and the end, the whole process",
        starts: Some(Start::Process),
        ..ONE
    },
    Workload { name: "empty_tasks", about: "200 tasks of one record", sizes: &[("BENCH_N", 200, 20)], ..ONE },
    Workload {
        name: "sum",
        about: "10 M whole numbers: map, filter, map, reduce",
        sizes: &[("BENCH_N", 10_000_000, 100_000)],
        ..ONE
    },
    Workload {
        name: "reduce_by_key",
        about: "reduceByKey of 2 M pairs with 100 k keys",
        sizes: &[("BENCH_N", 2_000_000, 20_000), ("BENCH_KEYS", 100_000, 1_000)],
        ..ONE
    },
    Workload {
        name: "sort_by_key",
        about: "sortByKey of 1 M pairs, every partition looked at",
        sizes: &[("BENCH_N", 1_000_000, 10_000)],
        ..ONE
    },
    Workload {
        name: "join",
        about: "join of 300 k pairs with 300 k",
        sizes: &[("BENCH_N", 300_000, 3_000), ("BENCH_KEYS", 300_000, 3_000)],
        ..ONE
    },
    Workload {
        name: "group_by_key",
        about: "groupByKey of 1 M pairs with 20 k keys",
        sizes: &[("BENCH_N", 1_000_000, 10_000), ("BENCH_KEYS", 20_000, 200)],
        ..ONE
    },
    Workload {
        name: "pagerank",
        about: "PageRank, 20 k nodes, 200 k edges, 5 iterations",
        sizes: &[("BENCH_N", 200_000, 2_000), ("BENCH_KEYS", 20_000, 200), ("BENCH_ITERATIONS", 5, 2)],
        ..ONE
    },
    Workload {
        name: "cached_tuples",
        about: "two passes over 3 M cached tuples",
        sizes: &[("BENCH_N", 3_000_000, 30_000)],
        ..ONE
    },
    Workload {
        name: "csv_rows",
        about: "CSV into rows: 2 M rows of five columns, the sum of one by a function",
        sizes: &[("BENCH_N", 2_000_000, 20_000)],
        ..ONE
    },
    Workload {
        name: "csv_average",
        about: "2 M lines of CSV taken apart by the program, filtered, averaged by key",
        sizes: &[("BENCH_N", 2_000_000, 20_000)],
        ..ONE
    },
    Workload {
        name: "not_lowered",
        about: "lines of JSON read by functions that stay in the interpreter, 1 M lines",
        sizes: &[("BENCH_N", 1_000_000, 10_000)],
        ..ONE
    },
    Workload {
        name: "pi",
        about: "pi, 4 M points with `random.random()`",
        sizes: &[("BENCH_N", 4_000_000, 40_000)],
        ..ONE
    },
    Workload {
        name: "kmeans_numpy",
        about: "k-means with numpy, 500 k points of 8 dimensions, 10 centres, 3 iterations",
        sizes: &[("BENCH_N", 500_000, 8_000), ("BENCH_KEYS", 10, 10), ("BENCH_ITERATIONS", 3, 2)],
        ..ONE
    },
    Workload {
        name: "parquet_rows",
        about: "Parquet into rows: 2 M rows of five columns, the sum of one by a function",
        sizes: &[("BENCH_N", 2_000_000, 20_000)],
        ..ONE
    },
];

/// A peer: name, the program's prefix, the value of `BENCH_PEER`, threads.
#[derive(Clone, Copy)]
struct Peer {
    name: &'static str,
    prefix: &'static str,
    peer: &'static str,
    threads: usize,
    /// True if functions may run natively.
    is_native: bool,
    /// The master, where it is not `local[THREADS]`.
    master: Option<&'static str>,
}

const PLAIN: Peer = Peer {
    name: "plain Python, 1 process",
    prefix: "plain_",
    peer: "plain",
    threads: 1,
    is_native: false,
    master: None,
};

fn peers(without_spark: bool) -> Vec<Peer> {
    let threads = machine::threads();
    let parallel = Peer { name: "plain Python, all processors", threads, ..PLAIN };
    let interpreted = Peer { name: INTERPRETED, prefix: "", peer: "firesteel", threads, ..PLAIN };
    let native = Peer { name: super::results::FIRESTEEL, is_native: true, ..interpreted };
    let cluster = Peer { name: ON_A_CLUSTER, master: Some("local-cluster[2,1,2048]"), ..native };
    let mut peers = vec![PLAIN, parallel, interpreted, native, cluster];
    if !without_spark {
        peers.push(Peer { name: PYSPARK, prefix: "", peer: "pyspark", threads, ..PLAIN });
    }
    peers
}

/// The options of the command line.
pub(super) struct Asked {
    pub(super) only: Vec<String>,
    pub(super) runs: usize,
    pub(super) quick: bool,
    pub(super) without_spark: bool,
    pub(super) print: bool,
    pub(super) list: bool,
}

pub(super) fn run(asked: &Asked) -> Fallible {
    if asked.list {
        WORKLOADS.iter().for_each(|workload| println!("{:<16}{}", workload.name, workload.about));
        return Ok(());
    }
    for name in &asked.only {
        if !WORKLOADS.iter().any(|workload| workload.name == name) {
            return Err(format!("no workload `{name}`; `cargo xtask bench --python --list` lists them"));
        }
    }
    let environment = beside_pyspark(Some(Profile::Dist))?;
    let mut rows = String::new();
    let mut times = Vec::new();
    let wanted =
        |workload: &&Workload| asked.only.is_empty() || asked.only.iter().any(|name| name == workload.name);
    for workload in WORKLOADS.iter().filter(wanted) {
        println!("\n=== {}: {}", workload.name, workload.about);
        let measured = compare(workload, asked, &environment)?;
        add_rows(&mut rows, workload, &measured);
        times.extend(times_as_fast(workload, &measured));
    }
    let table = table(asked, &rows, geometric_mean(&times));
    println!("\n{table}");
    if asked.print {
        return Ok(());
    }
    std::fs::write(workspace::root().join(TABLE), table).map_err(|error| format!("{TABLE}: {error}"))
}

/// A workload that is no start: its name, what it is, and its parameters.
pub(super) type Job = (&'static str, &'static str, Vec<(&'static str, String)>);

/// Returns the workloads for which a cluster makes a difference.
pub(super) fn jobs(quick: bool) -> Fallible<Vec<Job>> {
    let jobs = WORKLOADS.iter().filter(|workload| workload.starts.is_none());
    jobs.map(|workload| Ok((workload.name, workload.about, variables(workload, quick)?))).collect()
}

type Measured = Vec<(&'static str, Vec<Sample>)>;

/// Runs the peers one after the other; if the start is measured, in turns.
fn compare(workload: &Workload, asked: &Asked, environment: &Environment) -> Fallible<Measured> {
    let variables = variables(workload, asked.quick)?;
    let folder = workspace::root().join("benches/python");
    let program = |peer: &Peer| folder.join(format!("{}{}.py", peer.prefix, workload.name));
    let peers = peers(asked.without_spark);
    // Plain Python without processes of its own is one peer, not two.
    let alone =
        |path: &PathBuf| std::fs::read_to_string(path).is_ok_and(|text| !text.contains("import pool"));
    let mut measured: Measured = vec![];
    for peer in &peers {
        let path = program(peer);
        // The start of a cluster is measured where clusters are.
        if peer.master.is_some() && workload.starts.is_some() {
            continue;
        }
        if path.is_file() && !(peer.threads > 1 && peer.peer == "plain" && alone(&path)) {
            measured.push((peer.name, vec![]));
        }
    }
    let processes = if workload.starts.is_some() { asked.runs } else { 1 };
    for _ in 0..processes {
        for (name, samples) in &mut measured {
            let Some(peer) = peers.iter().find(|peer| peer.name == *name) else { continue };
            let mut command = environment.python();
            command.arg(program(peer)).envs(variables.iter().cloned());
            command.env("BENCH_PEER", peer.peer).env("BENCH_THREADS", peer.threads.to_string());
            command.envs(peer.master.map(|master| ("BENCH_MASTER", master)));
            command.env("BENCH_NATIVE", if peer.is_native { "auto" } else { "off" });
            command.env("BENCH_RUNS", (asked.runs + 1).to_string()).env("BENCH_PARTITIONS", PARTITIONS);
            command.env("PYSPARK_PYTHON", environment.program("python"));
            command.env("PYSPARK_SUBMIT_ARGS", format!("--driver-memory {DRIVER_MEMORY} pyspark-shell"));
            let sample = measure::sample(&mut command).map_err(|error| format!("{name}: {error}"))?;
            println!("{name:<30}{}", sample.line());
            samples.push(sample);
        }
    }
    let mut answers =
        measured.iter().flat_map(|(_, samples)| samples.iter().map(|sample| sample.answer.as_str()));
    let first = answers.next();
    match answers.find(|answer| Some(*answer) != first) {
        None => Ok(measured),
        Some(other) => Err(format!("{}: PEERS ANSWER DIFFERENTLY: {first:?} and {other:?}", workload.name)),
    }
}

fn variables(workload: &Workload, quick: bool) -> Fallible<Vec<(&'static str, String)>> {
    let value = |full: u64, small: u64| if quick { small } else { full }.to_string();
    let mut variables: Vec<_> =
        workload.sizes.iter().map(|&(name, full, small)| (name, value(full, small))).collect();
    if workload.name == "word_count" {
        let path = if quick { text::prepare(true)? } else { text::first(TEXT_BYTES)? };
        variables.push(("BENCH_TEXT", path.to_string_lossy().into_owned()));
    }
    if workload.name.ends_with("_rows") || workload.name == "csv_average" {
        let folder = workspace::target_dir().join("bench-tables");
        variables.push(("BENCH_FOLDER", folder.to_string_lossy().into_owned()));
    }
    Ok(variables)
}

fn seconds(workload: &Workload, samples: &[Sample]) -> f64 {
    median(samples, |sample| match workload.starts {
        Some(Start::Process) => sample.process_seconds,
        Some(Start::Part) | None => sample.seconds,
    })
}

/// Returns how many times as fast as PySpark a workload is that is not a start, if PySpark was measured.
fn times_as_fast(workload: &Workload, measured: &Measured) -> Option<f64> {
    let of = |peer: &str| {
        measured.iter().find(|(name, _)| *name == peer).map(|(_, samples)| seconds(workload, samples))
    };
    let (own, pyspark) = (of(super::results::FIRESTEEL)?, of(PYSPARK)?);
    workload.starts.is_none().then_some(pyspark / own)
}

/// Returns the geometric mean of ratios, or nothing if there are none.
fn geometric_mean(times: &[f64]) -> Option<f64> {
    let logarithms: f64 = times.iter().map(|times| times.ln()).sum();
    (!times.is_empty()).then(|| (logarithms / times.len() as f64).exp())
}

fn table(asked: &Asked, rows: &str, mean: Option<f64>) -> String {
    let mut text = String::from("# Python, measured side by side\n\nWritten by `cargo xtask bench --python`");
    if asked.quick {
        text.push_str(" with `--quick`: too small to mean anything");
    }
    text.push_str(".\n\n");
    for line in machine::describe(false) {
        let _ = writeln!(text, "- {line}");
    }
    let _ = writeln!(
        text,
        "- PySpark {}, local[{}], {DRIVER_MEMORY} driver heap, web UI off",
        super::spark::VERSION,
        machine::threads()
    );
    let _ = writeln!(
        text,
        "\nMedians of {} runs after one to warm up (given in parentheses); starts have none. All peers gave the same answer. Memory",
        asked.runs
    );
    text.push_str("is the peak of the whole process tree.\n\n");
    text.push_str("| workload | peer | seconds | times as fast as PySpark | peak MiB |\n");
    text.push_str("| --- | --- | ---: | ---: | ---: |\n");
    text.push_str(rows);
    if let Some(mean) = mean {
        let _ = writeln!(
            text,
            "\nThe geometric mean of {} over all workloads but starts: {mean:.1} times as fast as PySpark.",
            super::results::FIRESTEEL
        );
    }
    text
}

fn add_rows(rows: &mut String, workload: &Workload, measured: &Measured) {
    let pyspark = measured.iter().find(|(name, _)| *name == PYSPARK);
    let pyspark = pyspark.map(|(_, samples)| seconds(workload, samples));
    for (index, (name, samples)) in measured.iter().enumerate() {
        let about = if index == 0 { workload.about } else { "" };
        let own = seconds(workload, samples);
        let first = samples.first().and_then(|sample| sample.inner_seconds.first());
        let first = first.filter(|_| workload.starts.is_none());
        let first = first.map_or(String::new(), |first| format!(" ({first:.2})"));
        let ratio = pyspark.map_or("-".to_owned(), |pyspark| format!("{:.1} x", pyspark / own));
        let peak = median(samples, |sample| sample.peak_mib);
        let _ = writeln!(rows, "| {about} | {name} | {own:.3}{first} | {ratio} | {peak:.0} |");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_ratios_is_geometric() {
        let mean = geometric_mean(&[2.0, 8.0]).expect("two ratios");
        assert!((mean - 4.0).abs() < 1e-9, "{mean}");
        assert_eq!(geometric_mean(&[]), None);
    }
}
