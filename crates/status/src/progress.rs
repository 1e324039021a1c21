//! The console's progress bar, as Spark draws it: `[Stage 3:=====>      (12 + 4) / 40]`, that is done, running, and all.

use crate::fold::Status;
use crate::records::StageStatus;

/// The most stages side by side: more leave no room for bars.
const STAGES_SHOWN: usize = 3;

impl Status {
    /// Returns one line of `width` columns (or more, if the numbers alone need more) about the first three
    /// active stages; none when no stage is active. The caller decides when and where to draw it.
    pub fn progress_line(&self, width: usize) -> Option<String> {
        let shown: Vec<&StageStatus> = self.active_stages().take(STAGES_SHOWN).collect();
        let each = width.checked_div(shown.len())?;
        Some(shown.into_iter().map(|stage| bar(stage, each)).collect())
    }
}

fn bar(stage: &StageStatus, width: usize) -> String {
    let head = format!("[Stage {}:", stage.stage);
    let tail = format!("({} + {}) / {}]", stage.done, stage.running, stage.tasks);
    let room = width.saturating_sub(head.len() + tail.len());
    let reached = room * stage.done as usize / (stage.tasks.max(1) as usize);
    let mark = |column: usize| match column.cmp(&reached) {
        std::cmp::Ordering::Less => '=',
        std::cmp::Ordering::Equal => '>',
        std::cmp::Ordering::Greater => ' ',
    };
    head + &(0..room).map(mark).collect::<String>() + &tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{stage_submitted, task_ended, task_started};

    fn with_stages(stages: &[(u32, u32, u32, u32)]) -> Status {
        let mut status = Status::default();
        for &(stage, done, running, tasks) in stages {
            status.apply(&stage_submitted(stage, 0, tasks));
            for task in 0..u64::from(done + running) {
                status.apply(&task_started(task, stage));
                if task < u64::from(done) {
                    status.apply(&task_ended(task, stage, None));
                }
            }
        }
        status
    }

    #[test]
    fn one_stage_fills_the_line() {
        let line = with_stages(&[(3, 12, 4, 40)]).progress_line(40).unwrap();
        assert_eq!(line, "[Stage 3:=====>           (12 + 4) / 40]");
        assert_eq!(line.len(), 40);
    }

    #[test]
    fn at_most_three_stages_share_it() {
        let line =
            with_stages(&[(1, 1, 0, 2), (2, 0, 1, 2), (5, 2, 0, 2), (6, 0, 0, 2)]).progress_line(90).unwrap();
        let stages = [
            "[Stage 1:====>    (1 + 0) / 2]",
            "[Stage 2:>        (0 + 1) / 2]",
            "[Stage 5:=========(2 + 0) / 2]",
        ];
        assert_eq!(line, stages.concat());
    }

    #[test]
    fn the_bar_grows_with_what_is_done() {
        let reached = |done| with_stages(&[(0, done, 0, 8)]).progress_line(60).unwrap().matches('=').count();
        let steps: Vec<usize> = (0..=8).map(reached).collect();
        assert!(steps.windows(2).all(|pair| pair[0] < pair[1]), "{steps:?}");
    }

    #[test]
    fn a_narrow_terminal_still_gets_the_numbers() {
        assert_eq!(with_stages(&[(3, 0, 4, 40)]).progress_line(10).unwrap(), "[Stage 3:(0 + 4) / 40]");
    }

    #[test]
    fn no_stage_no_line() {
        assert_eq!(Status::default().progress_line(80), None);
    }

    #[test]
    fn a_stage_without_tasks_does_not_divide_by_zero() {
        assert_eq!(with_stages(&[(3, 0, 0, 0)]).progress_line(22).unwrap(), "[Stage 3:>(0 + 0) / 0]");
    }
}
