//! Copies of cached partitions at other hosts, as their storage levels ask for: made in the background once a
//! partition was stored, and made again when one is gone or going (`storage.replication.proactive`).
//!
//! A copy is at an *address*: executors that have their files at one address share them, so a second copy there
//! is none. Of the agents at other addresses one on another host is preferred. Where there are fewer addresses
//! than copies are wanted, there are fewer copies, and nobody is told. Copying takes the way of a migration: the
//! taker is ordered to fetch the partition from a holder, and reports it as its own.

use super::{Application, ApplicationEffect};
use crate::agent_id::AgentId;
use crate::block_locations::{CachedPartition, ChangedCopies};
use crate::fleet::{Home, ORDERS_OF_AN_AGENT, PARTITIONS_OF_AN_ORDER};
use firesteel_protocol::MigrateOrder;
use firesteel_types::{BlockKey, ExecutorId, Generation};
use std::collections::BTreeMap;

/// The next step about a partition.
enum Next<'a> {
    /// It has its copies, or none at all.
    Nothing,
    /// No agent could take a copy.
    Wait,
    /// Those who could take a copy have enough to do.
    Crowded,
    /// This agent is to copy it from an address.
    Copy { key: BlockKey, from: String, to: &'a Home },
}

/// An order in the making: the executor that takes, what, and the size of that.
struct Taking {
    executor: ExecutorId,
    cached: Vec<BlockKey>,
    bytes: u64,
}

/// The orders of one round, for each agent and source.
type Orders = BTreeMap<(AgentId, String), Taking>;

impl Application {
    /// Has those partitions copied that are short of copies.
    pub(super) fn copy_cached(&mut self, fx: &mut Vec<ApplicationEffect>) {
        let ChangedCopies { stored, bereft } = self.scheduler.blocks.take_changed();
        let now = self.now;
        self.fleet.copies.look_at(now, stored);
        if self.fleet.repairs_copies() {
            self.fleet.copies.look_at(now, bereft);
        }
        if self.fleet.copies.is_empty() || self.fleet.is_stopped() {
            return;
        }
        self.fleet.copies.expire(now);
        let (mut homes, mut orders) = (None, Orders::new());
        while let Some(partition) = self.fleet.copies.take(now) {
            let is_known = |executor| self.scheduler.knows_executor(executor);
            let homes = homes.get_or_insert_with(|| self.fleet.homes(is_known));
            match self.next_copy(partition, homes, &orders) {
                Next::Nothing => self.fleet.copies.settle(partition),
                Next::Wait => self.fleet.copies.wait(partition),
                Next::Crowded => {
                    self.fleet.copies.crowd(now, partition);
                    break;
                }
                Next::Copy { key, from, to } => {
                    let new = Taking { executor: to.executor, cached: vec![], bytes: 0 };
                    let taking = orders.entry((to.agent, from)).or_insert(new);
                    taking.bytes += self.scheduler.blocks.bytes(key);
                    taking.cached.push(key);
                }
            }
        }
        for ((agent, from), Taking { executor, cached, bytes }) in orders {
            let number = self.fleet.migrations.next_number();
            let partitions = cached.iter().map(|key| (*key).into()).collect();
            self.fleet.copies.order(now, number, agent, partitions, bytes);
            let order = MigrateOrder { number, executor, from, outputs: vec![], cached };
            fx.push(ApplicationEffect::Migrate { agent, order });
        }
    }

    fn next_copy<'a>(&self, short: CachedPartition, homes: &'a [Home], orders: &Orders) -> Next<'a> {
        let CachedPartition { rdd, generation, partition } = short;
        // What the program has unpersisted since is not copied.
        let wanted =
            self.scheduler.blocks.wanted(rdd).filter(|(_, version)| Generation::of(*version) == generation);
        let Some((copies, version)) = wanted else { return Next::Nothing };
        let (mut addresses, mut hosts) = (vec![], vec![]);
        for holder in self.scheduler.holders(rdd, partition, version) {
            // Executors of the driver's own process have no address: there is nobody else.
            let Some(address) = self.fleet.cached_address_of(holder) else { continue };
            let Some(host) = self.fleet.host_that_stays(holder) else { continue };
            if !addresses.contains(&address) {
                addresses.push(address);
                hosts.push(host);
            }
        }
        // What only executors have that are going is migrated; what nobody has is computed again.
        if addresses.is_empty() || addresses.len() >= usize::from(copies) {
            return Next::Nothing;
        }
        // After a failure others are asked, in turn.
        let failures = self.fleet.copies.failures(short);
        let from = addresses[failures % addresses.len()];
        let suits = |home: &&Home| !addresses.contains(&home.address.as_str());
        let is_elsewhere = |home: &&Home| suits(home) && !hosts.contains(&home.host.as_str());
        let has_room = |home: &&Home| match orders.get(&(home.agent, from.to_string())) {
            Some(taking) => taking.cached.len() < PARTITIONS_OF_AN_ORDER,
            None => {
                let its = orders.range((home.agent, String::new())..);
                let new = its.take_while(|((agent, _), _)| *agent == home.agent).count();
                self.fleet.copies.orders_of(home.agent) + new < ORDERS_OF_AN_AGENT
            }
        };
        // Each partition begins elsewhere, so that copies spread.
        let start = (scatter(rdd.0, partition.0) as usize + failures) % homes.len().max(1);
        let all = || homes[start..].iter().chain(&homes[..start]);
        // One that is busy now is waited for rather than that the copy comes to lie on the same host.
        let to = match all().any(|home| is_elsewhere(&home)) {
            true => all().filter(is_elsewhere).find(has_room),
            false if !all().any(|home| suits(&home)) => return Next::Wait,
            false => all().filter(suits).find(has_room),
        };
        match to {
            Some(to) => Next::Copy { key: BlockKey { rdd, partition, version }, from: from.to_string(), to },
            None => Next::Crowded,
        }
    }
}

/// Mixes two numbers into one that looks like chance.
fn scatter(rdd: u32, partition: u32) -> u32 {
    let mixed = (rdd.rotate_left(16) ^ partition).wrapping_mul(0x9e37_79b9);
    (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b) >> 8
}
