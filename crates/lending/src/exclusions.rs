//! The machines on which no executor is to be started, since the application keeps its tasks from executors there.
//!
//! An application knows hosts by the addresses of executors, which in a pod is the pod's own. Only the manager's word says
//! which machine that is, so the application names executors, and the machines follow from where the manager started them.

use crate::event::Excluded;
use std::collections::{BTreeMap, BTreeSet};

/// Where executors are or were, and which of them are excluded.
#[derive(Debug, Default)]
pub(crate) struct Exclusions {
    /// The machine of each executor that the manager has told it of.
    machines: BTreeMap<String, String>,
    excluded: Excluded,
    /// The machines that the manager was told last.
    told: BTreeSet<String>,
}

impl Exclusions {
    /// Notes on which machine an executor is; nothing if that is not known.
    pub(crate) fn runs(&mut self, name: &str, machine: &str) {
        if !machine.is_empty() {
            self.machines.insert(name.into(), machine.into());
        }
    }

    /// Notes which executors are excluded.
    pub(crate) fn set(&mut self, excluded: Excluded) {
        self.excluded = excluded;
    }

    /// Returns the excluded executors of which nobody has said where they are.
    pub(crate) fn of_unknown_machines(&self) -> impl Iterator<Item = &String> {
        let excluded = self.excluded.alone.iter().chain(&self.excluded.with_machine);
        excluded.filter(|name| !self.machines.contains_key(*name))
    }

    /// Returns the machines to avoid, if they are others than before. So many excluded executors exclude a machine.
    pub(crate) fn news(&mut self, per_machine: u32) -> Option<BTreeSet<String>> {
        if self.told.is_empty() && self.excluded == Excluded::default() {
            return None;
        }
        let machine = |name: &String| self.machines.get(name);
        let mut alone: BTreeMap<&String, u32> = BTreeMap::new();
        for on in self.excluded.alone.iter().filter_map(machine) {
            *alone.entry(on).or_default() += 1;
        }
        let often = alone.into_iter().filter(|(_, count)| *count >= per_machine).map(|(on, _)| on);
        let whole = self.excluded.with_machine.iter().filter_map(machine);
        let avoided: BTreeSet<String> = often.chain(whole).cloned().collect();
        (avoided != self.told).then(|| {
            self.told.clone_from(&avoided);
            avoided
        })
    }
}
