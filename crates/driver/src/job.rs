//! [`SubmittedJob`]: submitting a job and waiting for its results, on the thread that wants the answer.

use crate::checkpoints::TakenCheckpoints;
use crate::context::DriverContext;
use crate::driver::JobMessage;
use crate::endings;
use crate::error::{Error, Result};
use crate::fingerprint::fingerprint;
use crate::node::RddNode;
use crate::resolve::resolve;
use crate::taken_up;
use firesteel_operators::OperatorRef;
use firesteel_scheduler::{Event, JobSpec};
use firesteel_types::{CallSite, JobFailure, JobId, Partition};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// A job that was submitted.
pub struct SubmittedJob {
    context: DriverContext,
    id: JobId,
    site: CallSite,
    messages: Receiver<JobMessage>,
    /// The number of results that are to come.
    results: usize,
    /// The checkpoints that are to be made when the job has its answer.
    checkpoints: TakenCheckpoints,
}

/// The request of an action.
pub(crate) struct JobRequest<'a> {
    pub(crate) root: &'a Arc<RddNode>,
    pub(crate) site: CallSite,
    /// The code that the last stage's tasks run over their partitions.
    pub(crate) terminal: OperatorRef,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) restart: Restart<'a>,
}

/// The place of a job among what a driver that restarts need not do again.
#[derive(Clone, Copy, Default)]
pub(crate) struct Restart<'a> {
    /// Called right before the job runs; not if an earlier driver has its answer.
    pub(crate) begins: Option<&'a dyn Fn(JobId) -> Result<()>>,
    /// True if the job has an effect beside its answer that does not outlive a driver, so that it runs in any case.
    pub(crate) runs: bool,
}

/// The ways in which a thread waits for a job that it may have to stop.
pub struct Waiting<'a> {
    /// Returns the reason why the job is to end, if it is. Called about every twentieth of a second.
    pub stop: &'a mut dyn FnMut() -> Option<String>,
    /// The time at which to give up. The results that are there by then are handed over, and that is no
    /// error.
    pub deadline: Option<Instant>,
}

/// The number of results that must still be to come for the waiting thread to take them in bursts. To be woken for
/// each of them would cost the slots more time than small tasks take.
const IN_BURSTS: usize = 1_000;
/// The time between two bursts: too short to be noticed in a job of so many tasks.
const BURST_EVERY: Duration = Duration::from_micros(50);

/// The interval of calls of `stop`.
const ASK_EVERY: Duration = Duration::from_millis(50);

type Stop = Box<dyn FnMut() -> Option<String>>;

thread_local! {
    /// The function that tells the jobs of this thread to stop.
    static STOP: RefCell<Option<Stop>> = const { RefCell::new(None) };
}

/// Runs what waits for jobs on this thread, which end when `stop` returns a reason; it is called about every
/// twentieth of a second.
pub fn unless_stopped<R>(stop: Stop, run: impl FnOnce() -> R) -> R {
    STOP.set(Some(stop));
    let made = run();
    STOP.set(None);
    made
}

impl DriverContext {
    /// Resolves and submits a job.
    pub(crate) fn submit(&self, request: JobRequest<'_>) -> Result<SubmittedJob> {
        if self.is_stopped() {
            endings::wait_for_end();
            return Err(Error::Stopped { site: request.site });
        }
        let resolved = resolve(self, request.root, &request.site, request.terminal, &request.partitions)?;
        let local = self.with_local(|local| local.clone());
        let id = self.next_job();
        let spec = JobSpec {
            job: id,
            site: request.site.clone(),
            stages: resolved.stages,
            partitions: request.partitions,
            pool: local.pool,
            group: local.group,
            tags: local.tags,
            properties: local.properties.clone(),
        };
        let results = spec.partitions.len();
        if let Some(recovery) = self.recovery() {
            let print = fingerprint(recovery, &spec, &resolved.recipes)?;
            if let Some(answer) = recovery.begin(id, &print, results, &request.site, request.restart.runs) {
                let messages = self.driver().answer(spec, answer);
                let (context, site, checkpoints) = (self.clone(), request.site, resolved.checkpoints);
                return Ok(SubmittedJob { context, id, site, messages, results, checkpoints });
            }
            taken_up::take_up(self, recovery, &spec, &print);
        }
        if let Some(begins) = request.restart.begins {
            begins(id)?;
        }
        let messages = self.driver().submit(spec, local.properties, resolved.recipes);
        drop(resolved.claims);
        let (context, site, checkpoints) = (self.clone(), request.site, resolved.checkpoints);
        Ok(SubmittedJob { context, id, site, messages, results, checkpoints })
    }
}

