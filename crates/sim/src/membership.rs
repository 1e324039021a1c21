//! The rules of agents and their executors, which hold whatever happens.
//!
//! - An executor id is given once. An agent that runs another program is refused, and so is one that was decommissioned before it came.
//! - Nothing is launched on an executor whose connection has ended, or whose agent is being decommissioned.
//! - When an executor is declared lost while its agent is connected, it was silent, and the agent's connection is closed by the same
//!   event.
//! - The executors of an agent whose connection has ended are lost when the cluster has told why, or the time for that is over. No
//!   agent counts as connected for ever that has ended without a word.
//! - An address is gone only when no agent that is connected has its files there.
//! - A task whose result is being fetched is not given up while its agent is connected.
//! - An agent whose files go with it is told to end only when it has no tasks, and not before its sole copies were offered to agents that
//!   could take them, unless time is up; nor while an order is open by which it copies blocks of another.
//! - An agent that is being decommissioned is told to end, sooner or later.
//! - A result is fetched once, and only of an attempt that was not told to stop.
//! - The results that a job is given are never larger together than the limit, and a result that is too much is not fetched. The job
//!   fails at once.

mod record;

pub(crate) use record::{CopyOrder, Membership};

use crate::objection::Objection;
use crate::work::TASK_OPERATIONS;
use crate::world::World;
use firesteel_scheduler::{AgentId, ApplicationEffect, Effect, MigrateOrder, RegisterAgent};
use firesteel_types::{
    AppEvent, ExecutorId, ExecutorLossReason, JobFailure, JobId, TaskFailure, TaskId, TaskSummary,
};
use std::collections::BTreeSet;

/// The least time between two looks for agents that were given back.
const LOOK_EVERY_MS: u64 = 100;

impl World {
    /// An agent is about to be decommissioned.
    pub(crate) fn note_decommission(&mut self, agent: AgentId) {
        self.unsettle_copies();
        if self.application.agents().contains_key(&agent) {
            let now = self.now;
            self.membership.decommissioned.entry(agent).or_insert(now);
        } else if !self.membership.introduced.contains(&agent) {
            self.membership.unwelcome.insert(agent);
        }
    }

    /// Notes the agents that dynamic allocation has given back: no order of the cluster tells of them.
    pub(crate) fn note_given_back(&mut self) {
        // A look at all agents after each event would be most of the work where there are thousands.
        if self.scenario.allocation.is_none() || self.now < self.membership.looked_at + LOOK_EVERY_MS {
            return;
        }
        // Those that are found now were given back after the last look.
        let since = std::mem::replace(&mut self.membership.looked_at, self.now);
        for agent in
            self.application.agents().keys().filter(|agent| self.application.is_decommissioned(**agent))
        {
            self.membership.given_back.entry(*agent).or_insert(since);
        }
    }

    /// The registration of an agent has reached the driver.
    pub(crate) fn note_registration(&mut self, agent: AgentId) {
        self.unsettle_copies();
        self.membership.introduced.insert(agent);
    }

    /// The cluster has told that an agent has ended: its name may come again.
    pub(crate) fn note_end(&mut self, agent: AgentId) {
        self.membership.unwelcome.remove(&agent);
    }

    /// The connection of an agent is about to be seen to end.
    pub(crate) fn note_disconnect(&mut self, agent: AgentId) {
        self.unsettle_copies();
        self.membership.orders.retain(|_, order| order.agent != agent);
        let Some(gone) = self.application.agents().get(&agent) else { return };
        let lost_by = self.now + self.skew_ms + self.scenario.end_within_ms;
        self.membership.departed.entry(lost_by).or_default().extend(&gone.executors);
    }

    /// Checks that those executors are lost whose agents' connections ended long enough ago.
    pub(crate) fn check_departed(&mut self) -> Result<(), Objection> {
        let now = self.now + self.skew_ms;
        while let Some(departed) = self.membership.departed.first_entry().filter(|entry| *entry.key() <= now)
        {
            let executors = departed.remove();
            let is_known = |executor: &&ExecutorId| self.application.scheduler().knows_executor(**executor);
            if let Some(executor) = executors.iter().find(is_known) {
                return Err(format!("the connection of executor {executor} has ended, and it is not lost"));
            }
        }
        Ok(())
    }

