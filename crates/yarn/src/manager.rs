//! YARN behind the seam of cluster managers: the driver is the application's master, and agents run in containers.

use crate::YarnError;
use crate::application_master::ApplicationMaster;
use crate::applications::Applications;
use crate::container::OwnContainer;
use crate::heartbeats::Heart;
use crate::ids::application_name;
use crate::launch;
use crate::ledger::Ledger;
use crate::messages::{ApplicationId, FinalStatus, Resource, StringLocalResourceMap, Token};
use crate::settings::YarnSettings;
use crate::shared::{Shared, State};
use crate::staging::{self, Staging};
use crate::submission::{submit_unmanaged, wait_for_token};
use firesteel_cluster::{Manager, ManagerListener, Shape};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The longest time that an application's end may take.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// An application on YARN.
#[derive(Debug)]
pub struct YarnManager {
    shared: Arc<Shared>,
}

impl YarnManager {
    /// Submits the application, becomes its master, and begins to send heartbeats.
    ///
    /// # Errors
    /// When the cluster cannot be reached, wants Kerberos, or refuses the application: why, and what to do.
    pub fn start(settings: YarnSettings, listener: Arc<dyn ManagerListener>) -> Result<Arc<Self>, YarnError> {
        settings.place.configuration.check_authentication()?;
        let Begun { application, largest, files, master, token } = match &settings.own_container {
            None => begin_here(&settings)?,
            Some(container) => begin_in_container(&settings, container)?,
        };
        let launch = launch::context(&settings.agents.command, add_files(&files, &settings)?);
        let name = application_name(&application);
        tracing::info!("{name} runs on YARN in the queue `{}`", settings.labels.queue);
        let state = State {
            ledger: Ledger::new(settings.node_labels.clone()),
            status: Some(FinalStatus::Succeeded),
            is_stopping: false,
            has_ended: false,
            launching: 0,
        };
        let shared = Arc::new(Shared {
            settings,
            application,
            listener,
            state: Mutex::new(state),
            changed: Condvar::new(),
            largest,
            launch,
            staging: Mutex::new(Some(files)),
        });
        let heart = Heart::new(shared.clone(), master, token);
        let spawned = thread::Builder::new().name("firesteel-yarn".into()).spawn(move || heart.run());
        spawned.map_err(|error| YarnError::malformed("a thread for heartbeats", error))?;
        Ok(Arc::new(YarnManager { shared }))
    }
}

/// An application that has begun, with this process as its registered master.
struct Begun {
    application: ApplicationId,
    largest: Resource,
    files: Staging,
    master: ApplicationMaster,
    token: Token,
}

/// Submits an application whose master is this process.
fn begin_here(settings: &YarnSettings) -> Result<Begun, YarnError> {
    let place = &settings.place;
    let mut client = Applications::connect(&place.configuration.resource_managers()?, &place.user)?;
    let (application, largest) = client.new_application()?;
    check_size(settings, &largest)?;
    let name = application_name(&application);
    let files = Staging::make(&place.stores, &staging::home(place)?, &name, place.keeps_staging)?;
    submit_unmanaged(&mut client, &application, &settings.labels)?;
    let within = settings.accepted_within;
    let begun = wait_for_token(&mut client, &application, &settings.labels.queue, within).and_then(|token| {
        let mut master = ApplicationMaster::connect(&place.configuration.schedulers()?, &token)?;
        master.register(settings.host(), &settings.pages)?;
        Ok((master, token))
    });
    let (master, token) = begun.inspect_err(|error| {
        if let Err(error) = client.kill(&application, &error.to_string()) {
            tracing::warn!("{name} may still be in YARN's list: {error}");
        }
    })?;
    Ok(Begun { application, largest, files, master, token })
}

/// Becomes the master of the application that was submitted with this process as its master.
fn begin_in_container(settings: &YarnSettings, container: &OwnContainer) -> Result<Begun, YarnError> {
    let place = &settings.place;
    let token = container.token()?;
    let mut master = ApplicationMaster::connect(&place.configuration.schedulers()?, &token)?;
    let largest = master.register(settings.host(), &settings.pages)?.maximum_capability.unwrap_or_default();
    check_size(settings, &largest)?;
    let files = Staging::existing(&place.stores, &container.staging, place.keeps_staging)?;
    Ok(Begun { application: container.application.clone(), largest, files, master, token })
}

