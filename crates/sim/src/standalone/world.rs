//! The world: true time, a queue of what will happen, and everybody in it.
//!
//! What is real here: masters, leases, ledgers. What is simulated: processes that die, freeze and come back, the connections
//! between them ([`super::network`]), storage that survives, clocks that differ and jump. A frozen process does what it was
//! about to do when it thaws, however old that is.

use super::checker::Checker;
use super::happening::Happening;
use super::machines::Machine;
use super::masters::{MasterProcess, Storage};
use super::network::Network;
use super::programs::{Program, Submission};
use super::report::StandaloneReport;
use super::scenario::Scenario;
use crate::rng::Rng;
use crate::timeline::Timeline;
use firesteel_standalone::WorkerId;
use std::collections::BTreeMap;

/// Everything there is.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) scenario: Scenario,
    pub(crate) time: Timeline<Happening>,
    pub(crate) storage: Storage,
    /// By how much the clock of each master's host is ahead.
    pub(crate) clocks: Vec<u64>,
    pub(crate) masters: BTreeMap<u32, MasterProcess>,
    pub(crate) machines: BTreeMap<u32, Machine>,
    pub(crate) names: BTreeMap<WorkerId, u32>,
    pub(crate) programs: BTreeMap<u32, Program>,
    pub(crate) submissions: BTreeMap<u32, Submission>,
    pub(crate) network: Network,
    pub(crate) checker: Checker,
    pub(crate) report: StandaloneReport,
    /// Everything is to end.
    pub(crate) closing: bool,
}

impl World {
    /// The world of a seed, before anything has happened.
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        let mut rng = Rng::new(seed ^ 0x5741_4e44);
        let scenario = Scenario::new(seed, &mut rng);
        World {
            rng,
            time: Timeline::new(traced),
            storage: Storage::default(),
            clocks: vec![0; 2],
            masters: BTreeMap::new(),
            machines: BTreeMap::new(),
            names: BTreeMap::new(),
            programs: BTreeMap::new(),
            submissions: BTreeMap::new(),
            network: Network::default(),
            checker: Checker::default(),
            report: StandaloneReport { runs: 1, ..StandaloneReport::default() },
            closing: false,
            scenario,
        }
    }

    /// Returns whether faults have ended.
    pub(crate) fn is_quiet(&self) -> bool {
        self.time.now >= self.scenario.quiet_from_ms
    }
}
