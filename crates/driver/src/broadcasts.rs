//! Broadcast variables, on the driver: making them, sending large environments as such, and rejecting
//! destroyed ones before a job runs.

use crate::context::DriverContext;
use crate::error::{Error, Result};
use bytes::Bytes;
use firesteel_data::Environment;
use firesteel_data::block::encode_value;
use firesteel_operators::{Broadcast, BroadcastOwner, OperatorRef};
use firesteel_plan as plan;
use firesteel_types::CallSite;
use std::sync::Arc;

/// An environment with more bytes than this is not sent with each stage, but once to each executor.
pub(crate) const LARGE_ENVIRONMENT_BYTES: usize = 1 << 20;

impl DriverContext {
    /// Sends a value once to each executor, for all tasks to read.
    ///
    /// The value is encoded, and the driver drops the decoded one: each process that reads the value decodes
    /// it, once. So such a process needs about twice the value's size. The values that a closure captures in
    /// its environment are sent with each stage instead; an environment above 1 MiB becomes a broadcast value
    /// by itself.
    ///
    /// # Errors
    /// When the value cannot be encoded, or written to disk where memory has no room for it.
    pub fn broadcast<T: Environment>(&self, site: CallSite, value: T) -> Result<Broadcast<T>> {
        if self.is_stopped() {
            return Err(Error::Stopped { site });
        }
        let encoded = encode_value(&value).map_err(|source| Error::Data { site: site.clone(), source })?;
        drop(value);
        self.broadcast_bytes(site, encoded.into()).map(Broadcast::of)
    }

    /// Broadcasts bytes that are encoded already.
    fn broadcast_bytes(&self, site: CallSite, bytes: Bytes) -> Result<Arc<BroadcastOwner>> {
        let (id, broadcasts) = (self.next_broadcast(), &self.driver().services.broadcasts);
        if let Some(recovery) = self.recovery() {
            recovery.note_broadcast(id, &bytes);
        }
        broadcasts.put(id, bytes).map_err(|source| Error::Data { site: site.clone(), source })?;
        Ok(BroadcastOwner::new(id, self.driver().services.application, site, broadcasts.clone()))
    }

    /// Returns the environment of an operator in the form that its stage's plan holds: inline, or a broadcast
    /// value if it is large.
    pub(crate) fn ship_environment(&self, site: &CallSite, code: &OperatorRef) -> Result<plan::Environment> {
        if code.environment.len() <= LARGE_ENVIRONMENT_BYTES {
            return Ok(plan::Environment::Inline(code.environment.clone()));
        }
        if let Some(owner) = code.shipped.get() {
            return Ok(plan::Environment::Broadcast(owner.id));
        }
        let owner = self.broadcast_bytes(site.clone(), Bytes::from_owner(code.environment.clone()))?;
        let (bytes, id) = (code.environment.len(), code.shipped.get_or_init(|| owner).id);
        tracing::info!(
            "the environment of the function of {site} takes {bytes} bytes; it is sent once to each executor, as broadcast value {id}"
        );
        Ok(plan::Environment::Broadcast(id))
    }

    /// Rejects code whose environment holds a broadcast variable that its tasks could not read.
    pub(crate) fn check_broadcasts(&self, site: &CallSite, code: &OperatorRef) -> Result<()> {
        for owner in code.broadcasts.iter() {
            let (id, made) = (owner.id, &owner.site);
            let message = if let Some(by) = owner.destroyed() {
                format!(
                    "its function holds broadcast variable {id} of {made}, which was destroyed by {by}. Destroy it after the \
                     last action that needs it, or call `unpersist`, after which it can be read again"
                )
            } else if owner.application != self.driver().services.application {
                format!(
                    "its function holds broadcast variable {id} of {made}, which belongs to another context. Make it with the \
                     context that made the RDD"
                )
            } else {
                continue;
            };
            return Err(Error::InvalidArgument { site: site.clone(), message });
        }
        Ok(())
    }
}
