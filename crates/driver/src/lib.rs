//! The driver's side of an application: contexts, lineages of RDDs without their types, jobs.
//!
//! The typed API in Rust (the crate `firesteel`) and the bindings of other languages are built on this crate.
//! A [`DriverContext`] owns everything that runs for an application. An [`UntypedRdd`] is a node of its
//! lineage: operators, which know the types of records, come ready made from `firesteel-operators`. An action
//! submits a [`SubmittedJob`] and gets its results as bytes.
//!
//! The files in the order in which a job lives: the context is built, and starts the driver with its
//! executors; RDDs are made; an action resolves its lineage into stages and submits them to the driver's
//! loop.

mod accumulator;
mod accumulators;
mod agents;
mod alarm;
mod allocation;
mod borrowing;
mod broadcast_trees;
mod broadcasts;
mod builder;
mod call_site;
mod checkpoint_files;
mod checkpoints;
mod context;
mod driver;
mod driver_blocks;
mod effects;
mod endings;
mod error;
mod event_sender;
mod file_options;
mod file_rdds;
mod fingerprint;
mod job;
mod journal_file;
#[cfg(feature = "kubernetes")]
mod kubernetes;
mod listener;
mod listener_bus;
mod listener_events;
mod live_store;
mod local_executors;
mod local_properties;
mod log;
mod log_events;
mod losses;
mod managers;
mod master;
mod node;
mod otel;
mod outside_manager;
mod page_actions;
mod panics;
mod persistence;
mod progress;
mod put_together;
mod questions;
mod rdd;
mod recovery;
mod remote;
mod resolve;
mod sampling;
mod shuffle_storage;
mod sight;
mod sources;
mod stage_recipe;
mod start_cluster;
mod start_driver;
mod status;
mod submitted;
mod table_failure;
#[cfg(feature = "parquet")]
mod table_rdds;
#[cfg(feature = "parquet")]
mod table_schema;
mod taken_up;
mod workers;

pub use accumulator::Accumulator;
pub use builder::Builder;
pub use call_site::site;
pub use context::DriverContext;
pub use driver::JobMessage;
pub use error::{Error, Result};
pub use file_options::{FileOptions, list};
pub use firesteel_cluster::{AgentCommand, Loss, Manager, ManagerListener, Shape};
pub use firesteel_events as events;
pub use firesteel_yarn::program_ended;
pub use job::{SubmittedJob, Waiting, unless_stopped};
pub use listener::{Listener, register_listener};
pub use local_properties::LocalProperties;
pub use log::{set_log_level, show_log};
pub use outside_manager::{AgentPlan, MakeManager};
pub use rdd::map_stream::Pairing;
pub use rdd::persist::StorageInfo;
pub use rdd::save_sequences::SequenceClasses;
#[cfg(feature = "parquet")]
pub use rdd::save_table::SaveTable;
pub use rdd::{OperatorCode, Parts, UntypedRdd};
pub use sources::Cut;
pub use status::{JobInfo, JobState, StageInfo};
pub use table_failure::table_failure;
#[cfg(feature = "parquet")]
pub use table_rdds::{PartitionSizes, TableFiles};
