//! The copies of cached partitions that their storage levels ask for: which partitions are short of copies, which
//! agents were ordered to fetch one, and when to look again.
//!
//! A partition is looked at when it was stored, when one of its copies is gone or going, when an order about it
//! has ended, and when an agent has come that could take it. Each time it is settled, ordered, or waits. What
//! could not be copied is tried again after a pause that grows, for as long as the partition is short of copies.

use crate::agent_id::AgentId;
use crate::block_locations::CachedPartition;
use firesteel_types::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// The largest number of partitions that one order names. It is small so that copies count soon.
pub(crate) const PARTITIONS_OF_AN_ORDER: usize = 64;

/// The largest number of orders that one agent has at a time: each keeps a thread and a connection busy there.
pub(crate) const ORDERS_OF_AN_AGENT: usize = 2;

/// The time after which an order counts as failed that was not answered, beside that for its bytes.
const ANSWER_WITHIN_MS: u64 = 60_000;

/// The bytes that are copied in a millisecond at least: a hundredth of what a network of 1 Gbit/s carries. Who is slower is
/// not waited for. A bound that did not grow with the bytes would end orders that are being carried out: each is then made
/// again beside the first, of another agent, and all of them become slower.
const SLOWEST_BYTES_PER_MS: u64 = 1_250;

/// The pause after the first failure. It doubles with each, up to the longest.
const FIRST_PAUSE_MS: u64 = 1_000;
const DOUBLINGS: u32 = 6;

/// All partitions that are, or may be, short of copies.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    partitions: BTreeMap<CachedPartition, Short>,
    /// Those that are to be looked at, by time.
    due: BTreeSet<(Millis, CachedPartition)>,
    orders: BTreeMap<u64, Order>,
    /// True if nothing can be ordered until an order has ended or another agent has come.
    is_crowded: bool,
}

/// A partition that may be short of copies.
#[derive(Debug)]
struct Short {
    /// The number of orders about it that have failed.
    failures: u32,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// It is to be looked at then.
    Due(Millis),
    /// It is being looked at, or an agent has an order to copy it.
    Taken,
    /// No agent could take it: it waits for another one.
    Waits,
}

#[derive(Debug)]
struct Order {
    agent: AgentId,
    partitions: Vec<CachedPartition>,
    answer_by: Millis,
}

impl Copies {
    /// Has partitions looked at: they were stored, or a copy is gone.
    pub(crate) fn look_at(&mut self, now: Millis, partitions: impl IntoIterator<Item = CachedPartition>) {
        for partition in partitions {
            let new = Short { failures: 0, state: State::Waits };
            let short = self.partitions.entry(partition).or_insert(new);
            // One that is being copied is looked at when its order has ended.
            if short.state != State::Taken {
                self.make_due(now, partition);
            }
        }
    }

    /// Has those partitions looked at that wait for another agent.
    pub(crate) fn agent_came(&mut self, now: Millis) {
        self.is_crowded = false;
        let waiting = self.partitions.iter().filter(|(_, short)| short.state == State::Waits);
        let waiting: Vec<CachedPartition> = waiting.map(|(partition, _)| *partition).collect();
        waiting.into_iter().for_each(|partition| self.make_due(now, partition));
    }

    fn make_due(&mut self, at: Millis, partition: CachedPartition) {
        let Some(short) = self.partitions.get_mut(&partition) else { return };
        if let State::Due(before) = short.state {
            self.due.remove(&(before, partition));
        }
        short.state = State::Due(at);
        self.due.insert((at, partition));
    }

    /// Takes the next partition that is to be looked at now. The caller settles it, or puts it into an order, or
    /// lets it wait.
    pub(crate) fn take(&mut self, now: Millis) -> Option<CachedPartition> {
        let &(at, partition) = self.due.first().filter(|(at, _)| !self.is_crowded && *at <= now)?;
        self.due.remove(&(at, partition));
        self.partitions.get_mut(&partition)?.state = State::Taken;
        Some(partition)
    }

