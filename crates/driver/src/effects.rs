//! The effects of the application on the driver's process and its executors. Effects only move messages on;
//! user code never runs here.

use crate::agents::Agents;
use crate::driver::{Core, Driver, JobMessage, lock};
use firesteel_protocol::{BarrierOutcome, BarrierRefusal, TaskSpec, ToExecutor};
use firesteel_scheduler::{AgentId, ApplicationEffect, Effect, TaskLaunch};
use firesteel_types::{AppEvent, ExecutorId, JobId, Partition, ShuffleId, StageId, TaskId};
use std::sync::Arc;

/// The name of a map output.
type Output = (ShuffleId, Partition, TaskId);

impl Driver {
    /// Carries out an effect that the application decided. `bytes` is the result that came with the event.
    pub(crate) fn act(&self, core: &mut Core, effect: ApplicationEffect, bytes: &mut Option<Vec<u8>>) {
        match effect {
            ApplicationEffect::Scheduler(effect) => self.act_for_scheduler(core, effect, bytes),
            ApplicationEffect::ResultRefused { task } => drop(core.held.remove(&task)),
            ApplicationEffect::RemoveOutput { shuffle, map, task, executor, is_copy } => {
                self.remove_output(core, (shuffle, map, task), executor, is_copy);
            }
            ApplicationEffect::RemoveResult { agent, task } => {
                self.with_host(|host| host.remove_result(task));
                self.with_agents(|agents| agents.remove_result(agent, task));
            }
            ApplicationEffect::AddressGone { address } => {
                self.broadcast_trees.gone(&address);
                self.with_agents(|agents| agents.address_gone(&address));
            }
            effect => self.with_agents(|agents| act_on_agents(agents, effect)),
        }
    }

    fn act_for_scheduler(&self, core: &mut Core, effect: Effect, bytes: &mut Option<Vec<u8>>) {
        match effect {
            Effect::Launch(launch) => self.launch(core, launch),
            Effect::Kill { task, executor, .. } => match core.application.agent_of(executor) {
                Some(agent) => self.tell(agent, &ToExecutor::Kill { executor, task }),
                None => self.with_executors(|executors| executors.kill(executor, task)),
            },
            Effect::ResultAccepted { job, output, task } => {
                let bytes = core.held.remove(&task).or_else(|| bytes.take());
                core.deliver(job, output, bytes.expect("one event carries one result"));
            }
            Effect::ResultHeld { task } => {
                core.held.insert(task, bytes.take().expect("one event carries one result"));
            }
            Effect::ResultDropped { task } => drop(core.held.remove(&task)),
            Effect::BarrierRelease { task, executor, epoch, messages } => {
                self.answer_barrier(core, executor, (task, epoch), Ok(messages));
            }
            Effect::BarrierRefused { task, executor, epoch, reason, retryable } => {
                let refusal = BarrierRefusal { reason, retryable };
                self.answer_barrier(core, executor, (task, epoch), Err(refusal));
            }
            Effect::JobEnded { job, failure } => {
                if let Some(running) = core.jobs.remove(&job) {
                    // The thread that waited for the job may be gone.
                    let _ = running.to.send(JobMessage::Ended(failure));
                }
            }
            Effect::StageForgotten { stage } => self.forget_stage(stage),
            // The application's `RemoveOutput` removes the output.
            Effect::MapOutputDropped { .. } => {}
            Effect::DropCached { rdd, .. } => {
                self.services.cached.remove_rdd(rdd);
                self.with_host(|host| host.remove_rdd(rdd));
                self.with_executors(|executors| executors.forget_rdd(rdd));
                self.with_agents(|agents| agents.send_all(&ToExecutor::RemoveRdd { rdd }));
            }
            Effect::CommitDecision { task, executor, allowed } => match core.application.agent_of(executor) {
                Some(agent) => self.tell(agent, &ToExecutor::CommitDecision { task, allowed }),
                None => {
                    if let Some(answer) = core.commits.remove(&task) {
                        let _ = answer.send(allowed);
                    }
                }
            },
            Effect::UpdateSettled { accumulator, bytes } => self.accumulators.settle(accumulator, bytes),
            Effect::Event(event) => self.update_status(core, &event),
        }
    }

