//! `cargo xtask bench`: each workload by hand, on Firesteel and on Spark, side by side in one run, answers compared.
//!
//! The programs are in `benches/`. Machines drift by tens of percent from minute to minute, so peers take turns, and only a ratio
//! from one run counts. A workload whose peers answer differently fails the whole run: a fast wrong answer is no result.

mod cluster;
mod machine;
mod measure;
mod python;
mod results;
pub(crate) mod spark;
mod table;
mod text;
mod workloads;

use std::path::PathBuf;
use std::process::Command;

use crate::args::Args;
use crate::process::{cargo, run as run_process};
use crate::{Fallible, workspace};
use measure::Sample;
use workloads::{WORKLOADS, Workload};

pub(crate) const HELP: &str = "
Builds the programs of benches/, fetches Spark and the text into target/ when they are missing, runs all peers of all workloads
in turns, and writes benches/RESULTS.md and target/bench-results.json. Needs python3 and Java 17 for Spark; apt-get, dpkg-deb,
tar and xz for the text.

  --only WORKLOAD   this workload only; may be repeated
  --runs N          measured runs of each peer (default: 3), after one to warm up; Spark does all in one session
  --quick           small parameters: to see that everything works, not to measure
  --without-spark   leave Spark out
  --python          the Python programs of benches/python in PySpark, Firesteel and plain Python instead, into
                    benches/RESULTS-PYTHON.md; builds the wheel
  --cluster         on a standalone cluster of two workers instead, Firesteel's and Spark's, into benches/RESULTS-CLUSTER.md; with
                    --python into benches/RESULTS-CLUSTER-PYTHON.md
  --list            list the workloads
  --print           print the results and leave benches/RESULTS.md alone; implied by --quick and --only

Examples:
  cargo xtask bench
  cargo xtask bench --quick --without-spark
  cargo xtask bench --only word_count --only join --runs 5
  cargo xtask bench --python --quick
  cargo xtask bench --cluster --runs 2
";

/// A program that runs a workload, and the environment that makes it this peer.
struct Peer {
    name: &'static str,
    program: Program,
    threads: usize,
}

enum Program {
    Binary(PathBuf),
    Spark,
}

/// The samples of one peer; several unless the peer repeats by itself.
pub(crate) struct Measured {
    peer: &'static str,
    samples: Vec<Sample>,
}

pub(crate) fn run(mut args: Args) -> Fallible {
    let only = args.options("--only")?;
    let runs = args.option("--runs")?.unwrap_or(3).max(1);
    let quick = args.flag("--quick");
    let without_spark = args.flag("--without-spark");
    let print = args.flag("--print") || quick || !only.is_empty();
    let list = args.flag("--list");
    let python = args.flag("--python");
    let cluster = args.flag("--cluster");
    args.finish()?;
    if cluster {
        return cluster::run(&cluster::Asked { only, runs, quick, without_spark, print, python });
    }
    if python {
        return python::run(&python::Asked { only, runs, quick, without_spark, print, list });
    }
    if list {
        WORKLOADS.iter().for_each(|workload| println!("{:<14}{}", workload.name, workload.about));
        return Ok(());
    }
    let chosen = choose(&only)?;
    run_process(&mut cargo(&["build", "--quiet", "--release", "--package", "firesteel-benches", "--bins"]))?;
    let spark = if without_spark { None } else { Some(spark::Spark::install()?) };
    let mut all = Vec::new();
    for workload in chosen {
        println!("\n=== {}: {}", workload.name, workload.about);
        let measured = compare(workload, runs, quick, spark.as_ref())?;
        all.push((workload, measured));
    }
    let report = results::Report::new(machine::describe(spark.is_some()), quick, runs, all);
    report.write(print)
}

fn choose(only: &[String]) -> Fallible<Vec<&'static Workload>> {
    for name in only {
        if !WORKLOADS.iter().any(|workload| workload.name == name) {
            return Err(format!("no workload `{name}`; `cargo xtask bench --list` lists them"));
        }
    }
    let wanted = |workload: &&Workload| only.is_empty() || only.iter().any(|name| name == workload.name);
    Ok(WORKLOADS.iter().filter(wanted).collect())
}

