//! A master and a worker of a cluster that never was.

use crate::shown::now;
use crate::synthetic::HOSTILE;
use firesteel_ui::{
    ClusterApplication, ClusterDriver, ClusterExecutor, ClusterWorker, LogPart, MasterRole, MasterSite,
    MasterView, ProcessView, UiConfig, UiServer, Unavailable, WorkerPageView, WorkerSite, WorkerState,
    serve_master, serve_worker,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const MINUTE: i64 = 60_000;

/// A master, until its first application is ended.
#[derive(Default)]
struct Master {
    is_killed: AtomicBool,
}

fn worker(number: u32, state: WorkerState, cores_used: u32, why: &str) -> ClusterWorker {
    let is_there = state != WorkerState::Dead;
    ClusterWorker {
        id: format!("worker-10.77.0.{number}-{:08x}", number.wrapping_mul(2_654_435_761)),
        host: format!("10.77.0.{number}"),
        state,
        why: why.into(),
        cores: 8,
        cores_used,
        memory: 32 << 10,
        memory_used: u64::from(cores_used) * 2048,
        executors: usize::from(cores_used > 0),
        drivers: usize::from(number == 3),
        last_heartbeat: now() - if is_there { 2_000 } else { 7 * MINUTE },
        pages: Some(format!("http://10.77.0.{number}:8081")),
    }
}

fn executor(id: u32, worker: &ClusterWorker, cores: u32) -> ClusterExecutor {
    ClusterExecutor {
        id,
        worker: worker.id.clone(),
        cores,
        memory: 8 << 10,
        state: "RUNNING",
        why: String::new(),
        ended_at: None,
    }
}

fn application(number: u32, name: &str, minutes: i64, state: &'static str) -> ClusterApplication {
    let submitted_at = now() - minutes * MINUTE;
    ClusterApplication {
        id: format!("app-20261126223420-{number:04}"),
        name: name.into(),
        user: "ada".into(),
        cores: if state == "RUNNING" { 12 } else { 0 },
        cores_max: Some(12),
        memory_per_executor: 8 << 10,
        submitted_at,
        ended_at: (!["RUNNING", "WAITING"].contains(&state)).then_some(submitted_at + 3 * MINUTE),
        state,
        why: String::new(),
        pages: Some("http://10.77.0.9:4040".into()),
        executors: vec![],
    }
}

impl MasterSite for Master {
    fn revision(&self) -> u64 {
        u64::from(self.is_killed.load(Ordering::Relaxed))
    }

    fn view(&self) -> Result<MasterView, Unavailable> {
        let workers = vec![
            worker(2, WorkerState::Alive, 8, ""),
            worker(3, WorkerState::Alive, 5, ""),
            worker(4, WorkerState::Decommissioned, 2, ""),
            worker(5, WorkerState::Dead, 0, "it was silent for 60000 ms"),
        ];
        let mut first = application(12, "sessions by country", 14, "RUNNING");
        first.executors = vec![executor(0, &workers[0], 8), executor(3, &workers[1], 4)];
        first.executors.push(ClusterExecutor {
            state: "LOST",
            why: "its worker was lost: it was silent for 60000 ms".into(),
            ended_at: Some(now() - 6 * MINUTE),
            ..executor(1, &workers[3], 4)
        });
        let waiting = ClusterApplication {
            why: "waiting: no worker has 4 cores and 16384 MiB free".into(),
            cores_max: None,
            memory_per_executor: 16 << 10,
            ..application(13, "nightly features", 1, "WAITING")
        };
        let mut applications = vec![first, waiting];
        let mut ended = vec![
            ClusterApplication {
                why: "10 executors failed in a row; the last: its process exited with code 127".into(),
                ..application(9, HOSTILE, 60, "FAILED")
            },
            application(11, "word count", 25, "FINISHED"),
        ];
        if self.is_killed.load(Ordering::Relaxed) {
            let mut killed = applications.remove(0);
            (killed.state, killed.why) = ("KILLED", "it was killed".into());
            killed.ended_at = Some(now());
            ended.push(killed);
        }
        let driver = ClusterDriver {
            id: "driver-20261126223430-0000".into(),
            submitted_at: now() - 14 * MINUTE,
            worker: Some(workers[1].id.clone()),
            attempt: 0,
            state: "RUNNING",
            cores: 1,
            memory: 1024,
            is_supervised: true,
            why: String::new(),
        };
        Ok(MasterView {
            url: "firesteel://10.77.0.1:7077".into(),
            role: MasterRole::Leads,
            leader: None,
            epoch: 4,
            now: now(),
            workers,
            applications,
            ended_applications: ended,
            drivers: vec![driver],
            ended_drivers: vec![],
        })
    }

    fn kill_application(&self, _id: &str) -> Result<(), Unavailable> {
        self.is_killed.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn kill_driver(&self, id: &str) -> Result<(), Unavailable> {
        Err(Unavailable(format!("There is no driver {id}.")))
    }
}

/// A worker whose executors write a line each second.
struct Worker {
    began: i64,
}

fn process(number: u32, name: &str, minutes: i64, state: &'static str) -> ProcessView {
    let started_at = now() - minutes * MINUTE;
    ProcessView {
        owner: format!("app-20261126223420-{:04}", 12 - u32::from(state != "RUNNING")),
        number,
        is_driver: false,
        application_name: name.into(),
        user: "ada".into(),
        cores_max: Some(12),
        cores: 4,
        memory: 8 << 10,
        started_at,
        ended_at: (state != "RUNNING").then_some(started_at + 2 * MINUTE),
        state,
        why: String::new(),
    }
}

impl WorkerSite for Worker {
    fn revision(&self) -> u64 {
        0
    }

    fn view(&self) -> Result<WorkerPageView, Unavailable> {
        let driver = ProcessView {
            owner: "driver-20261126223430-0000".into(),
            is_driver: true,
            cores: 1,
            memory: 1024,
            ..process(0, "", 14, "RUNNING")
        };
        let failed = ProcessView {
            why: "its process was killed by signal 9".into(),
            ..process(4, HOSTILE, 31, "FAILED")
        };
        let ended = ProcessView { why: "it was ended".into(), ..process(1, "word count", 25, "KILLED") };
        Ok(WorkerPageView {
            id: worker(3, WorkerState::Alive, 5, "").id,
            master: "firesteel://10.77.0.1:7077".into(),
            is_connected: true,
            master_pages: Some("http://10.77.0.1:8080".into()),
            is_decommissioned: false,
            now: now(),
            cores: 8,
            cores_used: 5,
            memory: 32 << 10,
            memory_used: 9 << 10,
            running: vec![process(3, "sessions by country", 14, "RUNNING"), driver],
            ended: vec![failed, ended],
        })
    }

    fn log(
        &self,
        _of: &ProcessView,
        which: &'static str,
        offset: Option<u64>,
        most: usize,
    ) -> Result<LogPart, Unavailable> {
        let lines = 4_000 + (now() - self.began) / 1000;
        let whole: String = (0..lines).map(|line| format!("{which} line {line} {HOSTILE}\n")).collect();
        let length = whole.len() as u64;
        let from = offset.unwrap_or(length.saturating_sub(most as u64)).min(length) as usize;
        let bytes = whole.as_bytes()[from..(from + most).min(whole.len())].to_vec();
        Ok(LogPart::of(&bytes, from as u64, length))
    }
}

/// Serves a daemon's pages, if it is the name of one.
pub(crate) fn serve(name: &str) -> Option<UiServer> {
    let config = UiConfig { port: 0, ..UiConfig::default() };
    let served = match name {
        "master" => serve_master(&config, Arc::new(Master::default())),
        "worker" => serve_worker(&config, Arc::new(Worker { began: now() })),
        _ => return None,
    };
    Some(served.expect("a port is free"))
}
