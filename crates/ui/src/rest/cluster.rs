//! The JSON of a cluster's daemons: the fields of Spark's `/json/`, in Spark's order.

use crate::cluster::{
    ClusterApplication, ClusterDriver, ClusterWorker, MasterRole, MasterView, ProcessView, WorkerPageView,
    WorkerState, link,
};
use crate::rest::json::to_bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use firesteel_status::store::Date;
use serde::Serialize;
use serde_json::{Map, Value};

/// An amount of a resource that there is none of: only cores and memory are lent.
#[derive(Default, Serialize)]
struct NoResources {}

#[derive(Serialize)]
struct Master<'a> {
    url: &'a str,
    workers: Vec<Worker<'a>>,
    aliveworkers: usize,
    cores: u32,
    coresused: u32,
    memory: u64,
    memoryused: u64,
    resources: [NoResources; 0],
    resourcesused: [NoResources; 0],
    activeapps: Vec<Application<'a>>,
    completedapps: Vec<Application<'a>>,
    activedrivers: Vec<Driver<'a>>,
    completeddrivers: Vec<Driver<'a>>,
    status: &'static str,
}

#[derive(Serialize)]
struct Worker<'a> {
    id: &'a str,
    host: &'a str,
    webuiaddress: String,
    cores: u32,
    coresused: u32,
    coresfree: u32,
    memory: u64,
    memoryused: u64,
    memoryfree: u64,
    resources: NoResources,
    resourcesused: NoResources,
    resourcesfree: NoResources,
    state: &'static str,
    lastheartbeat: i64,
}

#[derive(Serialize)]
struct Application<'a> {
    id: &'a str,
    starttime: i64,
    name: &'a str,
    cores: u32,
    user: &'a str,
    memoryperexecutor: u64,
    memoryperslave: u64,
    resourcesperexecutor: [NoResources; 0],
    resourcesperslave: [NoResources; 0],
    submitdate: String,
    state: &'static str,
    duration: i64,
    /// The address of its own pages, which Spark told in early versions.
    appuiurl: String,
}

#[derive(Serialize)]
struct Driver<'a> {
    id: &'a str,
    starttime: String,
    state: &'static str,
    cores: u32,
    memory: u64,
    resources: NoResources,
    submitdate: String,
    worker: &'a str,
    mainclass: &'static str,
}

#[derive(Serialize)]
struct WorkerJson<'a> {
    id: &'a str,
    masterurl: &'a str,
    masterwebuiurl: String,
    cores: u32,
    coresused: u32,
    memory: u64,
    memoryused: u64,
    resources: NoResources,
    resourcesused: NoResources,
    executors: Vec<Executor<'a>>,
    finishedexecutors: Vec<Executor<'a>>,
}

#[derive(Serialize)]
struct Executor<'a> {
    id: u32,
    memory: u64,
    resources: NoResources,
    appid: &'a str,
    appdesc: Description<'a>,
}

#[derive(Serialize)]
struct Description<'a> {
    name: &'a str,
    cores: u32,
    memoryperexecutor: u64,
    resourcesperexecutor: [NoResources; 0],
    memoryperslave: u64,
    resourcesperslave: [NoResources; 0],
    user: &'a str,
    /// Left empty: a command may hold secrets.
    command: &'static str,
}

/// Answers with a master, or with one field of it, as Spark does for `/json/FIELD`.
pub(crate) fn master(view: &MasterView, field: Option<&str>) -> Response {
    let alive = || view.workers.iter().filter(|worker| worker.state == WorkerState::Alive);
    let value = Master {
        url: &view.url,
        workers: view.workers.iter().map(worker).collect(),
        aliveworkers: alive().count(),
        cores: alive().map(|worker| worker.cores).sum(),
        coresused: alive().map(|worker| worker.cores_used).sum(),
        memory: alive().map(|worker| worker.memory).sum(),
        memoryused: alive().map(|worker| worker.memory_used).sum(),
        resources: [],
        resourcesused: [],
        activeapps: view.applications.iter().map(|one| application(one, view.now)).collect(),
        completedapps: view.ended_applications.iter().map(|one| application(one, view.now)).collect(),
        activedrivers: view.drivers.iter().map(driver).collect(),
        completeddrivers: view.ended_drivers.iter().map(driver).collect(),
        status: match view.role {
            MasterRole::Leads => "ALIVE",
            MasterRole::Recovers => "RECOVERING",
            MasterRole::StandsBy => "STANDBY",
        },
    };
    answer(&value, field)
}

