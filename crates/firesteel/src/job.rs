//! Running one job: the thread that wants the answer waits here.

use crate::Context;
use crate::driver::JobMessage;
use crate::endings;
use crate::error::{Error, Result};
use crate::node::RddNode;
use crate::resolve::resolve;
use firesteel_operators::OperatorRef;
use firesteel_scheduler::{Event, JobSpec};
use firesteel_types::{CallSite, JobFailure, JobId, Partition};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A job that was submitted.
pub(crate) struct RunningJob {
    pub(crate) id: JobId,
    site: CallSite,
    messages: Receiver<JobMessage>,
    marked: Vec<Arc<RddNode>>,
}

/// What an action asks for.
pub(crate) struct JobRequest<'a> {
    pub(crate) root: &'a Arc<RddNode>,
    pub(crate) site: CallSite,
    /// What the last stage's tasks do with their partitions.
    pub(crate) terminal: OperatorRef,
    pub(crate) partitions: Vec<Partition>,
}

impl Context {
    /// Resolves and submits a job.
    pub(crate) fn submit(&self, request: JobRequest<'_>) -> Result<RunningJob> {
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
        };
        let messages = self.driver().submit(spec, local.properties, resolved.recipes);
        Ok(RunningJob { id, site: request.site, messages, marked: resolved.marked })
    }

    /// Runs a job to its end. `handle` gets each result as it comes, with its position among the partitions asked for.
    pub(crate) fn run(
        &self,
        request: JobRequest<'_>,
        handle: impl FnMut(usize, Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        self.submit(request)?.wait(self, handle)
    }

    /// Runs a job, and gives its results in the order of the partitions asked for.
    pub(crate) fn run_in_order(&self, request: JobRequest<'_>) -> Result<Vec<Vec<u8>>> {
        let mut results: Vec<Vec<u8>> = vec![vec![]; request.partitions.len()];
        self.run(request, |output, bytes| {
            results[output] = bytes;
            Ok(())
        })?;
        Ok(results)
    }
}

impl RunningJob {
    /// Waits for the job's end.
    pub(crate) fn wait(
        mut self,
        context: &Context,
        handle: impl FnMut(usize, Vec<u8>) -> Result<()>,
    ) -> Result<()> {
        let marked = std::mem::take(&mut self.marked);
        let ended = self.receive(context, handle);
        context.driver().accumulators.merge_piles();
        context.hide_progress();
        if ended.is_err() {
            endings::wait_for_end();
            marked.iter().for_each(|node| context.checkpoints().await_action(node));
        }
        ended.and_then(|()| context.make_checkpoints(&marked))
    }

    fn receive(self, context: &Context, mut handle: impl FnMut(usize, Vec<u8>) -> Result<()>) -> Result<()> {
        let (mut failed, mut no_executors) = (None, Desertion::default());
        loop {
            let message = match self.messages.recv_timeout(no_executors.look_after()) {
                Ok(message) => Ok(message),
                Err(RecvTimeoutError::Disconnected) => Err(()),
                Err(RecvTimeoutError::Timeout) => {
                    no_executors.look(context, self.id);
                    continue;
                }
            };
            match message {
                Ok(JobMessage::Result { output, bytes }) => {
                    if failed.is_none()
                        && let Err(error) = handle(output, bytes)
                    {
                        // The rest is of no use to anybody.
                        context
                            .driver()
                            .post(Event::CancelJob { job: self.id, reason: format!("because {error}") });
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

    /// The same, for who may not wait for its end: a later action makes the checkpoints.
    pub(crate) fn leaving_checkpoints(mut self, context: &Context) -> Self {
        self.marked.drain(..).for_each(|node| context.checkpoints().await_action(&node));
        self
    }

    /// RDDs whose checkpoints are to be made after the job: the caller's care from now on.
    pub(crate) fn take_marked(&mut self) -> Vec<Arc<RddNode>> {
        std::mem::take(&mut self.marked)
    }

    /// The next message, if the job sends one before `deadline`.
    pub(crate) fn recv_until(&self, deadline: std::time::Instant) -> Option<JobMessage> {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        self.messages.recv_timeout(left).ok()
    }

    /// Tells the scheduler that nobody wants the answer any more.
    pub(crate) fn cancel(&self, context: &Context, reason: &str) {
        context.driver().post(Event::CancelJob { job: self.id, reason: format!("because {reason}") });
    }
}

/// Tells a person now and then that a job waits and there is nobody to run it.
struct Desertion {
    /// When there was somebody, as far as is known.
    since: Instant,
    next_look: Instant,
}

/// So long a job may have nobody before that is told, and then again.
const DESERTED: Duration = Duration::from_secs(5);
const STILL_DESERTED: Duration = Duration::from_secs(30);

impl Default for Desertion {
    fn default() -> Self {
        let since = Instant::now();
        Desertion { since, next_look: since + DESERTED }
    }
}

impl Desertion {
    fn look_after(&self) -> Duration {
        self.next_look.saturating_duration_since(Instant::now())
    }

    fn look(&mut self, context: &Context, job: JobId) {
        if context.driver().with_application(|application| application.has_executors()) {
            *self = Desertion::default();
            return;
        }
        self.next_look = Instant::now() + STILL_DESERTED;
        let address = context.listens_at().map_or(String::new(), |at| format!(" with the driver at {at}"));
        let waited = self.since.elapsed().as_secs();
        context.log().warn(format!(
            "job {job} has waited for {waited} s, since no executor has registered{address}: is the cluster up, has it cores and \
             memory that are free, is this address to be reached from there, and did executors say why they ended?"
        ));
    }
}
