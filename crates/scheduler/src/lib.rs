//! The scheduler: jobs become stages, stages become tasks, tasks meet free slots; what fails is tried again, and nothing
//! is counted twice.
//!
//! A pure state machine. A shell (the driver, or the simulator) tells it what happened with [`Scheduler::handle`] and does
//! what the [`Effect`]s say; [`Scheduler::next_deadline`] tells the shell when to come back with [`Event::Tick`] if nothing
//! else happens.
//!
//! ```
//! use firesteel_scheduler::*;
//! use firesteel_types::*;
//!
//! let mut scheduler = Scheduler::new(SchedulerSettings::default());
//! let mut effects = vec![];
//! let site = CallSite { operation: "count".into(), ..Default::default() };
//! let stage = StageSpec {
//!     stage: StageId(0), site: site.clone(), output: None, inputs: vec![], partitions: 1, preferred: vec![],
//!     cached: Cached::default(), barrier: false,
//! };
//! let job = JobSpec {
//!     job: JobId(0), site, stages: vec![stage], partitions: vec![Partition(0)], pool: None, group: None, tags: vec![],
//! };
//! scheduler.handle(Millis(0), Event::ExecutorAdded { executor: ExecutorId(1), host: "a".into(), slots: 1 }, &mut effects);
//! scheduler.handle(Millis(0), Event::SubmitJob(job), &mut effects);
//! assert!(effects.iter().any(|effect| matches!(effect, Effect::Launch(launch) if launch.executor == ExecutorId(1))));
//! ```
//!
//! **Architecture Invariant.** There is no clock, thread, lock, socket, random number and `async` in this crate: time is an
//! argument, and the same events give the same effects. It knows neither records nor code: the shell keeps stage plans by
//! [`StageId`](firesteel_types::StageId) and result bytes by [`TaskId`](firesteel_types::TaskId), and hears when it may
//! let go of them.
//!
//! **How it is laid out.** [`Scheduler`] owns child machines that know nothing of one another: `executors` (who is there,
//! which slots are free), `map_outputs` (which attempt wrote what where), `accumulators` (which updates count), `block_locations`,
//! `moves` (who takes over what would be lost), `commit`, `barriers` (who waits for whom in stages whose tasks run together), `pools`, and the tables of jobs,
//! stages and running tasks. [`Allocation`] decides how many executors a cluster is asked for. `dag/` holds the steps that concern jobs and stages, `tasks/` those that concern single tasks.

mod accumulators;
mod agent_id;
mod allocation;
mod application;
mod barriers;
mod block_locations;
mod commit;
mod dag;
mod effect;
mod event;
mod executors;
mod fleet;
mod jobs;
mod map_outputs;
mod migration_plan;
mod pools;
mod results;
mod running_tasks;
mod scheduler;
mod settings;
mod stages;
mod task_set;
mod tasks;

pub use agent_id::AgentId;
pub use allocation::{Allocation, AllocationSettings, Decision, Demand, Lent};
pub use application::{
    AgentMessage, Application, ApplicationEffect, ApplicationEvent, ApplicationSettings, ReportedOutcome,
};
pub use effect::{Effect, MapOutput, ShuffleOutputs, TaskLaunch};
pub use event::{Event, JobSpec, StageSpec, TaskOutcome};
pub use firesteel_plan::{Cached, CachedRdd, Reads};
pub use firesteel_protocol::handshake::RegisterAgent;
pub use firesteel_protocol::{MigrateOrder, MigrateReport};
pub use fleet::{Agent, FleetSettings};
pub use migration_plan::MigrationPlan;
pub use scheduler::{Load, Scheduler, SoleCopies};
pub use settings::{PoolSettings, SchedulerSettings, SchedulingMode, SpeculationSettings};
