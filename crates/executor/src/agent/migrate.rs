//! What an agent does when it is to take over what another has.

use crate::blocks::RemoteFetcher;
use firesteel_data::DataError;
use firesteel_protocol::{MigrateOrder, MigrateReport};
use firesteel_shuffle::ShuffleStore;
use firesteel_storage::{LocalDirs, SharedFiles};

/// Where what is taken over goes.
pub(super) struct Shelf<'a> {
    pub(super) outputs: &'a ShuffleStore,
    pub(super) files: &'a SharedFiles,
    pub(super) dirs: &'a LocalDirs,
}

/// Brings here what it can, one after the other. What cannot be had is left out: who asked knows what that means.
pub(super) fn take(order: &MigrateOrder, remote: &RemoteFetcher, to: &Shelf<'_>) -> MigrateReport {
    let MigrateOrder { number, executor, from, outputs, cached } = order;
    let came = |taken: Result<bool, DataError>| match taken {
        Ok(came) => came,
        Err(error) => {
            eprintln!("firesteel: something at {from} cannot be taken over: {error}");
            false
        }
    };
    let outputs = outputs.iter().filter(|output| came(remote.take_output(from, **output, to.outputs)));
    let outputs = outputs.copied().collect();
    let cached = cached.iter().filter(|key| came(remote.take_cached(from, **key, (to.files, to.dirs))));
    MigrateReport { number: *number, executor: *executor, outputs, cached: cached.copied().collect() }
}