    /// Checks that an agent may be given its executors.
    pub(crate) fn check_welcome(&self, agent: AgentId, has_setting: bool) -> Result<(), Objection> {
        if self.machines[&agent].is_impostor || self.scenario.has_processes != has_setting {
            return Err(format!("agent {agent:?} is welcomed, and should not be yet, or ever"));
        }
        match self.membership.unwelcome.contains(&agent) {
            true => Err(format!("agent {agent:?} is welcomed, and was decommissioned before it came")),
            false => Ok(()),
        }
    }

    /// New executors of an agent.
    pub(crate) fn name_executors(
        &mut self,
        agent: AgentId,
        executors: &[ExecutorId],
    ) -> Result<(), Objection> {
        let address = self.machines[&agent].address.clone();
        for &executor in executors {
            if self.owners.insert(executor, agent).is_some() {
                return Err(format!("executor {executor} is given twice"));
            }
            self.membership.addresses.insert(executor, address.clone());
        }
        Ok(())
    }

    /// Checks that an executor may be given a task.
    pub(crate) fn check_launch(&self, task: TaskId, executor: ExecutorId) -> Result<(), Objection> {
        let Some(agent) = self.application.agent_of(executor) else {
            return Err(format!("task {task} goes to executor {executor}, whose connection has ended"));
        };
        match self.membership.decommissioned.contains_key(&agent) {
            true => Err(format!("task {task} goes to executor {executor}, which is being decommissioned")),
            false => Ok(()),
        }
    }

