//! Dynamic allocation, by Spark's rules: how many executors an application wants of its cluster, and which it
//! gives back.
//!
//! - More are wanted when tasks have waited for the backlog timeout: one, and after each further (sustained)
//!   timeout twice as many more, until all tasks that wait and run would have slots.
//! - Fewer are wanted as soon as fewer would do.
//! - An executor that had nothing to do for the idle timeout is given back; one that keeps partitions only
//!   after a timeout of its own.
//! - There are never fewer than the minimum and never more than the maximum. At the start there are as many
//!   as the initial number says, until there is work, or one of them has been idle for too long.
//!
//! Pure: [`Application`](crate::Application) asks again and again with the time as an argument, and does what
//! a [`Decision`] says.

use firesteel_types::Millis;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// How to decide. Defaults are Spark's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocationSettings {
    /// Never fewer executors than this.
    pub min: u32,
    /// Never more executors than this.
    pub max: u32,
    /// The number of executors at the start.
    pub initial: u32,
    /// The number of slots of an executor, where all have the same; `None` counts the slots of those that there
    /// are, and takes the largest number among them for those that come.
    pub slots: Option<u32>,
    /// How long tasks wait before more executors are wanted.
    pub backlog_ms: u64,
    /// How long they wait before still more are.
    pub sustained_backlog_ms: u64,
    /// How long an executor has nothing to do before it is given back.
    pub idle_ms: u64,
    /// The same for one that keeps partitions; `None` keeps it for ever.
    pub cached_idle_ms: Option<u64>,
}

impl Default for AllocationSettings {
    fn default() -> Self {
        AllocationSettings {
            min: 0,
            max: i32::MAX as u32,
            initial: 0,
            slots: None,
            backlog_ms: 1_000,
            sustained_backlog_ms: 1_000,
            idle_ms: 60_000,
            cached_idle_ms: None,
        }
    }
}

/// An executor, as the cluster lends it: for the scheduler, it may be several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lent {
    /// Its name in the cluster.
    pub name: String,
    /// The number of tasks that it runs at a time.
    pub slots: u32,
    /// True if it has tasks.
    pub is_busy: bool,
    /// True if it keeps partitions.
    pub caches: bool,
}

/// The work that there is, and the executors for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// The number of tasks that wait for a slot.
    pub waiting: u32,
    /// The number of tasks that run.
    pub running: u32,
    /// The number of stages that wait for executors beside those that there are, since a task of theirs may run on none of
    /// them.
    pub stuck: u32,
    /// The executors that there are, without those that are leaving.
    pub executors: Vec<Lent>,
}

/// The executors to ask for and to give back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The number of executors that the cluster is to lend.
    pub wanted: u32,
    /// The executors to give back, after the cluster was told how many are wanted.
    pub give_back: Vec<String>,
}

/// The state that one decision leaves to the next.
///
/// ```
/// use firesteel_scheduler::{Allocation, AllocationSettings, Demand};
/// use firesteel_types::Millis;
///
/// let mut allocation = Allocation::new(AllocationSettings { slots: Some(2), ..AllocationSettings::default() });
/// let backlog = Demand { waiting: 20, ..Demand::default() };
/// let wanted: Vec<u32> = (0..6).map(|second| allocation.decide(Millis(second * 1_000), &backlog).wanted).collect();
/// assert_eq!(wanted, [0, 1, 3, 7, 10, 10]);
/// ```
#[derive(Debug)]
pub struct Allocation {
    settings: AllocationSettings,
    target: u32,
    /// The number by which the target grows next time.
    step: u32,
    /// The time at which tasks will have waited for long enough; none while no task waits.
    grow_at: Option<Millis>,
    /// The time since which each executor has had nothing to do.
    idle_since: BTreeMap<String, Millis>,
    /// True once the initial number counts no more.
    has_begun: bool,
}

impl Allocation {
    /// Makes the state before the first decision.
    ///
    /// # Panics
    /// If the minimum of executors is more than the maximum.
    pub fn new(settings: AllocationSettings) -> Self {
        let AllocationSettings { min, max, initial, .. } = settings;
        assert!(min <= max, "the minimum of executors is at most the maximum");
        let target = initial.clamp(min, max);
        Allocation { settings, target, step: 1, grow_at: None, idle_since: BTreeMap::new(), has_begun: false }
    }

    /// Returns the number of executors that are wanted now.
    pub fn wanted(&self) -> u32 {
        self.target
    }

    /// Decides what to ask of the cluster. `now` is no earlier than last time.
    pub fn decide(&mut self, now: Millis, demand: &Demand) -> Decision {
        self.note_idle(now, demand);
        let overdue = self.overdue(now, demand);
        // Until then the initial number stands, as the program may be about to submit its first job.
        self.has_begun |= demand.waiting + demand.running > 0 || !overdue.is_empty();
        if self.has_begun {
            self.aim(now, demand);
        }
        let there = demand.executors.len() as u32;
        let spare = there.saturating_sub(self.target.max(self.settings.min));
        let give_back = overdue.into_iter().take(spare as usize).collect();
        Decision { wanted: self.target, give_back }
    }

