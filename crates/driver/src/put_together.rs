//! The part of an action that runs on the driver: combining the partitions' results, and counting what that
//! adds to accumulators.

use crate::context::DriverContext;
use crate::error::{Error, Result};
use firesteel_operators::{UpdateTable, watch};
use firesteel_types::{CallSite, JobId, Partition, UpdateScope};
use std::sync::Arc;

impl DriverContext {
    /// Runs the part of an action that combines the partitions' results. User functions may run in it, and
    /// what they add to accumulators counts once, since this is not tried again.
    ///
    /// # Errors
    /// When an added value cannot be encoded.
    pub fn put_together<R>(&self, site: &CallSite, f: impl FnOnce() -> R) -> Result<R> {
        let accumulators = &self.driver().accumulators;
        if !accumulators.any() {
            return Ok(f());
        }
        let scope = UpdateScope::Job(JobId(u32::MAX));
        let place =
            Arc::new(watch::TaskScope { site: Arc::new(site.clone()), scope, partition: Partition(0) });
        let table = UpdateTable::begin(self.serial());
        let made = {
            let _place = watch::enter(&place);
            f()
        };
        let unusable = |failure: Box<firesteel_types::TaskFailure>| Error::InvalidArgument {
            site: site.clone(),
            message: failure.to_string(),
        };
        for update in table.finish().map_err(unusable)? {
            accumulators.settle(update.accumulator, update.bytes);
        }
        Ok(made)
    }
}