    /// Checks what the effects of one event say together.
    pub(crate) fn check_effects(&self, effects: &[ApplicationEffect]) -> Result<(), Objection> {
        for effect in effects {
            match effect {
                ApplicationEffect::Scheduler(Effect::Event(AppEvent::ExecutorRemoved {
                    executor,
                    reason,
                    ..
                })) => self.check_removed(*executor, reason, effects)?,
                ApplicationEffect::AddressGone { address } => self.check_address_gone(address)?,
                ApplicationEffect::ResultRefused { task } => check_refused(*task, effects)?,
                ApplicationEffect::RemoveOutput { shuffle, map, task, executor, .. } => {
                    self.check_removal((*shuffle, *map, *task), *executor)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks that the agent of a lost executor ends: it has ended, or it was silent and is told to.
    fn check_removed(
        &self,
        executor: ExecutorId,
        reason: &ExecutorLossReason,
        effects: &[ApplicationEffect],
    ) -> Result<(), Objection> {
        let Some(agent) = self.application.agent_of(executor) else { return Ok(()) };
        if !effects.contains(&ApplicationEffect::Close { agent }) {
            return Err(format!("executor {executor} is lost, and its agent may go on"));
        }
        match reason {
            ExecutorLossReason::Unheard { .. } => Ok(()),
            _ => Err(format!("executor {executor} is lost ({reason}), and its agent is connected")),
        }
    }

    /// Checks that nothing can serve files at an address any more.
    fn check_address_gone(&self, address: &str) -> Result<(), Objection> {
        let mut there = self.application.agents().iter();
        match there.find(|(_, agent)| agent.registration.blocks == address) {
            Some((id, _)) => Err(format!("{address} is gone, and agent {id:?} has its files there")),
            None => Ok(()),
        }
    }

    /// Checks that a task is not given up whose result is being fetched from an agent that is connected.
    pub(crate) fn check_given_up(&self, event: &AppEvent) -> Result<(), Objection> {
        let AppEvent::TaskEnded { task: TaskSummary { task, .. }, failure: Some(failure), .. } = event else {
            return Ok(());
        };
        let agent = self.membership.fetching.get(task);
        let is_connected = agent.is_some_and(|agent| self.application.agents().contains_key(agent));
        match failure {
            TaskFailure::Killed(_) | TaskFailure::ExecutorLost { .. } => Ok(()),
            _ if !is_connected => Ok(()),
            _ => Err(format!("task {task} is given up ({failure}), and its result is being fetched")),
        }
    }

    /// An agent is ordered to copy blocks.
    pub(crate) fn note_migration(&mut self, agent: AgentId, order: &MigrateOrder) {
        // Copies of cached partitions are ordered in the same way.
        if self.is_cleared(&order.from) {
            let there = self.application.agents().values().map(|agent| &agent.registration);
            let there = there.filter(|agent| agent.blocks == order.from || agent.cached == order.from);
            self.membership.migrated_from.extend(there.map(|agent| agent.blocks.clone()));
        }
        let until = self.now + self.skew_ms + self.scenario.decommission_within_ms;
        let order_of = CopyOrder { agent, from: order.from.clone(), until };
        self.membership.orders.insert(order.number, order_of);
    }

    /// An order to copy blocks was answered.
    pub(crate) fn note_migrated(&mut self, number: u64) {
        self.membership.orders.remove(&number);
    }

    /// Returns whether an agent has an order to copy blocks whose answer is waited for: there is time, and an agent has its files
    /// where the blocks are and was not told to end.
    fn copies_for_others(&self, agent: AgentId) -> bool {
        let mut orders = self.membership.orders.values().filter(|order| order.agent == agent);
        orders.any(|order| order.until > self.now + self.skew_ms && self.is_cleared(&order.from))
    }

    /// Returns whether an agent has its files at an address that is being decommissioned and was not told to end.
    fn is_cleared(&self, address: &str) -> bool {
        let mut agents = self.application.agents().iter();
        let waits = |id: &AgentId| {
            self.membership.decommissioned.contains_key(id) && !self.membership.told_to_leave.contains(id)
        };
        agents.any(|(id, other)| {
            let RegisterAgent { blocks, cached, .. } = &other.registration;
            (blocks == address || cached == address) && waits(id)
        })
    }

    /// An agent is told to end.
    pub(crate) fn check_leave(&mut self, agent: AgentId) -> Result<(), Objection> {
        self.unsettle_copies();
        if !self.membership.told_to_leave.insert(agent) {
            return Err(format!("agent {agent:?} is told twice to end"));
        }
        let Some(began) = self.membership.decommissioned.get(&agent).copied() else {
            // Given back by dynamic allocation: its files stay, or nothing is on it.
            let now = self.now;
            self.membership.decommissioned.insert(agent, now);
            return Ok(());
        };
        // The time for its migration began when dynamic allocation gave it back, if that was before the order.
        let began = self.membership.given_back.get(&agent).map_or(began, |given_back| began.min(*given_back));
        let address = self.machines[&agent].address.clone();
        if self.scenario.host_service && !self.network_partitions.is_leaving(&self.machines[&agent].host) {
            return Ok(());
        }
        let there = self.membership.addresses.iter().filter(|(_, at)| **at == address);
        let executors: BTreeSet<ExecutorId> = there.map(|(executor, _)| *executor).collect();
        let own: Vec<ExecutorId> = self.application.agents()[&agent].executors.clone();
        let scheduler = self.application.scheduler();
        if own.iter().any(|executor| scheduler.is_busy(*executor)) {
            return Err(format!("agent {agent:?} is told to end with its files, and has tasks"));
        }
        // The cached partitions of an agent that stays are not lost with the files of others.
        let goes = |executor: &ExecutorId| {
            let agent = self.application.agent_of(*executor);
            agent.is_none_or(|agent| self.membership.decommissioned.contains_key(&agent))
        };
        let going = executors.iter().copied().filter(goes).collect();
        let is_empty = scheduler.sole_copies(&executors).outputs.is_empty()
            && scheduler.sole_copies(&going).cached.is_empty();
        let has_time = self.now + self.skew_ms < began + self.scenario.decommission_within_ms;
        if !is_empty && has_time && !self.membership.migrated_from.contains(&address) {
            return Err(format!(
                "agent {agent:?} is told to end, and no agent was asked to take what it has"
            ));
        }
        if has_time && self.copies_for_others(agent) {
            return Err(format!("agent {agent:?} is told to end while it copies blocks of others"));
        }
        Ok(())
    }

    /// A job is given a result.
    pub(crate) fn deliver(&mut self, job: JobId, bytes: u64) -> Result<(), Objection> {
        let delivered = self.membership.delivered.entry(job).or_default();
        *delivered += bytes;
        let (delivered, limit) = (*delivered, self.scenario.max_result_size);
        match limit > 0 && delivered > limit {
            true => Err(format!("job {job} is given {delivered} bytes of results, and may have {limit}")),
            false => Ok(()),
        }
    }

    /// A large result is about to be fetched.
    pub(crate) fn check_fetch(&self, task: TaskId, address: &str) -> Result<(), Objection> {
        let Some(job) = self.application.scheduler().job_of(task) else {
            return Err(format!("the result of task {task} is to be fetched, which no job waits for"));
        };
        if self.membership.fetching.contains_key(&task) {
            return Err(format!("the result of task {task} is to be fetched twice"));
        }
        if self.checker.was_told_to_stop(task) {
            return Err(format!("the result of task {task} is to be fetched, which was told to stop"));
        }
        let size = self
            .stores
            .get(address)
            .and_then(|store| store.results.get(&task))
            .map_or(0, |(data, _)| data.bytes());
        let (delivered, limit) =
            (self.membership.delivered.get(&job).copied().unwrap_or(0), self.scenario.max_result_size);
        match limit > 0 && delivered + size > limit {
            true => {
                Err(format!("the result of task {task} is to be fetched, and is more than its job may have"))
            }
            false => Ok(()),
        }
    }

    /// Checks the failures of jobs that agents and results are the reason of.
    pub(crate) fn check_failure(&self, job: JobId, failure: Option<&JobFailure>) -> Result<(), Objection> {
        match failure {
            Some(JobFailure::ResultTooLarge { bytes, limit, .. }) => {
                let is_right = *limit == self.scenario.max_result_size && *limit > 0 && bytes > limit;
                if is_right {
                    Ok(())
                } else {
                    Err(format!("job {job} fails for {bytes} bytes of results, of {limit}"))
                }
            }
            // What is only lost on its way is tried again.
            Some(JobFailure::TaskFailed { attempts, last, .. })
                if *attempts < self.scenario.settings.max_task_failures && !is_final(last) =>
            {
                Err(format!("job {job} fails after {attempts} attempts: {last}"))
            }
            Some(JobFailure::NoExecutorLeft { .. }) if !self.membership.gave_up => {
                Err(format!("job {job} has nowhere to run, and executors may come"))
            }
            _ => Ok(()),
        }
    }

    /// At the end, no agent that lives is left waiting to be told that it may go.
    pub(crate) fn check_members(&self) -> Result<(), Objection> {
        let waits = |agent: &&AgentId| {
            let is_told = self.membership.told_to_leave.contains(agent);
            !is_told && self.application.agents().contains_key(agent) && self.machines[agent].alive
        };
        if let Some(agent) = self.membership.decommissioned.keys().find(waits) {
            return Err(format!("agent {agent:?} is being decommissioned for ever"));
        }
        let is_dead = |agent: &&AgentId| !self.machines[agent].alive;
        match self.application.agents().keys().find(is_dead) {
            Some(agent) => Err(format!("agent {agent:?} has ended, and counts as connected for ever")),
            None => Ok(()),
        }
    }
}

/// Checks that the job ends whose result is more than it may have.
fn check_refused(task: TaskId, effects: &[ApplicationEffect]) -> Result<(), Objection> {
    let is_end = |effect: &ApplicationEffect| match effect {
        ApplicationEffect::Scheduler(Effect::JobEnded { failure, .. }) => {
            matches!(failure, Some(JobFailure::ResultTooLarge { .. }))
        }
        _ => false,
    };
    match effects.iter().any(is_end) {
        true => Ok(()),
        false => Err(format!("the result of task {task} is refused, and its job goes on")),
    }
}

/// Returns whether an executor has said that no other attempt mends a failure.
fn is_final(failure: &TaskFailure) -> bool {
    let is_of_a_task = |operation: &str| TASK_OPERATIONS.contains(&operation);
    matches!(failure, TaskFailure::Operation { operation, retryable: false, .. } if is_of_a_task(operation))
}
