//! Running one job: the thread that wants the answer waits here.

use crate::Context;
use crate::driver::JobMessage;
use crate::error::{Error, Result};
use crate::node::RddNode;
use crate::resolve::resolve;
use firesteel_operators::Code;
use firesteel_scheduler::{Event, JobSpec};
use firesteel_types::{CallSite, JobFailure, JobId, Partition};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

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
    pub(crate) terminal: Code,
    pub(crate) partitions: Vec<Partition>,
}

impl Context {
    /// Resolves and submits a job.
    pub(crate) fn submit(&self, request: JobRequest<'_>) -> Result<RunningJob> {
        if self.is_stopped() {
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
            marked.iter().for_each(|node| context.checkpoints().await_action(node));
        }
        ended.and_then(|()| context.make_checkpoints(&marked))
    }

    fn receive(self, context: &Context, mut handle: impl FnMut(usize, Vec<u8>) -> Result<()>) -> Result<()> {
        let mut failed = None;
        loop {
            match self.messages.recv() {
                Ok(JobMessage::Result { output, bytes }) => {
                    if failed.is_none()
                        && let Err(error) = handle(output, bytes)
                    {
                        // The rest is of no use to anybody.
                        context.driver().tell(Event::CancelJob { job: self.id, reason: error.to_string() });
                        failed = Some(error);
                    }
                }
                Ok(JobMessage::Ended(None)) => return failed.map_or(Ok(()), Err),
                Ok(JobMessage::Ended(Some(failure))) => {
                    return Err(failed.unwrap_or(Error::Job { action: self.site, failure }));
                }
                // The driver went away with the context.
                Err(_) => {
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
        context.driver().tell(Event::CancelJob { job: self.id, reason: reason.into() });
    }
}
