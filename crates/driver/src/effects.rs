//! The effects of the application on the driver's process and its executors. Effects only move messages on;
//! user code never runs here.

use crate::agents::Agents;
use crate::driver::{Core, Driver, JobMessage};
use crate::log_events;
use crate::losses;
use firesteel_cluster::Excluded;
use firesteel_protocol::{BarrierRefusal, TaskSpec, ToExecutor};
use firesteel_recovery::Record;
use firesteel_scheduler::{ApplicationEffect, Effect, TaskLaunch};
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
            Effect::Kill { task, executor, .. } => {
                self.send_to(core, executor, ToExecutor::Kill { executor, task });
            }
            Effect::ResultAccepted { job, output, task } => {
                let bytes = core.held.remove(&task).or_else(|| bytes.take());
                let bytes = self.write_result(job, output, bytes.expect("one event carries one result"));
                core.deliver(job, output, bytes);
            }
            Effect::ResultHeld { task } => {
                core.held.insert(task, bytes.take().expect("one event carries one result"));
            }
            Effect::ResultDropped { task } => drop(core.held.remove(&task)),
            Effect::BarrierRelease { task, executor, epoch, messages } => {
                let outcome = Ok(messages);
                self.send_to(core, executor, ToExecutor::BarrierAnswer { executor, task, epoch, outcome });
            }
            Effect::BarrierRefused { task, executor, epoch, reason, retryable } => {
                let outcome = Err(BarrierRefusal { reason, retryable });
                self.send_to(core, executor, ToExecutor::BarrierAnswer { executor, task, epoch, outcome });
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
            Effect::StoredShuffleDropped { shuffle } => {
                if let Some(storage) = self.remote().as_ref().and_then(|remote| remote.storage.as_ref()) {
                    // First: an agent that writes of it must not take the removal for a failure of the storage.
                    self.send_to_all(ToExecutor::RemoveStored { shuffle });
                    storage.remove(shuffle);
                }
            }
            Effect::StoredShuffleForgotten { shuffle } => {
                self.send_to_all(ToExecutor::ForgetStored { shuffle });
            }
            Effect::DropCached { rdd, until, .. } => {
                self.services.cached.remove_rdd(rdd, until);
                self.with_host(|host| host.remove_rdd(rdd, until));
                self.send_to_all(ToExecutor::RemoveRdd { rdd, until });
            }
            Effect::CommitDecision { task, executor, allowed } => {
                self.send_to(core, executor, ToExecutor::CommitDecision { executor, task, allowed });
            }
            Effect::UpdateSettled { accumulator, bytes } => self.accumulators.settle(accumulator, bytes),
            Effect::Journal(entry) => {
                if let Some(recovery) = self.recovery.get() {
                    recovery.append(&Record::Done(entry));
                }
            }
            Effect::Event(event) => self.update_status(core, event),
        }
    }

    /// Writes a result down, if there is a journal, and returns it.
    fn write_result(&self, job: JobId, output: usize, bytes: Vec<u8>) -> Vec<u8> {
        let Some(recovery) = self.recovery.get() else { return bytes };
        let record = Record::Result { job, output: output as u32, bytes };
        recovery.append(&record);
        match record {
            Record::Result { bytes, .. } => bytes,
            _ => unreachable!("it was made just now"),
        }
    }

    fn launch(&self, core: &mut Core, launch: TaskLaunch) {
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
        if executor != ExecutorId::DRIVER {
            core.launched.insert(spec.task, spec.clone());
        }
        match core.application.agent_of(executor) {
            Some(agent) => self.with_agents(|agents| agents.launch(agent, executor, spec)),
            None => {
                let launch = ToExecutor::Launch { executor, task: spec, announced: vec![] };
                self.with_executors(|executors| executors.send(launch));
            }
        }
    }

    fn remove_output(&self, core: &Core, output: Output, executor: ExecutorId, is_copy: bool) {
        let (shuffle, map, task) = output;
        if !is_copy {
            self.services.shuffles.remove(shuffle, map, task);
            self.with_host(|host| host.remove_output(shuffle, map, task));
        }
        if let Some(agent) = core.application.agent_of(executor) {
            self.with_agents(|agents| agents.tell(agent, &ToExecutor::RemoveOutput { shuffle, map, task }));
        }
    }

    fn forget_stage(&self, stage: StageId) {
        self.forget_recipe(stage);
        self.send_to_all(ToExecutor::ForgetStage { stage });
    }

    fn update_status(&self, core: &mut Core, event: AppEvent) {
        if let AppEvent::TaskEnded { task, .. } = &event {
            core.launched.remove(&task.task);
        }
        {
            let mut status = self.status.lock();
            status.apply(&event);
            log_events::log(&event, &status);
        }
        losses::log_loss(&event);
        let added = match &event {
            AppEvent::ExecutorAdded { executor, host, .. } => Some((*executor, host.clone())),
            _ => None,
        };
        self.bus.post(event);
        if let Some((executor, host)) = added.filter(|_| self.bus.is_wanted()) {
            self.tell_block_manager(core, executor, host);
        }
    }

    /// Tells listeners of the memory of an executor that has registered.
    fn tell_block_manager(&self, core: &Core, executor: ExecutorId, host: String) {
        let agents = core.application.agents();
        let agent = core.application.agent_of(executor).and_then(|agent| agents.get(&agent));
        let memory = match agent {
            Some(agent) if agent.registration.has_processes => {
                agent.registration.memory / u64::from(agent.slots.max(1))
            }
            Some(agent) => agent.registration.memory,
            None => self.services.memory.arbiter().total() as u64,
        };
        self.bus.post_block_manager(executor, host, memory);
    }

    /// Sends a message to an executor: through its agent, or to one on this machine.
    fn send_to(&self, core: &Core, executor: ExecutorId, message: ToExecutor) {
        match core.application.agent_of(executor) {
            Some(agent) => self.with_agents(|agents| agents.tell(agent, &message)),
            None => self.with_executors(|executors| executors.send(message)),
        }
    }

    /// Sends a message to all executors.
    pub(crate) fn send_to_all(&self, message: ToExecutor) {
        self.with_agents(|agents| agents.send_all(&message));
        self.with_executors(|executors| executors.send(message));
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
        ApplicationEffect::Store { agent, order } => agents.tell(agent, &ToExecutor::Store { order }),
        ApplicationEffect::Leave { agent } => agents.leave(agent),
        ApplicationEffect::Close { agent } => agents.close(agent),
        ApplicationEffect::FetchResult { agent, executor, task, address } => {
            agents.fetch_result((agent, executor), task, address);
        }
        ApplicationEffect::AgentReady { name } => {
            if let Some(cluster) = agents.cluster() {
                cluster.registered(&name);
            }
        }
        ApplicationEffect::AgentGone { name } => {
            if let Some(cluster) = agents.cluster() {
                cluster.disconnected(&name);
            }
        }
        ApplicationEffect::ExcludedAgents { agents: alone, with_host: with_machine } => {
            if let Some(cluster) = agents.cluster() {
                cluster.exclude(Excluded { alone, with_machine });
            }
        }
        ApplicationEffect::WantExecutors { executors } => {
            if let Some(cluster) = agents.cluster() {
                cluster.want(executors);
            }
        }
        ApplicationEffect::Scheduler(_)
        | ApplicationEffect::ResultRefused { .. }
        | ApplicationEffect::RemoveOutput { .. }
        | ApplicationEffect::RemoveResult { .. }
        | ApplicationEffect::AddressGone { .. } => {}
    }
}
