//! Piping records through an external program: one process for each partition, one line for each record.

use super::Rdd;
use firesteel_cluster::agents::AGENT_VARIABLE;
use firesteel_data::Data;
use firesteel_driver::site;
use firesteel_operators::{PartitionIter, watch};
use std::fmt::Display;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::panic::Location;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

/// The largest number of batches of records that wait for the program.
const BATCHES_WAITING: usize = 4;
/// The number of records in such a batch.
const BATCH: usize = 1024;
/// The number of bytes of a failing program's standard error that are shown.
const COMPLAINT: u64 = 4 << 10;

impl<T: Data + Display> Rdd<T> {
    /// Returns the lines that a program prints, given the records as lines. The command is cut into words at
    /// white space, without a shell. A program that ends with another code than 0 fails the job.
    ///
    /// ```
    /// # fn main() -> firesteel::Result<()> {
    /// # let sc = firesteel::Context::builder().master("local[2]").create()?;
    /// assert_eq!(sc.range_in(0..3, 1).pipe("tac").collect()?, ["2", "1", "0"]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn pipe(&self, command: &str) -> Rdd<String> {
        let words: Vec<String> = command.split_whitespace().map(Into::into).collect();
        self.pipe_at(site("pipe", Location::caller()), words, vec![])
    }

    /// [`Rdd::pipe`] with the command as a list of words, and environment variables.
    #[track_caller]
    pub fn pipe_words(&self, command: &[&str], variables: &[(&str, &str)]) -> Rdd<String> {
        let words = command.iter().map(ToString::to_string).collect();
        let variables = variables.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        self.pipe_at(site("pipe_words", Location::caller()), words, variables)
    }

    fn pipe_at(
        &self,
        site: firesteel_types::CallSite,
        command: Vec<String>,
        variables: Vec<(String, String)>,
    ) -> Rdd<String> {
        let sent = (command, variables);
        self.whole_partition(
            site,
            None,
            &sent,
            |(command, variables): &(Vec<String>, Vec<(String, String)>), _, records| {
                Piped::start(command, variables, records)
            },
        )
    }
}

/// A running program, and its lines.
///
/// Three threads serve it, so that none of them can wait in a circle: this one computes records and takes
/// lines, one writes the program's input, one reads its output. Lines that this thread has no time for wait
/// in memory.
struct Piped<T: Data> {
    command: String,
    child: Child,
    /// `None` once all records were handed over, or the program reads no more.
    input: Option<(PartitionIter<T>, SyncSender<Vec<String>>)>,
    output: Receiver<std::io::Result<String>>,
    errors: Option<JoinHandle<String>>,
    done: bool,
}

impl<T: Data + Display> Piped<T> {
    fn start(command: &[String], variables: &[(String, String)], records: PartitionIter<T>) -> Self {
        let shown = command.join(" ");
        let Some((program, arguments)) = command.split_first() else {
            watch::refuse("run a program", "the command is empty");
        };
        let mut builder = Command::new(program);
        // The variable is set in an executor's own process; the program is not an executor.
        builder.args(arguments).env_remove(AGENT_VARIABLE).envs(variables.iter().map(|(k, v)| (k, v)));
        builder.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = builder.spawn();
        let mut child = started.unwrap_or_else(|e| watch::refuse(format!("run `{shown}`"), e.to_string()));
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            unreachable!("all three were asked for");
        };
        let (to_writer, batches) = sync_channel(BATCHES_WAITING);
        thread::spawn(move || write_input(stdin, &batches));
        let (to_us, output) = channel();
        thread::spawn(move || read_output(stdout, &to_us));
        let errors = Some(thread::spawn(move || first_of(stderr)));
        Piped { command: shown, child, input: Some((records, to_writer)), output, errors, done: false }
    }

    /// Computes some records and hands them to the writer.
    fn feed(&mut self) {
        let Some((records, to_writer)) = &mut self.input else { return };
        let batch: Vec<String> = records.take(BATCH).map(|x| x.to_string()).collect();
        let is_last = batch.len() < BATCH;
        // A program may end without reading all of its input: its exit code says whether that is a failure.
        if to_writer.send(batch).is_err() || is_last {
            self.input = None;
        }
    }

    /// Waits for the program, and fails the task if the program failed.
    fn finish(&mut self) {
        self.done = true;
        let status = self.child.wait();
        let said = self.errors.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        let code = match status {
            Ok(status) if status.success() => return,
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        watch::refuse(
            format!("run `{}`", self.command),
            format!("it ended with {code}. It said: {}", said.trim()),
        );
    }
}

fn write_input(stdin: impl Write, batches: &Receiver<Vec<String>>) {
    let mut stdin = BufWriter::new(stdin);
    for batch in batches {
        if batch.iter().any(|line| writeln!(stdin, "{line}").is_err()) {
            return;
        }
    }
}

fn read_output(stdout: impl Read, lines: &Sender<std::io::Result<String>>) {
    let mut stdout = BufReader::new(stdout);
    let mut line = vec![];
    loop {
        line.clear();
        let read = stdout.read_until(b'\n', &mut line);
        let text = match read {
            Ok(0) => return,
            Ok(_) => Ok(String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned()),
            Err(error) => Err(error),
        };
        if lines.send(text).is_err() {
            return;
        }
    }
}

/// Returns the beginning of a program's standard error; the rest is read, and dropped, so that the program is
/// not blocked.
fn first_of(mut stderr: impl Read) -> String {
    let mut said = vec![];
    let _ = stderr.by_ref().take(COMPLAINT).read_to_end(&mut said);
    let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    String::from_utf8_lossy(&said).into_owned()
}

impl<T: Data + Display> Iterator for Piped<T> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        while !self.done {
            let line = match &self.input {
                // While there are records to write, do not wait for output.
                Some(_) => match self.output.try_recv() {
                    Ok(line) => Some(line),
                    Err(_) => {
                        self.feed();
                        continue;
                    }
                },
                None => self.output.recv().ok(),
            };
            match line {
                Some(Ok(line)) => return Some(line),
                Some(Err(error)) => {
                    watch::refuse(format!("read what `{}` prints", self.command), error.to_string())
                }
                None => self.finish(),
            }
        }
        None
    }
}

impl<T: Data> Drop for Piped<T> {
    fn drop(&mut self) {
        if !self.done {
            // The task ended early: by `take`, a cancellation or a failure.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
