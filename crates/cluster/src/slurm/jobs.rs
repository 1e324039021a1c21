//! Executors that are jobs of Slurm, submitted by a driver outside any allocation.
//!
//! A thread looks at the queue, since Slurm's commands tell nothing by themselves. That the queue cannot be had says
//! nothing about the jobs in it.

use super::command::run;
use super::script::{JobOptions, executor_script};
use super::staging::{AgentTemplate, Staging, last_words};
use super::state::{FORMAT, JobLine, JobState, exit_code, explained, loss, parse};
use super::submit::number_in;
use crate::manager::{Manager, ManagerListener, start_one_by_one};
use firesteel_lending::{Loss, Shape};
use firesteel_protocol::handshake::LogFiles;
use firesteel_types::ExecutorLossReason;
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The time between two looks at the queue.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The time from a job's notice to the moment at which the queue shows that it ends, at most.
const REPLACED_WITHIN: Duration = Duration::from_secs(5);

/// The time that jobs may take to leave the queue by themselves when the application ends, before they are cancelled.
const ENDS_ITSELF_WITHIN: Duration = Duration::from_secs(10);

/// The time that cancelled jobs may take to leave the queue.
const END_WITHIN: Duration = Duration::from_secs(20);

/// The manager of an application whose executors are jobs of Slurm.
pub struct SlurmJobs {
    options: JobOptions,
    template: AgentTemplate,
    listener: Arc<dyn ManagerListener>,
    state: Mutex<State>,
    /// Signalled when the application ends.
    stopped: Condvar,
    application: String,
}

#[derive(Default)]
struct State {
    jobs: BTreeMap<u64, Job>,
    /// The directory for configuration and output, until the application ends.
    staging: Option<Staging>,
    /// The nodes on which no job is to start.
    avoided: BTreeSet<String>,
    /// The requests so far.
    requests: u64,
    /// The last words about jobs that wait.
    said: String,
    is_stopped: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Job {
    was_granted: bool,
    submitted: Option<Instant>,
    /// The number of the request that it meets: what takes the place of another job is asked for later.
    request: u64,
    /// The time at which it was first seen to end, though its node may not be free yet.
    ends_since: Option<Instant>,
    /// True once this driver has cancelled it.
    is_cancelled: bool,
    /// True once it was withdrawn while it waited: the application counts on it no more, and hears nothing of it.
    is_withdrawn: bool,
    /// The number of looks in a row at which the queue did not have it.
    missing: u32,
}

/// The jobs of an application, as a look at the queue shows them.
#[derive(Default)]
struct Seen {
    granted: Vec<(u64, String)>,
    ended: Vec<(u64, String)>,
    waiting: BTreeMap<String, u32>,
}

impl SlurmJobs {
    /// Makes a manager that submits jobs for an application of this name. `parent` is a directory that all nodes have.
    ///
    /// # Errors
    /// When no directory can be made there.
    pub fn new(
        application: String,
        options: JobOptions,
        template: AgentTemplate,
        shape: &Shape,
        parent: &Path,
        listener: Arc<dyn ManagerListener>,
    ) -> io::Result<Arc<Self>> {
        let staging = Staging::make(parent, &application)?;
        let logs = LogFiles {
            stdout: staging.path().join("${SLURM_JOB_ID}.out"),
            stderr: staging.path().join("${SLURM_JOB_ID}.err"),
        };
        staging.write_config(&template, shape, logs, options.notice.as_millis() as u64)?;
        let state = State { staging: Some(staging), ..State::default() };
        let (state, stopped) = (Mutex::new(state), Condvar::new());
        let manager = Arc::new(SlurmJobs { options, template, listener, state, stopped, application });
        let looking = manager.clone();
        thread::Builder::new()
            .name("firesteel-slurm".into())
            .spawn(move || looking.look_again_and_again())?;
        Ok(manager)
    }

    fn submit(&self, shape: &Shape) -> Result<u64, String> {
        let (staging, avoided): (PathBuf, _) = {
            let state = self.state.lock();
            let staging = state.staging.as_ref().ok_or("the application has ended")?;
            (staging.path().to_owned(), state.avoided.clone())
        };
        let script = executor_script(&self.options, shape, &self.template.command, &staging, &avoided);
        number_in(&run("sbatch", &["--parsable".into()], &script)?)
    }