fn check_size(settings: &YarnSettings, largest: &Resource) -> Result<(), YarnError> {
    let checked = settings.check_size(&settings.shape(), largest);
    checked
        .map_err(|remedy| YarnError::Configuration { what: "YARN cannot lend such executors".into(), remedy })
}

/// Puts the files for containers in place: the program, if it is sent and not there, and the agents' configuration.
fn add_files(files: &Staging, settings: &YarnSettings) -> Result<Vec<StringLocalResourceMap>, YarnError> {
    let program = settings.agents.program.as_deref().map(|program| match settings.own_container {
        None => files.add_program(launch::PROGRAM, program),
        Some(_) => files.resource(launch::PROGRAM),
    });
    let mut line = serde_json::to_vec(&launch::configuration(&settings.agents.configuration))
        .map_err(|error| YarnError::malformed("the configuration of executors", error))?;
    line.push(b'\n');
    let configuration = files.add_private(launch::CONFIGURATION, line)?;
    Ok(program.transpose()?.into_iter().chain([configuration]).collect())
}

impl Manager for YarnManager {
    fn request(&self, count: u32, shape: &Shape) -> Result<(), String> {
        let settings = &self.shared.settings;
        settings.check_size(shape, &self.shared.largest)?;
        let size = settings.size(shape);
        let mut state = self.shared.state.lock();
        state.ledger.ask(count, size);
        self.shared.changed.notify_all();
        Ok(())
    }

    fn withdraw(&self, count: u32) {
        self.shared.state.lock().ledger.withdraw(count);
        self.shared.changed.notify_all();
    }

    fn release(&self, name: &str) {
        self.shared.state.lock().ledger.give_back(name);
        self.shared.changed.notify_all();
    }

    /// Has the scheduler lend no containers on these hosts (its blacklist).
    fn avoid(&self, machines: &BTreeSet<String>) {
        self.shared.state.lock().ledger.avoid(machines.clone());
        self.shared.changed.notify_all();
    }

    fn keeps_logs(&self) -> bool {
        true
    }

    fn application(&self, _within: Duration) -> Option<String> {
        Some(application_name(&self.shared.application))
    }

    /// Ends the application, with which YARN ends its containers, and removes its files. In cluster mode its program goes
    /// on: its containers are given back, and [`program_ended`] ends the application.
    fn stop(&self) {
        if self.shared.settings.own_container.is_none() {
            return end(&self.shared, Some(FinalStatus::Succeeded));
        }
        let deadline = Instant::now() + STOP_WITHIN;
        let mut state = self.shared.state.lock();
        state.ledger.give_all_back();
        self.shared.changed.notify_all();
        while !(state.has_ended || state.ledger.is_empty() && state.launching == 0) {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        drop(state);
        *STOPPED.lock() = Some(self.shared.clone());
    }
}

/// The application of this process, which has stopped while its program goes on. A process has one in cluster mode.
static STOPPED: Mutex<Option<Arc<Shared>>> = Mutex::new(None);

/// Tells YARN how the program of this process has ended, if the process is an application's master in a container of its
/// own; does nothing elsewhere.
pub fn program_ended(is_success: bool) {
    let Some(shared) = STOPPED.lock().take() else { return };
    let is_last = shared.settings.own_container.as_ref().is_none_or(|container| container.is_last_attempt);
    end(
        &shared,
        match is_success {
            true => Some(FinalStatus::Succeeded),
            false => is_last.then_some(FinalStatus::Failed),
        },
    );
}

/// Ends the application with a status, and removes its files. Without one YARN is told nothing: it finds that the attempt
/// failed, and makes another, which needs the files.
fn end(shared: &Shared, status: Option<FinalStatus>) {
    let deadline = Instant::now() + STOP_WITHIN;
    let mut state = shared.state.lock();
    (state.is_stopping, state.status) = (true, status);
    shared.changed.notify_all();
    while !(state.has_ended && state.launching == 0) {
        if shared.changed.wait_until(&mut state, deadline).timed_out() {
            break;
        }
    }
    let has_ended = state.has_ended;
    drop(state);
    if !has_ended {
        shared.kill("its driver ends, and could not say so to YARN's scheduler");
    }
    let staging = shared.staging.lock().take();
    if status.is_none() {
        staging.into_iter().for_each(Staging::keep);
    }
}
