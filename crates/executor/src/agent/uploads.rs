//! Uploads: the agent's thread that writes map outputs to the shuffle storage.
//!
//! Outputs of one shuffle are gathered until there is enough for an object, or no more come for a moment. The driver is
//! told of an object when it is there, whole; one that was not finished is never named. A storage that fails is told of,
//! and left alone for a while: tasks and jobs go on without it.

use crate::stored::object_path;
use firesteel_data::Cipher;
use firesteel_io::{Directory, IoCause, IoError, IoOperation, Output, Stores};
use firesteel_net::Outbox;
use firesteel_protocol::handshake::{StorageConfig, StorageWrite};
use firesteel_protocol::{DeliveredOutcome, FromExecutor, StoreOrder, TaskOutcome, TaskReport};
use firesteel_shuffle::{MERGED_RUNS_AT_MOST, Mergeable, Merged, ShuffleStore, merge};
use firesteel_types::{ExecutorId, Partition, ShuffleId, StoredObject, StoredOutputs, TaskId};
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The name of a map output.
type Key = (ShuffleId, Partition, TaskId);

/// Outputs wait for others to share an object with until none has come for this long.
const IDLE: Duration = Duration::from_millis(300);

/// The same where tasks wait for it.
const IDLE_THROUGH: Duration = Duration::from_millis(10);

/// The longest time for which outputs wait for others.
const AT_MOST: Duration = Duration::from_secs(5);

/// A storage that has failed is left alone for this long.
const LEAVE_ALONE: Duration = Duration::from_secs(30);

/// The word that a shuffle is not needed any more may come so much later than the removal of its objects.
const WORD_WITHIN: Duration = Duration::from_secs(1);

/// The parts of [`Uploads`].
pub(super) struct Writing {
    pub(super) config: StorageConfig,
    /// An executor of this agent, which names the agent's objects.
    pub(super) by: ExecutorId,
    pub(super) stores: Stores,
    pub(super) outputs: ShuffleStore,
    pub(super) cipher: Option<Cipher>,
    pub(super) outbox: Outbox,
}

/// The thread that writes to the storage, and what waits for it.
pub(super) struct Uploads {
    writing: Writing,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<ShuffleId, Gathered>,
    orders: VecDeque<StoreOrder>,
    /// The reports of tasks that end when their outputs are stored.
    held: BTreeMap<Key, (ExecutorId, FromExecutor)>,
    /// The outputs that the storage has.
    stored: BTreeSet<Key>,
    /// The shuffle that is being written; none if it is not needed any more.
    writing: Option<ShuffleId>,
    left_alone_until: Option<Instant>,
    next_number: u32,
    has_ended: bool,
}

/// The outputs of a shuffle that wait to be written.
struct Gathered {
    outputs: Vec<(Partition, TaskId)>,
    bytes: u64,
    since: Instant,
    last: Instant,
}

/// The next thing to do.
enum Next {
    Order(StoreOrder),
    Batch(ShuffleId, Vec<(Partition, TaskId)>),
    End,
}

/// The reason why an object was not written.
enum Failed {
    /// The storage did not take it.
    Storage(IoError),
    /// A file of this host cannot be read.
    Here(String),
}

impl Uploads {
    /// Starts the thread.
    pub(super) fn start(writing: Writing) -> io::Result<Arc<Self>> {
        let uploads = Uploads { writing, state: Mutex::default(), changed: Condvar::new() };
        let uploads = Arc::new(uploads);
        let run = uploads.clone();
        thread::Builder::new().name("firesteel-uploads".into()).spawn(move || run.run())?;
        Ok(uploads)
    }

