//! [`StagePeaks`]: the most that each figure of each executor reached while a stage ran.

use firesteel_events::{ExecutorMetrics, ListenerEvent, StageExecutorMetrics};
use std::collections::BTreeMap;

/// A stage and its attempt.
type Attempt = (i64, i64);

/// The mark of figures that are no stage's own, such as the driver's: they count for all that run.
const OF_NO_STAGE: Attempt = (-1, -1);

/// The peaks of the stages that run.
#[derive(Debug, Default)]
pub(crate) struct StagePeaks {
    running: BTreeMap<Attempt, BTreeMap<String, ExecutorMetrics>>,
}

impl StagePeaks {
    /// Takes what an event says of an executor's figures. When a stage has ended, returns the peaks in it.
    pub(crate) fn take(&mut self, event: &ListenerEvent) -> Vec<ListenerEvent> {
        match event {
            ListenerEvent::StageSubmitted(stage) => {
                self.running.entry((stage.stage_info.stage_id, stage.stage_info.attempt_id)).or_default();
            }
            ListenerEvent::TaskEnd(end) => {
                let attempt = (end.stage_id, end.stage_attempt_id);
                self.raise(attempt, &end.task_info.executor_id, &end.executor_metrics);
            }
            ListenerEvent::ExecutorMetricsUpdate(update) => {
                for of_stage in &update.executor_metrics_updated {
                    let attempt = (of_stage.stage_id, of_stage.stage_attempt_id);
                    let attempts = match attempt {
                        OF_NO_STAGE => self.running.keys().copied().collect(),
                        attempt => vec![attempt],
                    };
                    for attempt in attempts {
                        self.raise(attempt, &update.executor_id, &of_stage.executor_metrics);
                    }
                }
            }
            ListenerEvent::StageCompleted(stage) => {
                return self.ended((stage.stage_info.stage_id, stage.stage_info.attempt_id));
            }
            _ => {}
        }
        vec![]
    }

    fn raise(&mut self, attempt: Attempt, executor: &str, metrics: &ExecutorMetrics) {
        let Some(peaks) = self.running.get_mut(&attempt).filter(|_| !metrics.is_empty()) else { return };
        if !peaks.contains_key(executor) {
            peaks.insert(executor.to_string(), ExecutorMetrics::default());
        }
        let Some(peak) = peaks.get_mut(executor) else { return };
        for (name, value) in metrics {
            match peak.get_mut(name) {
                Some(peak) => *peak = (*peak).max(*value),
                None => drop(peak.insert(name.clone(), *value)),
            }
        }
    }

    fn ended(&mut self, (stage_id, stage_attempt_id): Attempt) -> Vec<ListenerEvent> {
        let peaks = self.running.remove(&(stage_id, stage_attempt_id)).unwrap_or_default();
        let event = |(executor_id, executor_metrics)| {
            ListenerEvent::StageExecutorMetrics(StageExecutorMetrics {
                executor_id,
                stage_id,
                stage_attempt_id,
                executor_metrics,
            })
        };
        peaks.into_iter().map(event).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_events::{
        ExecutorMetricsUpdate, StageCompleted, StageInfo, StageMetrics, StageSubmitted, TaskEnd,
    };

    #[test]
    fn the_highest_figures_of_each_executor_come_with_the_end_of_the_stage() {
        let figure = |value| ExecutorMetrics::from([("JVMHeapMemory".to_string(), value)]);
        let stage_info = || StageInfo { stage_id: 3, ..StageInfo::default() };
        let heartbeat_of = |(stage_id, stage_attempt_id), value| {
            let of_stage = StageMetrics { stage_id, stage_attempt_id, executor_metrics: figure(value) };
            ListenerEvent::ExecutorMetricsUpdate(ExecutorMetricsUpdate {
                executor_id: "1".into(),
                executor_metrics_updated: vec![of_stage],
                ..ExecutorMetricsUpdate::default()
            })
        };
        let heartbeat = |value| heartbeat_of((3, 0), value);
        let mut peaks = StagePeaks::default();
        assert!(peaks.take(&heartbeat(9)).is_empty(), "of a stage that does not run");
        let submitted = StageSubmitted { stage_info: stage_info(), ..StageSubmitted::default() };
        peaks.take(&ListenerEvent::StageSubmitted(submitted));
        peaks.take(&heartbeat(5));
        let mut end = TaskEnd { stage_id: 3, executor_metrics: figure(7), ..TaskEnd::default() };
        end.task_info.executor_id = "1".into();
        peaks.take(&ListenerEvent::TaskEnd(end));
        peaks.take(&heartbeat(6));
        peaks.take(&heartbeat_of(OF_NO_STAGE, 8));
        let events = peaks.take(&ListenerEvent::StageCompleted(StageCompleted { stage_info: stage_info() }));
        let [ListenerEvent::StageExecutorMetrics(of_stage)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((of_stage.executor_id.as_str(), &of_stage.executor_metrics), ("1", &figure(8)));
        assert!(peaks.running.is_empty());
    }
}
