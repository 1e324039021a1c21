//! Lineage and its cut into stages: the graph of RDDs, their dependencies, and where the shuffles are.
//!
//! Pure: no clock, thread, file or socket. The Rust API records an [`RddInfo`] for each RDD; an action hands
//! the whole [`Lineage`] to [`Lineage::cut`], which returns the stages for the scheduler, and to
//! [`Lineage::to_debug_string`], which draws it. [`StagePlan`] is the form in which a stage is sent to
//! executors.
//!
//! Nothing here recurses over lineage: programs grow chains of tens of thousands of RDDs.

mod barrier;
mod cached;
mod debug_string;
mod lineage;
mod partitioner;
mod stage_plan;
mod stages;

pub use barrier::BarrierError;
pub use cached::{Cached, CachedAs, CachedRdd, Reads};
pub use lineage::{Dependency, Lineage, Mapping, RddInfo};
pub use partitioner::Partitioner;
pub use stage_plan::{CodeRef, Environment, PlanError, PlanNode, StagePlan};
pub use stages::{StageBoundary, StageGraph};