    /// Passes the report of a task that has ended on to the driver; where its output is to be stored first, later.
    pub(super) fn finished(&self, finished: FromExecutor) {
        let write = self.writing.config.write;
        let Some((executor, key, bytes)) = output_of(&finished).filter(|_| write != StorageWrite::Notice)
        else {
            return self.writing.outbox.send(&finished);
        };
        let mut state = self.state.lock();
        let is_left_alone = state.left_alone_until.is_some_and(|until| until > Instant::now());
        if write == StorageWrite::Through && !is_left_alone && !state.has_ended {
            state.held.insert(key, (executor, finished));
        } else {
            // Before the storage can be said to have its output.
            self.writing.outbox.send(&finished);
        }
        let now = Instant::now();
        let gathered = state.waiting.entry(key.0);
        let gathered =
            gathered.or_insert_with(|| Gathered { outputs: vec![], bytes: 0, since: now, last: now });
        gathered.outputs.push((key.1, key.2));
        gathered.bytes += bytes;
        gathered.last = now;
        drop(state);
        self.changed.notify_all();
    }

    /// Returns the tasks that have run, and end when their outputs are stored.
    pub(super) fn waiting(&self) -> Vec<(ExecutorId, TaskId)> {
        let held = &self.state.lock().held;
        held.iter().map(|((.., task), (executor, _))| (*executor, *task)).collect()
    }

    /// Takes an order of the driver's, which comes before all that waits.
    pub(super) fn order(&self, order: StoreOrder) {
        self.state.lock().orders.push_back(order);
        self.changed.notify_all();
    }

    /// Writes no more of an output, which is to be removed.
    pub(super) fn forget(&self, key: Key) {
        let mut state = self.state.lock();
        state.stored.remove(&key);
        if let Some(gathered) = state.waiting.get_mut(&key.0) {
            gathered.outputs.retain(|output| *output != (key.1, key.2));
        }
        if let Some((_, finished)) = state.held.remove(&key) {
            self.writing.outbox.send(&finished);
        }
    }

    /// Takes nothing of a shuffle for stored: what is ordered is written, again if need be.
    pub(super) fn forget_stored(&self, shuffle: ShuffleId) {
        self.state.lock().stored.retain(|(of, ..)| *of != shuffle);
    }

    /// Writes no more of a shuffle.
    pub(super) fn forget_shuffle(&self, shuffle: ShuffleId) {
        let mut state = self.state.lock();
        state.waiting.remove(&shuffle);
        state.stored.retain(|(of, ..)| *of != shuffle);
        state.writing = state.writing.filter(|of| *of != shuffle);
        self.release(&mut state, |(of, ..)| *of == shuffle);
        drop(state);
        self.changed.notify_all();
    }

