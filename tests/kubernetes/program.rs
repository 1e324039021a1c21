//! The program whose executors are pods in tests: a word count whose tasks wait, so that pods can be taken away meanwhile.
//!
//! `pods TASKS [FOLDER [END]]`: with a folder that all of its pods have, each task of the first stage leaves the file
//! `at-TASK-POD` in it, and waits until there is a file `go`; the tasks of a pod that the file `bad` names fail then. It
//! writes a line `WORD COUNT` for each word, and goes on until there is the file END. `pods hog` is a program whose one task
//! takes more memory than any pod has.

#![expect(clippy::print_stdout, reason = "it answers on standard output")]

use firesteel::Context;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

/// The words of each line.
const WORDS: &str = "to be or not to be";

/// The lines of each task.
const LINES: i64 = 1_000;

/// The longest that a task waits: a bound that only a failure reaches.
const PATIENCE: Duration = Duration::from_secs(240);

#[firesteel::main]
fn main() -> std::result::Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let first = arguments.first().ok_or("pods TASKS [FOLDER]")?;
    if first == "hog" {
        let sc = Context::builder().app_name("Hog").create()?;
        let taken = sc.range_in(0..1, 1).map(|_| take_memory()).collect()?;
        return Err(format!("{taken:?} bytes were there").into());
    }
    let tasks: usize = first.parse()?;
    let folder = arguments.get(1).cloned().unwrap_or_default();
    let sc = Context::builder().app_name("Word count of pods").create()?;
    let lines = sc.range_in(0..LINES * tasks as i64, tasks);
    let words = lines.map_partitions_with_index_with(folder, |folder, task, lines| {
        if !folder.is_empty() {
            wait_for_go(Path::new(folder), task);
        }
        lines.flat_map(|_| WORDS.split(' ').map(|word| (word.to_string(), 1u64)))
    });
    let mut counts = words.reduce_by_key_into(3, |a, b| a + b).collect()?;
    counts.sort();
    for (word, count) in counts {
        println!("{word} {count}");
    }
    if let Some(end) = arguments.get(2) {
        wait_for(Path::new(end));
    }
    sc.stop();
    Ok(())
}

fn wait_for_go(folder: &Path, task: usize) {
    let pod = std::env::var("FIRESTEEL_POD_NAME").unwrap_or_default();
    // Whoever waits for this file waits in vain if it cannot be written.
    let _ = std::fs::write(folder.join(format!("at-{task}-{pod}")), "");
    wait_for(&folder.join("go"));
    assert!(!std::fs::read_to_string(folder.join("bad")).is_ok_and(|bad| bad == pod), "it is bad");
}

fn wait_for(file: &Path) {
    let bound = Instant::now() + PATIENCE;
    while !file.exists() && Instant::now() < bound {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Takes memory until there is no more, or a bound that only a failure reaches.
fn take_memory() -> usize {
    const MOST: usize = 2 << 10;
    let taken: Vec<Vec<u8>> = (0..MOST).map(|_| vec![1u8; 1 << 20]).collect();
    taken.iter().map(Vec::len).sum()
}
