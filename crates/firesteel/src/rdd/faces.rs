//! What another face of the engine builds its RDDs from, such as the one for Python: its operators make their batches themselves,
//! name the user's lines themselves, and wait for jobs in their own way.
//!
//! No part of the promise to users: hidden in the documentation.

use super::save::io_failure;
use super::{Parts, Rdd};
use crate::Context;
use crate::driver::JobMessage;
use crate::error::{Error, Result};
use crate::file_options::FileOptions;
use crate::job::JobRequest;
use crate::node::{InputBlocks, NodeCode};
use firesteel_closures::Plain;
use firesteel_data::block::write_records;
use firesteel_data::{Data, Environment};
use firesteel_executor::WorkerInfo;
use firesteel_executor::decode::decode;
use firesteel_executor::runner::run;
use firesteel_io::hadoop::{SequenceOptions, Value, ValueSequenceWriter};
use firesteel_io::{IoCause, IoError, IoOperation, Output};
use firesteel_operators::{
    Batches, MapStream, MapStreams, Outcome, Services, ShuffleRead, ShuffleWrite, Slices, Stream, Task,
};
use firesteel_plan::{Mapping, Partitioner};
use firesteel_protocol::DeliveredOutcome;
use firesteel_types::{BlockId, CallSite, Partition};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How a face waits for a job.
pub struct Waiting<'a> {
    /// Asked about every twentieth of a second: why the job is to end, if it is.
    pub stop: &'a mut dyn FnMut() -> Option<String>,
    /// When to give up; what is there by then is handed over, and that is no error.
    pub deadline: Option<Instant>,
}

/// How often a face is asked whether the job is to end.
const ASK_EVERY: Duration = Duration::from_millis(50);

#[doc(hidden)]
impl<T: Data> Rdd<T> {
    /// What a function makes of each partition's batches.
    pub fn map_stream<U, B, E, F>(&self, site: CallSite, environment: &E, f: F) -> Rdd<U>
    where
        U: Data,
        B: Batches<U> + 'static,
        E: Environment,
        F: Fn(&E, Partition, Stream<T>) -> Outcome<B> + Plain,
    {
        self.narrow(site, None, MapStream::<T, U, B, E, F>::code(environment, f))
    }

    /// [`Rdd::map_stream`] in a barrier stage: the function's stream knows its task, which can wait for the others.
    pub fn map_batches_at_barrier<U, B, E, F>(&self, site: CallSite, environment: &E, f: F) -> Rdd<U>
    where
        U: Data,
        B: Batches<U> + 'static,
        E: Environment,
        F: Fn(&E, Partition, Stream<T>) -> Outcome<B> + Plain,
    {
        self.narrow_behind_barrier(site, MapStream::<T, U, B, E, F>::code(environment, f))
    }

    /// What a function makes of the batches of two partitions: of the same number, or of each with each.
    ///
    /// # Errors
    /// When the numbers of partitions differ, and not each is paired with each.
    pub fn map_batches_with<V, U, B, E, F>(
        &self,
        site: CallSite,
        other: &Rdd<V>,
        each_with_each: bool,
        environment: &E,
        f: F,
    ) -> Result<Rdd<U>>
    where
        V: Data,
        U: Data,
        B: Batches<U> + 'static,
        E: Environment,
        F: Fn(&E, Partition, Stream<T>, Stream<V>) -> Outcome<B> + Plain,
    {
        let (left, right) = (self.node().info.partitions, other.node().info.partitions);
        let (each_with, partitions, mappings) = match each_with_each {
            true => {
                let mappings = [
                    Mapping::Product { divisor: right, modulus: left },
                    Mapping::Product { divisor: 1, modulus: right },
                ];
                (Some(right), left.saturating_mul(right), mappings)
            }
            false if left == right => (None, left, [Mapping::OneToOne, Mapping::OneToOne]),
            false => {
                let message =
                    format!("one RDD has {left} partitions, the other {right}: they must have as many");
                return Err(Error::InvalidArgument { site, message });
            }
        };
        let narrow = [self.node().clone(), other.node().clone()].into_iter().zip(mappings).collect();
        let code: NodeCode = MapStreams::<T, V, U, B, E, F>::code(environment, each_with, f).into();
        Ok(Rdd::from_parts(self.context(), Parts { site, partitions, partitioner: None, narrow, code }))
    }

