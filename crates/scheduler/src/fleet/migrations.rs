//! The migration of blocks from agents that are being decommissioned: in rounds, address by address, until
//! none is left, or time is up.
//!
//! An agent whose files go with it, or with the process that serves them, takes no more tasks; while its last
//! tasks run, the blocks that only its executors have are copied to agents that stay. When no block is left
//! and no task runs, the agent is told to end. A block that could not be copied in time is lost with it, and
//! computed again when a job needs it. [`MigrationPlan`] deals the blocks.

use crate::agent_id::AgentId;
use crate::migration_plan::MigrationPlan;
use firesteel_types::Millis;
use std::collections::BTreeMap;

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
    /// The orders that were not answered yet, with the agents that have them.
    asked: BTreeMap<u64, AgentId>,
    /// The number of blocks that the answers of this round have copied.
    taken: usize,
    /// The time until which the answers of this round are waited for.
    answer_by: Millis,
    /// The time at which to look at the address again, unless answers are waited for.
    look_at: Millis,
}

/// The next step about an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Wait for answers, or until it is time to look.
    Wait,
    /// Deal the blocks that are left, or release the agents.
    Look,
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
        if !migration.asked.is_empty() {
            if migration.answer_by > now {
                return Step::Wait;
            }
            // The blocks that were not copied in time are dealt again, to other executors if there are any.
            migration.asked.clear();
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
        let migration = self.by_address.get_mut(address)?;
        let number = self.next_number;
        self.next_number += 1;
        migration.asked.insert(number, agent);
        migration.answer_by = answer_by;
        Some(number)
    }

    /// Returns whether an agent has an order that it has not answered.
    pub(crate) fn is_asked(&self, agent: AgentId) -> bool {
        self.by_address.values().any(|migration| migration.asked.values().any(|asked| *asked == agent))
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
        let mut all = self.by_address.values_mut();
        if let Some(migration) = all.find(|migration| migration.asked.get(&number) == Some(&agent)) {
            migration.asked.remove(&number);
            migration.taken += taken;
        }
    }

    /// Notes that an agent is gone and will answer no order.
    pub(crate) fn agent_gone(&mut self, agent: AgentId) {
        for migration in self.by_address.values_mut() {
            migration.asked.retain(|_, asked| *asked != agent);
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
