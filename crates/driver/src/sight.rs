//! Everything by which an application is seen: its listener bus, its event log, its pages.

use crate::driver::Driver;
use crate::error::{Error, Result};
use crate::listener::{self, Listener};
use crate::listener_bus::ListenerBus;
use crate::listener_events::executor_memory;
use crate::live_store::{LiveStore, OneApplication, now};
use crate::otel::OtelSpans;
use crate::page_actions::PageActions;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_eventlog::{EventLogSettings, EventLogWriter, LoggedApplication};
use firesteel_events::{ApplicationEnd, ApplicationStart, EnvironmentUpdate, ListenerEvent, LogStart};
use firesteel_io::{StoreSettings, Stores};
use firesteel_status::store::Retained;
use firesteel_types::{ExecutorId, ExecutorMemory};
use firesteel_ui::{Redaction, Site, TlsFiles, UiConfig, UiError, UiServer};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The version of Spark whose words and shapes are spoken.
const SPARK_VERSION: &str = "4.3.0";

/// The time that an explanation waits for events of the last moments.
const EXPLAIN_WAITS: Duration = Duration::from_secs(5);

/// The party that gives an application its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The application itself.
    Here,
    /// The master of a standalone cluster, when the application registers. It can register only when its driver listens, so what
    /// happens until then waits: the id is in the first event, and in the name of the log.
    ByMaster,
}

/// The parts that show one application.
pub(crate) struct Sight {
    /// The application's id, once it has one.
    application_id: OnceLock<String>,
    /// The time at which it began, in milliseconds since 1970, and the same time as the engine's events count from it.
    pub(crate) epoch: i64,
    pub(crate) started: Instant,
    pub(crate) bus: Arc<ListenerBus>,
    pub(crate) store: Arc<LiveStore>,
    /// True if the store is told of events.
    is_shown: bool,
    actions: Arc<PageActions>,
    ui: Mutex<Option<UiServer>>,
}

impl Sight {
    /// Begins to show an application, before anything of it runs.
    ///
    /// # Errors
    /// When a setting is invalid, or the event log cannot be begun. Pages that cannot be served are told of, and do without.
    pub(crate) fn start(conf: &Conf, listeners: Vec<Box<dyn Listener>>, naming: Naming) -> Result<Sight> {
        let (started, epoch) = (Instant::now(), now());
        let application_id = OnceLock::new();
        if naming == Naming::Here {
            let _ = application_id.set(own_id(epoch));
        }
        let store = LiveStore::new(retained(conf)?);
        let mut all: Vec<Box<dyn Listener>> = vec![];
        let is_shown = conf.get(&conf::UI)?;
        if is_shown {
            let shown = store.clone();
            all.push(Box::new(move |event: &ListenerEvent| shown.apply(event)));
        }
        if let Some(id) = application_id.get() {
            all.extend(recorders(conf, id)?);
        }
        all.extend(listener::named(&conf.get(&conf::EXTRA_LISTENERS)?).map_err(Error::Start)?);
        all.extend(listeners);
        let capacity = conf.get(&conf::LISTENER_QUEUE)? as usize;
        let bus =
            ListenerBus::start(epoch, capacity, all).map_err(|error| Error::Start(error.to_string()))?;
        let bus = Arc::new(bus);
        if naming == Naming::ByMaster {
            bus.hold();
        }
        let sight = Sight {
            application_id,
            epoch,
            started,
            bus,
            store,
            is_shown,
            actions: Arc::default(),
            ui: Mutex::default(),
        };
        if naming == Naming::Here {
            sight.begin(conf)?;
        }
        if is_shown {
            sight.show(conf)?;
        }
        Ok(sight)
    }