impl SubmittedJob {
    /// Waits for the job's end. `handle` gets each result when it comes, with its position among the
    /// partitions asked for.
    ///
    /// # Errors
    /// When the job fails, or `handle` does.
    pub fn wait(mut self, mut handle: impl FnMut(usize, Vec<u8>) -> Result<()>) -> Result<()> {
        if let Some(mut stop) = STOP.take() {
            let mut handled = Ok(());
            let ended = self.wait_unless(Waiting { stop: &mut *stop, deadline: None }, |at, bytes| {
                if handled.is_ok() {
                    handled = handle(at, bytes);
                }
            });
            STOP.set(Some(stop));
            return ended.and(handled);
        }
        let (context, checkpoints) = (self.context.clone(), std::mem::take(&mut self.checkpoints));
        let ended = self.receive(handle);
        context.job_is_over();
        if ended.is_err() {
            endings::wait_for_end();
        }
        ended.and_then(|()| checkpoints.make(&context))
    }

    /// Waits for the job's end, and returns its results in the order of the partitions asked for.
    ///
    /// # Errors
    /// When the job fails.
    pub fn wait_in_order(self, partitions: usize) -> Result<Vec<Vec<u8>>> {
        let mut results: Vec<Vec<u8>> = vec![vec![]; partitions];
        self.wait(|output, bytes| {
            results[output] = bytes;
            Ok(())
        })?;
        Ok(results)
    }