    /// Returns the number of orders about a partition that have failed.
    pub(crate) fn failures(&self, partition: CachedPartition) -> usize {
        self.partitions.get(&partition).map_or(0, |short| short.failures as usize)
    }

    /// Forgets a partition that has its copies, or is gone.
    pub(crate) fn settle(&mut self, partition: CachedPartition) {
        self.partitions.remove(&partition);
    }

    /// Lets a partition wait for an agent that can take it.
    pub(crate) fn wait(&mut self, partition: CachedPartition) {
        if let Some(short) = self.partitions.get_mut(&partition) {
            short.state = State::Waits;
        }
    }

    /// Lets all partitions wait until an order has ended, this one among them: those who could take it have
    /// enough to do.
    pub(crate) fn crowd(&mut self, now: Millis, partition: CachedPartition) {
        self.is_crowded = true;
        self.make_due(now, partition);
    }

    /// Notes that an agent is ordered to copy partitions, of this many bytes together.
    pub(crate) fn order(
        &mut self,
        now: Millis,
        number: u64,
        agent: AgentId,
        partitions: Vec<CachedPartition>,
        bytes: u64,
    ) {
        let answer_by = now + ANSWER_WITHIN_MS + bytes / SLOWEST_BYTES_PER_MS;
        self.orders.insert(number, Order { agent, partitions, answer_by });
    }

    /// Returns the number of orders that an agent has.
    pub(crate) fn orders_of(&self, agent: AgentId) -> usize {
        self.orders.values().filter(|order| order.agent == agent).count()
    }

    /// Returns whether an agent has an order that it has not answered.
    pub(crate) fn is_asked(&self, agent: AgentId) -> bool {
        self.orders_of(agent) > 0
    }

    /// Notes that an agent has carried out an order, and has copied some of its partitions. An answer that is
    /// late, or a second copy, is ignored.
    pub(crate) fn answered(
        &mut self,
        now: Millis,
        (agent, number): (AgentId, u64),
        copied: &BTreeSet<CachedPartition>,
    ) {
        if self.orders.get(&number).is_some_and(|order| order.agent == agent) {
            self.end(now, number, copied);
        }
    }

    /// Notes that an agent is gone and will answer no order.
    pub(crate) fn agent_gone(&mut self, now: Millis, agent: AgentId) {
        let its = self.orders.iter().filter(|(_, order)| order.agent == agent);
        let its: Vec<u64> = its.map(|(number, _)| *number).collect();
        its.into_iter().for_each(|number| self.end(now, number, &BTreeSet::new()));
    }

    /// Gives up orders that were not answered in time.
    pub(crate) fn expire(&mut self, now: Millis) {
        let late = self.orders.iter().filter(|(_, order)| order.answer_by <= now);
        let late: Vec<u64> = late.map(|(number, _)| *number).collect();
        late.into_iter().for_each(|number| self.end(now, number, &BTreeSet::new()));
    }

    fn end(&mut self, now: Millis, number: u64, copied: &BTreeSet<CachedPartition>) {
        let Some(order) = self.orders.remove(&number) else { return };
        for partition in order.partitions {
            let Some(short) = self.partitions.get_mut(&partition) else { continue };
            let at = if copied.contains(&partition) {
                short.failures = 0;
                now
            } else {
                short.failures += 1;
                now + (FIRST_PAUSE_MS << (short.failures - 1).min(DOUBLINGS))
            };
            self.make_due(at, partition);
        }
        // Who has answered may take more.
        self.is_crowded = false;
    }

    /// Returns the time at which there is something to do if nothing happens before.
    pub(crate) fn next_deadline(&self) -> Option<Millis> {
        let due = self.due.first().filter(|_| !self.is_crowded).map(|(at, _)| *at);
        let answers = self.orders.values().map(|order| order.answer_by).min();
        due.into_iter().chain(answers).min()
    }

    /// Returns whether no partition is known to be short of copies.
    pub(crate) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::{Generation, Partition, RddId};

    const A: AgentId = AgentId(1);
    const P: CachedPartition = partition(0);

