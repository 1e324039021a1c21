//! The standalone cluster: a master that allocates the cores and the memory of workers to applications and
//! drivers, in Spark's way.
//!
//! Pure state machines for both ends. A shell passes on the messages of its connections as [`Event`]s, and
//! carries out the [`Effect`]s; [`Master::next_deadline`] tells it when to come back with [`Event::Tick`] if
//! nothing else happens. A worker's shell has a [`WorkerState`], an application's an [`ApplicationSide`], and
//! masters that stand by for one another have a [`Lease`] each.
//!
//! ```
//! use firesteel_standalone::*;
//! use firesteel_types::Millis;
//!
//! let mut effects = vec![];
//! let mut master = Master::new(Millis(0), Epoch(1), MasterSettings::default(), &mut effects);
//! let offer = WorkerOffer { host: "a".into(), resources: Resources::new(4, 4096), pages: None };
//! let state = WorkerState::new(WorkerId::new("worker-a"), offer);
//! master.handle(Millis(1), Event::Worker { link: Link(1), message: state.register() }, &mut effects);
//!
//! let spec = ApplicationSpec {
//!     name: "count".into(), user: "ada".into(), cores_max: None, cores_per_executor: Some(2),
//!     memory_per_executor_mib: 1024, pages: None, launch: Payload::default(),
//! };
//! let (key, status) = (RequestKey::new("by chance"), ApplicationStatus::default());
//! let message = ApplicationMessage::Register { key, known_as: None, spec, status };
//! master.handle(Millis(2), Event::Application { link: Link(2), message }, &mut effects);
//! let launches = effects.iter().filter(|effect| matches!(
//!     effect, Effect::ToWorker { order: FencedOrder { order: WorkerOrder::LaunchExecutor { .. }, .. }, .. }
//! ));
//! assert_eq!(launches.count(), 2);
//! ```
//!
//! **Guarantees.** Never more of a worker is allocated than it has: what was ordered takes room until the
//! worker reports that it has ended. Numbers and names are used once, across all masters. Everything that was
//! promised is in the [`Snapshot`] that was written before. A driver without supervision is launched again only
//! if it never ran.
//!
//! **Architecture Invariant.** There is no clock, thread, lock, socket, random number and `async` in this
//! crate, and no process is started here: time is an argument, random names come from outside.
//!
//! **How it is laid out.** The vocabulary is that of the crate `protocol`, and `event` and `snapshot`. The tables: `workers`,
//! `applications`, `drivers`. The master: `master` branches, `worker_handler`, `application_handler` and `client_handler` take messages,
//! `allocate` and `placement` hand out free cores and memory, `recovery` begins where another master ended. Beside it: `worker_state` and
//! `fence` for workers, `application_side` for applications, `lease` for masters among themselves.

mod allocate;
mod application_handler;
mod application_side;
mod applications;
mod client_handler;
mod drivers;
mod event;
mod fence;
mod lease;
mod link;
mod master;
mod note;
mod phase;
mod placement;
mod recovery;
mod settings;
mod snapshot;
mod views;
mod worker_handler;
mod worker_state;
mod workers;

pub use application_side::{ApplicationAction, ApplicationSide};
pub use event::{Effect, Event};
pub use fence::Fence;
pub use firesteel_protocol::standalone::{
    ApplicationEnd, ApplicationId, ApplicationMessage, ApplicationOrder, ApplicationRecord, ApplicationSpec,
    ApplicationStatus, ApplicationView, ClientAnswer, ClientMessage, DriverId, DriverRun, DriverSpec,
    DriverState, DriverView, EndedApplication, EndedExecutor, Epoch, ExecutorAddress, ExecutorCondition,
    ExecutorEnd, ExecutorName, ExecutorView, FencedOrder, LostWorker, Overview, Payload, ProcessOutcome,
    RequestKey, Resources, WorkerCondition, WorkerId, WorkerMessage, WorkerOffer, WorkerOrder, WorkerReport,
    WorkerView,
};
pub use lease::{Lease, LeaseAction, LeaseRecord, LeaseSettings, Standing};
pub use link::Link;
pub use master::Master;
pub use note::Note;
pub use settings::MasterSettings;
pub use snapshot::{DriverRecord, Snapshot, WorkerRecord};
pub use worker_state::{WorkerAction, WorkerState};
