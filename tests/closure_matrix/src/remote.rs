//! The driver's end of the wire: starts executors, sends them plans, and compares their answers.

use crate::chain::{PARTITIONS, Stage};
use crate::{Checked, executor};
use firesteel_closures::ObjectHash;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// No answer or plan is as long.
const MAX_FRAME: u32 = 64 << 20;

/// What an executor is asked.
pub struct Request {
    /// The partition to compute; `None` asks only whether the plan decodes.
    pub partition: Option<u32>,
    /// The encoded plan.
    pub plan: Vec<u8>,
}

/// What it answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The task's result.
    Result(Vec<u8>),
    /// The plan decodes.
    Decoded,
    /// The plan was refused.
    Refused(String),
    /// The task failed.
    Failed(String),
}

/// In place of a partition: only decode.
const DECODE_ONLY: u32 = u32::MAX;

impl Request {
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut partition = [0; 4];
        match from.read_exact(&mut partition) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let partition = Some(u32::from_le_bytes(partition)).filter(|partition| *partition != DECODE_ONLY);
        Ok(Some(Request { partition, plan: read_frame(from)? }))
    }

    fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.partition.unwrap_or(DECODE_ONLY).to_le_bytes())?;
        write_frame(to, &self.plan)
    }
}

impl Answer {
    fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut kind = [0];
        from.read_exact(&mut kind)?;
        let bytes = read_frame(from)?;
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        Ok(match kind[0] {
            0 => Answer::Refused(text()),
            1 => Answer::Failed(text()),
            2 => Answer::Decoded,
            _ => Answer::Result(bytes),
        })
    }

    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let (kind, bytes) = match self {
            Answer::Refused(text) => (0, text.as_bytes()),
            Answer::Failed(text) => (1, text.as_bytes()),
            Answer::Decoded => (2, &[][..]),
            Answer::Result(bytes) => (3, &bytes[..]),
        };
        to.write_all(&[kind])?;
        write_frame(to, bytes)
    }
}

fn read_frame(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    assert!(length <= MAX_FRAME, "a frame of {length} bytes: the two ends do not understand each other");
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn write_frame(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&(bytes.len() as u32).to_le_bytes())?;
    to.write_all(bytes)?;
    to.flush()
}

/// An executor that was started as another process. Ends when dropped.
pub struct Remote {
    child: Child,
    to: Option<ChildStdin>,
    from: ChildStdout,
    /// The hash of the file that it runs.
    pub hash: ObjectHash,
    /// Where it has [`executor::serve`].
    pub address: u64,
}

impl Remote {
    /// Starts an executor.
    pub fn start(command: &mut Command) -> Checked<Self> {
        let failed = |what: &str, error: io::Error| format!("an executor {what}: {error}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed("does not start", error))?;
        let to = child.stdin.take();
        let mut from = child.stdout.take().expect("it was piped");
        let (mut hash, mut address) = ([0; 32], [0; 8]);
        from.read_exact(&mut hash)
            .and_then(|()| from.read_exact(&mut address))
            .map_err(|error| failed("does not greet", error))?;
        Ok(Remote { child, to, from, hash: ObjectHash(hash), address: u64::from_le_bytes(address) })
    }

    /// Asks, and waits for the answer.
    pub fn ask(&mut self, request: &Request) -> Checked<Answer> {
        let to = self.to.as_mut().expect("only a dropped executor has no input");
        request
            .write(to)
            .and_then(|()| Answer::read(&mut self.from))
            .map_err(|error| format!("an executor died: {error}; {:?}", self.child.wait()))
    }

    /// Has it run all partitions of a stage; the results must be those that are expected.
    pub fn check(&mut self, stage: &Stage) -> Checked {
        let plan = encode(stage)?;
        for partition in 0..PARTITIONS {
            let answer = self.ask(&Request { partition: Some(partition), plan: plan.clone() })?;
            compare(stage, partition, answer, "another process")?;
        }
        Ok(())
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        drop(self.to.take());
        let _ = self.child.wait();
    }
}

/// A stage's plan as bytes.
pub fn encode(stage: &Stage) -> Checked<Vec<u8>> {
    Ok(stage.plan().map_err(|error| format!("{}: {error}", stage.name))?.encode())
}

/// The same as [`Remote::check`], in this process.
pub fn check_here(stage: &Stage) -> Checked {
    let services = executor::services();
    let plan = encode(stage)?;
    for partition in 0..PARTITIONS {
        let request = Request { partition: Some(partition), plan: plan.clone() };
        compare(stage, partition, executor::answer(&request, &services), "this process")?;
    }
    Ok(())
}

fn compare(stage: &Stage, partition: u32, answer: Answer, whose: &str) -> Checked {
    let expected = &stage.expected[partition as usize];
    match &answer {
        Answer::Result(bytes) if bytes == expected => Ok(()),
        _ => Err(format!(
            "{}, partition {partition}, in {whose}: {answer:?}, expected {expected:?}",
            stage.name
        )),
    }
}
