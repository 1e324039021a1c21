//! Measures one program: its answer and times from what it prints, its memory from `/proc`.
//!
//! A program may be a tree of processes (a shell script, a JVM, executors), so the memory is the sum over the tree of each process's
//! proportional share, sampled; a short program is over before the first sample and prints its own peak.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Fallible, workspace};

/// The period between two samples of memory, so long that sampling a JVM's page tables costs nothing
/// noticeable.
const SAMPLING_PERIOD: Duration = Duration::from_millis(200);

/// The measurements of one process (with its children).
pub(crate) struct Sample {
    pub(super) answer: String,
    /// The seconds of the job proper, by the program's own clock: the median of its runs, without the warm-up.
    pub(super) seconds: f64,
    /// The seconds of each run inside the process, the warm-up included.
    pub(super) inner_seconds: Vec<f64>,
    pub(super) process_seconds: f64,
    pub(super) peak_mib: f64,
}

impl Sample {
    pub(super) fn line(&self) -> String {
        let inner: Vec<String> = self.inner_seconds.iter().map(|seconds| format!("{seconds:.3}")).collect();
        format!(
            "{:>9.3} s  (runs {}; process {:.2} s; {:.0} MiB)",
            self.seconds,
            inner.join(" "),
            self.process_seconds,
            self.peak_mib
        )
    }
}

pub(super) fn sample(command: &mut Command) -> Fallible<Sample> {
    let start = Instant::now();
    command.current_dir(workspace::root()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot start: {error}"))?;
    let reader = drain(child.stdout.take());
    let errors = drain(child.stderr.take());
    let mut peak_kib = 0;
    let mut next_sample = start;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        if Instant::now() >= next_sample {
            peak_kib = peak_kib.max(tree_kib(child.id()));
            next_sample = Instant::now() + SAMPLING_PERIOD;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let process_seconds = start.elapsed().as_secs_f64();
    let (said, errors) = (reader.join().unwrap_or_default(), errors.join().unwrap_or_default());
    if !status.success() {
        return Err(format!("ended with {status}\n{said}\n{errors}"));
    }
    read(&said, process_seconds, peak_kib).ok_or_else(|| format!("printed no answer\n{said}\n{errors}"))
}

fn drain(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // An error leaves the answer missing, which is reported.
        let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn read(said: &str, process_seconds: f64, sampled_kib: u64) -> Option<Sample> {
    let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let runs = said.lines().filter(|line| line.starts_with("run "));
    let own_peak_kib = value("peak_kib:").and_then(|kib| kib.parse().ok()).unwrap_or(0);
    Some(Sample {
        answer: value("answer:")?.to_owned(),
        seconds: value("seconds:")?.parse().ok()?,
        inner_seconds: runs.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect(),
        process_seconds,
        peak_mib: sampled_kib.max(own_peak_kib) as f64 / 1024.0,
    })
}

/// Returns the proportional memory of a process and of all its descendants, now.
fn tree_kib(root: u32) -> u64 {
    let parents = parents();
    let mut tree = vec![root];
    let mut at = 0;
    while at < tree.len() {
        let children = parents.iter().filter(|(_, parent)| *parent == tree[at]).map(|(child, _)| *child);
        tree.extend(children.collect::<Vec<u32>>());
        at += 1;
    }
    tree.into_iter().filter_map(process_kib).sum()
}

/// Returns every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let Ok(folder) = std::fs::read_dir("/proc") else { return vec![] };
    let ids = folder.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|id| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name is in parentheses and may contain anything; state and parent follow the last one.
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        Some((id, parent))
    })
    .collect()
}

fn process_kib(id: u32) -> Option<u64> {
    let folder = Path::new("/proc").join(id.to_string());
    let shared = std::fs::read_to_string(folder.join("smaps_rollup"));
    let (text, field) = match shared {
        Ok(text) => (text, "Pss:"),
        Err(_) => (std::fs::read_to_string(folder.join("status")).ok()?, "VmRSS:"),
    };
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_found_among_others() {
        let said = "Welcome\nrun 1: 2.5\nrun 2: 1.5\nanswer: sum=1 two\nseconds: 1.5\n";
        let sample = read(said, 9.0, 2048).unwrap();
        assert_eq!((sample.answer.as_str(), sample.seconds, sample.peak_mib), ("sum=1 two", 1.5, 2.0));
        assert_eq!(sample.inner_seconds, [2.5, 1.5]);
        assert!(read("Welcome\n", 9.0, 0).is_none());
    }

    #[test]
    fn our_own_memory_is_seen() {
        assert!(tree_kib(std::process::id()) > 100);
    }
}
