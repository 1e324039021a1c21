//! Migration of what agents have that are being decommissioned: in rounds, address by address, until nothing is left, or time is up.
//!
//! An agent whose files go with it, or with the process that serves them, takes no more tasks; while its last tasks run, what only its
//! executors have is copied to agents that stay. When nothing is left and nothing runs, the agent is told to end. What could not be
//! copied in time is lost with it, and computed again when a job needs it. [`MigrationPlan`] deals what is to be copied.

use crate::agent_id::AgentId;
use crate::migration_plan::MigrationPlan;
use firesteel_types::Millis;
use std::collections::BTreeMap;

/// How long to wait before looking again where no event says that something has changed.
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
    /// Since when no task runs at the address.
    idle_since: Option<Millis>,
    /// The requests that were not answered yet, and the agents that were asked.
    asked: BTreeMap<u64, AgentId>,
    /// How much the answers of this round have copied.
    taken: usize,
    /// When the answers of this round are waited for no longer.
    answer_by: Millis,
    look_at: Millis,
}

/// What to do next about an address.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Answers are awaited, or it is too early to look.
    Wait,
    /// Look at what is left: deal it, or release the agents.
    Look,
}

impl Migrations {
    /// Begins to clear an address, unless that has begun.
    pub(crate) fn begin(&mut self, address: String) {
        self.by_address.entry(address).or_default();
    }

    /// An address is cleared.
    pub(crate) fn end(&mut self, address: &str) {
        self.by_address.remove(address);
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.by_address.keys().cloned().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// Something has changed about tasks or agents: all are looked at again.
    pub(crate) fn reconsider(&mut self) {
        self.by_address.values_mut().for_each(|migration| migration.look_at = Millis(0));
    }

    /// What to do about an address now.
    pub(crate) fn step(&mut self, now: Millis, address: &str) -> Step {
        let Some(migration) = self.by_address.get_mut(address) else { return Step::Wait };
        if !migration.asked.is_empty() {
            if migration.answer_by > now {
                return Step::Wait;
            }
            // What was not copied in time is dealt again, to others if there are such.
            migration.asked.clear();
            return Step::Look;
        }
        if std::mem::take(&mut migration.taken) > 0 || migration.look_at <= now {
            Step::Look
        } else {
            Step::Wait
        }
    }

    /// Whether time is up: tasks may run for as long as they like, and after them migrating may take this long.
    pub(crate) fn is_over(&mut self, now: Millis, address: &str, is_busy: bool, within_ms: u64) -> bool {
        let Some(migration) = self.by_address.get_mut(address) else { return true };
        if is_busy {
            migration.idle_since = None;
            return false;
        }
        now - *migration.idle_since.get_or_insert(now) >= within_ms
    }

    /// The plan of an address.
    pub(crate) fn plan(&mut self, address: &str) -> Option<&mut MigrationPlan> {
        self.by_address.get_mut(address).map(|migration| &mut migration.plan)
    }

    /// An agent is asked to copy something; gives the number of the request.
    pub(crate) fn ask(&mut self, address: &str, agent: AgentId, answer_by: Millis) -> Option<u64> {
        let migration = self.by_address.get_mut(address)?;
        let number = self.next_number;
        self.next_number += 1;
        migration.asked.insert(number, agent);
        migration.answer_by = answer_by;
        Some(number)
    }

    /// Whether an agent is copying something.
    pub(crate) fn is_asked(&self, agent: AgentId) -> bool {
        self.by_address.values().any(|migration| migration.asked.values().any(|asked| *asked == agent))
    }

    /// Nothing can be done about an address for a while.
    pub(crate) fn wait(&mut self, now: Millis, address: &str) {
        if let Some(migration) = self.by_address.get_mut(address) {
            migration.look_at = now + LOOK_AGAIN_MS;
        }
    }

    /// An agent answers a request: it has copied this many. An answer that is late, or came before, counts for nothing here.
    pub(crate) fn answered(&mut self, agent: AgentId, number: u64, taken: usize) {
        let mut all = self.by_address.values_mut();
        if let Some(migration) = all.find(|migration| migration.asked.get(&number) == Some(&agent)) {
            migration.asked.remove(&number);
            migration.taken += taken;
        }
    }

    /// An agent is gone and will answer nothing.
    pub(crate) fn agent_gone(&mut self, agent: AgentId) {
        for migration in self.by_address.values_mut() {
            migration.asked.retain(|_, asked| *asked != agent);
        }
        self.reconsider();
    }

    /// When an address is to be looked at if nothing happens before.
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
