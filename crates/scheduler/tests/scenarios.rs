//! Scenarios of the scheduler: given these events, expect these effects.
//!
//! Each file in `tests/scenarios` is one or several stories. A line that begins with `>` is an event; the lines after it
//! are the effects it had; `#` begins a comment; `> new` begins another story with a new scheduler. To write down what the
//! scheduler does now, run with `FIRESTEEL_BLESS=1` and read the difference.
//!
//! ```text
//! > new max_task_failures=2            other settings than the default ones
//! > new exclude exclude_ms=1000         executors and hosts are excluded, by default at once and for an hour
//! > executor 1 host=a slots=2          `executor driver` is the one that never falls silent
//! > job 0 pool=p group=g tag=t: 0 writes s0 x3; 1 reads s0 x2
//!                                      stages by id; `x2 at 1@a,@b` gives each partition its preferred places in turn;
//!                                      the last stage may end with `wants 1 0`
//! > leaving 1                          it takes no more tasks; `moved 2 s0/1/t4` says that executor 2 has what t4 wrote
//! > stored 1 r3/0 version=1              a kept partition; also: dropped; `job ... keeps r3` is a stage that reads through RDD 3,
//!                                      `keeps r3x2` one of which two copies are wanted, `keeps r3+1` one that is persisted in
//!                                      generation 1, whose versions are `1.0` and up; `unpersist r3+1` ends that
//! > done t0 sum=7                      a success; `sum` is the checksum of a map output, by default the same for all
//! > accumulator a0                     there is one; `reset a0`, `unread a0`, `rdd-gone 1`, `settle` are the events about them
//! > done t0 adds=a0/r1/2/5/x           and added to it for partition 2 of RDD 1 in 5 calls the value `x`; `m1`, `j1` for RDDs
//!                                      stand for the map side of a shuffle, and a job
//! > value a0                           asks for what counts and is not settled
//! > fail t0 panic                      also: fatal, killed, denied, gone s0, fetch s0/1 t4 on 2
//! > job 0: 0 barrier x3                 a barrier stage; `sync t0 0 hello` is the first call of one of its tasks, with a message
//! > new journal                         what a driver that restarts needs to know is written down
//! > known s1 x2 reads s0 sum=0:7 has=1/t40:7 adds=a0/r1/1/1/x
//!                                      of an earlier driver: map tasks of s1 wrote records with these sums, the storage has the
//!                                      output of t40, and these updates came with the tasks of their partitions
//! > at 3000                            time passes, and a tick comes
//! > idle?                              asks whether nothing is left, and when the next tick is due
//! ```
//!
//! Stories whose files begin with `c` are about agents and their cluster. Where an executor has an agent, what is said of its tasks
//! comes from that.
//!
//! ```text
//! > new python program=1               also: `end_ms=0` is how long the cluster may take to tell how an agent ended, `within_ms=500` how
//!                                      long migrating may take, `no_repair` of copies, `max_result_size=100`, `dynamic=0..10` with `initial`, `idle_ms`;
//!                                      `storage` is a shuffle storage
//! > agent 7 comes name=x slots=2       also: `host=h python program=1`; `files=a:1 memory=a:2 survive` says where its files and cached partitions are served, and that
//!                                      they outlive it
//! > agent 7 ready 0                    executor 0 is ready; also: `lost 0 signal=9` and `lost 0 code=1` of a worker process,
//!                                      `alive 0:t1,t2 1`, `migrated 4 to 1 s0/0/t0 r3/1`, `leaving`, `out-of-workers`, `gone`; `stores
//!                                      s0/0/t0` for what the shuffle storage has now, `store-done 4 1` for how many of an order
//! > waits t0 5000                      its result waits to be fetched; `fetched t0 5000` is the answer, or `fetched t0 not`
//! > ended x code=1                     of the cluster: the process of agent x has ended; also: `decommission x with-files`
//! > setting v1                         of worker processes; also: `give-up` for no more executors, and `stop`
//! ```

#[path = "support/script.rs"]
mod script;

use script::Story;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn scenario_files() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let entries = std::fs::read_dir(&directory).expect("the scenarios are there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a directory can be read").path()).collect();
    files.sort();
    files
}

/// Plays a script; gives it with the effects that there really were.
fn play(text: &str) -> String {
    let mut story = Story::new("");
    let mut played = String::new();
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("> ") {
            writeln!(played, "{line}").expect("a string can be written to");
            match command.strip_prefix("new") {
                Some(settings) => story = Story::new(settings),
                None => played.push_str(&story.play(command)),
            }
        } else if line.is_empty() || line.starts_with('#') {
            writeln!(played, "{line}").expect("a string can be written to");
        }
    }
    played
}

#[test]
fn all_stories_go_as_they_are_told() {
    let mut different = vec![];
    for file in scenario_files() {
        let told = std::fs::read_to_string(&file).expect("a scenario can be read");
        let played = play(&told);
        if told == played {
            continue;
        }
        if std::env::var_os("FIRESTEEL_BLESS").is_some() {
            std::fs::write(&file, played).expect("a scenario can be written");
            continue;
        }
        let first = told.lines().zip(played.lines()).enumerate().find(|(_, (told, played))| told != played);
        let (line, told, played) = match first {
            Some((line, (told, played))) => (line + 1, told, played),
            None => (told.lines().count().min(played.lines().count()) + 1, "(another length)", ""),
        };
        different.push(format!("{}:{line}\n  told:     {told}\n  happened: {played}", file.display()));
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
