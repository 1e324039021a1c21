//! Processes of tests: watched by what they print, and ended with the test.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that prints lines.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    name: String,
}

impl Process {
    pub(crate) fn start(name: &str, command: &mut Command) -> Process {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {command:?}: {error}"));
        let (to, lines) = channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let readers: [Box<dyn std::io::Read + Send>; 2] = [Box::new(out), Box::new(err)];
        for reader in readers {
            let to = to.clone();
            thread::spawn(move || {
                for line in BufReader::new(reader).lines().map_while(Result::ok) {
                    let _ = to.send(line);
                }
            });
        }
        Process { child, lines, seen: vec![], name: name.into() }
    }

    /// Waits for a line with these words, and gives it.
    pub(crate) fn wait_for(&mut self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(_) => panic!("{} did not say `{words}`; it said:\n{}", self.name, self.seen.join("\n")),
            }
        }
    }

    /// The same, also of lines that were seen before.
    pub(crate) fn has_said(&mut self, words: &str) -> String {
        let seen = self.seen.iter().find(|line| line.contains(words)).cloned();
        seen.unwrap_or_else(|| self.wait_for(words))
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it has said so far.
    pub(crate) fn said(&mut self) -> String {
        self.seen.extend(self.lines.try_iter());
        self.seen.join("\n")
    }

    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        let _ = rustix::process::kill_process(process, signal);
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "{} does not end; it said:\n{}",
                self.name,
                self.seen.join("\n")
            );
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            self.seen.extend(self.lines.try_iter());
            eprintln!("--- {} said:\n{}", self.name, self.seen.join("\n"));
        }
    }
}

/// Processes whose working directory lies below a directory, and that were started with a word.
pub(crate) fn processes_in(directory: &Path, word: &str) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_one = |process: &u32| {
        let cwd = std::fs::read_link(format!("/proc/{process}/cwd")).unwrap_or_default();
        let words = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        cwd.starts_with(directory) && words.split(|byte| *byte == 0).any(|found| found == word.as_bytes())
    };
    numbers.filter(is_one).collect()
}

pub(crate) fn firesteel() -> &'static str {
    env!("CARGO_BIN_EXE_firesteel")
}

/// Waits until something is so, which is looked at again and again.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
