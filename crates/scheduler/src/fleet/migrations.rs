//! The migration of blocks from agents that are being decommissioned: in rounds, address by address, until
//! none is left, or time is up.
//!
//! An agent whose files go with it, or with the process that serves them, takes no more tasks; while its last
//! tasks run, the blocks that only its executors have are copied to agents that stay. When no block is left
//! and no task runs, the agent is told to end. A block that could not be copied in time is lost with it, and
//! computed again when a job needs it. [`MigrationPlan`] deals the blocks.

use crate::agent_id::AgentId;
use crate::migration_plan::MigrationPlan;
use firesteel_types::{Millis, Partition, ShuffleId, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// The pause before an address is looked at again, when no event says that something has changed.
const LOOK_AGAIN_MS: u64 = 100;

/// All migrations under way, by the address that is cleared.
#[derive(Debug, Default)]
pub(crate) struct Migrations {
    by_address: BTreeMap<String, Migration>,
    next_number: u64,
}

/// The clearing of one address.
#[derive(Debug, Default)]
struct Migration {
    plan: MigrationPlan,
    /// The time since which no task runs at the address.
    idle_since: Option<Millis>,
    /// The orders of this round that were not answered yet.
    asked: BTreeMap<u64, Order>,
    /// Those of earlier rounds, which ended before these orders' own time: their agents still copy.
    earlier: BTreeMap<u64, Order>,
    /// The number of blocks that the answers of this round have copied.
    taken: usize,
    /// The time until which the answers of this round are waited for.
    answer_by: Millis,
    /// The time at which to look at the address again, unless answers are waited for.
    look_at: Millis,
    /// The map outputs that an agent was told to write to the shuffle storage.
    ordered: BTreeSet<(ShuffleId, Partition, TaskId)>,
    /// True if the shuffle storage did not take what an agent had, or not in time: outputs are copied to other hosts.
    storage_failed: bool,
}

/// An order to an agent, which may take until a time.
#[derive(Clone, Copy, Debug)]
struct Order {
    agent: AgentId,
    until: Millis,
}

/// The next step about an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait for answers, or until it is time to look.
    Wait,
    /// Deal the blocks that are left, or release the agents.
    Look,
}

impl Migration {
    /// Returns whether this round waits for an agent's answer to an order.
    fn has_asked(&self, agent: AgentId, number: u64) -> bool {
        self.asked.get(&number).is_some_and(|order| order.agent == agent)
    }
}

impl Migrations {
    /// Begins to clear an address, unless that has begun.
    pub(crate) fn begin(&mut self, address: String) {
        self.by_address.entry(address).or_default();
    }