    fn look_again_and_again(&self) {
        loop {
            let mut state = self.state.lock();
            if !state.is_stopped {
                let _ = self.stopped.wait_for(&mut state, LOOK_EVERY);
            }
            if state.is_stopped {
                return;
            }
            drop(state);
            self.look();
        }
    }

    fn look(&self) {
        let ids: Vec<u64> = self.state.lock().jobs.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        match queue_of(&ids) {
            Ok(lines) => self.handle(&ids, &lines),
            Err(error) => tracing::warn!("Slurm does not tell how jobs are: {error}"),
        }
    }

    fn handle(&self, asked: &[u64], lines: &[JobLine]) {
        let seen = self.state.lock().fold(asked, lines);
        for (id, node) in &seen.granted {
            self.listener.granted(&name_of(*id), node);
        }
        for (id, word) in &seen.ended {
            self.ended(*id, word);
        }
        let said: Vec<String> =
            seen.waiting.iter().map(|(reason, jobs)| format!("{jobs} for {}", explained(reason))).collect();
        let said = said.join(", ");
        let mut state = self.state.lock();
        if state.said != said {
            state.said.clone_from(&said);
            drop(state);
            if !said.is_empty() {
                self.listener.waits(&format!("jobs of Slurm are pending: {said}"));
            }
        }
    }

    fn ended(&self, id: u64, word: &str) {
        let (job, is_last, err) = {
            let mut state = self.state.lock();
            let Some(job) = state.jobs.remove(&id) else { return };
            let err = state.staging.as_ref().map(|staging| staging.path().join(format!("{id}.err")));
            let is_last =
                state.none_runs_from_before(job.ends_since.unwrap_or_else(Instant::now), job.request);
            (job, is_last, err)
        };
        if job.is_cancelled && !job.was_granted {
            // It was withdrawn, and nobody waits for it.
            return;
        }
        let shown = run("scontrol", &["show".into(), "job".into(), "-o".into(), id.to_string()], "");
        let loss = match (job.is_cancelled, loss(word, shown.as_deref().ok().and_then(exit_code))) {
            (true, _) => Loss::taken("it was given back"),
            (false, loss) => with_words(loss, &err.map(|file| last_words(&file)).unwrap_or_default()),
        };
        self.listener.lost(&name_of(id), loss);
        // Who cancels all that runs means the application.
        if word == "CANCELLED" && !job.is_cancelled && is_last {
            self.listener
                .over(&format!("all its jobs that ran were cancelled in Slurm; the last one is {id}"));
        }
    }

    fn cancel(&self, ids: &[u64]) {
        if ids.is_empty() {
            return;
        }
        let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
        if let Err(error) = run("scancel", &ids, "") {
            tracing::warn!("jobs {} of Slurm may go on: {error}", ids.join(", "));
        }
    }
}

impl State {
    /// Returns whether no job runs that was submitted before a time, or for a request no later than this one. Those that
    /// take the place of jobs which were told that they are cancelled are submitted shortly before these are seen to end.
    fn none_runs_from_before(&self, time: Instant, request: u64) -> bool {
        let is_older = |job: &Job| {
            job.request <= request
                || job.submitted.is_some_and(|submitted| submitted + REPLACED_WITHIN < time)
        };
        !self.jobs.values().any(|job| job.was_granted && job.ends_since.is_none() && is_older(job))
    }