    /// Waits for the job's end as [`SubmittedJob::wait`] does, unless it is to stop before.
    ///
    /// # Errors
    /// When the job fails, or was told to stop.
    pub fn wait_unless(mut self, waiting: Waiting<'_>, mut handle: impl FnMut(usize, Vec<u8>)) -> Result<()> {
        let (context, site) = (self.context.clone(), self.site.clone());
        let checkpoints = std::mem::take(&mut self.checkpoints);
        let is_answered = loop {
            let next = Instant::now() + ASK_EVERY;
            let until = waiting.deadline.map_or(next, |deadline| deadline.min(next));
            match self.recv_until(until) {
                Some(JobMessage::Result { output, bytes }) => handle(output, bytes),
                Some(JobMessage::Ended(None)) => break Ok(true),
                Some(JobMessage::Ended(Some(failure))) => break Err(Error::Job { action: site, failure }),
                None if context.is_stopped() => break Err(Error::Stopped { site }),
                None => {
                    if let Some(reason) = (waiting.stop)() {
                        // The job's end comes as a message.
                        self.cancel(&reason);
                    } else if waiting.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                        self.cancel("its time was over");
                        break Ok(false);
                    }
                }
            }
        };
        context.job_is_over();
        if is_answered? { checkpoints.make(&context) } else { Ok(()) }
    }

    fn receive(self, mut handle: impl FnMut(usize, Vec<u8>) -> Result<()>) -> Result<()> {
        let (mut failed, mut no_executors) = (None, NoExecutors::default());
        let mut to_come = self.results;
        loop {
            let message = match self.next_message(to_come, no_executors.look_after()) {
                Ok(message) => Ok(message),
                Err(RecvTimeoutError::Disconnected) => Err(()),
                Err(RecvTimeoutError::Timeout) => {
                    no_executors.look(&self.context, self.id);
                    continue;
                }
            };
            match message {
                Ok(JobMessage::Result { output, bytes }) => {
                    to_come = to_come.saturating_sub(1);
                    if failed.is_none()
                        && let Err(error) = handle(output, bytes)
                    {
                        // The other results are not needed any more.
                        self.cancel(&error.to_string());
                        failed = Some(error);
                    }
                }
                Ok(JobMessage::Ended(None)) => return failed.map_or(Ok(()), Err),
                Ok(JobMessage::Ended(Some(failure))) => {
                    return Err(failed.unwrap_or(Error::Job { action: self.site, failure }));
                }
                // The driver went away with the context.
                Err(()) => {
                    let failure = JobFailure::ContextStopped { job: self.id };
                    return Err(Error::Job { action: self.site, failure });
                }
            }
        }
    }

    /// Waits for the next message while `to_come` results are to come.
    fn next_message(
        &self,
        to_come: usize,
        within: Duration,
    ) -> std::result::Result<JobMessage, RecvTimeoutError> {
        if to_come > IN_BURSTS {
            if let Ok(message) = self.messages.try_recv() {
                self.note_end(&message);
                return Ok(message);
            }
            thread::sleep(BURST_EVERY);
        }
        self.messages.recv_timeout(within).inspect(|message| self.note_end(message))
    }

    /// Leaves the checkpoints to a later action, for callers that may not wait for the job's end.
    #[must_use]
    pub fn leaving_checkpoints(mut self) -> Self {
        self.checkpoints = TakenCheckpoints::default();
        self
    }

    /// Returns the next message, if the job sends one before `deadline`.
    pub fn recv_until(&self, deadline: Instant) -> Option<JobMessage> {
        let left = deadline.saturating_duration_since(Instant::now());
        self.messages.recv_timeout(left).ok().inspect(|message| self.note_end(message))
    }

    /// Waits, at the end of a job, until its answer is in the journal: the program may act on it from then on.
    fn note_end(&self, message: &JobMessage) {
        if let (JobMessage::Ended(failure), Some(recovery)) = (message, self.context.recovery()) {
            recovery.sync();
            // A job that the program has cancelled is no sign that the program fails.
            recovery.job_ended(matches!(failure, None | Some(JobFailure::Cancelled { .. })));
        }
    }

    /// Cancels the job, whose answer is not needed any more.
    pub fn cancel(&self, reason: &str) {
        let reason = format!("because {reason}");
        self.context.driver().post(Event::CancelJob { job: self.id, reason });
    }
}

/// Warns from time to time that a job waits because no executor has registered.
struct NoExecutors {
    /// The time at which there was an executor, as far as is known.
    since: Instant,
    next_look: Instant,
}

/// The time that a job may wait without an executor before the first warning, and between warnings.
const FIRST_WARNING: Duration = Duration::from_secs(5);
const NEXT_WARNING: Duration = Duration::from_secs(30);

impl Default for NoExecutors {
    fn default() -> Self {
        let since = Instant::now();
        NoExecutors { since, next_look: since + FIRST_WARNING }
    }
}

impl NoExecutors {
    fn look_after(&self) -> Duration {
        self.next_look.saturating_duration_since(Instant::now())
    }

    fn look(&mut self, context: &DriverContext, job: JobId) {
        if context.driver().with_application(|application| application.has_executors()) {
            *self = NoExecutors::default();
            return;
        }
        self.next_look = Instant::now() + NEXT_WARNING;
        let address = context.listens_at().map_or(String::new(), |at| format!(" with the driver at {at}"));
        let waited = self.since.elapsed().as_secs();
        tracing::warn!(
            "job {job} has waited for {waited} s, since no executor has registered{address}: is the cluster up, has it cores and \
             memory that are free, is this address to be reached from there, and did executors say why they ended?"
        );
    }
}