    /// Runs a job over some partitions; `handle` gets the bytes that `f` makes of each, with its position among them, as they come.
    ///
    /// # Errors
    /// When the job fails, or was to end.
    pub fn run_waiting<E: Environment>(
        &self,
        site: CallSite,
        partitions: Vec<Partition>,
        environment: &E,
        f: impl Fn(&E, Partition, Stream<T>) -> Outcome<Vec<u8>> + Plain,
        waiting: Waiting<'_>,
        mut handle: impl FnMut(usize, Vec<u8>),
    ) -> Result<()> {
        let terminal = self.terminal(&site, environment, f)?;
        let request = JobRequest { root: self.node(), site: site.clone(), terminal, partitions };
        let mut job = self.context().submit(request)?;
        let marked = job.take_marked();
        let outcome = loop {
            let next = Instant::now() + ASK_EVERY;
            let until = waiting.deadline.map_or(next, |deadline| deadline.min(next));
            match job.recv_until(until) {
                Some(JobMessage::Result { output, bytes }) => handle(output, bytes),
                Some(JobMessage::Ended(None)) => break Ok(true),
                Some(JobMessage::Ended(Some(failure))) => break Err(Error::Job { action: site, failure }),
                None if self.context().is_stopped() => break Err(Error::Stopped { site }),
                None => {
                    if let Some(reason) = (waiting.stop)() {
                        // Its end comes as a message.
                        job.cancel(self.context(), &reason);
                    } else if waiting.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                        job.cancel(self.context(), "its time was over");
                        break Ok(false);
                    }
                }
            }
        };
        self.context().driver().accumulators.merge_piles();
        self.context().hide_progress();
        match outcome {
            Ok(true) => self.context().make_checkpoints(&marked),
            ended => {
                marked.iter().for_each(|node| self.context().checkpoints().await_action(node));
                ended.map(|_| ())
            }
        }
    }
}

#[doc(hidden)]
impl<T: Data> Rdd<(u32, T)> {
    /// The same records, each in the partition that it names.
    pub fn to_places(&self, site: CallSite, partitions: u32) -> Rdd<(u32, T)> {
        self.shuffled(
            site,
            Partitioner::Hash { partitions },
            |shuffle| {
                ShuffleWrite::<u32, T, (), _>::code(shuffle, partitions, &(), |_: &(), to: &u32| *to).into()
            },
            |shuffle| ShuffleRead::<u32, T>::code(shuffle).into(),
        )
    }
}

#[doc(hidden)]
impl Context {
    /// An RDD of data that somebody else has cut.
    pub fn parallelize_at<'a, T: Data>(
        &self,
        site: CallSite,
        slices: impl ExactSizeIterator<Item = &'a [T]>,
    ) -> Rdd<T> {
        let (id, partitions) = (self.next_rdd(), slices.len() as u32);
        let mut code = Slices::<T>::code();
        for (i, slice) in slices.enumerate() {
            let (mut block, name) = (vec![], BlockId::Input(id, Partition(i as u32)));
            let put = write_records(slice, &mut block)
                .and_then(|()| self.driver().services.blocks.put(name, block.into()));
            code = put.and(code);
        }
        let blocks = InputBlocks { rdd: id, partitions, driver: Arc::downgrade(self.driver()) };
        let code = NodeCode::from(code);
        let parts = Parts { site, partitions, partitioner: None, narrow: vec![], code };
        Rdd::from_parts_with_blocks(self, id, parts, Some(blocks))
    }

    /// What worker processes that begin from now on are told.
    ///
    /// # Errors
    /// When they cannot be told.
    pub fn set_worker_setting(&self, setting: &str) -> Result<()> {
        if let Some(remote) = self.driver().remote() {
            remote.fleet.set(setting);
        }
        let Some(processes) = self.driver().processes() else { return Ok(()) };
        processes.set(setting).map_err(|error| Error::Start(error.to_string()))
    }

    /// From now on executors in other processes can fetch a file by the BLAKE3 hash of its contents, which this gives. The file must
    /// stay as it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn offer_file(&self, path: &Path) -> Result<[u8; 32]> {
        let offered = self.driver().offer(path);
        offered.map_err(|error| Error::Start(format!("{} cannot be read: {error}", path.display())))
    }

    /// Whether executors are processes that connect to this one, perhaps from elsewhere.
    pub fn is_on_cluster(&self) -> bool {
        self.driver().remote().is_some()
    }

    /// What this process would lend to tasks.
    pub fn services(&self) -> &Arc<Services> {
        &self.driver().services
    }

    /// Runs the task that an exception failed last once more, on this thread, and gives what failed it now. `None` when no task was.
    ///
    /// # Errors
    /// When its plan cannot be decoded here.
    pub fn run_last_failure(&self) -> Option<std::result::Result<DeliveredOutcome, String>> {
        let (spec, recipe) =
            self.driver().last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let services = self.services();
        let terminal = recipe.encoded().and_then(|plan| decode(&plan, &services.broadcasts));
        Some(terminal.map(|terminal| {
            let task = Task::new(spec, services.clone(), Arc::default());
            run(&*terminal, &task).0
        }))
    }

    /// The worker processes that are ready, or the executors of a cluster.
    pub fn workers(&self) -> Vec<WorkerInfo> {
        if let Some(remote) = self.driver().remote() {
            return remote.fleet.infos();
        }
        self.driver().processes().map_or_else(Vec::new, |processes| processes.infos())
    }

    /// Jobs that this thread runs from now on carry these tags, and no others.
    pub fn set_job_tags(&self, tags: Vec<String>) {
        self.with_local(|local| local.tags = tags);
    }

    /// Workers forget a broadcast value that was destroyed.
    pub fn forget_broadcast(&self, broadcast: firesteel_types::BroadcastId) {
        self.driver().with_executors(|executors| executors.forget_broadcast(broadcast));
    }
}

