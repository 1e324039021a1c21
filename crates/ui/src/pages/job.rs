//! The page of one job: its stages as a picture, over time, and as a table.

use crate::pages::dag::job_picture;
use crate::pages::format::{bytes_and_records, count, duration};
use crate::pages::frame::{Fact, Frame, Pill, fact};
use crate::pages::jobs::executor_lane;
use crate::pages::looking::{Looking, NoPage};
use crate::pages::markup::Markup;
use crate::pages::rows::{
    StageRow, Table, elapsed, job_pill, job_progress, job_stages, stage_href, stage_label, stage_table,
};
use crate::pages::timeline::{Bar, Kind, Lane, timeline};
use askama::Template;
use firesteel_status::store::{JobData, JobStatus, StageAsk, StageData, StageStatus};

/// The most stages, and the most executors, of the picture over time: the newest.
const MOST_STAGES: usize = 60;
const MOST_EXECUTORS: usize = 20;

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    frame: Frame,
    id: i64,
    name: String,
    description: String,
    pill: Pill,
    facts: Vec<Fact>,
    progress: Markup,
    can_kill: bool,
    failure: Option<String>,
    why: Vec<String>,
    graph: Markup,
    graph_note: String,
    timeline: Option<Markup>,
    timeline_note: String,
    table: Table<StageRow>,
}

/// Makes the page.
pub(super) fn make(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let id = looking.number("id")?;
    let view = looking.view();
    let missing =
        || NoPage::Unknown(format!("There is no job {id}, or it ended so long ago that it was forgotten."));
    let job = view.job(id).ok_or_else(missing)?;
    let (graph, graph_note) = job_picture(&view.job_graph(id).unwrap_or_default(), &looking.here.base);
    let ask = StageAsk::default();
    let stages: Vec<StageData> =
        job.stage_ids.iter().flat_map(|stage| view.stage_attempts(*stage, &ask)).collect();
    let timeline_note = match stages.len() {
        stages if stages > MOST_STAGES => {
            format!("The newest {MOST_STAGES} of {} stages.", count(stages as i64))
        }
        _ => String::new(),
    };
    let facts = facts(looking, &job, &stages);
    let picture = picture(looking, &stages);
    let explainer = looking.serving.site.explainer.as_ref();
    let why = explainer.map(|explainer| explainer.job(looking.store, looking.now, id)).unwrap_or_default();
    let page = JobPage {
        frame,
        id,
        name: job.name.clone(),
        description: job.description.clone().unwrap_or_default(),
        pill: job_pill(job.status),
        facts,
        progress: job_progress(&job),
        can_kill: looking.can_kill() && job.status == JobStatus::Running,
        failure: view.job_failure(id).map(str::to_owned),
        why,
        graph,
        graph_note,
        timeline: picture,
        timeline_note,
        table: stage_table(looking, stages, format!("{}/jobs/job/?id={id}&", looking.here.base)),
    };
    Ok(page.render()?)
}

fn facts(looking: &Looking<'_>, job: &JobData, stages: &[StageData]) -> Vec<Fact> {
    let sum = |figure: fn(&StageData) -> i64| {
        stages.iter().fold(0, |sum: i64, stage| sum.saturating_add(figure(stage)))
    };
    let took = elapsed(job.submission_time, job.completion_time, looking.now);
    let mut facts =
        vec![fact("Duration", took.map(duration).unwrap_or_default()), fact("Stages", job_stages(job))];
    let mut add = |label, text: String| {
        if !text.is_empty() {
            facts.push(fact(label, text));
        }
    };
    add("Task time", duration(sum(|stage| stage.executor_run_time)));
    add("Input", bytes_and_records(sum(|stage| stage.input_bytes), sum(|stage| stage.input_records)));
    add("Output", bytes_and_records(sum(|stage| stage.output_bytes), sum(|stage| stage.output_records)));
    let read =
        bytes_and_records(sum(|stage| stage.shuffle_read_bytes), sum(|stage| stage.shuffle_read_records));
    add("Shuffle read", read);
    let write =
        bytes_and_records(sum(|stage| stage.shuffle_write_bytes), sum(|stage| stage.shuffle_write_records));
    add("Shuffle write", write);
    add("Group", job.job_group.clone().unwrap_or_default());
    add("Tags", job.job_tags.join(", "));
    facts
}

fn picture(looking: &Looking<'_>, stages: &[StageData]) -> Option<Markup> {
    let mut begun: Vec<&StageData> = stages.iter().filter(|stage| stage.submission_time.is_some()).collect();
    begun.sort_by_key(|stage| (stage.submission_time, stage.stage_id));
    let begun = &begun[begun.len().saturating_sub(MOST_STAGES)..];
    let start = begun.iter().filter_map(|stage| stage.submission_time).map(|at| at.0).min()?;
    let end = begun.iter().map(|stage| stage.completion_time.map_or(looking.now, |at| at.0)).max()?;
    let window = start..end.max(start + 1);
    let mut lanes: Vec<Lane> = begun.iter().map(|stage| stage_lane(looking, stage)).collect();
    // Executors that came or went meanwhile: the others tell nothing.
    let executors = looking.view().executors(true);
    let changed = executors.iter().filter(|executor| {
        let is_new = executor.add_time.0 > window.start && executor.add_time.0 < window.end;
        let is_lost = executor.remove_time.is_some_and(|at| at.0 >= window.start && at.0 <= window.end);
        executor.id != "driver" && (is_new || is_lost)
    });
    lanes.extend(changed.take(MOST_EXECUTORS).map(|executor| executor_lane(looking, executor)));
    Some(timeline("Stages over time", &window, &lanes))
}

fn stage_lane(looking: &Looking<'_>, stage: &StageData) -> Lane {
    let kind = match stage.status {
        StageStatus::Active | StageStatus::Pending => Kind::Running,
        StageStatus::Complete => Kind::Done,
        StageStatus::Failed => Kind::Failed,
        StageStatus::Skipped => Kind::Killed,
    };
    let label = stage_label(stage.stage_id, stage.attempt_id);
    let took = elapsed(stage.submission_time, stage.completion_time, looking.now).unwrap_or(0);
    let start = stage.submission_time.map_or(0, |at| at.0);
    let title = format!("stage {label}: {}, {}", stage.name, duration(took));
    let bar = Bar { time: start..start.saturating_add(took), kind, title, href: None };
    let href = stage_href(&looking.here.base, stage.stage_id, stage.attempt_id);
    Lane { label: format!("{label} {}", stage.name), href: Some(href), bars: vec![bar], painted: None }
}
