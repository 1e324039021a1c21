//! The test driver of a master: events in few words, effects as short lines.

use firesteel_standalone::*;
use firesteel_types::{ExecutorId, Millis};

/// The 26th of November 2026, 20:57:43.
const BEGINNING: Millis = Millis(1_795_726_663_000);

pub(crate) struct Cluster {
    pub(crate) master: Master,
    pub(crate) now: Millis,
    pub(crate) saved: Snapshot,
}

impl Cluster {
    pub(crate) fn new(settings: MasterSettings) -> Self {
        let mut effects = vec![];
        let master = Master::new(BEGINNING, Epoch(1), settings, &mut effects);
        let saved = master.snapshot();
        Cluster { master, now: BEGINNING, saved }
    }

    /// Another master takes over with what was saved.
    pub(crate) fn takeover(&mut self, settings: MasterSettings) -> Vec<String> {
        let mut effects = vec![];
        let epoch = self.master.epoch().next();
        self.master = Master::recover(self.now, epoch, settings, self.saved.clone(), &mut effects);
        self.lines(effects)
    }

    /// Time passes, and ticks come when they are due.
    pub(crate) fn pass(&mut self, ms: u64) -> Vec<String> {
        let end = self.now + ms;
        let mut lines = vec![];
        while let Some(due) = self.master.next_deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            lines.extend(self.event(Event::Tick));
        }
        self.now = end;
        lines
    }

    pub(crate) fn event(&mut self, event: Event) -> Vec<String> {
        let mut effects = vec![];
        self.master.handle(self.now, event, &mut effects);
        let lines = self.lines(effects);
        assert_eq!(self.saved, self.master.snapshot(), "what must survive was not written");
        lines
    }

    fn lines(&mut self, effects: Vec<Effect>) -> Vec<String> {
        let late = effects.iter().skip(1).any(|effect| matches!(effect, Effect::Persist(_)));
        assert!(!late, "a snapshot is written before what it promises");
        effects.into_iter().filter_map(|effect| self.line(effect)).collect()
    }

    fn line(&mut self, effect: Effect) -> Option<String> {
        match effect {
            Effect::Persist(snapshot) => {
                self.saved = *snapshot;
                None
            }
            Effect::ToWorker { link, order } => {
                order_line(&order.order).map(|line| format!("w{} {line}", link.0))
            }
            Effect::ToApplication { link, order } => match order {
                ApplicationOrder::Heard => None,
                ApplicationOrder::ExecutorAdded { executor: address } => {
                    Some(format!("a{} added {} on {}", link.0, address.executor, address.host))
                }
                ApplicationOrder::Executors { executors: places } => {
                    let numbers: Vec<_> = places.iter().map(|address| address.executor.0).collect();
                    Some(format!("a{} has {numbers:?}", link.0))
                }
                ApplicationOrder::Registered { application } => Some(format!("a{} is {application}", link.0)),
                ApplicationOrder::Waiting { reason } => Some(format!("a{} {reason}", link.0)),
                ApplicationOrder::ExecutorEnded { executor, end } => {
                    Some(format!("a{} lost {executor}: {end:?}", link.0))
                }
                ApplicationOrder::ExecutorDecommissioned { executor } => {
                    Some(format!("a{} will lose {executor}", link.0))
                }
                other => Some(format!("a{} {other:?}", link.0)),
            },
            Effect::ToClient { link, answer } => match answer {
                ClientAnswer::DriverSubmitted { driver } => Some(format!("c{} submitted {driver}", link.0)),
                ClientAnswer::Driver { driver: view } => {
                    Some(format!("c{} {} {:?}", link.0, view.state.name(), view.state))
                }
                other => Some(format!("c{} {other:?}", link.0)),
            },
            Effect::Note(_) => None,
        }
    }

    pub(crate) fn worker(&mut self, link: u64, message: WorkerMessage) -> Vec<String> {
        self.event(Event::Worker { link: Link(link), message })
    }

    /// Worker `worker-<number>` at host `h<number>` registers on a connection.
    pub(crate) fn join(
        &mut self,
        link: u64,
        number: u64,
        resources: Resources,
        report: WorkerReport,
    ) -> Vec<String> {
        let offer = WorkerOffer { host: format!("h{number}"), resources, pages: None };
        self.worker(
            link,
            WorkerMessage::Register { worker: WorkerId::new(format!("worker-{number}")), offer, report },
        )
    }

    pub(crate) fn application(&mut self, link: u64, message: ApplicationMessage) -> Vec<String> {
        self.event(Event::Application { link: Link(link), message })
    }

    pub(crate) fn register(&mut self, link: u64, key: &str, spec: ApplicationSpec) -> Vec<String> {
        let status = ApplicationStatus::default();
        let message =
            ApplicationMessage::Register { key: RequestKey::new(key), known_as: None, spec, status };
        self.application(link, message)
    }

    pub(crate) fn client(&mut self, link: u64, message: ClientMessage) -> Vec<String> {
        self.event(Event::Client { link: Link(link), message })
    }

    pub(crate) fn submit(&mut self, key: &str, supervise: bool) -> Vec<String> {
        let spec = DriverSpec { resources: Resources::new(1, 512), supervise, launch: Payload::default() };
        self.client(90, ClientMessage::SubmitDriver { key: RequestKey::new(key), spec })
    }

    pub(crate) fn ended(
        &mut self,
        link: u64,
        executor: ExecutorName,
        outcome: ProcessOutcome,
    ) -> Vec<String> {
        self.worker(link, WorkerMessage::ExecutorEnded { executor, outcome })
    }
}

fn order_line(order: &WorkerOrder) -> Option<String> {
    match order {
        WorkerOrder::Registered { .. } | WorkerOrder::Heard => None,
        WorkerOrder::LaunchExecutor { executor, resources, .. } => {
            Some(format!("launch {} with {resources}", short(executor)))
        }
        WorkerOrder::KillExecutor { executor } => Some(format!("kill {}", short(executor))),
        WorkerOrder::LaunchDriver { run, .. } => Some(format!("launch {run}")),
        WorkerOrder::KillDriver { run } => Some(format!("kill {run}")),
        WorkerOrder::CleanApplication { application } => Some(format!("clean {application}")),
        WorkerOrder::RegisterAgain | WorkerOrder::Decommission => Some(format!("{order:?}")),
    }
}

/// `0003/1` for executor 1 of the application with number 3.
fn short(executor: &ExecutorName) -> String {
    executor.to_string().rsplit('-').next().unwrap_or_default().to_string()
}

/// An executor of the application with this number, which came at the beginning.
pub(crate) fn name(application: u32, executor: u32) -> ExecutorName {
    let application = ApplicationId::numbered(BEGINNING, application);
    ExecutorName { application, executor: ExecutorId(executor) }
}

pub(crate) fn run(driver: u32, attempt: u32) -> DriverRun {
    DriverRun { driver: DriverId::numbered(BEGINNING, driver), attempt }
}

pub(crate) fn spec(cores_max: Option<u32>, cores_per_executor: Option<u32>) -> ApplicationSpec {
    ApplicationSpec {
        name: "count".into(),
        user: "ada".into(),
        cores_max,
        cores_per_executor,
        memory_per_executor_mib: 512,
        pages: None,
        launch: Payload::default(),
    }
}

pub(crate) fn runs(executors: &[ExecutorName], drivers: &[DriverRun]) -> WorkerReport {
    WorkerReport {
        executors: executors.iter().map(|name| (name.clone(), Resources::new(2, 512))).collect(),
        drivers: drivers.iter().map(|run| (run.clone(), Resources::new(1, 512))).collect(),
        applications: vec![],
    }
}
