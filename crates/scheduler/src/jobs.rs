//! The jobs that have not ended.

use firesteel_types::{Millis, StageId};
use std::sync::Arc;

/// A job that has not ended.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) submitted: Millis,
    /// Its stages, with those that it shares; parents before children.
    pub(crate) stages: Vec<StageId>,
    pub(crate) pool: Arc<str>,
    pub(crate) group: Option<String>,
    pub(crate) tags: Vec<String>,
}