    fn note_idle(&mut self, now: Millis, demand: &Demand) {
        let idle: BTreeSet<&str> =
            demand.executors.iter().filter(|lent| !lent.is_busy).map(|lent| lent.name.as_str()).collect();
        self.idle_since.retain(|name, _| idle.contains(name.as_str()));
        for name in idle {
            if !self.idle_since.contains_key(name) {
                self.idle_since.insert(name.into(), now);
            }
        }
    }

    /// Returns the executors that had nothing to do for too long, the longest idle first.
    fn overdue(&self, now: Millis, demand: &Demand) -> Vec<String> {
        let due = |lent: &&Lent| {
            let timeout =
                if lent.caches { self.settings.cached_idle_ms } else { Some(self.settings.idle_ms) };
            let since = self.idle_since.get(&lent.name)?;
            timeout.filter(|timeout| now - *since >= *timeout).map(|_| (*since, lent.name.clone()))
        };
        let mut overdue: Vec<_> = demand.executors.iter().filter_map(|lent| due(&lent)).collect();
        overdue.sort();
        overdue.into_iter().map(|(_, name)| name).collect()
    }

    /// Sets the number of executors that are wanted from now on.
    fn aim(&mut self, now: Millis, demand: &Demand) {
        let needed = self.needed(demand).clamp(self.settings.min, self.settings.max);
        if demand.waiting == 0 {
            self.grow_at = None;
        }
        if needed <= self.target {
            (self.target, self.step) = (needed, 1);
        }
        if demand.waiting == 0 {
            return;
        }
        let grow_at = *self.grow_at.get_or_insert(now + self.settings.backlog_ms);
        if now < grow_at {
            return;
        }
        self.grow_at = Some(now + self.settings.sustained_backlog_ms);
        let grown = self.target.saturating_add(self.step).min(needed);
        // A step that was cut short has met the need: the next one begins with one executor again.
        let has_room = grown - self.target == self.step;
        self.step = if has_room { self.step.saturating_mul(2) } else { 1 };
        self.target = grown;
    }

    /// Returns the number of executors that would have slots for all tasks.
    fn needed(&self, demand: &Demand) -> u32 {
        let tasks = demand.waiting.saturating_add(demand.running);
        if let Some(slots) = self.settings.slots {
            return self.with_others(tasks.div_ceil(slots.max(1)), demand);
        }
        let mut slots: Vec<u32> = demand.executors.iter().map(|lent| lent.slots).collect();
        slots.sort_unstable_by_key(|slots| Reverse(*slots));
        let mut left = tasks;
        for (needed, slots) in (0..).zip(&slots) {
            if left == 0 {
                return self.with_others(needed, demand);
            }
            left = left.saturating_sub(*slots);
        }
        // A barrier stage needs slots for all of its tasks, so the executors that there are do not count as large as
        // the largest of them.
        let most = slots.first().copied().unwrap_or(1).max(1);
        self.with_others((slots.len() as u32).saturating_add(left.div_ceil(most)), demand)
    }