    /// Gives an application its id that waits for one from its master, and tells of what has waited with it. Where the master has
    /// not answered in time, it gets one of its own.
    ///
    /// # Errors
    /// When a setting is invalid, or the event log cannot be begun.
    pub(crate) fn name(&self, conf: &Conf, id: Option<String>) -> Result<()> {
        let id = id.unwrap_or_else(|| {
            let id = own_id(self.epoch);
            tracing::warn!("no master has answered yet: on its pages and in its log the application is {id}");
            id
        });
        let _ = self.application_id.set(id);
        for recorder in recorders(conf, self.application_id())? {
            self.bus.add(recorder).map_err(|error| Error::Start(error.to_string()))?;
        }
        self.begin(conf)
    }

    /// Returns the application's id; nothing while it waits for one.
    pub(crate) fn application_id(&self) -> &str {
        self.application_id.get().map_or("", String::as_str)
    }

    /// Returns the application's id, or, while it waits for one, another name that tells when it began.
    pub(crate) fn name_so_far(&self) -> String {
        self.application_id.get().cloned().unwrap_or_else(|| format!("application-{}", self.epoch))
    }

    /// Lets the pages do what they offer, now that there is a driver.
    pub(crate) fn attach(&self, driver: &Arc<Driver>) {
        self.actions.attach(driver);
        let sampled = Arc::downgrade(driver);
        self.bus.set_sample(Box::new(move || {
            sampled.upgrade().map(|driver| memory(&driver)).unwrap_or_default()
        }));
        // Pages show the program's own process among the executors, as Spark's do, also where it runs no tasks.
        if self.bus.is_wanted() && !driver.runs_tasks_here() {
            let memory = driver.services.memory.arbiter().total() as u64;
            self.bus.post_block_manager(ExecutorId::DRIVER, "localhost".into(), memory);
        }
        self.leave_login_link(driver);
        if let Some(url) = self.url() {
            let actions = self.actions.clone();
            self.store.set_logs(Box::new(move |executor| actions.log_links(&url, executor)));
        }
        let actions = self.actions.clone();
        self.store.set_stacks(Box::new(move |executor| actions.threads(executor)));
    }

    /// Returns the address of the pages.
    pub(crate) fn url(&self) -> Option<String> {
        self.ui.lock().as_ref().map(|ui| ui.url().to_string())
    }

    /// Leaves the link by which one logs in, where pages ask for a login, in a file that only this user can read: a log is read by
    /// others.
    fn leave_login_link(&self, driver: &Driver) {
        let link = self.ui.lock().as_ref().map(|ui| (ui.url().to_string(), ui.login_url()));
        let Some((url, link)) = link.filter(|(url, link)| url != link) else { return };
        let path = driver.services.dirs.path().join("login-link");
        let written = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path);
        match written.and_then(|mut file| writeln!(file, "{link}")) {
            Ok(()) => tracing::warn!("the pages at {url} ask for a login; {} has the link", path.display()),
            Err(error) => {
                tracing::warn!("the pages at {url} ask for a login, and its link cannot be written: {error}")
            }
        }
    }

    /// Explains the job that was submitted last.
    pub(crate) fn explain_last_job(&self) -> String {
        if !self.is_shown {
            return "Nothing is remembered of jobs, since `firesteel.ui.enabled` is false.\n".into();
        }
        if !self.bus.flush(EXPLAIN_WAITS) {
            tracing::warn!(
                "listeners are {EXPLAIN_WAITS:?} behind, so that the explanation misses what happened last"
            );
        }
        self.store.explain_last_job()
    }

    /// Ends the pages, the log and the bus, once everything that has happened is told.
    pub(crate) fn stop(&self) {
        let end = ApplicationEnd { timestamp: now(), exit_code: Some(0) };
        self.bus.post_ready(ListenerEvent::ApplicationEnd(end));
        self.bus.stop();
        if let Some(ui) = self.ui.lock().take() {
            ui.stop();
        }
    }

    /// Tells of the application's name and settings.
    fn begin(&self, conf: &Conf) -> Result<()> {
        if !self.bus.is_wanted() {
            return Ok(());
        }
        self.bus.release(self.beginning(conf)?);
        Ok(())
    }

    fn beginning(&self, conf: &Conf) -> Result<Vec<ListenerEvent>> {
        let redaction = Redaction::new(&conf.get(&conf::REDACTION)?);
        let redaction = redaction.map_err(|error| Error::Start(error.to_string()))?;
        Ok(vec![
            ListenerEvent::LogStart(LogStart {
                spark_version: SPARK_VERSION.into(),
                firesteel_version: Some(env!("CARGO_PKG_VERSION").into()),
            }),
            ListenerEvent::EnvironmentUpdate(environment(conf, &redaction, self.application_id())),
            ListenerEvent::ApplicationStart(ApplicationStart {
                app_name: conf.get(&conf::APP_NAME).unwrap_or_default(),
                app_id: Some(self.application_id().into()),
                timestamp: self.epoch,
                user: user(),
                ..ApplicationStart::default()
            }),
        ])
    }

    fn show(&self, conf: &Conf) -> Result<()> {
        let config = ui_config(conf)?;
        let site =
            Site { actions: self.actions.clone(), ..Site::new(Arc::new(OneApplication(self.store.clone()))) };
        let served = match firesteel_ui::serve(&config, site.clone()) {
            // So many applications on one machine are no reason to leave one without pages.
            Err(UiError::PortsTaken { .. }) => firesteel_ui::serve(&UiConfig { port: 0, ..config }, site),
            served => served,
        };
        match served {
            Ok(ui) => *self.ui.lock() = Some(ui),
            // A program is not refused because nobody can look at it.
            Err(error) => tracing::warn!("{error}"),
        }
        Ok(())
    }
}

