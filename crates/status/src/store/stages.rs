//! All that events of stages and tasks do to the store.

use crate::store::columns::{Figures, Row};
use crate::store::fold::{RecentTask, Store};
use crate::store::records::{Stage, StageKey, accumulators, raise};
use crate::store::views::{PeakMemory, SpeculationStageSummary, StageStatus, TaskStatus};
use firesteel_events::{
    EndReason, StageCompleted, StageSubmitted, TaskEnd, TaskGettingResult, TaskInfo, TaskStart,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How an attempt at a task ended, as a number of each kind.
#[derive(Clone, Copy)]
struct Outcome {
    succeeded: i64,
    failed: i64,
    killed: i64,
}

impl Store {
    pub(crate) fn stage_submitted(&mut self, event: &StageSubmitted) {
        let info = &event.stage_info;
        self.tick(info.submission_time.unwrap_or(0));
        let key = (info.stage_id, info.attempt_id);
        let revision = self.revision;
        let stage = self.stages.entry(key).or_insert_with(|| Stage::of(info));
        if !stage.live {
            let jobs = std::mem::take(&mut stage.jobs);
            *stage = Stage { jobs, ..Stage::of(info) };
        }
        stage.info = info.clone();
        stage.status = StageStatus::Active;
        stage.revision = revision;
        stage.description = event.properties.get("spark.job.description").cloned();
        stage.pool =
            event.properties.get("spark.scheduler.pool").cloned().unwrap_or_else(|| "default".into());
        for job in self.jobs.values_mut() {
            // Spark looks at jobs that run; one that has ended does not change any more.
            if job.completed.is_none() && job.stage_ids.contains(&info.stage_id) {
                stage.jobs.insert(job.id);
                job.completed_stages.remove(&info.stage_id);
                job.active_stages += 1;
                if let Some(planned) =
                    job.planned.iter_mut().find(|planned| planned.stage_id == info.stage_id)
                {
                    planned.attempt = info.attempt_id;
                    planned.submitted = true;
                    planned.rdds = info.rdd_info.clone();
                }
            }
        }
        for rdd in info.rdd_info.iter() {
            if rdd.storage_level.use_memory || rdd.storage_level.use_disk {
                self.persist(rdd);
            }
        }
    }

    pub(crate) fn stage_completed(&mut self, event: &StageCompleted) {
        let info = &event.stage_info;
        self.tick(info.completion_time.unwrap_or(0));
        let key = (info.stage_id, info.attempt_id);
        let revision = self.revision;
        let Some(stage) = self.stages.get_mut(&key).filter(|stage| stage.live) else { return };
        stage.info = info.clone();
        stage.revision = revision;
        stage.status = match (&info.failure_reason, info.submission_time) {
            (Some(_), _) => StageStatus::Failed,
            (None, Some(_)) => StageStatus::Complete,
            (None, None) => StageStatus::Skipped,
        };
        stage.live = stage.active > 0;
        for (id, _) in stage.executors.iter().filter(|(_, share)| share.excluded) {
            if let Some(executor) = self.executors.get_mut(id) {
                executor.excluded_in.remove(&info.stage_id);
            }
        }
        for id in &stage.jobs {
            let Some(job) = self.jobs.get_mut(id) else { continue };
            match stage.status {
                StageStatus::Complete => _ = job.completed_stages.insert(info.stage_id),
                StageStatus::Skipped => {
                    job.skipped_stages.insert(info.stage_id);
                    job.skipped_tasks = job.skipped_tasks.saturating_add(info.num_tasks);
                }
                StageStatus::Failed | StageStatus::Active | StageStatus::Pending => job.failed_stages += 1,
            }
            job.active_stages -= 1;
        }
        self.forget_stages();
        self.forget_old_tasks();
    }

    pub(crate) fn task_start(&mut self, event: &TaskStart) {
        let info = &event.task_info;
        self.tick(info.launch_time);
        let key = (event.stage_id, event.stage_attempt_id);
        let place = self.places.number(&info.executor_id, &info.host);
        let locality = self.places.locality(&info.locality);
        let revision = self.revision;
        if let Some(stage) = self.stages.get_mut(&key).filter(|stage| stage.live) {
            stage.revision = revision;
            stage.active += 1;
            stage.first_launch =
                Some(stage.first_launch.map_or(info.launch_time, |first| first.min(info.launch_time)));
            *stage.localities.entry(locality).or_default() += 1;
            if info.speculative {
                let speculation = stage.speculation.get_or_insert_default();
                speculation.num_tasks += 1;
                speculation.num_active_tasks += 1;
            }
            let row = stage.tasks.push(row(info, place, locality));
            self.running.insert(info.task_id, (key, row));
            for job in &stage.jobs {
                if let Some(job) = self.jobs.get_mut(job) {
                    job.active_tasks += 1;
                }
            }
            self.forget_tasks(key);
        }
        if let Some(executor) = self.executors.get_mut(&info.executor_id) {
            executor.active_tasks += 1;
            executor.total_tasks += 1;
        }
    }

    pub(crate) fn task_getting_result(&mut self, event: &TaskGettingResult) {
        let info = &event.task_info;
        let Some((key, row)) = self.running.get(&info.task_id) else { return };
        let row = self.stages.get_mut(key).and_then(|stage| stage.tasks.row_mut(*row));
        if let Some(row) = row {
            row.fetch_start = info.getting_result_time;
            row.status = status(info);
        }
    }

    pub(crate) fn task_end(&mut self, event: &TaskEnd) {
        let info = &event.task_info;
        self.tick(info.finish_time);
        let outcome = outcome(&event.reason);
        // Most tasks tell nothing of this.
        let told = Some(&event.executor_metrics).filter(|told| !told.is_empty());
        let peak = told.map(PeakMemory::of);
        let peak = peak.as_ref();
        let figures = self.end_row(event);
        self.end_in_stage(event, outcome, figures.as_ref(), peak);
        self.end_in_executor(event, outcome, peak);
        self.remember_task(event);
    }

    /// Notes in the task's row how it ended, and returns by how much its figures grew. Those of a task whose start was
    /// not seen are not known.
    fn end_row(&mut self, event: &TaskEnd) -> Option<Figures> {
        let info = &event.task_info;
        let (key, at) = self.running.remove(&info.task_id)?;
        let stage = self.stages.get_mut(&key)?;
        // A task that was lost tells none. As with Spark's History Server these are zeros from then on.
        let figures = event.metrics.as_deref().map(Figures::of).unwrap_or_default();
        let grown = stage.tasks.renew(at, &figures);
        if let Some(row) = stage.tasks.row_mut(at) {
            row.finish = info.finish_time;
            row.fetch_start = info.getting_result_time;
            row.status = status(info);
        }
        if let Some(message) = error_text(&event.reason) {
            stage.note_error(info.task_id, message);
        }
        let accumulated = accumulators(&info.accumulables);
        if !accumulated.is_empty() {
            stage.accumulated.insert(info.task_id, accumulated.into());
        }
        Some(grown)
    }

    /// Notes the figures of a task that runs, as its executor's heartbeat told them.
    pub(crate) fn task_figures(&mut self, task: i64, executor: &Arc<str>, figures: &Figures) {
        let Some((key, at)) = self.running.get(&task) else { return };
        let Some(stage) = self.stages.get_mut(key) else { return };
        let grown = stage.tasks.renew(*at, figures);
        stage.revision = self.revision;
        if stage.live {
            stage.totals.add(&grown);
            stage.share(executor).figures.add(&grown);
        }
    }

    fn end_in_stage(
        &mut self,
        event: &TaskEnd,
        outcome: Outcome,
        figures: Option<&Figures>,
        peak: Option<&PeakMemory>,
    ) {
        let info = &event.task_info;
        let key = (event.stage_id, event.stage_attempt_id);
        let revision = self.revision;
        let Some(stage) = self.stages.get_mut(&key).filter(|stage| stage.live) else { return };
        stage.revision = revision;
        stage.active -= 1;
        stage.completed += outcome.succeeded;
        stage.failed += outcome.failed;
        stage.killed += outcome.killed;
        let index = u32::try_from(info.index).unwrap_or(u32::MAX);
        if outcome.succeeded > 0 {
            stage.indices.insert(index);
        }
        if outcome.killed > 0 {
            count_kill(&mut stage.killed_summary, &event.reason);
        }
        if let Some(figures) = figures {
            stage.totals.add(figures);
        }
        raise(&mut stage.peak, peak);
        if let Some(speculation) = stage.speculation.as_mut().filter(|_| info.speculative) {
            end_speculation(speculation, outcome);
        }
        let share = stage.share(&info.executor_id);
        share.task_time = share.task_time.saturating_add(info.finish_time.saturating_sub(info.launch_time));
        share.succeeded += outcome.succeeded;
        share.failed += outcome.failed;
        share.killed += outcome.killed;
        raise(&mut share.peak, peak);
        if let Some(figures) = figures {
            share.figures.add(figures);
        }
        if let Some(own) = event.metrics.as_ref().and_then(|metrics| metrics.own.as_ref()) {
            own.functions.iter().for_each(|function| stage.add_function(function));
            if let Some((hot_key, records)) = &own.hot_key {
                stage.add_hot_key(hot_key, *records);
            }
        }
        let ended = matches!(stage.status, StageStatus::Complete | StageStatus::Failed);
        stage.live = !(ended && stage.active == 0);
        for id in &stage.jobs {
            let Some(job) = self.jobs.get_mut(id) else { continue };
            job.active_tasks -= 1;
            job.completed_tasks += outcome.succeeded;
            job.failed_tasks += outcome.failed;
            job.killed_tasks += outcome.killed;
            if outcome.succeeded > 0 {
                job.indices.entry(event.stage_id).or_default().insert(index);
            }
            if outcome.killed > 0 {
                count_kill(&mut job.killed_summary, &event.reason);
            }
        }
    }

    fn end_in_executor(&mut self, event: &TaskEnd, outcome: Outcome, peak: Option<&PeakMemory>) {
        let Some(executor) = self.executors.get_mut(&event.task_info.executor_id) else { return };
        let info = &event.task_info;
        executor.active_tasks -= 1;
        executor.completed_tasks += outcome.succeeded;
        executor.failed_tasks += outcome.failed;
        executor.total_duration =
            executor.total_duration.saturating_add(info.finish_time.saturating_sub(info.launch_time));
        raise(&mut executor.peak, peak);
        // A task that is sent again had its figures counted when it ended first.
        if let Some(metrics) = event.metrics.as_ref().filter(|_| event.reason.reason != "Resubmitted") {
            let read = &metrics.shuffle_read;
            let sum = |total: &mut i64, part: i64| *total = total.saturating_add(part);
            sum(&mut executor.gc_time, metrics.jvm_gc_time);
            sum(&mut executor.input_bytes, metrics.input.bytes_read);
            sum(&mut executor.shuffle_read, read.local_bytes_read.saturating_add(read.remote_bytes_read));
            sum(&mut executor.shuffle_write, metrics.shuffle_write.bytes_written);
        }
    }

    fn remember_task(&mut self, event: &TaskEnd) {
        let (info, metrics) = (&event.task_info, event.metrics.as_deref());
        let own = metrics.and_then(|metrics| metrics.own.as_deref());
        self.recent.push_back(RecentTask {
            stage: (event.stage_id, event.stage_attempt_id),
            task_id: info.task_id,
            executor: info.executor_id.clone(),
            launch: info.launch_time,
            finish: info.finish_time,
            status: status(info),
            fetch_wait: metrics.map_or(0, |metrics| metrics.shuffle_read.fetch_wait_time),
            python: own.map_or(0, |own| own.python_time),
            pickle: own.map_or(0, |own| own.pickle_time),
            slot_wait: own.map_or(0, |own| own.slot_wait_time),
            run: metrics.map_or(0, |metrics| metrics.executor_run_time),
        });
        if self.recent.len() > self.retained.recent_tasks {
            self.recent.pop_front();
        }
    }

    pub(crate) fn raise_stage(&mut self, key: StageKey, executor: &Arc<str>, figures: &PeakMemory) {
        if let Some(stage) = self.stages.get_mut(&key).filter(|stage| stage.live) {
            raise(&mut stage.peak, Some(figures));
            raise(&mut stage.share(executor).peak, Some(figures));
        }
    }

    /// Removes the tasks of a stage that ended first, when there are too many.
    fn forget_tasks(&mut self, key: StageKey) {
        let Some(stage) = self.stages.get_mut(&key) else { return };
        let surplus = Store::surplus(stage.tasks.len(), self.retained.tasks);
        if surplus == 0 {
            return;
        }
        for id in stage.tasks.remove_oldest(surplus) {
            stage.forget_error(id);
            stage.accumulated.remove(&id);
            self.running.remove(&id);
        }
        // Those that run have moved up.
        for (at, row) in stage.tasks.rows().iter().enumerate() {
            if !row.has_ended() {
                self.running.insert(row.id, (key, at));
            }
        }
    }

    /// Removes all tasks of the stages that ended first, when there are too many of all stages.
    fn forget_old_tasks(&mut self) {
        let mut kept: usize = self.stages.values().map(|stage| stage.tasks.len()).sum();
        if kept <= self.retained.all_tasks {
            return;
        }
        let ended = self.stages.values().filter(|stage| !stage.live && stage.tasks.len() > 0);
        let mut ended: Vec<(Option<i64>, StageKey)> =
            ended.map(|stage| (stage.info.completion_time, stage.key())).collect();
        ended.sort_unstable();
        for (_, key) in ended {
            if kept <= self.retained.all_tasks {
                return;
            }
            if let Some(stage) = self.stages.get_mut(&key) {
                kept -= stage.tasks.len();
                stage.forget_tasks();
            }
        }
    }

    /// Removes the stages that ended first, when there are too many; those that were skipped before others.
    pub(crate) fn forget_stages(&mut self) {
        let surplus = Store::surplus(self.stages.len(), self.retained.stages);
        if surplus == 0 {
            return;
        }
        let ended = |stage: &&Stage| !stage.live;
        let mut ended: Vec<(Option<i64>, StageKey)> = self
            .stages
            .values()
            .filter(ended)
            .map(|stage| (stage.info.completion_time, stage.key()))
            .collect();
        ended.sort_unstable();
        for (_, key) in ended.into_iter().take(surplus) {
            self.stages.remove(&key);
        }
    }
}

fn row(info: &TaskInfo, place: u32, locality: u8) -> Row {
    Row {
        id: info.task_id,
        launch: info.launch_time,
        fetch_start: info.getting_result_time,
        finish: 0,
        index: u32::try_from(info.index).unwrap_or(u32::MAX),
        partition: i32::try_from(info.partition_id).unwrap_or(-1),
        place,
        attempt: u16::try_from(info.attempt).unwrap_or(u16::MAX),
        locality,
        status: status(info),
        speculative: info.speculative,
        measured: false,
    }
}

fn status(info: &TaskInfo) -> TaskStatus {
    match (info.finish_time != 0, info.failed, info.killed) {
        (false, _, _) if info.getting_result_time != 0 => TaskStatus::GetResult,
        (false, _, _) => TaskStatus::Running,
        (true, true, _) => TaskStatus::Failed,
        (true, false, true) => TaskStatus::Killed,
        (true, false, false) => TaskStatus::Success,
    }
}

fn outcome(reason: &EndReason) -> Outcome {
    let (succeeded, failed, killed) = match &*reason.reason {
        "Success" => (1, 0, 0),
        "TaskKilled" | "TaskCommitDenied" => (0, 0, 1),
        _ => (0, 1, 0),
    };
    Outcome { succeeded, failed, killed }
}

fn end_speculation(speculation: &mut SpeculationStageSummary, outcome: Outcome) {
    speculation.num_active_tasks -= 1;
    speculation.num_completed_tasks += outcome.succeeded;
    speculation.num_failed_tasks += outcome.failed;
    speculation.num_killed_tasks += outcome.killed;
}

fn count_kill(summary: &mut BTreeMap<String, i64>, reason: &EndReason) {
    let text = match &*reason.reason {
        "TaskKilled" => reason.kill_reason.clone().unwrap_or_default(),
        _ => error_text(reason).unwrap_or_default(),
    };
    *summary.entry(text).or_default() += 1;
}

/// Returns why a task failed, in the words of Spark's pages.
fn error_text(reason: &EndReason) -> Option<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = |number: Option<i64>| number.unwrap_or(-1);
    Some(match &*reason.reason {
        "Success" => return None,
        "TaskKilled" => text(&reason.kill_reason),
        "ExceptionFailure" => exception_text(reason),
        "FetchFailed" => {
            let address = reason.block_manager_address.as_ref().map_or_else(
                || "null".to_owned(),
                |at| format!("BlockManagerId({}, {}, {}, None)", at.executor_id, at.host, at.port),
            );
            format!(
                "FetchFailed({address}, shuffleId={}, mapIndex={}, mapId={}, reduceId={}, message=\n{}\n)",
                number(reason.shuffle_id),
                number(reason.map_index),
                number(reason.map_id),
                number(reason.reduce_id),
                text(&reason.message),
            )
        }
        "Resubmitted" => "Resubmitted (resubmitted due to lost executor)".into(),
        "TaskResultLost" => "TaskResultLost (result lost from block manager)".into(),
        "TaskCommitDenied" => format!(
            "TaskCommitDenied (Driver denied task commit) for job: {}, partition: {}, attemptNumber: {}",
            number(reason.job_id),
            number(reason.partition_id),
            number(reason.attempt_number),
        ),
        "ExecutorLostFailure" => {
            let cause = match reason.exit_caused_by_app {
                Some(true) | None => "caused by one of the running tasks",
                Some(false) => "unrelated to the running tasks",
            };
            let why = reason.loss_reason.as_ref().map(|why| format!(" Reason: {why}")).unwrap_or_default();
            let executor = text(&reason.executor_id);
            format!("ExecutorLostFailure (executor {executor} exited {cause}){why}")
        }
        _ => "UnknownReason".into(),
    })
}

fn exception_text(reason: &EndReason) -> String {
    if let Some(full) = reason.full_stack_trace.as_ref().filter(|full| !full.is_empty()) {
        return full.clone();
    }
    let class = reason.class_name.as_deref().unwrap_or_default();
    let mut lines = format!("{class}: {}", reason.description.as_deref().unwrap_or_default());
    for frame in reason.stack_trace.iter().flatten() {
        let file = frame.file_name.as_deref().unwrap_or("Unknown Source");
        lines +=
            &format!("\n\tat {}.{}({file}:{})", frame.declaring_class, frame.method_name, frame.line_number);
    }
    lines
}
