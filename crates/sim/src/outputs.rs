//! The rules of the files of map outputs, which hold whatever happens.
//!
//! - A map output that counts lies where the driver believes that it does, unless a fault has removed it; never at an address that is
//!   gone.
//! - The file of a map output that counts is not removed: neither is that decided, nor does it happen.

use crate::machine::BlockName;
use crate::objection::Objection;
use crate::world::World;
use firesteel_types::ExecutorId;
use std::collections::BTreeSet;

impl World {
    /// Checks that no map output that counts is to be removed.
    pub(crate) fn check_removal(&self, name: BlockName, from: ExecutorId) -> Result<(), Objection> {
        let address = &self.membership.addresses[&from];
        match self.address_of_output(name) == Some(address) {
            true => Err(format!("{} counts, and is to be removed from {address}", named(name))),
            false => Ok(()),
        }
    }

    /// Removes the file of a map output, as the driver has ordered.
    pub(crate) fn remove_file(&mut self, address: &str, name: BlockName) -> Result<(), Objection> {
        let Some(store) = self.stores.get_mut(address) else { return Ok(()) };
        let was_there = store.blocks.remove(&name).is_some();
        match was_there && self.address_of_output(name).is_some_and(|there| there == address) {
            true => Err(format!("{} counts, and is removed from {address}", named(name))),
            false => Ok(()),
        }
    }

    /// A fault removes all files at an address.
    pub(crate) fn lose_files(&mut self, address: &str) {
        if let Some(store) = self.stores.get_mut(address) {
            store.lose_all();
        }
    }

    /// The driver believes that nothing is served at an address any more.
    pub(crate) fn forget_files(&mut self, address: &str) {
        if let Some(store) = self.stores.get_mut(address) {
            store.blocks.clear();
            store.results.clear();
            store.cached.clear();
        }
    }

    /// Checks that all map outputs that count are where the driver believes.
    pub(crate) fn check_outputs(&self) -> Result<(), Objection> {
        let executors: BTreeSet<ExecutorId> = self.membership.addresses.keys().copied().collect();
        for (shuffle, output) in self.application.scheduler().sole_copies(&executors).outputs {
            let name = (shuffle, output.map, output.task);
            self.check_holder(name, output.executor)?;
            let address = &self.membership.addresses[&output.executor];
            let store = self.stores.get(address);
            if !store.is_some_and(|store| store.blocks.contains_key(&name) || store.lost.contains(&name)) {
                return Err(format!("{} counts, and is not at {address}", named(name)));
            }
        }
        Ok(())
    }

    /// Checks that files of the executor that is said to have a map output can still be served.
    pub(crate) fn check_holder(&self, name: BlockName, holder: ExecutorId) -> Result<(), Objection> {
        match self.membership.gone.contains(&holder) {
            true => Err(format!("{} counts with executor {holder}, whose address is gone", named(name))),
            false => Ok(()),
        }
    }

    /// The address at which a map output lies, if it counts.
    fn address_of_output(&self, (shuffle, map, task): BlockName) -> Option<&String> {
        let holder = self.application.scheduler().holder_of_output(shuffle, map, task)?;
        self.membership.addresses.get(&holder)
    }
}

fn named((shuffle, map, task): BlockName) -> String {
    format!("shuffle_{shuffle}_{map}_{task}")
}