    /// Returns the number of executors that are needed beside those that do not help the stages that are stuck.
    fn with_others(&self, needed: u32, demand: &Demand) -> u32 {
        match demand.stuck {
            0 => needed,
            stuck => needed.max((demand.executors.len() as u32).saturating_add(stuck)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lent(name: u32, is_busy: bool, caches: bool) -> Lent {
        Lent { name: name.to_string(), slots: 2, is_busy, caches }
    }

    fn settings(min: u32, max: u32) -> AllocationSettings {
        AllocationSettings { min, max, slots: Some(2), ..AllocationSettings::default() }
    }

    #[test]
    fn what_is_idle_for_too_long_is_given_back_down_to_the_minimum() {
        let mut allocation = Allocation::new(settings(1, 10));
        let executors = vec![lent(0, false, false), lent(1, false, false), lent(2, false, true)];
        let demand = Demand { executors, ..Demand::default() };
        let given = |decision: Decision| (decision.wanted, decision.give_back);
        assert_eq!(given(allocation.decide(Millis(0), &demand)), (1, vec![]));
        assert_eq!(given(allocation.decide(Millis(59_999), &demand)), (1, vec![]));
        assert_eq!(given(allocation.decide(Millis(60_000), &demand)), (1, vec!["0".into(), "1".into()]));
    }

    #[test]
    fn one_that_keeps_partitions_stays_for_as_long_as_is_said() {
        let holder = || Demand { executors: vec![lent(0, false, true)], ..Demand::default() };
        for (cached_idle_ms, given_back) in [(None, 0), (Some(100_000), 1)] {
            let mut allocation = Allocation::new(AllocationSettings { cached_idle_ms, ..settings(0, 10) });
            assert!(allocation.decide(Millis(0), &holder()).give_back.is_empty());
            assert!(allocation.decide(Millis(99_999), &holder()).give_back.is_empty());
            assert_eq!(allocation.decide(Millis(100_000), &holder()).give_back.len(), given_back);
        }
    }

    #[test]
    fn having_had_something_to_do_begins_the_wait_anew() {
        let mut allocation = Allocation::new(settings(0, 10));
        let demand = |is_busy| Demand {
            running: u32::from(is_busy),
            executors: vec![lent(0, is_busy, false)],
            ..Demand::default()
        };
        allocation.decide(Millis(0), &demand(false));
        allocation.decide(Millis(50_000), &demand(true));
        allocation.decide(Millis(50_001), &demand(false));
        assert!(allocation.decide(Millis(110_000), &demand(false)).give_back.is_empty());
        assert_eq!(allocation.decide(Millis(110_001), &demand(false)).give_back, ["0"]);
    }

    #[test]
    fn the_initial_number_holds_until_there_is_work_or_it_was_in_vain() {
        let mut allocation = Allocation::new(AllocationSettings { initial: 5, ..settings(1, 10) });
        let nothing =
            Demand { executors: (0..5).map(|name| lent(name, false, false)).collect(), ..Demand::default() };
        assert_eq!(allocation.decide(Millis(0), &nothing).wanted, 5);
        let late = allocation.decide(Millis(60_000), &nothing);
        assert_eq!((late.wanted, late.give_back.len()), (1, 4));
        let mut allocation = Allocation::new(AllocationSettings { initial: 5, ..settings(1, 10) });
        assert_eq!(allocation.decide(Millis(0), &Demand { running: 1, ..nothing }).wanted, 1);
    }

    #[test]
    fn a_short_backlog_asks_for_nothing_and_the_next_begins_small_again() {
        let mut allocation = Allocation::new(settings(0, 100));
        let (backlog, none) = (Demand { waiting: 50, ..Demand::default() }, Demand::default());
        let mut wanted = |at, demand: &Demand| allocation.decide(Millis(at), demand).wanted;
        assert_eq!([wanted(0, &backlog), wanted(999, &backlog), wanted(1_000, &none)], [0, 0, 0]);
        assert_eq!([wanted(1_500, &backlog), wanted(2_499, &backlog), wanted(2_500, &backlog)], [0, 0, 1]);
        assert_eq!([wanted(3_500, &backlog), wanted(4_000, &none), wanted(5_000, &backlog)], [3, 0, 0]);
        assert_eq!(wanted(6_000, &backlog), 1);
    }

    /// A cluster that lends at once what is wanted, and takes back what it is given.
    #[derive(Debug)]
    struct World {
        allocation: Allocation,
        executors: Vec<Lent>,
        next: u32,
    }

    impl World {
        fn step(&mut self, now: Millis, tasks: u32) -> Result<(), TestCaseError> {
            let AllocationSettings { min, max, .. } = self.allocation.settings;
            let mut left = tasks;
            for lent in &mut self.executors {
                let has = left.min(lent.slots);
                (lent.is_busy, left) = (has > 0, left - has);
            }
            let demand =
                Demand { waiting: left, running: tasks - left, stuck: 0, executors: self.executors.clone() };
            let before = self.allocation.wanted();
            let Decision { wanted, give_back } = self.allocation.decide(now, &demand);
            prop_assert!(min <= wanted && wanted <= max);
            let needed = tasks.div_ceil(2).clamp(min, max);
            prop_assert!(wanted <= before.max(needed), "more are wanted than have work");
            let is_busy =
                |name: &String| self.executors.iter().any(|lent| lent.name == *name && lent.is_busy);
            prop_assert!(!give_back.iter().any(is_busy), "one that works is given back");
            self.executors.retain(|lent| !give_back.contains(&lent.name));
            if !give_back.is_empty() {
                prop_assert!(self.executors.len() as u32 >= wanted.max(min));
            }
            while (self.executors.len() as u32) < wanted {
                self.executors
                    .push(Lent { is_busy: false, ..lent(self.next, false, self.next.is_multiple_of(3)) });
                self.next += 1;
            }
            Ok(())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn bounds_hold_work_gets_its_executors_and_idleness_gives_them_back(
            min in 0u32..5, more in 0u32..30, initial in 0u32..40,
            cached in prop::option::of(0u64..200_000),
            loads in prop::collection::vec((0u32..200, 1u64..20_000), 0..60),
            last in 0u32..200,
        ) {
            let settings = AllocationSettings { initial, cached_idle_ms: cached, ..settings(min, min + more) };
            let max = settings.max;
            let mut world = World { allocation: Allocation::new(settings), executors: vec![], next: 0 };
            let mut now = Millis(0);
            for (tasks, passes_ms) in loads {
                world.step(now, tasks)?;
                now = now + passes_ms;
            }
            // A steady load has what it needs after as many rounds as it takes to double.
            for _ in 0..12 {
                world.step(now, last)?;
                now = now + 1_000;
            }
            let needed = last.div_ceil(2).min(max);
            prop_assert!(world.executors.len() as u32 >= needed);
            // Nothing to do: only the minimum is left, and those that keep something.
            for _ in 0..300 {
                world.step(now, 0)?;
                now = now + 1_000;
            }
            let holders_of_rdd = world.executors.iter().filter(|lent| lent.caches).count();
            let left = world.executors.len() as u32;
            prop_assert!(left >= min && (left == min || (cached.is_none() && left as usize == holders_of_rdd)));
        }
    }
}