    /// Ends the thread, as soon as it has written what it is at.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        state.has_ended = true;
        self.release(&mut state, |_| true);
        drop(state);
        self.changed.notify_all();
    }

    /// Reports the ends of tasks that wait no more.
    fn release(&self, state: &mut State, which: impl Fn(&Key) -> bool) {
        let (released, held): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut state.held).into_iter().partition(|(key, _)| which(key));
        state.held = held;
        released.values().for_each(|(_, finished)| self.writing.outbox.send(finished));
    }

    fn run(&self) {
        loop {
            match self.next() {
                Next::Order(order) => self.obey(order),
                Next::Batch(shuffle, outputs) => {
                    self.write(shuffle, &outputs);
                    // Whether they are stored or not.
                    let mut state = self.state.lock();
                    let of_batch = |(of, map, task): &Key| *of == shuffle && outputs.contains(&(*map, *task));
                    self.release(&mut state, of_batch);
                }
                Next::End => return,
            }
        }
    }

    /// Waits for the next thing to do.
    fn next(&self) -> Next {
        let (full, idle) = match self.writing.config.write {
            StorageWrite::Through => (self.writing.config.object_bytes, IDLE_THROUGH),
            StorageWrite::Background | StorageWrite::Notice => (self.writing.config.object_bytes, IDLE),
        };
        let mut state = self.state.lock();
        loop {
            if state.has_ended {
                return Next::End;
            }
            if let Some(order) = state.orders.pop_front() {
                return Next::Order(order);
            }
            let now = Instant::now();
            let due = |gathered: &Gathered| match gathered.bytes >= full {
                true => now,
                false => (gathered.last + idle).min(gathered.since + AT_MOST),
            };
            let first = state.waiting.iter().map(|(shuffle, gathered)| (due(gathered), *shuffle)).min();
            let first = first.map(|(due, shuffle)| (due.max(state.left_alone_until.unwrap_or(due)), shuffle));
            match first {
                None => self.changed.wait(&mut state),
                Some((due, shuffle)) if due <= now => {
                    let gathered = state.waiting.remove(&shuffle).expect("it was there a moment ago");
                    return Next::Batch(shuffle, gathered.outputs);
                }
                Some((due, _)) => drop(self.changed.wait_until(&mut state, due)),
            }
        }
    }

    /// Writes what the driver names, and tells it how many of the outputs are stored.
    fn obey(&self, StoreOrder { number, outputs }: StoreOrder) {
        let mut missing: BTreeMap<ShuffleId, Vec<(Partition, TaskId)>> = BTreeMap::new();
        {
            let mut state = self.state.lock();
            state.left_alone_until = None;
            for (shuffle, map, task) in &outputs {
                if !state.stored.contains(&(*shuffle, *map, *task)) {
                    missing.entry(*shuffle).or_default().push((*map, *task));
                }
                if let Some(gathered) = state.waiting.get_mut(shuffle) {
                    gathered.outputs.retain(|output| *output != (*map, *task));
                }
            }
        }
        missing.iter().for_each(|(shuffle, outputs)| self.write(*shuffle, outputs));
        let state = self.state.lock();
        let stored = outputs.iter().filter(|key| state.stored.contains(key)).count() as u32;
        drop(state);
        self.writing.outbox.send(&FromExecutor::StoreDone { number, stored });
    }

    /// Writes outputs of a shuffle, in as many objects as they make. One that cannot be read is left out.
    fn write(&self, shuffle: ShuffleId, outputs: &[(Partition, TaskId)]) {
        self.state.lock().writing = Some(shuffle);
        let (mut batch, mut bytes, mut runs): (Vec<Mergeable>, u64, usize) = (vec![], 0, 0);
        for (map, task) in outputs {
            match self.writing.outputs.get(shuffle, *map, *task) {
                Ok(Some(output)) => {
                    let is_full = bytes >= self.writing.config.object_bytes
                        || runs + output.runs() > MERGED_RUNS_AT_MOST;
                    if is_full && !self.write_object(shuffle, &std::mem::take(&mut batch)) {
                        break;
                    }
                    if is_full {
                        (bytes, runs) = (0, 0);
                    }
                    bytes += output.bytes();
                    runs += output.runs();
                    batch.push((*map, *task, output));
                }
                // It was removed meanwhile.
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a map output cannot be written to the shuffle storage"),
            }
        }
        self.write_object(shuffle, &batch);
        // This process reads them once.
        outputs.iter().for_each(|(map, task)| self.writing.outputs.forget(shuffle, *map, *task));
    }

    /// Writes an object. Returns false if the storage did not take it.
    fn write_object(&self, shuffle: ShuffleId, batch: &[Mergeable]) -> bool {
        if batch.is_empty() {
            return true;
        }
        let number = {
            let mut state = self.state.lock();
            state.next_number += 1;
            state.next_number
        };
        match self.try_write(shuffle, number, batch) {
            Ok(object) => {
                self.announce(shuffle, object, batch);
                true
            }
            // What was written of it is removed meanwhile, and its files are.
            Err(failed) if self.was_dropped(&failed) => {
                let Writing { config, by, stores, .. } = &self.writing;
                let object = StoredObject { life: config.life, by: *by, number, index_at: 0, length: 0 };
                let directory = Directory::at(stores, &config.directory);
                let shuffle = format!("shuffle-{shuffle}");
                let _ = directory.and_then(|all| all.inside(&shuffle).remove(&object.name()));
                false
            }
            Err(Failed::Storage(error)) => {
                tracing::warn!(
                    "map outputs stay on this host alone: {error}. The shuffle storage is tried again in {} s",
                    LEAVE_ALONE.as_secs()
                );
                let mut state = self.state.lock();
                state.left_alone_until = Some(Instant::now() + LEAVE_ALONE);
                self.release(&mut state, |_| true);
                false
            }
            // One of them is broken, or was removed meanwhile: each by itself, and that one not.
            Err(Failed::Here(_)) if batch.len() > 1 => {
                batch.iter().all(|output| self.write_object(shuffle, std::slice::from_ref(output)))
            }
            Err(Failed::Here(error)) => {
                tracing::warn!("a map output cannot be written to the shuffle storage: {error}");
                true
            }
        }
    }

    /// Returns whether an object was not written since its shuffle is not needed any more.
    fn was_dropped(&self, failed: &Failed) -> bool {
        let mut state = self.state.lock();
        let until = Instant::now() + WORD_WITHIN;
        // The storage may be well: the driver removes objects as soon as it tells agents of it.
        while matches!(failed, Failed::Storage(_)) && state.writing.is_some() && !state.has_ended {
            if self.changed.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        state.writing.is_none()
    }

    fn try_write(
        &self,
        shuffle: ShuffleId,
        number: u32,
        batch: &[Mergeable],
    ) -> Result<StoredObject, Failed> {
        let Writing { config, by, stores, cipher, .. } = &self.writing;
        let unnamed = StoredObject { life: config.life, by: *by, number, index_at: 0, length: 0 };
        if batch.iter().all(|(.., output)| output.bytes() == 0) {
            return Ok(unnamed);
        }
        let directory = Directory::at(stores, &config.directory).map_err(Failed::Storage)?;
        match directory.inside(&format!("shuffle-{shuffle}")).make(0o700) {
            Err(error) if error.cause != IoCause::OutputExists => return Err(Failed::Storage(error)),
            _ => {}
        }
        let path = object_path(&config.directory, shuffle, unnamed);
        let output = Output::create(stores, &path).map_err(Failed::Storage)?;
        let mut sink = Sink { output, failed: None };
        let merged = merge(batch, cipher.as_ref(), &mut sink);
        match (merged, sink.failed) {
            (_, Some(error)) => Err(Failed::Storage(IoError::from_io(IoOperation::Write, &path, error))),
            (Err(error), None) => Err(Failed::Here(error.to_string())),
            (Ok(Merged { index_at, length }), None) => {
                sink.output.finish().map_err(Failed::Storage)?;
                Ok(StoredObject { index_at, length, ..unnamed })
            }
        }
    }

    /// Tells the driver of an object, and then of the ends of the tasks that have waited for it.
    fn announce(&self, shuffle: ShuffleId, object: StoredObject, batch: &[Mergeable]) {
        let outputs: Vec<_> = batch.iter().map(|(map, task, _)| (*map, *task)).collect();
        let mut state = self.state.lock();
        let keys: BTreeSet<Key> = outputs.iter().map(|(map, task)| (shuffle, *map, *task)).collect();
        let stored = StoredOutputs { shuffle, object, outputs };
        self.writing.outbox.send(&FromExecutor::OutputsStored { stored });
        self.release(&mut state, |key| keys.contains(key));
        state.stored.extend(keys);
    }
}

/// Returns the map output that a report tells of, with its executor and its bytes.
fn output_of(finished: &FromExecutor) -> Option<(ExecutorId, Key, u64)> {
    let FromExecutor::Finished { executor, task, report: TaskReport::Delivered { outcome }, .. } = finished
    else {
        return None;
    };
    let outcome: &DeliveredOutcome = outcome;
    let TaskOutcome::MapOutput { shuffle, map, bytes, .. } = outcome else { return None };
    Some((*executor, (*shuffle, *map, *task), *bytes))
}

/// An object that is being written, and why it cannot be.
struct Sink {
    output: Output,
    failed: Option<io::Error>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes).map_err(|error| {
            let kind = error.kind();
            self.failed = Some(error);
            kind.into()
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests;