    const fn partition(index: u32) -> CachedPartition {
        CachedPartition { rdd: RddId(4), generation: Generation(0), partition: Partition(index) }
    }

    fn taken() -> Copies {
        let mut copies = Copies::default();
        copies.look_at(Millis(0), [P]);
        assert_eq!(copies.take(Millis(0)), Some(P));
        copies
    }

    #[test]
    fn what_is_being_copied_is_not_ordered_again_and_looked_at_when_that_has_ended() {
        let mut copies = taken();
        copies.order(Millis(0), 7, A, vec![P], 0);
        copies.look_at(Millis(1), [P]);
        assert_eq!(copies.take(Millis(1)), None);
        assert_eq!(copies.next_deadline(), Some(Millis(ANSWER_WITHIN_MS)));
        copies.answered(Millis(2), (AgentId(2), 7), &BTreeSet::from([P]));
        assert!(copies.is_asked(A), "another agent was asked");
        copies.answered(Millis(2), (A, 7), &BTreeSet::from([P]));
        assert_eq!(copies.take(Millis(2)), Some(P), "it may want a third copy");
        copies.settle(P);
        assert!(copies.is_empty() && copies.next_deadline().is_none());
    }

    #[test]
    fn a_failure_is_tried_again_after_pauses_that_grow_to_a_minute() {
        let (mut copies, mut now, mut pauses) = (taken(), Millis(0), vec![]);
        for number in 0..8 {
            copies.order(now, number, A, vec![P], 0);
            copies.answered(now, (A, number), &BTreeSet::new());
            let due = copies.next_deadline().expect("it is tried again");
            assert_eq!(copies.take(Millis(due.0 - 1)), None);
            assert_eq!(copies.take(due), Some(P));
            pauses.push(due - now);
            now = due;
        }
        assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 64_000]);
    }

    #[test]
    fn nobody_waits_for_agents_that_are_gone_or_silent() {
        for is_gone in [true, false] {
            let mut copies = taken();
            copies.order(Millis(0), 7, A, vec![P], 0);
            match is_gone {
                true => copies.agent_gone(Millis(0), A),
                false => copies.expire(Millis(ANSWER_WITHIN_MS)),
            }
            assert_eq!(copies.take(Millis(ANSWER_WITHIN_MS + FIRST_PAUSE_MS)), Some(P));
        }
    }

    #[test]
    fn an_order_of_many_bytes_has_more_time() {
        let (mut copies, gigabyte) = (taken(), 1 << 30);
        copies.order(Millis(5), 7, A, vec![P], gigabyte);
        let until = 5 + ANSWER_WITHIN_MS + gigabyte / SLOWEST_BYTES_PER_MS;
        assert!(until > 15 * 60_000 && copies.next_deadline() == Some(Millis(until)));
        copies.expire(Millis(until - 1));
        assert!(copies.is_asked(A));
        copies.expire(Millis(until));
        assert!(!copies.is_asked(A));
    }

    #[test]
    fn what_nobody_can_take_waits_for_an_agent_that_comes() {
        let mut copies = taken();
        copies.wait(P);
        assert_eq!((copies.take(Millis(9)), copies.next_deadline()), (None, None));
        copies.agent_came(Millis(10));
        assert_eq!(copies.take(Millis(10)), Some(P));
    }

    #[test]
    fn where_all_have_enough_to_do_nothing_is_due_until_one_has_answered() {
        let (mut copies, other) = (taken(), partition(1));
        copies.order(Millis(0), 7, A, vec![P], 0);
        copies.look_at(Millis(0), [other]);
        assert_eq!(copies.take(Millis(0)), Some(other));
        copies.crowd(Millis(0), other);
        assert_eq!(copies.take(Millis(5)), None);
        assert_eq!(copies.next_deadline(), Some(Millis(ANSWER_WITHIN_MS)));
        copies.answered(Millis(6), (A, 7), &BTreeSet::from([P]));
        assert_eq!((copies.take(Millis(6)), copies.take(Millis(6))), (Some(other), Some(P)));
    }
}