    /// Notes what the queue says about jobs.
    fn fold(&mut self, asked: &[u64], lines: &[JobLine]) -> Seen {
        let mut seen = Seen::default();
        let by_id: BTreeMap<u64, &JobLine> = lines.iter().map(|line| (line.id, line)).collect();
        for id in asked {
            let Some(job) = self.jobs.get_mut(id) else { continue };
            let Some(line) = by_id.get(id) else {
                job.missing += 1;
                // Slurm forgets jobs some minutes after their end. One that it has not heard of yet comes soon.
                if job.missing > 2 {
                    seen.ended.push((*id, "UNKNOWN".into()));
                }
                continue;
            };
            job.missing = 0;
            // One that has run between two looks has not been seen to run. Where it ran counts all the same: its executor may
            // have registered, and its node may be excluded because of it.
            let has_run = match &line.state {
                JobState::Waits => false,
                JobState::Runs => true,
                JobState::Ends | JobState::Ended(_) => !job.is_withdrawn && !line.node.is_empty(),
            };
            if has_run && !job.was_granted {
                job.was_granted = true;
                seen.granted.push((*id, line.node.clone()));
            }
            match &line.state {
                JobState::Waits if line.reason == "None" => {}
                JobState::Waits => *seen.waiting.entry(line.reason.clone()).or_default() += 1,
                JobState::Runs => {}
                JobState::Ends => {
                    job.ends_since.get_or_insert_with(Instant::now);
                }
                JobState::Ended(word) => seen.ended.push((*id, word.clone())),
            }
        }
        seen
    }
}

fn name_of(id: u64) -> String {
    format!("slurm-{id}")
}

fn id_of(name: &str) -> Option<u64> {
    name.strip_prefix("slurm-")?.parse().ok()
}

/// Adds what an executor wrote last to the reason of its end.
fn with_words(loss: Loss, words: &str) -> Loss {
    match (&loss.reason, words.is_empty()) {
        (ExecutorLossReason::Exited { code }, false) if *code != Some(0) => {
            let words = format!("{}; it wrote last:\n{words}", loss.reason);
            Loss { reason: ExecutorLossReason::Reported { words }, ..loss }
        }
        _ => loss,
    }
}

/// Returns what the queue has of these jobs, also of those that have ended.
fn queue_of(ids: &[u64]) -> Result<Vec<JobLine>, String> {
    let list = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
    let words = ["--noheader", "--states=all", "--format", FORMAT, "--jobs", &list].map(String::from);
    match run("squeue", &words, "") {
        Ok(text) => Ok(parse(&text)),
        // Of one job alone that it has forgotten, Slurm says this.
        Err(error) if error.contains("Invalid job id") && ids.len() == 1 => Ok(vec![]),
        Err(error) => Err(error),
    }
}

impl Manager for SlurmJobs {
    fn request(&self, count: u32, shape: &Shape) -> Result<(), String> {
        let request = {
            let mut state = self.state.lock();
            state.requests += 1;
            state.requests
        };
        start_one_by_one(count, &*self.listener, || {
            let id = self.submit(shape)?;
            let job = Job { submitted: Some(Instant::now()), request, ..Job::default() };
            self.state.lock().jobs.insert(id, job);
            Ok(())
        })
    }

    /// Cancels the jobs that were submitted last, of those that wait.
    fn withdraw(&self, count: u32) {
        let mut state = self.state.lock();
        let waiting = state.jobs.iter_mut().rev().filter(|(_, job)| !job.was_granted && !job.is_cancelled);
        let ids: Vec<u64> = waiting
            .take(count as usize)
            .map(|(id, job)| {
                (job.is_cancelled, job.is_withdrawn) = (true, true);
                *id
            })
            .collect();
        drop(state);
        self.cancel(&ids);
    }

    fn release(&self, name: &str) {
        let mut state = self.state.lock();
        let job = id_of(name).and_then(|id| state.jobs.get_mut(&id).map(|job| (id, job)));
        let Some((id, job)) = job else { return };
        job.is_cancelled = true;
        drop(state);
        self.cancel(&[id]);
    }

    /// Keeps jobs from these nodes: those that are submitted from now on, and those that wait.
    fn avoid(&self, machines: &BTreeSet<String>) {
        let mut state = self.state.lock();
        state.avoided.clone_from(machines);
        let waiting = state.jobs.iter().filter(|(_, job)| !job.was_granted && !job.is_cancelled);
        let waiting: Vec<u64> = waiting.map(|(id, _)| *id).collect();
        drop(state);
        let nodes = format!("ExcNodeList={}", self.options.excluded_with(machines));
        for id in waiting {
            // One that has started meanwhile stays where it is.
            if let Err(error) = run("scontrol", &["update".into(), format!("JobId={id}"), nodes.clone()], "")
            {
                tracing::info!("job {id} of Slurm may start on a node that is excluded: {error}");
            }
        }
    }

    fn keeps_logs(&self) -> bool {
        true
    }

    fn application(&self, _: Duration) -> Option<String> {
        Some(self.application.clone())
    }

