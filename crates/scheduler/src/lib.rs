//! The scheduler: jobs become stages, stages become tasks, tasks are launched on free slots; tasks that fail
//! are tried again, and nothing counts twice.
//!
//! A pure state machine. A shell (the driver, or the simulator) passes events to [`Scheduler::handle`] and
//! carries out the [`Effect`]s; [`Scheduler::next_deadline`] tells it when to send [`Event::Tick`] if nothing
//! else happens. [`Application`] is the machine around it, which also decides about agents, results and the
//! number of executors.
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
//!     cached: Cached::default(), rdds: [].into(), barrier: false,
//! };
//! let job = JobSpec {
//!     job: JobId(0), site, stages: vec![stage], partitions: vec![Partition(0)], pool: None, group: None, tags: vec![],
//!     properties: Default::default(),
//! };
//! scheduler.handle(Millis(0), Event::ExecutorAdded { executor: ExecutorId(1), host: "a".into(), slots: 1 }, &mut effects);
//! scheduler.handle(Millis(0), Event::SubmitJob(job), &mut effects);
//! assert!(effects.iter().any(|effect| matches!(effect, Effect::Launch(launch) if launch.executor == ExecutorId(1))));
//! ```
//!
//! **Architecture Invariant.** There is no clock, thread, lock, socket, random number and `async` in this
//! crate: time is an argument, and the same events give the same effects. It knows neither records nor code:
//! the shell keeps stage plans by [`StageId`](firesteel_types::StageId) and result bytes by
//! [`TaskId`](firesteel_types::TaskId), and an effect tells it when to drop each of them.
//!
//! **How it is laid out.** [`Scheduler`] owns tables that decide about their own matter: `jobs`, `stages`
//! (with a `task_set` each), `running_tasks`, `executors` (with their free slots), `map_outputs` (which
//! attempt wrote each, and where it is), `block_locations` (of cached partitions), `accumulators` (the
//! updates that count), `commit`, `barriers`, `exclusion` and `pools`. `dag/` has the steps of the scheduler that concern
//! jobs and stages, `tasks/` those that concern single tasks: methods that change the tables. No table
//! imports a step. Beside the scheduler, [`Application`] owns the `fleet` of agents with its migrations
//! (dealt by [`MigrationPlan`]), the `results` on their way, and [`Allocation`].

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
mod exclusion;
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
mod unschedulable;

pub use agent_id::AgentId;
pub use allocation::{Allocation, AllocationSettings, Decision, Demand, Lent};
pub use application::{
    AgentMessage, Application, ApplicationEffect, ApplicationEvent, ApplicationSettings, ReportedOutcome,
};
pub use block_locations::CachedCopies;
pub use effect::{Effect, MapOutput, ShuffleOutputs, TaskLaunch};
pub use event::{Event, JobSpec, RestoredShuffle, StageSpec, TaskOutcome};
pub use firesteel_plan::{Cached, CachedRdd, Reads};
pub use firesteel_protocol::handshake::RegisterAgent;
pub use firesteel_protocol::{MigrateOrder, MigrateReport, StoreOrder};
pub use fleet::{Agent, FleetSettings};
pub use migration_plan::MigrationPlan;
pub use scheduler::{Load, Scheduler, SoleCopies};
pub use settings::{
    ExclusionSettings, JournalSettings, PoolSettings, Removal, SchedulerSettings, SchedulingMode,
    SpeculationSettings,
};