/// The classes of a SequenceFile's keys and values, as far as they are asked for or known.
type SequenceClasses = (Option<String>, Option<String>);

#[doc(hidden)]
impl Rdd<(Value, Value)> {
    /// Writes pairs as SequenceFiles, of these classes or of those of the first pair. Whatever is of another class fails the job,
    /// and nothing is left then.
    ///
    /// # Errors
    /// When the directory exists already, the job fails, or two partitions hold pairs of different classes.
    pub fn save_sequence_values(
        &self,
        site: &CallSite,
        path: &str,
        sequence: SequenceOptions,
        classes: SequenceClasses,
        options: &FileOptions,
    ) -> Result<()> {
        let sent = (sequence, classes);
        let write = |sent: &(SequenceOptions, SequenceClasses), _, stream, output| {
            write_values(stream, output, &sent.0, &sent.1)
        };
        self.save_checked(site, path, options, "", sent, write, |written| same_classes(site, path, &written))
    }
}

/// Writes the pairs of one partition; tells of which classes they were, unless there were none.
fn write_values(
    stream: Stream<(Value, Value)>,
    output: Output,
    options: &SequenceOptions,
    classes: &SequenceClasses,
) -> Outcome<(Output, SequenceClasses)> {
    let mut writer = ValueSequenceWriter::new(output, options, classes.clone());
    stream.for_each(|batch| {
        batch.as_slice().iter().try_for_each(|(key, value)| writer.append(key, value)).map_err(io_failure)
    })?;
    let classes = writer.classes();
    Ok((writer.into_output().map_err(io_failure)?, classes))
}

/// Whether all partitions that hold pairs hold such of the same classes, as one directory of SequenceFiles should.
fn same_classes(site: &CallSite, path: &str, written: &[SequenceClasses]) -> Result<()> {
    let of_part = |part: &str, class: fn(&SequenceClasses) -> Option<&String>| {
        let mut known = written.iter().enumerate().filter_map(|(i, classes)| Some((i, class(classes)?)));
        let Some((first, wanted)) = known.next() else { return Ok(()) };
        let Some((other, found)) = known.find(|(_, found)| *found != wanted) else { return Ok(()) };
        let what = format!(
            "wrong {part} class: the {part}s of partition {first} are of class {wanted}, those of partition {other} of class {found}. \
             All {part}s have one class: make them alike first, such as by mapValues(float) or mapValues(str), or save them \
             with saveAsPickleFile, which takes any"
        );
        let source = IoError::new(IoOperation::Write, path, IoCause::Unwritable(what));
        Err(Error::Io { site: site.clone(), source })
    };
    of_part("key", |classes| classes.0.as_ref())?;
    of_part("value", |classes| classes.1.as_ref())
}