    fn stop(&self) {
        let (ids, staging): ((Vec<u64>, Vec<u64>), _) = {
            let mut state = self.state.lock();
            state.is_stopped = true;
            (state.jobs.keys().partition(|id| state.jobs[*id].was_granted), state.staging.take())
        };
        self.stopped.notify_all();
        let (running, waiting) = ids;
        self.cancel(&waiting);
        // Executors have ended with their connections, and their shells remove their files.
        wait_for(&running, ENDS_ITSELF_WITHIN);
        self.cancel(&running);
        wait_for(&[running, waiting].concat(), END_WITHIN);
        drop(staging);
    }
}

/// Waits until jobs have left the queue, but no longer than this.
fn wait_for(ids: &[u64], within: Duration) {
    const LOOK_EVERY: Duration = Duration::from_millis(200);
    let has_ended = |line: &JobLine| matches!(line.state, JobState::Ended(_));
    let have_ended = || queue_of(ids).is_ok_and(|lines| lines.iter().all(has_ended));
    let deadline = Instant::now() + within;
    while !ids.is_empty() && !have_ended() && Instant::now() < deadline {
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<JobLine> {
        parse(text)
    }

    #[test]
    fn a_job_is_granted_once_and_gone_only_when_the_queue_has_forgotten_it() {
        let mut state = State::default();
        let asked = [1, 2];
        for id in asked {
            state.jobs.insert(id, Job::default());
        }
        let seen = state.fold(&asked, &lines("1|RUNNING|None|n1\n2|PENDING|QOSMaxCpuPerUserLimit|\n"));
        assert_eq!(seen.granted, [(1, "n1".to_string())]);
        assert_eq!(seen.waiting.get("QOSMaxCpuPerUserLimit"), Some(&1));
        let seen = state.fold(&asked, &lines("1|RUNNING|None|n1\n2|COMPLETING|None|n2\n"));
        assert_eq!(seen.granted, [(2, "n2".to_string())], "it ran between two looks");
        for ended in [0, 0, 1] {
            let seen = state.fold(&asked, &lines("1|RUNNING|None|n1\n"));
            assert_eq!(seen.ended.len(), ended);
        }
        let seen = state.fold(&asked, &lines("1|FAILED|NonZeroExitCode|n1\n2|PENDING|None|\n"));
        assert_eq!(seen.ended, [(1, "FAILED".to_string())]);
        assert!(seen.waiting.is_empty(), "no reason is none");
    }

    #[test]
    fn a_job_that_was_over_between_two_looks_says_where_it_ran() {
        let mut state = State::default();
        let asked = [1, 2, 3];
        for id in asked {
            state.jobs.insert(id, Job { is_cancelled: id != 3, is_withdrawn: id == 2, ..Job::default() });
        }
        let text = "1|COMPLETED|None|n1\n2|CANCELLED|None|n2\n3|CANCELLED|None|\n";
        let seen = state.fold(&asked, &lines(text));
        assert_eq!(
            seen.granted,
            [(1, "n1".to_string())],
            "1 was given back; nobody waits for 2, which was withdrawn; 3 never ran"
        );
        assert_eq!(seen.ended.len(), 3);
    }

    #[test]
    fn who_cancels_all_that_runs_means_the_application() {
        let mut state = State::default();
        let now = Instant::now() + Duration::from_secs(100);
        let submitted = |ago| Job {
            submitted: Some(now - Duration::from_secs(ago)),
            was_granted: true,
            request: 2,
            ..Job::default()
        };
        state.jobs.insert(2, submitted(50));
        assert!(!state.none_runs_from_before(now, 1), "one of the first goes on");
        state.jobs.insert(2, Job { ends_since: Some(now), ..submitted(50) });
        state.jobs.insert(3, submitted(1));
        assert!(
            !state.none_runs_from_before(now, 2),
            "the other was asked for together with the one that ended"
        );
        assert!(state.none_runs_from_before(now, 1), "the other takes the place of one that was cancelled");
    }

    #[test]
    fn the_last_words_of_an_executor_are_part_of_its_end() {
        let exited = || Loss::own(ExecutorLossReason::Exited { code: Some(1) });
        assert!(with_words(exited(), "no such file").reason.to_string().contains("no such file"));
        assert_eq!(with_words(exited(), ""), exited());
        let told_to = || Loss::own(ExecutorLossReason::Exited { code: Some(0) });
        assert_eq!(with_words(told_to(), "INFO"), told_to(), "it did as the application told it");
        assert_eq!(with_words(Loss::taken("x"), "y"), Loss::taken("x"));
    }
}
