//! What the driver and a worker process say to each other, over a socket that only they have: length (eight bytes, little end
//! first), then the encoded message. Records never travel here, except results on their way to the program.

use crate::runner::TaskEnd;
use firesteel_data::DataError;
use firesteel_data::block::{decode_value, encode_value};
use firesteel_operators::{BarrierOutcome, TaskSpec};
use firesteel_storage::lru::BlockKey;
use firesteel_types::{
    AccumulatorUpdate, BroadcastId, ExecutorId, RddId, ShuffleId, ShuffleOutputs, StageId, TaskId,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// Where, in an application's directory, its processes find each other's files.
pub const SHARED_DIRECTORY: &str = "shared";

/// What a worker is told first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begin {
    /// Which executor it is.
    pub executor: ExecutorId,
    /// The application, by a number that no other of the driver's process has.
    pub application: u64,
    /// The application's directory; all its processes share it.
    pub directory: PathBuf,
    /// The worker's memory budget, in bytes.
    pub memory: u64,
    /// The application's settings.
    pub settings: Vec<(String, String)>,
    /// The way to other hosts, where there are such.
    pub remote: Option<RemoteConfig>,
}

/// How a worker reaches the driver and other hosts. Goes through the socket that only worker and agent have.
#[derive(Clone, Serialize, Deserialize)]
pub struct RemoteConfig {
    /// The application's secret; none when nothing is kept secret.
    pub secret: Option<String>,
    /// The driver's address.
    pub driver: String,
    /// The address at which the files of this host are served.
    pub here: String,
    /// How often a host that cannot be reached is tried again.
    pub retries: u32,
    /// The pause before that, in milliseconds.
    pub retry_wait_ms: u64,
    /// For how long a host may say nothing, in milliseconds.
    pub timeout_ms: u64,
}

impl std::fmt::Debug for RemoteConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FarBegin")
            .field("driver", &self.driver)
            .field("here", &self.here)
            .finish_non_exhaustive()
    }
}

/// An encoded plan, sent as it is: encoding it byte by byte would take long where functions are large.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlanBytes(#[serde(with = "serde_bytes")] pub Vec<u8>);

/// From the driver to a worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToWorker {
    /// Always the first.
    Begin(Begin),
    /// The map outputs that tasks will read; they are named from now on.
    Outputs(Arc<ShuffleOutputs>),
    /// Run a task, which reads these outputs beside those that it brings.
    Launch(TaskSpec, Vec<OutputsName>),
    /// Stop a task.
    Kill(TaskId),
    /// The answer to [`ToDriver::AskPlan`].
    Plan(StageId, Result<PlanBytes, String>),
    /// The answer to [`ToDriver::AskCommit`].
    Commit(TaskId, bool),
    /// The answer to [`ToDriver::BarrierSync`]: which call it answers, and what all tasks said.
    Barrier(TaskId, u32, BarrierOutcome),
    /// Forget a stage's plan.
    ForgetStage(StageId),
    /// Forget what is in memory of an RDD.
    ForgetRdd(RddId),
    /// Forget what is in memory of a broadcast value.
    ForgetBroadcast(BroadcastId),
}

/// Names the map outputs of a shuffle as they were at some time.
pub type OutputsName = (ShuffleId, u64);

/// The map outputs that a worker was told last. Driver and worker have the same ones, since both forget the same.
#[derive(Default)]
pub(crate) struct SentOutputs(VecDeque<Arc<ShuffleOutputs>>);

impl SentOutputs {
    /// A task that reads more than these brings its own.
    pub(crate) const AT_MOST: usize = 256;

    pub(crate) fn find(&self, name: OutputsName) -> Option<&Arc<ShuffleOutputs>> {
        self.0.iter().find(|outputs| (outputs.shuffle, outputs.generation) == name)
    }

    /// Notes what a task reads: the names of what it need not bring, since it was told, and what is to be told before.
    pub(crate) fn announce(
        &mut self,
        inputs: &[Arc<ShuffleOutputs>],
    ) -> (Vec<OutputsName>, Vec<Arc<ShuffleOutputs>>) {
        let (mut names, mut new) = (vec![], vec![]);
        for outputs in inputs.iter().filter(|_| inputs.len() <= Self::AT_MOST) {
            let name = (outputs.shuffle, outputs.generation);
            names.push(name);
            if self.find(name).is_none() {
                self.add(outputs.clone());
                new.push(outputs.clone());
            }
        }
        (names, new)
    }

    /// What a task reads: what it brings, and what it names. The driver names only what it has told.
    pub(crate) fn inputs(
        &self,
        brought: &[Arc<ShuffleOutputs>],
        names: Vec<OutputsName>,
    ) -> Arc<[Arc<ShuffleOutputs>]> {
        let named = names.into_iter().filter_map(|name| self.find(name).cloned());
        brought.iter().cloned().chain(named).collect()
    }

    pub(crate) fn add(&mut self, outputs: Arc<ShuffleOutputs>) {
        if self.0.len() == Self::AT_MOST {
            self.0.pop_front();
        }
        self.0.push_back(outputs);
    }
}

/// From a worker to the driver.
#[derive(Debug, Serialize, Deserialize)]
pub enum ToDriver {
    /// The worker is ready; its process id.
    Ready(u32),
    /// What are the operators of a stage?
    AskPlan(StageId),
    /// It waits for the other tasks of its barrier stage: how often it did before, and what it tells them.
    BarrierSync(TaskId, u32, Option<String>),
    /// May this attempt commit?
    AskCommit(TaskId),
    /// A partition is kept.
    Stored(BlockKey),
    /// A partition is kept no more.
    Dropped(BlockKey),
    /// A task has ended.
    Finished(TaskId, TaskEnd, Vec<AccumulatorUpdate>),
}

/// Sends a message.
///
/// # Errors
/// When it cannot be encoded, or the other side is gone.
pub fn send(to: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    // One write: the reader wakes up once.
    to.write_all(&frame(message)?)
}

/// A message as it is sent.
///
/// # Errors
/// When it cannot be encoded.
pub(crate) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let bytes = encode_value(message).map_err(data_error)?;
    let mut framed = Vec::with_capacity(bytes.len() + 8);
    framed.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    framed.extend_from_slice(&bytes);
    Ok(framed)
}

/// Receives a message; `None` when the other side has closed.
///
/// # Errors
/// When the connection breaks within a message, or what came is none.
pub fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    receive_at_most(from, u64::MAX)
}

/// The same from a peer that nothing is known of yet but that it has the secret: a message of more bytes is an error at once.
///
/// # Errors
/// When the connection breaks within a message, or what came is none, or it is longer.
pub fn receive_at_most<T: DeserializeOwned>(from: &mut impl Read, most: u64) -> io::Result<Option<T>> {
    let mut length = [0; 8];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let (length, mut bytes) = (u64::from_le_bytes(length), vec![]);
    if length > most {
        let message = format!("a message of {length} bytes where none has more than {most}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    // As much as comes, so that a false length takes no memory.
    let read = from.take(length).read_to_end(&mut bytes)?;
    if read as u64 != length {
        return Ok(None);
    }
    decode_value(&bytes).map(Some).map_err(data_error)
}

fn data_error(error: DataError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