/// Answers with a worker, or with one field of it.
pub(crate) fn worker_state(view: &WorkerPageView, field: Option<&str>) -> Response {
    let value = WorkerJson {
        id: &view.id,
        masterurl: &view.master,
        masterwebuiurl: link(view.master_pages.as_deref()).unwrap_or_default(),
        cores: view.cores,
        coresused: view.cores_used,
        memory: view.memory,
        memoryused: view.memory_used,
        resources: NoResources {},
        resourcesused: NoResources {},
        executors: executors(&view.running),
        finishedexecutors: executors(&view.ended),
    };
    answer(&value, field)
}

fn answer(value: &impl Serialize, field: Option<&str>) -> Response {
    let bytes = match field {
        None => to_bytes(value),
        Some(wanted) => serde_json::to_value(value).and_then(|mut all| {
            // A field that there is not is an empty text, as with Spark.
            let found = all.get_mut(wanted).map_or_else(|| Value::String(String::new()), Value::take);
            to_bytes(&Map::from_iter([(wanted.to_owned(), found)]))
        }),
    };
    match bytes {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn worker(worker: &ClusterWorker) -> Worker<'_> {
    Worker {
        id: &worker.id,
        host: &worker.host,
        webuiaddress: link(worker.pages.as_deref()).unwrap_or_default(),
        cores: worker.cores,
        coresused: worker.cores_used,
        coresfree: worker.cores.saturating_sub(worker.cores_used),
        memory: worker.memory,
        memoryused: worker.memory_used,
        memoryfree: worker.memory.saturating_sub(worker.memory_used),
        resources: NoResources {},
        resourcesused: NoResources {},
        resourcesfree: NoResources {},
        state: match worker.state {
            WorkerState::Alive => "ALIVE",
            WorkerState::Decommissioned => "DECOMMISSIONED",
            WorkerState::Awaited => "UNKNOWN",
            // Nothing can run there. Spark gives up a worker as soon as its connection is gone.
            WorkerState::Disconnected | WorkerState::Dead => "DEAD",
        },
        lastheartbeat: worker.last_heartbeat,
    }
}

fn application(application: &ClusterApplication, now: i64) -> Application<'_> {
    Application {
        id: &application.id,
        starttime: application.submitted_at,
        name: &application.name,
        cores: application.cores,
        user: &application.user,
        memoryperexecutor: application.memory_per_executor,
        memoryperslave: application.memory_per_executor,
        resourcesperexecutor: [],
        resourcesperslave: [],
        submitdate: Date(application.submitted_at).to_string(),
        state: application.state,
        duration: application.ended_at.unwrap_or(now).saturating_sub(application.submitted_at),
        appuiurl: link(application.pages.as_deref()).unwrap_or_default(),
    }
}

fn driver(driver: &ClusterDriver) -> Driver<'_> {
    Driver {
        id: &driver.id,
        starttime: driver.submitted_at.to_string(),
        state: driver.state,
        cores: driver.cores,
        memory: driver.memory,
        resources: NoResources {},
        submitdate: Date(driver.submitted_at).to_string(),
        worker: driver.worker.as_deref().unwrap_or("None"),
        mainclass: "",
    }
}

fn executors(all: &[ProcessView]) -> Vec<Executor<'_>> {
    all.iter().filter(|one| !one.is_driver).map(executor).collect()
}

fn executor(executor: &ProcessView) -> Executor<'_> {
    Executor {
        id: executor.number,
        memory: executor.memory,
        resources: NoResources {},
        appid: &executor.owner,
        appdesc: Description {
            name: &executor.application_name,
            cores: executor.cores_max.unwrap_or(0),
            memoryperexecutor: executor.memory,
            resourcesperexecutor: [],
            memoryperslave: executor.memory,
            resourcesperslave: [],
            user: &executor.user,
            command: "",
        },
    }
}
