//! The states of Slurm's jobs, and what they mean for an executor.

use firesteel_lending::Loss;
use firesteel_types::ExecutorLossReason;

/// A job, as `squeue` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JobLine {
    pub(super) id: u64,
    pub(super) state: JobState,
    /// Why it waits, or why it ended.
    pub(super) reason: String,
    /// Its node, while it runs.
    pub(super) node: String,
}

/// The format of [`parse`].
pub(super) const FORMAT: &str = "%i|%T|%r|%N";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum JobState {
    Waits,
    Runs,
    /// It ends, but its node is not free yet, and how it ended is not told yet.
    Ends,
    /// It has ended; Slurm's word.
    Ended(String),
}

/// Reads the lines of `squeue`. Those that are none are left out.
pub(super) fn parse(text: &str) -> Vec<JobLine> {
    text.lines().filter_map(line).collect()
}

fn line(text: &str) -> Option<JobLine> {
    let [id, state, reason, node] = text.trim().splitn(4, '|').collect::<Vec<_>>().try_into().ok()?;
    let state = match state {
        "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "SPECIAL_EXIT" | "RESV_DEL_HOLD" => JobState::Waits,
        "RUNNING" | "CONFIGURING" | "SUSPENDED" | "RESIZING" | "SIGNALING" | "STOPPED" => JobState::Runs,
        "COMPLETING" | "STAGE_OUT" => JobState::Ends,
        other => JobState::Ended(other.to_string()),
    };
    Some(JobLine { id: id.parse().ok()?, state, reason: reason.into(), node: node.into() })
}

/// Returns what the end of an executor's job means; its exit code as `scontrol` has it, `CODE:SIGNAL`.
pub(super) fn loss(state: &str, exit: Option<&str>) -> Loss {
    match state {
        "PREEMPTED" => Loss::taken("its job was preempted"),
        "NODE_FAIL" | "BOOT_FAIL" => Loss::taken("its node failed"),
        "TIMEOUT" | "DEADLINE" => {
            Loss::taken("the time limit of its job is over (`firesteel.slurm.time` sets a longer one)")
        }
        "CANCELLED" | "REVOKED" => Loss::taken("its job was cancelled"),
        "OUT_OF_MEMORY" => Loss::own(ExecutorLossReason::Reported {
            words:
                "its job had used all its memory; raise `firesteel.executor.memory_overhead`, for what its \
                    process takes beside records, or `firesteel.executor.memory`"
                    .into(),
        }),
        _ => Loss::own(exit.and_then(ended).unwrap_or(ExecutorLossReason::Exited { code: None })),
    }
}

fn ended(exit: &str) -> Option<ExecutorLossReason> {
    let (code, signal) = exit.split_once(':')?;
    let (code, signal) = (code.parse().ok()?, signal.parse().ok()?);
    Some(match (code, signal) {
        (code @ 129..=159, 0) => ExecutorLossReason::Killed { signal: code - 128, peak_bytes: 0 },
        (code, 0) => ExecutorLossReason::Exited { code: Some(code) },
        (_, signal) => ExecutorLossReason::Killed { signal, peak_bytes: 0 },
    })
}

/// Returns the exit code of a job in what `scontrol show job` prints.
pub(super) fn exit_code(job: &str) -> Option<&str> {
    job.split_whitespace().find_map(|word| word.strip_prefix("ExitCode="))
}

/// Returns what the reason for which jobs wait means, in words that help.
pub(super) fn explained(reason: &str) -> String {
    let why = match reason {
        "Resources" => "no node has enough free cores and memory",
        "Priority" => "other jobs come first",
        "PartitionTimeLimit" => "`firesteel.slurm.time` is more than the partition allows",
        "ReqNodeNotAvail" => "nodes are down, drained or reserved",
        "JobHeldUser" | "JobHeldAdmin" => "it is held; `scontrol release` lets it go",
        reason if reason.contains("Limit") || reason.contains("Max") || reason.contains("Grp") => {
            "a limit of your account, partition or quality of service"
        }
        _ => "see `man squeue`, JOB REASON CODES",
    };
    format!("{reason} ({why})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_read_as_squeue_prints_them() {
        let lines = parse(
            "12|PENDING|Resources|\n13|RUNNING|None|n1\nslurm_load_jobs error\n14|OUT_OF_MEMORY|OutOfMemory|n2\n",
        );
        let states: Vec<_> = lines.iter().map(|line| (line.id, line.state.clone())).collect();
        let ended = JobState::Ended("OUT_OF_MEMORY".into());
        assert_eq!(states, [(12, JobState::Waits), (13, JobState::Runs), (14, ended)]);
        assert_eq!((lines[0].reason.as_str(), lines[1].node.as_str()), ("Resources", "n1"));
    }

    #[test]
    fn who_is_to_blame_for_an_end() {
        for taken in ["PREEMPTED", "NODE_FAIL", "TIMEOUT", "CANCELLED"] {
            assert!(!loss(taken, Some("0:15")).is_own_fault, "{taken}");
        }
        let reason = |exit| loss("FAILED", exit).reason;
        assert_eq!(reason(Some("3:0")), ExecutorLossReason::Exited { code: Some(3) });
        assert_eq!(reason(Some("0:9")), ExecutorLossReason::Killed { signal: 9, peak_bytes: 0 });
        assert_eq!(reason(Some("137:0")), ExecutorLossReason::Killed { signal: 9, peak_bytes: 0 });
        assert_eq!(reason(None), ExecutorLossReason::Exited { code: None });
        let memory = loss("OUT_OF_MEMORY", Some("0:125"));
        assert!(memory.is_own_fault && memory.reason.to_string().contains("memory_overhead"));
        assert_eq!(
            exit_code("JobId=7 JobName=x JobState=FAILED ExitCode=3:0 DerivedExitCode=0:0"),
            Some("3:0")
        );
    }
}
