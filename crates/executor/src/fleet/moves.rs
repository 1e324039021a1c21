//! Agents that go, and what they have that others are to take over first.
//!
//! Whoever decides what is moved, and when an agent may go, finds here what there is to know of agents and places: a *place* is where
//! files are served, by an agent itself or by somebody who serves those of several. At most one caller at a time moves things away from
//! a place ([`Fleet::begin_move`]).

use super::{Agent, Fleet, State};
use firesteel_protocol::{MigrateOrder, MigrateReport, ToExecutor};
use firesteel_types::{BlockKey, ExecutorId, ExecutorLossReason, Partition, ShuffleId, TaskId};
use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// How agents go.
#[derive(Default)]
pub(super) struct Moves {
    /// The places that somebody moves things away from.
    addresses: BTreeSet<String>,
    /// Names of agents that are to go, and have not come yet.
    pub(super) unwelcome: BTreeSet<String>,
    /// Who waits for an answer of which agent, by number.
    waiting: Vec<(u64, u64, SyncSender<usize>)>,
    next: u64,
}

/// How an agent is going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Going {
    /// Whoever serves its files goes, too.
    pub(super) with_files: bool,
    /// It was told to go.
    sent_outputs: bool,
}

/// An agent that is going, as whoever moves things sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaver {
    /// Which.
    pub agent: u64,
    /// Whether it has tasks, or results that are on their way.
    pub is_busy: bool,
}

/// An agent that stays, as whoever gives agents back sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LentAgent {
    /// The name under which whoever started it knows it.
    pub name: String,
    /// How many tasks it runs at a time.
    pub slots: u32,
    /// Its executors.
    pub executors: Vec<ExecutorId>,
    /// Whether it has tasks, or results that are on their way.
    pub is_busy: bool,
}

impl Fleet {
    /// The agents that are not going.
    pub fn lent(&self) -> Vec<LentAgent> {
        let state = self.state();
        let stay = state.agents.values().filter(|agent| agent.going.is_none() && agent.leaving.is_none());
        stay.map(|agent| LentAgent {
            name: agent.register.name.clone(),
            slots: agent.register.slots,
            executors: agent.executors.clone(),
            is_busy: state.is_busy(agent),
        })
        .collect()
    }

    /// An agent takes no more tasks. Where its files stay, it ends when those that run have ended. Where they go with it, or with whoever
    /// serves them, as `with_files` says, it stays until it is [let go](Fleet::release), and the place of its files is given. One that has
    /// not come yet is not let in.
    pub fn begin_decommission(&self, name: &str, with_files: bool) -> Option<String> {
        let executors = {
            let mut state = self.state();
            let found = state.agents.values().find(|agent| agent.register.name == name);
            let Some(executors) = found.map(|agent| agent.executors.clone()) else {
                state.moves.unwelcome.insert(name.into());
                return None;
            };
            executors
        };
        if let Some(listener) = self.listener.upgrade() {
            executors.into_iter().for_each(|executor| listener.leaving(executor));
        }
        let mut state = self.state();
        let agent = state.agents.values_mut().find(|agent| agent.register.name == name)?;
        agent.leaving = Some(ExecutorLossReason::Decommissioned);
        let going = agent.going.get_or_insert_default();
        going.with_files |= with_files || !agent.register.outputs_survive;
        if going.with_files {
            return Some(agent.register.blocks.clone());
        }
        if !std::mem::replace(&mut going.sent_outputs, true) {
            agent.outbox.send(&ToExecutor::Leave);
        }
        None
    }

    /// Whether the caller is the one who moves things away from a place, from now on.
    pub fn begin_move(&self, address: &str) -> bool {
        self.state().moves.addresses.insert(address.into())
    }

    /// Nobody moves things away from a place any more. `false` when there is somebody to wait for.
    pub fn end_move(&self, address: &str) -> bool {
        let mut state = self.state();
        let is_over = state.stopped || state.leavers(address).next().is_none();
        if is_over {
            state.moves.addresses.remove(address);
        }
        is_over
    }

    /// The agents that are going, that have their files at a place, and that were not let go yet.
    pub fn leavers(&self, address: &str) -> Vec<Leaver> {
        let state = self.state();
        let leavers = state.leavers(address);
        leavers.map(|(id, agent)| Leaver { agent: id, is_busy: state.is_busy(agent) }).collect()
    }

    /// All executors that ever had files at a place.
    pub fn executors_at(&self, address: &str) -> BTreeSet<ExecutorId> {
        let state = self.state();
        let there = state.addresses.iter().filter(|(_, at)| *at == address);
        there.map(|(executor, _)| *executor).collect()
    }

