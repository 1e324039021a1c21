//! Server-sent events of what changes in an application, so that a page need not ask again and again: Firesteel's own.
//!
//! An event has a revision, the running jobs and stages with their progress, and the number of executors. A reader that
//! is slow misses revisions, never the last one. Readers look at the store at most [`MIN_PAUSE`] apart, and all readers
//! of a revision share what one of them found: fifty readers cost what one costs.

use super::answer::Refusal;
use super::parameters::Parameters;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use firesteel_status::store::{Access, JobStatus, StageAsk, StageStatus, View};
use futures_core::Stream;
use parking_lot::Mutex;
use serde::Serialize;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// The most readers at a time, of all applications.
const MAX_READERS: usize = 256;

/// The shortest pause between two events.
const MIN_PAUSE: Duration = Duration::from_millis(100);

/// The pause if none is asked for.
const PAUSE_MS: i64 = 500;

/// The longest pause that can be asked for.
const MAX_PAUSE_MS: i64 = 60_000;

/// The time without a change after which a comment is sent: proxies cut silent connections.
const SILENCE: Duration = Duration::from_secs(15);

/// The most running jobs, and running stages, in an event.
const MAX_TOLD: usize = 50;

/// All that an event says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    revision: u64,
    completed: bool,
    executors: usize,
    jobs: Vec<JobProgress>,
    stages: Vec<StageProgress>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JobProgress {
    job_id: i64,
    name: String,
    num_tasks: i64,
    num_active_tasks: i64,
    num_completed_tasks: i64,
    num_skipped_tasks: i64,
    num_failed_tasks: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StageProgress {
    stage_id: i64,
    attempt_id: i64,
    name: String,
    num_tasks: i64,
    num_active_tasks: i64,
    num_complete_tasks: i64,
    num_failed_tasks: i64,
}

/// Those who follow applications.
#[derive(Default)]
pub(super) struct Readers {
    count: Arc<AtomicUsize>,
    shared: Mutex<Vec<Weak<Followed>>>,
}

/// One application that is followed, and the last event about it.
struct Followed {
    access: Arc<dyn Access>,
    last: Mutex<Option<Told>>,
}

#[derive(Clone)]
struct Told {
    revision: u64,
    completed: bool,
    at: Instant,
    text: Bytes,
}

/// A reader's place, free again when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads the pause between two events that a reader wants, in milliseconds.
pub(super) fn pause(parameters: &Parameters) -> Result<Duration, Refusal> {
    let wanted = parameters.number("interval")?.unwrap_or(PAUSE_MS).clamp(0, MAX_PAUSE_MS);
    Ok(Duration::from_millis(wanted as u64).max(MIN_PAUSE))
}

impl Readers {
    /// Answers with events for as long as the reader listens and the application runs.
    pub(super) fn follow(&self, access: Arc<dyn Access>, pause: Duration) -> Result<Response, Refusal> {
        let place = Place(Arc::clone(&self.count));
        if self.count.fetch_add(1, Ordering::Relaxed) >= MAX_READERS {
            return Err(Refusal::unavailable("too many readers follow applications"));
        }
        let followed = self.followed(access);
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(async move {
            let _place = place;
            tell(&followed, &sender, pause).await;
        });
        let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
        Ok((headers, Body::from_stream(Events(receiver))).into_response())
    }

    /// Returns what all readers of an application share.
    fn followed(&self, access: Arc<dyn Access>) -> Arc<Followed> {
        let mut shared = self.shared.lock();
        shared.retain(|followed| followed.strong_count() > 0);
        let same =
            |followed: &Arc<Followed>| std::ptr::addr_eq(Arc::as_ptr(&followed.access), Arc::as_ptr(&access));
        if let Some(followed) = shared.iter().filter_map(Weak::upgrade).find(same) {
            return followed;
        }
        let followed = Arc::new(Followed { access, last: Mutex::new(None) });
        shared.push(Arc::downgrade(&followed));
        followed
    }
}

/// Sends events until the reader has gone or the application has ended.
async fn tell(followed: &Followed, sender: &mpsc::Sender<Bytes>, pause: Duration) {
    let mut seen = None;
    let mut silent_since = Instant::now();
    loop {
        let told = followed.told();
        let event = match &told {
            Some(told) if seen != Some(told.revision) => Some(told.text.clone()),
            _ if silent_since.elapsed() >= SILENCE => Some(Bytes::from_static(b": still here\n\n")),
            _ => None,
        };
        if let Some(event) = event {
            silent_since = Instant::now();
            if sender.send(event).await.is_err() {
                return;
            }
        }
        seen = told.as_ref().map(|told| told.revision);
        if told.is_none_or(|told| told.completed) {
            return;
        }
        tokio::select! {
            () = sender.closed() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Followed {
    /// Returns the newest event; one that is younger than [`MIN_PAUSE`] is new enough.
    fn told(&self) -> Option<Told> {
        let mut last = self.last.lock();
        if let Some(told) = last.as_ref().filter(|told| told.at.elapsed() < MIN_PAUSE) {
            return Some(told.clone());
        }
        let known = last.as_ref().map(|told| told.revision);
        let mut change = None;
        self.access.look(&mut |store, now| {
            if known != Some(store.revision()) {
                change = Some(Change::of(&store.at(now), store.revision(), store.has_ended()));
            }
        });
        match (change, last.as_mut()) {
            (Some(change), _) => {
                let json = serde_json::to_string(&change).ok()?;
                let text = format!("id: {}\nevent: change\ndata: {json}\n\n", change.revision);
                *last = Some(Told {
                    revision: change.revision,
                    completed: change.completed,
                    at: Instant::now(),
                    text: text.into(),
                });
            }
            (None, Some(told)) => told.at = Instant::now(),
            (None, None) => {}
        }
        last.clone()
    }
}

impl Change {
    fn of(view: &View<'_>, revision: u64, completed: bool) -> Change {
        let jobs = view.jobs(&[JobStatus::Running]).into_iter().take(MAX_TOLD).map(|job| JobProgress {
            job_id: job.job_id,
            name: job.name,
            num_tasks: job.num_tasks,
            num_active_tasks: job.num_active_tasks,
            num_completed_tasks: job.num_completed_tasks,
            num_skipped_tasks: job.num_skipped_tasks,
            num_failed_tasks: job.num_failed_tasks,
        });
        let stages = view.stages(&[StageStatus::Active], &StageAsk::default());
        let stages = stages.into_iter().take(MAX_TOLD).map(|stage| StageProgress {
            stage_id: stage.stage_id,
            attempt_id: stage.attempt_id,
            name: stage.name,
            num_tasks: stage.num_tasks,
            num_active_tasks: stage.num_active_tasks,
            num_complete_tasks: stage.num_complete_tasks,
            num_failed_tasks: stage.num_failed_tasks,
        });
        let executors = view.executors(false).len();
        Change { revision, completed, executors, jobs: jobs.collect(), stages: stages.collect() }
    }
}

/// The events of one reader, as a body.
struct Events(mpsc::Receiver<Bytes>);

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}