    fn launch(&self, core: &Core, launch: TaskLaunch) {
        let properties = core.jobs.get(&launch.job).map(|job| job.properties.clone());
        let executor = launch.executor;
        let spec = TaskSpec {
            task: launch.task,
            stage: launch.stage,
            stage_attempt: launch.stage_attempt,
            job: launch.job,
            partition: launch.partition,
            attempt: launch.attempt,
            inputs: launch.inputs,
            cached: launch.cached,
            barrier_hosts: launch.barrier_hosts,
            properties: properties.unwrap_or_default(),
        };
        match core.application.agent_of(executor) {
            Some(agent) => self.with_agents(|agents| agents.launch(agent, executor, spec)),
            None => self.with_executors(|executors| executors.launch(executor, spec)),
        }
    }

    fn remove_output(&self, core: &Core, output: Output, executor: ExecutorId, is_copy: bool) {
        let (shuffle, map, task) = output;
        if !is_copy {
            self.services.shuffles.remove(shuffle, map, task);
            self.with_host(|host| host.remove_output(shuffle, map, task));
        }
        if let Some(agent) = core.application.agent_of(executor) {
            self.tell(agent, &ToExecutor::RemoveOutput { shuffle, map, task });
        }
    }

    /// Answers a task that waits at a barrier. A task whose executor is lost gets no answer.
    fn answer_barrier(
        &self,
        core: &mut Core,
        executor: ExecutorId,
        (task, epoch): (TaskId, u32),
        outcome: BarrierOutcome,
    ) {
        match core.application.agent_of(executor) {
            Some(agent) => self.tell(agent, &ToExecutor::BarrierAnswer { task, epoch, outcome }),
            None => {
                if let Some(answer) = core.barriers.remove(&(task, epoch)) {
                    answer(outcome);
                }
            }
        }
    }

    fn forget_stage(&self, stage: StageId) {
        self.forget_recipe(stage);
        self.with_executors(|executors| executors.forget_stage(stage));
        self.with_agents(|agents| agents.send_all(&ToExecutor::ForgetStage { stage }));
    }

    fn update_status(&self, core: &mut Core, event: &AppEvent) {
        if let AppEvent::TaskEnded { task, .. } = event
            && !core.barriers.is_empty()
        {
            // Tasks of a lost executor get no answer.
            core.barriers.retain(|(waiting, _), _| waiting != task);
        }
        lock(&self.status).apply(event);
    }

    fn tell(&self, agent: AgentId, message: &ToExecutor) {
        self.with_agents(|agents| agents.tell(agent, message));
    }

    fn with_agents(&self, f: impl FnOnce(&Arc<Agents>)) {
        if let Some(remote) = self.remote() {
            f(&remote.agents);
        }
    }
}

impl Core {
    fn deliver(&self, job: JobId, output: usize, bytes: Vec<u8>) {
        if let Some(running) = self.jobs.get(&job) {
            // The thread that waited for the job may be gone.
            let _ = running.to.send(JobMessage::Result { output, bytes });
        }
    }
}

/// Carries out the effects that concern an agent's connection, or the cluster that started the agent.
fn act_on_agents(agents: &Arc<Agents>, effect: ApplicationEffect) {
    match effect {
        ApplicationEffect::Welcome { agent, executors, slots, setting } => {
            agents.welcome(agent, executors, slots, setting);
        }
        ApplicationEffect::Refuse { agent, reason } => agents.refuse(agent, reason),
        ApplicationEffect::NextExecutor { agent, executor } => agents.next_executor(agent, executor),
        ApplicationEffect::Acknowledge { agent } => agents.acknowledge(agent),
        ApplicationEffect::WorkerSetting { agent, setting } => agents.set_workers(agent, setting),
        ApplicationEffect::Migrate { agent, order } => agents.migrate(agent, order),
        ApplicationEffect::Leave { agent } => agents.leave(agent),
        ApplicationEffect::Close { agent } => agents.close(agent),
        ApplicationEffect::FetchResult { agent, executor, task, address } => {
            agents.fetch_result((agent, executor), task, address);
        }
        ApplicationEffect::AgentReady { name } => {
            if let Some(backend) = agents.backend() {
                backend.registered(&name);
            }
        }
        ApplicationEffect::AgentGone { name } => {
            if let Some(backend) = agents.backend() {
                backend.disconnected(&name);
            }
        }
        ApplicationEffect::WantExecutors { executors } => {
            if let Some(backend) = agents.backend() {
                backend.want(executors);
            }
        }
        ApplicationEffect::Scheduler(_)
        | ApplicationEffect::ResultRefused { .. }
        | ApplicationEffect::RemoveOutput { .. }
        | ApplicationEffect::RemoveResult { .. }
        | ApplicationEffect::AddressGone { .. } => {}
    }
}
