//! The program that runs on cluster managers in tests.
//!
//! | arguments | what it does | what it prints |
//! | --- | --- | --- |
//! | `words FILE...` | counts words | a line `WORD COUNT` each, sorted |
//! | `hold FOLDER TASKS` | shuffles, and then waits in each of its last tasks for the file `go` in the folder | `answer SUM`, `counted RECORDS` by an accumulator |
//! | `hold FOLDER TASKS linger` | the same, and then goes on until there is a file `end` | the same |
//!
//! The tasks of `hold` leave a file `task-PARTITION` in the folder when they begin to wait, with the name of their executor
//! where Slurm gives it one. Those of the executor that the file `bad` names fail. The master and all settings come from the
//! environment, as for every program.

#![expect(clippy::print_stdout, reason = "it answers on standard output")]

use firesteel::{Context, Result};
use std::path::Path;
use std::time::{Duration, Instant};

/// The records that `hold` shuffles.
const RECORDS: i64 = 20_000;

/// The longest that a task waits: a bound that only a failure reaches.
const PATIENCE: Duration = Duration::from_secs(240);

#[firesteel::main]
fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let sc = Context::builder().app_name("lent").create()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["words", ref files @ ..] => words(&sc, &files.join(",")),
        ["hold", folder, tasks] => hold(&sc, folder, tasks.parse().unwrap_or(2)),
        ["hold", folder, tasks, "linger"] => {
            hold(&sc, folder, tasks.parse().unwrap_or(2))?;
            wait_for(&Path::new(folder).join("end"));
            Ok(())
        }
        _ => panic!("`words FILE...` or `hold FOLDER TASKS`, not {arguments:?}"),
    }
}

fn words(sc: &Context, files: &str) -> Result<()> {
    let words = sc
        .text_file(files, 4)?
        .flat_map(|line: String| line.split_whitespace().map(String::from).collect::<Vec<_>>());
    let mut counted = words.map(|word| (word, 1_u64)).reduce_by_key(|a, b| a + b).collect()?;
    counted.sort();
    counted.iter().for_each(|(word, count)| println!("{word} {count}"));
    Ok(())
}

fn hold(sc: &Context, folder: &str, tasks: usize) -> Result<()> {
    let counted = sc.long_accumulator();
    let numbers = sc.range_in(0..RECORDS, tasks).map_with(counted.adder(), |counted, number| {
        counted.add(1);
        (number % 100, number)
    });
    let sums = numbers.reduce_by_key_into(tasks, |a, b| a + b);
    let held = sums.map_partitions_with_index_with(folder.to_string(), |folder, task, records| {
        wait_in(Path::new(folder), task);
        records
    });
    let answer = held.map(|(_, sum)| sum).reduce(|a, b| a + b)?;
    println!("answer {answer}");
    println!("counted {}", counted.value());
    Ok(())
}

/// Leaves a sign that the task of a partition is here, and waits until it may go on.
fn wait_in(folder: &Path, task: usize) {
    let executor = std::env::var("FIRESTEEL_EXECUTOR").unwrap_or_default();
    // Whole when it is there: the test reads it then.
    let begun = folder.join(format!("begun-{task}"));
    std::fs::write(&begun, &executor).expect("the folder is there");
    std::fs::rename(begun, folder.join(format!("task-{task}"))).expect("nobody else moves it");
    wait_for(&folder.join("go"));
    assert!(!std::fs::read_to_string(folder.join("bad")).is_ok_and(|bad| bad == executor), "it is bad");
}

fn wait_for(file: &Path) {
    let bound = Instant::now() + PATIENCE;
    while !file.exists() && Instant::now() < bound {
        std::thread::sleep(Duration::from_millis(10));
    }
}