/// Runs the peers in turns, and compares their answers.
///
/// First each runs once unmeasured, so that programs and text are in the page cache and the processor is awake;
/// then the peer that comes first in a turn comes last in the next. Spark comes once, in the middle turn, since
/// its one session has all of its runs and its own warm-up.
fn compare(
    workload: &Workload,
    runs: usize,
    quick: bool,
    spark: Option<&spark::Spark>,
) -> Fallible<Vec<Measured>> {
    let mut variables = workload.variables(quick);
    if workload.reads_text {
        let text = text::prepare(quick)?;
        variables.push(("BENCH_TEXT", text.to_string_lossy().into_owned()));
    }
    if workload.reads_table {
        let table = table::prepare(&variables)?;
        variables.push(("BENCH_TABLE", table.to_string_lossy().into_owned()));
    }
    let peers = peers(workload, spark.is_some());
    let mut measured: Vec<Measured> =
        peers.iter().map(|peer| Measured { peer: peer.name, samples: vec![] }).collect();
    for peer in &peers {
        if let Program::Binary(path) = &peer.program {
            sample(peer, Command::new(path), &variables)?;
        }
    }
    for turn in 0..runs {
        for index in (0..peers.len()).map(|index| (index + turn) % peers.len()) {
            let peer = &peers[index];
            let command = match (&peer.program, spark) {
                (Program::Binary(path), _) => Command::new(path),
                (Program::Spark, Some(spark)) if turn == runs / 2 => {
                    spark.session(workload, peer.threads, runs + 1)?
                }
                (Program::Spark, _) => continue,
            };
            let sample = sample(peer, command, &variables)?;
            println!("{:<24}{}", peer.name, sample.line());
            measured[index].samples.push(sample);
        }
    }
    same_answers(workload.name, &measured)?;
    Ok(measured)
}

fn sample(peer: &Peer, mut command: Command, variables: &[(&'static str, String)]) -> Fallible<Sample> {
    command.envs(variables.iter().cloned()).env("BENCH_THREADS", peer.threads.to_string());
    measure::sample(&mut command).map_err(|error| format!("{}: {error}", peer.name))
}

fn same_answers(workload: &str, measured: &[Measured]) -> Fallible {
    let mut samples =
        measured.iter().flat_map(|peer| peer.samples.iter().map(|sample| (peer.peer, &sample.answer)));
    let Some((first, answer)) = samples.next() else { return Ok(()) };
    match samples.find(|(_, other)| *other != answer) {
        None => Ok(()),
        Some((peer, other)) => {
            Err(format!("{workload}: PEERS ANSWER DIFFERENTLY\n{first}: {answer}\n{peer}: {other}"))
        }
    }
}

/// Returns the peers: by hand on one thread and on all, a naive variant if there is one, Firesteel, Spark.
fn peers(workload: &Workload, with_spark: bool) -> Vec<Peer> {
    let all = machine::threads();
    let dashed = workload.name.replace('_', "-");
    let binary = |name: String| Program::Binary(workspace::target_dir().join("release").join(name));
    let exists = |path: String| workspace::root().join("benches").join(path).is_file();
    let by_hand = || binary(format!("by-hand-{dashed}"));
    let mut peers = vec![
        Peer { name: "by hand, 1 thread", program: by_hand(), threads: 1 },
        Peer { name: "by hand, all threads", program: by_hand(), threads: all },
    ];
    if exists(format!("by_hand/{}_naive.rs", workload.name)) {
        peers.push(Peer {
            name: "by hand, naive",
            program: binary(format!("by-hand-{dashed}-naive")),
            threads: all,
        });
    }
    if exists(format!("firesteel/{}.rs", workload.name)) {
        peers.push(Peer {
            name: results::FIRESTEEL,
            program: binary(format!("firesteel-{dashed}")),
            threads: all,
        });
    }
    if with_spark {
        peers.push(Peer { name: results::SPARK, program: Program::Spark, threads: all });
    }
    peers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(peer: &'static str, answer: &str) -> Measured {
        let sample = Sample {
            answer: answer.to_owned(),
            seconds: 1.0,
            inner_seconds: vec![],
            process_seconds: 1.0,
            peak_mib: 1.0,
        };
        Measured { peer, samples: vec![sample] }
    }

    #[test]
    fn a_peer_that_answers_differently_fails_the_run() {
        let same = [measured("by hand", "sum=1"), measured("Spark", "sum=1")];
        assert!(same_answers("sum", &same).is_ok());
        let different = [measured("by hand", "sum=1"), measured("Spark", "sum=2")];
        assert!(same_answers("sum", &different).unwrap_err().contains("Spark: sum=2"));
    }
}
