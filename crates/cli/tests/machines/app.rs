//! The submitted program: sums by key, in two jobs that share a shuffle, with a line from its standard input in
//! between.

use firesteel::{AgentCommand, Context, Result};
use std::io::{BufRead, Write};
use std::thread;
use std::time::Duration;

/// Set for a process that is to be the program: how long each map task takes, in milliseconds.
pub(crate) const PROGRAM_VARIABLE: &str = "MACHINES_PROGRAM";

const RECORDS: i64 = 40_000;
const TASKS: usize = 40;
const KEYS: i64 = 97;

pub(crate) fn run_if_asked() {
    let Ok(pause) = std::env::var(PROGRAM_VARIABLE) else { return };
    let code = match run(pause.parse().unwrap_or(0)) {
        Ok(()) => 0,
        Err(error) => {
            say(&format!("failed: {error}"));
            1
        }
    };
    std::process::exit(code);
}

fn run(pause: u64) -> Result<()> {
    let agents = AgentCommand {
        arguments: ["executor_process", "--exact", "--nocapture"].map(String::from).into(),
        ..AgentCommand::own_program()
    };
    let sc = Context::builder().app_name("machines").agent_command(agents).create()?;
    let mapped = sc.accumulator::<i128>();
    let records = sc.range_in(0..RECORDS, TASKS).map_with((pause, mapped.adder()), |(pause, mapped), n| {
        if n % (RECORDS / TASKS as i64) == 0 {
            thread::sleep(Duration::from_millis(*pause));
        }
        mapped.add(1);
        (n % KEYS, n)
    });
    let sums = records.reduce_by_key_into(8, |a, b| a + b);
    let keys = sums.count()?;
    say(&format!("first: {keys} keys, {} records", mapped.value()));
    // At the end of the input it goes on, too.
    let _ = std::io::stdin().lock().read_line(&mut String::new());
    let mut all = sums.collect()?;
    all.sort();
    let right: Vec<(i64, i64)> =
        (0..KEYS).map(|key| (key, (0..RECORDS).filter(|n| n % KEYS == key).sum())).collect();
    say(&format!("second: {}, {} records", if all == right { "right" } else { "wrong" }, mapped.value()));
    sc.stop();
    Ok(())
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