/// Returns the id of an application that no master has named.
fn own_id(epoch: i64) -> String {
    format!("local-{epoch}")
}

/// Writes the event log, as a listener.
struct Log(Option<EventLogWriter>);

impl Listener for Log {
    fn on_event(&mut self, event: &ListenerEvent) {
        // The writer has begun the log with its own.
        if let (Some(writer), false) = (&mut self.0, matches!(event, ListenerEvent::LogStart(_))) {
            writer.write(event);
        }
    }

    fn on_quiet(&mut self) {
        if let Some(writer) = &mut self.0 {
            writer.flush();
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(writer) = self.0.take() {
            let end = writer.finish();
            if end.dropped > 0 {
                tracing::warn!(
                    "the event log {} misses {} events that could not be written",
                    end.path,
                    end.dropped
                );
            }
        }
    }
}

/// Opens what records an application under its id, as far as settings ask for it: the event log, and spans for OpenTelemetry.
fn recorders(conf: &Conf, id: &str) -> Result<Vec<Box<dyn Listener>>> {
    let mut recorders: Vec<Box<dyn Listener>> = vec![];
    if let Some(log) = open_log(conf, id)? {
        recorders.push(Box::new(log));
    }
    if let Some(spans) = OtelSpans::open(conf, id)? {
        recorders.push(Box::new(spans));
    }
    Ok(recorders)
}

fn open_log(conf: &Conf, id: &str) -> Result<Option<Log>> {
    let Some(settings) = EventLogSettings::from_conf(conf)? else { return Ok(None) };
    let firesteel_version = Some(env!("CARGO_PKG_VERSION").to_string());
    let application = LoggedApplication { id: id.into(), attempt: None, firesteel_version };
    let stores = Stores::new(StoreSettings::from_conf(conf));
    let writer = EventLogWriter::open(&settings, &stores, &application);
    Ok(Some(Log(Some(writer.map_err(|error| Error::Start(error.to_string()))?))))
}

fn retained(conf: &Conf) -> Result<Retained> {
    Ok(Retained {
        jobs: conf.get(&conf::UI_RETAINED_JOBS)? as usize,
        stages: conf.get(&conf::UI_RETAINED_STAGES)? as usize,
        tasks: conf.get(&conf::UI_RETAINED_TASKS)? as usize,
        dead_executors: conf.get(&conf::UI_RETAINED_EXECUTORS)? as usize,
        ..Retained::default()
    })
}

fn ui_config(conf: &Conf) -> Result<UiConfig> {
    let given = |value: String| Some(value).filter(|value| !value.is_empty());
    let (certificates, key) = (conf.get(&conf::UI_CERTIFICATES)?, conf.get(&conf::UI_KEY)?);
    let tls = match (given(certificates), given(key)) {
        (Some(certificates), Some(key)) => {
            Some(TlsFiles { certificates: PathBuf::from(certificates), key: PathBuf::from(key) })
        }
        (None, None) => None,
        _ => {
            return Err(Error::Start(
                "of `firesteel.ui.tls.certificates` and `firesteel.ui.tls.key` one is set and one is not: TLS needs both".into(),
            ));
        }
    };
    let port = |setting| -> Result<u16> {
        let port = conf.get(setting)?;
        u16::try_from(port).map_err(|_| Error::Start(format!("{port} is no port, nor a number of ports")))
    };
    Ok(UiConfig {
        host: conf.get(&conf::UI_HOST)?,
        port: port(&conf::UI_PORT)?,
        retries: port(&conf::PORT_MAX_RETRIES)?,
        public_host: None,
        token: given(conf.get(&conf::UI_TOKEN)?),
        tls,
        redaction: conf.get(&conf::REDACTION)?,
        is_kill_enabled: conf.get(&conf::UI_KILL)?,
    })
}

/// Returns what tells of the memory of the executors of this machine, and of the program's own process. Agents of other hosts tell theirs
/// themselves.
fn memory(driver: &Driver) -> Vec<ListenerEvent> {
    let executors = driver.executors.read().clone();
    let mut told = executors.map_or_else(Vec::new, |executors| executors.memory());
    if told.iter().all(|(executor, _)| *executor != ExecutorId::DRIVER) {
        let (execution, storage) = driver.services.memory.arbiter().usage();
        let resident = firesteel_executor::resident_bytes(std::process::id());
        let (execution, storage) = (execution as u64, storage as u64);
        told.push((ExecutorId::DRIVER, ExecutorMemory { execution, storage, resident, is_python: false }));
    }
    told.into_iter().map(|(executor, memory)| executor_memory(executor, memory)).collect()
}

/// Returns what the program runs with, without its secrets.
fn environment(conf: &Conf, redaction: &Redaction, id: &str) -> EnvironmentUpdate {
    let shown = |key: &str, value: &str| (key.to_string(), redaction.shown(key, value).to_string());
    let mut settings: BTreeMap<String, String> = conf.iter().map(|(key, value)| shown(key, value)).collect();
    // Tools look for these under Spark's names.
    for (key, setting) in [
        ("spark.master", &conf::MASTER),
        ("spark.app.name", &conf::APP_NAME),
        ("spark.scheduler.mode", &conf::SCHEDULER_MODE),
    ] {
        settings.insert(key.into(), conf.get(setting).unwrap_or_default());
    }
    settings.insert("spark.app.id".into(), id.into());
    let runtime = [
        ("Java Home", String::new()),
        ("Java Version", format!("none: Firesteel {} in Rust", env!("CARGO_PKG_VERSION"))),
        ("Scala Version", String::new()),
    ];
    let system = [
        ("os.name", std::env::consts::OS.to_string()),
        ("os.arch", std::env::consts::ARCH.to_string()),
        ("user.name", user()),
        ("firesteel.version", env!("CARGO_PKG_VERSION").to_string()),
    ];
    let owned = |pairs: &[(&str, String)]| {
        pairs.iter().map(|(key, value)| ((*key).to_string(), value.clone())).collect::<BTreeMap<_, _>>()
    };
    EnvironmentUpdate {
        jvm_information: owned(&runtime),
        spark_properties: settings,
        system_properties: owned(&system),
        ..EnvironmentUpdate::default()
    }
}

/// Returns the name of the user that runs the program.
fn user() -> String {
    std::env::var("SPARK_USER").or_else(|_| std::env::var("USER")).unwrap_or_else(|_| {
        let user = rustix::process::getuid().as_raw().to_string();
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let name = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == user).then(|| name.to_string())
        });
        name.unwrap_or(user)
    })
}
