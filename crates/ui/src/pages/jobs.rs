//! The page of all jobs, with a picture of them over time.

use crate::pages::format::{count, duration};
use crate::pages::frame::{Fact, Frame, fact};
use crate::pages::looking::{Looking, NoPage};
use crate::pages::markup::Markup;
use crate::pages::rows::{Filter, JobRow, Table, elapsed, filters, job_table};
use crate::pages::timeline::{Bar, Kind, Lane, timeline};
use askama::Template;
use firesteel_status::store::{ExecutorSummary, JobData, JobStatus};

/// The most jobs, and the most executors, of the picture: the newest.
const MOST_JOBS: usize = 40;
const MOST_EXECUTORS: usize = 20;

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    frame: Frame,
    facts: Vec<Fact>,
    timeline: Option<Markup>,
    timeline_note: String,
    shown: String,
    filters: Vec<Filter>,
    table: Table<JobRow>,
}

/// Makes the page.
pub(super) fn make(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let view = looking.view();
    let all = view.jobs(&[]);
    let number = |status| all.iter().filter(|job| job.status == status).count();
    let (running, succeeded, failed) =
        (number(JobStatus::Running), number(JobStatus::Succeeded), number(JobStatus::Failed));
    let ask = looking.ask();
    let base = format!("{}/jobs/?", looking.here.base);
    let states = [
        ("running", "RUNNING", running),
        ("succeeded", "SUCCEEDED", succeeded),
        ("failed", "FAILED", failed),
    ];
    let filters = filters(&base, &ask, &states);
    let application = view.application();
    let attempt = application.attempts.first();
    let uptime = attempt.map_or(0, |attempt| {
        let end = if attempt.completed { attempt.end_time.0 } else { looking.now };
        end.saturating_sub(attempt.start_time.0).max(0)
    });
    let mode = view.environment().spark_properties.into_iter().find(|(key, _)| key == "spark.scheduler.mode");
    let facts = vec![
        fact("Uptime", duration(uptime)),
        fact("Scheduling", mode.map_or_else(|| "FIFO".to_owned(), |(_, mode)| mode)),
        fact("Running", count(running as i64)),
        fact("Succeeded", count(succeeded as i64)),
        fact("Failed", count(failed as i64)),
    ];
    let executors = view.executors(true);
    let (picture, timeline_note) = match all.is_empty() {
        true => (None, String::new()),
        false => {
            let note = match all.len() {
                jobs if jobs > MOST_JOBS => format!("The newest {MOST_JOBS} of {} jobs.", count(jobs as i64)),
                _ => String::new(),
            };
            (Some(picture(looking, &all, &executors)), note)
        }
    };
    let wanted = ask.show.as_deref().and_then(JobStatus::named);
    let chosen: Vec<JobData> =
        all.into_iter().filter(|job| wanted.is_none_or(|wanted| job.status == wanted)).collect();
    let shown = count(chosen.len() as i64);
    let table = job_table(looking, chosen, base);
    Ok(JobsPage { frame, facts, timeline: picture, timeline_note, shown, filters, table }.render()?)
}

/// Draws jobs, and when executors came and went.
fn picture(looking: &Looking<'_>, jobs: &[JobData], executors: &[ExecutorSummary]) -> Markup {
    let newest: Vec<&JobData> = jobs.iter().take(MOST_JOBS).collect();
    let start = newest.iter().filter_map(|job| job.submission_time).map(|at| at.0).min().unwrap_or(0);
    let end = newest.iter().map(|job| job.completion_time.map_or(looking.now, |at| at.0)).max();
    let window = start..end.unwrap_or(start).max(start + 1);
    let mut lanes: Vec<Lane> = newest.iter().rev().map(|job| job_lane(looking, job)).collect();
    let cluster = executors.iter().filter(|executor| executor.id != "driver");
    let seen = cluster.filter(|executor| executor.remove_time.is_none_or(|at| at.0 >= window.start));
    lanes.extend(seen.take(MOST_EXECUTORS).map(|executor| executor_lane(looking, executor)));
    timeline("Jobs over time", &window, &lanes)
}

fn job_lane(looking: &Looking<'_>, job: &JobData) -> Lane {
    let href = format!("{}/jobs/job/?id={}", looking.here.base, job.job_id);
    let kind = match job.status {
        JobStatus::Running => Kind::Running,
        JobStatus::Succeeded => Kind::Done,
        JobStatus::Failed | JobStatus::Unknown => Kind::Failed,
    };
    let took = elapsed(job.submission_time, job.completion_time, looking.now).unwrap_or(0);
    let start = job.submission_time.map_or(0, |at| at.0);
    let title = format!("job {}: {}, {}", job.job_id, job.name, duration(took));
    let bar = Bar { time: start..start.saturating_add(took), kind, title, href: None };
    Lane { label: format!("{} {}", job.job_id, job.name), href: Some(href), bars: vec![bar], painted: None }
}

/// Draws the life of an executor.
pub(super) fn executor_lane(looking: &Looking<'_>, executor: &ExecutorSummary) -> Lane {
    let is_lost = executor.remove_reason.is_some();
    let end = executor.remove_time.map_or(looking.now, |at| at.0);
    let mut title = format!("executor {}, {} cores", executor.id, executor.total_cores);
    if let Some(reason) = &executor.remove_reason {
        title += &format!(", removed: {reason}");
    }
    let mut bars =
        vec![Bar { time: executor.add_time.0..end, kind: Kind::Killed, title: title.clone(), href: None }];
    if is_lost {
        bars.push(Bar { time: end..end, kind: Kind::Failed, title, href: None });
    }
    let href = Some(format!("{}/executors/", looking.here.base));
    Lane { label: format!("executor {}", executor.id), href, bars, painted: None }
}
