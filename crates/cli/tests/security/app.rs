//! The program that runs during the attacks: it leaves a mark in everything that is written to disk, and waits
//! for a line between two jobs.

use firesteel::{AgentCommand, Context, Result, StorageLevel};
use std::io::{BufRead, Write};

/// Set for a process that is to be the program.
pub(crate) const PROGRAM_VARIABLE: &str = "SECURITY_PROGRAM";

/// What no file may hold that is encrypted: in each record that is shuffled,
pub(crate) const SHUFFLED: &str = "the-mark-of-what-is-shuffled";
/// in each that is kept,
pub(crate) const KEPT: &str = "the-mark-of-what-is-kept";
/// and in a broadcast value.
pub(crate) const BROADCAST: &str = "the-mark-of-what-is-broadcast";

const RECORDS: i64 = 4_000;
const KEYS: i64 = 97;

pub(crate) fn run_if_asked() {
    if std::env::var(PROGRAM_VARIABLE).is_err() {
        return;
    }
    let code = match run() {
        Ok(()) => 0,
        Err(error) => {
            say(&format!("failed: {error}"));
            1
        }
    };
    std::process::exit(code);
}

/// How executors of programs of this file are started.
pub(crate) fn agents() -> AgentCommand {
    AgentCommand {
        arguments: ["executor_process", "--exact", "--nocapture"].map(String::from).into(),
        ..AgentCommand::own_program()
    }
}

fn run() -> Result<()> {
    let sc = Context::builder().agent_command(agents()).create()?;
    say("begun");
    let value = sc.broadcast(vec![BROADCAST.to_string(); 3_000])?;
    let kept = sc.range_in(0..RECORDS, 8).map(|n| (n % KEYS, format!("{KEPT} {n}")));
    let kept = kept.persist(StorageLevel::DISK_ONLY);
    let shuffled = kept.map_with(value, |value, (key, text)| {
        let number: i64 = text.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        (key, format!("{SHUFFLED} {} {number}", value.len()))
    });
    let last = shuffled.reduce_by_key_into(4, |a, b| if a.len() >= b.len() { a } else { b });
    say(&format!("first: {} keys", last.count()?));
    // At the end of the input it goes on, too.
    let _ = std::io::stdin().lock().read_line(&mut String::new());
    let sums = kept.map(|(key, text)| (key, text.len() as i64)).reduce_by_key_into(4, |a, b| a + b);
    let total: i64 = sums.collect()?.into_iter().map(|(_, length)| length).sum();
    let right: i64 = (0..RECORDS).map(|n| format!("{KEPT} {n}").len() as i64).sum();
    say(if total == right && last.count()? == KEYS as u64 { "second: right" } else { "second: wrong" });
    sc.stop();
    Ok(())
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