    /// Ends the clearing of an address.
    pub(crate) fn end(&mut self, address: &str) {
        self.by_address.remove(address);
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.by_address.keys().cloned().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// Makes all addresses due to be looked at, since tasks or agents have changed.
    pub(crate) fn reconsider(&mut self) {
        self.by_address.values_mut().for_each(|migration| migration.look_at = Millis(0));
    }

    /// Returns the next step about an address.
    pub(crate) fn step(&mut self, now: Millis, address: &str) -> Step {
        let Some(migration) = self.by_address.get_mut(address) else { return Step::Wait };
        migration.earlier.retain(|_, order| order.until > now);
        if !migration.asked.is_empty() {
            if migration.answer_by > now {
                return Step::Wait;
            }
            // The blocks that were not copied in time are dealt again, to other executors if there are any.
            let unanswered = std::mem::take(&mut migration.asked);
            migration.earlier.extend(unanswered.into_iter().filter(|(_, order)| order.until > now));
            return Step::Look;
        }
        if std::mem::take(&mut migration.taken) > 0 || migration.look_at <= now {
            Step::Look
        } else {
            Step::Wait
        }
    }

    /// Returns whether time is up for an address: after its last task has ended, the migration may take
    /// `within_ms`.
    pub(crate) fn is_over(&mut self, now: Millis, address: &str, is_busy: bool, within_ms: u64) -> bool {
        let Some(migration) = self.by_address.get_mut(address) else { return true };
        if is_busy {
            migration.idle_since = None;
            return false;
        }
        now - *migration.idle_since.get_or_insert(now) >= within_ms
    }

    /// Returns the plan of an address.
    pub(crate) fn plan(&mut self, address: &str) -> Option<&mut MigrationPlan> {
        self.by_address.get_mut(address).map(|migration| &mut migration.plan)
    }

    /// Notes that an agent is ordered to copy blocks. Returns the number of the order.
    pub(crate) fn ask(&mut self, address: &str, agent: AgentId, answer_by: Millis) -> Option<u64> {
        let number = self.next_number();
        let migration = self.by_address.get_mut(address)?;
        migration.answer_by = match migration.asked.is_empty() {
            true => answer_by,
            false => answer_by.min(migration.answer_by),
        };
        migration.asked.insert(number, Order { agent, until: answer_by });
        Some(number)
    }

    /// Notes that an agent is ordered to write map outputs to the shuffle storage, of which an address has the only copies.
    /// Returns the number of the order; `None` if one of the outputs was in an order before: then the storage does not take
    /// them, or is too slow. It gets half of the time that is left, so that what it did not take can be copied.
    pub(crate) fn ask_to_store(
        &mut self,
        now: Millis,
        address: &str,
        agent: AgentId,
        outputs: &[(ShuffleId, Partition, TaskId)],
        within_ms: u64,
    ) -> Option<u64> {
        let migration = self.by_address.get_mut(address)?;
        migration.storage_failed |= outputs.iter().any(|output| migration.ordered.contains(output));
        if migration.storage_failed {
            return None;
        }
        migration.ordered.extend(outputs);
        let left = within_ms.saturating_sub(now - migration.idle_since.unwrap_or(now));
        self.ask(address, agent, now + left / 2)
    }

    /// Returns a number that no other order has.
    pub(crate) fn next_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// Returns whether the shuffle storage may take the map outputs of an address.
    pub(crate) fn may_store(&self, address: &str) -> bool {
        self.by_address.get(address).is_some_and(|migration| !migration.storage_failed)
    }

    /// Notes that an agent has written to the shuffle storage what it could.
    pub(crate) fn store_answered(&mut self, agent: AgentId, number: u64, stored: u32) {
        let mut all = self.by_address.values_mut();
        if let Some(migration) = all.find(|migration| migration.has_asked(agent, number)) {
            migration.asked.remove(&number);
            migration.storage_failed |= stored == 0;
            // Looks again even if nothing was stored: what was not is dealt to others.
            migration.taken += 1;
        }
    }

    /// Returns whether an agent has an order that it has not answered.
    pub(crate) fn is_asked(&self, agent: AgentId) -> bool {
        let orders = |migration: &Migration| {
            migration.asked.values().chain(migration.earlier.values()).any(|order| order.agent == agent)
        };
        self.by_address.values().any(orders)
    }

    /// Leaves an address alone for a while.
    pub(crate) fn wait(&mut self, now: Millis, address: &str) {
        if let Some(migration) = self.by_address.get_mut(address) {
            migration.look_at = now + LOOK_AGAIN_MS;
        }
    }

    /// Notes that an agent has carried out an order and copied this many blocks. An answer that is late, or a
    /// second copy, is ignored.
    pub(crate) fn answered(&mut self, agent: AgentId, number: u64, taken: usize) {
        for migration in self.by_address.values_mut() {
            if migration.has_asked(agent, number) {
                migration.asked.remove(&number);
                migration.taken += taken;
            }
            if migration.earlier.get(&number).is_some_and(|order| order.agent == agent) {
                migration.earlier.remove(&number);
            }
        }
    }

    /// Notes that an agent is gone and will answer no order.
    pub(crate) fn agent_gone(&mut self, agent: AgentId) {
        for migration in self.by_address.values_mut() {
            let before = migration.asked.len();
            migration.asked.retain(|_, order| order.agent != agent);
            migration.earlier.retain(|_, order| order.agent != agent);
            if migration.asked.len() < before {
                // Another agent of the address may write what this one was told to.
                migration.ordered.clear();
            }
        }
        self.reconsider();
    }

    /// Returns the time at which an address is to be looked at if nothing happens before.
    pub(crate) fn next_deadline(&self) -> Option<Millis> {
        let due = |migration: &Migration| match migration.asked.is_empty() {
            true => migration.look_at,
            false => migration.answer_by,
        };
        self.by_address.values().map(due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "a:1";

    fn begun() -> Migrations {
        let mut migrations = Migrations::default();
        migrations.begin(ADDRESS.into());
        migrations
    }

    #[test]
    fn time_begins_when_the_last_task_has_ended() {
        let (mut migrations, minute) = (begun(), 60_000);
        assert!(!migrations.is_over(Millis(0), ADDRESS, true, minute));
        assert!(!migrations.is_over(Millis(10 * minute), ADDRESS, true, minute));
        assert!(!migrations.is_over(Millis(10 * minute), ADDRESS, false, minute));
        assert!(!migrations.is_over(Millis(10 * minute + minute / 2), ADDRESS, false, minute));
        assert!(migrations.is_over(Millis(11 * minute), ADDRESS, false, minute));
    }

    #[test]
    fn a_round_ends_with_its_answers_or_in_time() {
        let mut migrations = begun();
        assert_eq!(migrations.step(Millis(0), ADDRESS), Step::Look);
        let number = migrations.ask(ADDRESS, AgentId(1), Millis(500)).expect("the address is being cleared");
        assert_eq!(migrations.step(Millis(499), ADDRESS), Step::Wait);
        assert_eq!(migrations.step(Millis(500), ADDRESS), Step::Look, "the answer is late");
        migrations.answered(AgentId(1), number, 5);
        migrations.wait(Millis(500), ADDRESS);
        assert_eq!(migrations.step(Millis(501), ADDRESS), Step::Wait, "a late answer counts for nothing");
        let number = migrations.ask(ADDRESS, AgentId(1), Millis(900)).expect("the address is being cleared");
        migrations.answered(AgentId(2), number, 5);
        assert_eq!(migrations.step(Millis(502), ADDRESS), Step::Wait, "another agent was asked");
        migrations.answered(AgentId(1), number, 5);
        assert_eq!(migrations.step(Millis(502), ADDRESS), Step::Look);
    }

    #[test]
    fn an_agent_copies_until_its_own_time_though_its_round_is_over() {
        let mut migrations = begun();
        let number = migrations.ask(ADDRESS, AgentId(1), Millis(900)).expect("the address is being cleared");
        migrations.ask(ADDRESS, AgentId(2), Millis(500)).expect("the address is being cleared");
        assert_eq!(migrations.step(Millis(500), ADDRESS), Step::Look, "one is late");
        assert_eq!([1, 2].map(|agent| migrations.is_asked(AgentId(agent))), [true, false]);
        let later = |migrations: &mut Migrations| {
            migrations.step(Millis(900), ADDRESS);
            migrations.is_asked(AgentId(1))
        };
        migrations.answered(AgentId(2), number, 1);
        assert!(migrations.is_asked(AgentId(1)), "another agent answered");
        assert!(!later(&mut migrations));
    }

    #[test]
    fn an_output_is_ordered_to_the_storage_once_and_others_until_then() {
        let output = |task| (ShuffleId(0), Partition(0), TaskId(task));
        let mut migrations = begun();
        let ask = |migrations: &mut Migrations, agent, task| {
            migrations.ask_to_store(Millis(0), ADDRESS, AgentId(agent), &[output(task)], 1_000)
        };
        let first = ask(&mut migrations, 1, 1).expect("it is the first");
        migrations.store_answered(AgentId(1), first, 1);
        let second = ask(&mut migrations, 1, 2).expect("another output is another matter");
        migrations.store_answered(AgentId(1), second, 1);
        assert_eq!(ask(&mut migrations, 1, 1), None, "it is said to be stored, and is not");
        assert!(!migrations.may_store(ADDRESS));
        let mut migrations = begun();
        ask(&mut migrations, 1, 1).expect("it is the first");
        migrations.agent_gone(AgentId(1));
        assert!(ask(&mut migrations, 2, 1).is_some(), "who was asked is gone");
    }

    #[test]
    fn the_storage_gets_half_of_the_time_that_is_left() {
        let (mut migrations, outputs) = (begun(), [(ShuffleId(0), Partition(0), TaskId(0))]);
        migrations.is_over(Millis(1_000), ADDRESS, false, 600);
        migrations.ask_to_store(Millis(1_200), ADDRESS, AgentId(1), &outputs, 600).expect("it is the first");
        migrations.ask(ADDRESS, AgentId(2), Millis(1_800)).expect("the address is being cleared");
        assert_eq!(migrations.step(Millis(1_399), ADDRESS), Step::Wait);
        assert_eq!(migrations.step(Millis(1_400), ADDRESS), Step::Look);
        assert_eq!(migrations.ask_to_store(Millis(1_400), ADDRESS, AgentId(1), &outputs, 600), None);
    }

    #[test]
    fn agents_that_are_gone_are_not_waited_for() {
        let mut migrations = begun();
        migrations.ask(ADDRESS, AgentId(1), Millis(60_000));
        migrations.agent_gone(AgentId(1));
        assert_eq!(migrations.step(Millis(1), ADDRESS), Step::Look);
        assert_eq!(migrations.next_deadline(), Some(Millis(0)));
        migrations.end(ADDRESS);
        assert!(migrations.is_empty() && migrations.next_deadline().is_none());
    }
}