    /// One executor of each agent that stays, and has its files elsewhere.
    pub fn stayers(&self, address: &str) -> Vec<ExecutorId> {
        let state = self.state();
        let stay = state.agents.values().filter(|agent| {
            agent.going.is_none() && agent.leaving.is_none() && agent.register.blocks != address
        });
        let is_ready = |id: &&ExecutorId| state.executors.get(id).is_some_and(|remote| remote.is_ready);
        stay.filter_map(|agent| agent.executors.iter().find(is_ready).copied()).collect()
    }

    /// Asks an executor's agent to take over what lies at a place. The answer says how much it took; it does not come when the agent is
    /// gone.
    pub fn migrate(
        &self,
        executor: ExecutorId,
        from: &str,
        outputs: Vec<(ShuffleId, Partition, TaskId)>,
        cached: Vec<BlockKey>,
    ) -> Option<Receiver<usize>> {
        let (sender, answer) = sync_channel(1);
        let mut state = self.state();
        let agent = state.executors.get(&executor)?.agent;
        let number = state.moves.next;
        state.moves.next += 1;
        let outbox = state.agents.get(&agent)?.outbox.clone();
        state.moves.waiting.push((number, agent, sender));
        drop(state);
        let order = MigrateOrder { number, executor, from: from.into(), outputs, cached };
        outbox.send(&ToExecutor::Migrate { order });
        Some(answer)
    }

    /// An agent has taken something over.
    pub(super) fn migrated(&self, agent: u64, report: MigrateReport) {
        let MigrateReport { number, executor, outputs, cached } = report;
        let taken = outputs.len() + cached.len();
        if let Some(listener) = self.listener.upgrade() {
            cached.into_iter().for_each(|key| listener.stored(executor, key));
            listener.moved(executor, outputs);
        }
        let mut state = self.state();
        let waits = |waiting: &(u64, u64, _)| (waiting.0, waiting.1) == (number, agent);
        if let Some(at) = state.moves.waiting.iter().position(waits) {
            let _ = state.moves.waiting.swap_remove(at).2.send(taken);
        }
    }

    /// Agents that have nothing to do any more, and nothing that is missed, may end.
    pub fn release(&self, agents: impl IntoIterator<Item = u64>) {
        let mut state = self.state();
        for id in agents {
            if let Some(agent) = state.agents.get_mut(&id)
                && let Some(going) = &mut agent.going
                && !std::mem::replace(&mut going.sent_outputs, true)
            {
                agent.outbox.send(&ToExecutor::Leave);
            }
        }
    }

    /// Waits until something has changed about agents or their tasks, or for so long.
    pub fn wait_for_change(&self, at_most: Duration) {
        let state = self.state();
        if !state.stopped {
            drop(self.changed.wait_timeout(state, at_most).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl State {
    /// The agents that are to be let go, and have their files at a place.
    fn leavers(&self, address: &str) -> impl Iterator<Item = (u64, &Agent)> {
        let is_leaver = move |agent: &&Agent| {
            agent.register.blocks == address && agent.going.is_some_and(|going| !going.sent_outputs)
        };
        self.agents.iter().map(|(id, agent)| (*id, agent)).filter(move |(_, agent)| is_leaver(agent))
    }

    /// Whether an agent has tasks, or results that are on their way.
    fn is_busy(&self, agent: &Agent) -> bool {
        let mut remotes = agent.executors.iter().filter_map(|executor| self.executors.get(executor));
        remotes.any(|remote| !remote.running.is_empty() || remote.ending > 0 || !remote.fetching.is_empty())
    }

    /// An agent is gone: it answers nobody.
    pub(super) fn answers_no_more(&mut self, agent: u64) {
        self.moves.waiting.retain(|(_, asked, _)| *asked != agent);
    }

    /// After an agent has gone whose place goes, too: all executors whose files were there, those of earlier agents among them. `None`
    /// while another agent has its files there.
    pub(super) fn address_gone(&mut self, address: &str) -> Option<Vec<ExecutorId>> {
        if self.agents.values().any(|agent| agent.register.blocks == address) {
            return None;
        }
        let there = self.addresses.iter().filter(|(_, at)| *at == address);
        let mut there: Vec<ExecutorId> = there.map(|(executor, _)| *executor).collect();
        self.addresses.retain(|_, at| at != address);
        there.sort_unstable();
        Some(there)
    }
}
