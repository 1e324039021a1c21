//! Stages and jobs that failed, and tasks that had to be repeated.

use crate::explain::facts::Facts;
use crate::explain::finding::{Finding, Rule};
use crate::explain::words::{brief, count, time};

/// The most characters of a cause that stand in a sentence; the page of the stage has all of it.
const CAUSE: usize = 300;

/// The help against a kind of failure: words of its cause, and the remedy. The first that fits is taken.
const REMEDIES: [(&[&str], &str); 9] = [
    (&["cancelled", "killed by", "user went"], "It was cancelled on purpose: nothing is wrong with it."),
    (
        &["out of memory", "MemoryError", "oom_kill", "OutOfMemory", "signal 9", "SIGKILL"],
        "Give it more memory (`spark.executor.memory`, for Python workers `spark.executor.pyspark.memory`), fewer tasks at a time \
         (`spark.executor.cores`), or smaller partitions (`repartition`).",
    ),
    (
        &["FetchFailed", "map output", "CachedBlockLost"],
        "Outputs were lost with the executor that held them: look why it ended; `spark.shuffle.service.enabled=true` keeps them \
         when executors end.",
    ),
    (
        &["ExecutorLost", "executor was lost", "was lost", "exited caused by"],
        "Look at the end of the executor's log (page Executors) for why it ended; if a record or a library ends it, find the record \
         with a smaller input.",
    ),
    (
        &["max_result_size", "maxResultSize"],
        "Collect less: `take`, `saveAsTextFile` or an aggregation in the place of `collect`; or raise `spark.driver.maxResultSize`.",
    ),
    (
        &["No space left", "disk is full", "StorageFull"],
        "Give `spark.local.dir` a larger disk, or spill less with more memory (`spark.executor.memory`).",
    ),
    (
        &["ModuleNotFoundError", "ImportError", "No module named"],
        "Ship the module: `sc.addPyFile(...)`, `--py-files` or `spark.archives`.",
    ),
    (
        &["PicklingError", "cannot pickle", "Can't pickle"],
        "Make the object in the task, from what can be pickled: inside of the function, or once a partition in `mapPartitions`.",
    ),
    (
        &["No such file", "NotFound", "does not exist", "Permission denied"],
        "Check that the path is there and readable on every host, not only on the driver's.",
    ),
];

/// The remedy where none of [`REMEDIES`] fits: a function of the program raised.
const MISTAKE: &str = "Mend the function for the record that the traceback shows, or skip such records; in Python \
                       `sc.debug_last_failure()` runs the task again on the same input.";

/// Finds that the stage failed, and why.
pub(crate) fn failed(facts: &Facts<'_>) -> Option<Finding> {
    let reason = facts.data.failure_reason.as_deref()?;
    let errors = facts.store.task_errors(facts.key);
    let attempts = match errors.last() {
        Some((index, _)) => {
            let failures = errors.iter().filter(|(other, _)| other == index).count() as i64;
            format!(" after {} of task {index}", count(failures, "failed attempt"))
        }
        None => String::new(),
    };
    let cause = errors.last().map_or(reason, |(_, error)| error);
    Some(Finding {
        rule: Rule::Failed,
        stage: Some(facts.key),
        sentence: format!("{} failed{attempts}: {}", facts.name(), ended(&brief(cause_of(cause), CAUSE))),
        remedy: remedy(cause, reason),
        lost_ms: facts.wall / 1_000,
    })
}

/// Finds that attempts at tasks failed in a stage that did not, and what that cost.
pub(crate) fn repeated(facts: &Facts<'_>) -> Option<Finding> {
    if facts.data.failure_reason.is_some() {
        return None;
    }
    let errors = facts.store.task_errors(facts.key);
    let (index, error) = errors.last()?;
    let wasted = facts.store.failed_ms(facts.key);
    Some(Finding {
        rule: Rule::RepeatedTasks,
        stage: Some(facts.key),
        sentence: format!(
            "{}: {} failed after {} together and had to be repeated; the last, of task {index}: {}",
            facts.name(),
            count(errors.len() as i64, "attempt"),
            time(wasted.saturating_mul(1_000)),
            ended(&brief(cause_of(error), CAUSE))
        ),
        remedy: remedy(error, ""),
        lost_ms: wasted / facts.busy_slots(),
    })
}

/// Returns the finding of a job that failed without a stage that did.
pub(crate) fn job_failed(job: i64, reason: &str) -> Finding {
    Finding {
        rule: Rule::Failed,
        stage: None,
        sentence: format!("Job {job} failed: {}", ended(&brief(cause_of(reason), CAUSE))),
        remedy: remedy(reason, ""),
        lost_ms: 0,
    }
}

/// Returns what says most in the text of a failure: of a traceback its last line, which names the exception.
fn cause_of(text: &str) -> &str {
    let Some(traceback) = text.find("Traceback (most recent call last)") else { return text };
    let lines = text[traceback..].lines().skip(1);
    let last = lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with(' ')).last();
    last.unwrap_or(text)
}

fn remedy(cause: &str, reason: &str) -> String {
    let known = REMEDIES
        .iter()
        .find(|(words, _)| words.iter().any(|word| cause.contains(word) || reason.contains(word)));
    known.map_or(MISTAKE, |(_, remedy)| remedy).into()
}

fn ended(sentence: &str) -> String {
    if sentence.ends_with(['.', '!', '?', '…']) { sentence.into() } else { format!("{sentence}.") }
}
