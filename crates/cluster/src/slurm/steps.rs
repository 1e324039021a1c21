//! Executors that are steps of the allocation in which the driver runs (`salloc`, `sbatch`): one `srun` each.

use super::command::{nodes_of, run};
use super::script::JobOptions;
use super::staging::{AgentTemplate, Staging, last_words};
use super::{DIRECTORY_VARIABLE, NAME_VARIABLE, REMOVE, SWEEP};
use crate::agents::{AGENT_VARIABLE, kill, reason_of};
use crate::manager::{Manager, ManagerListener, start_one_by_one};
use firesteel_lending::{Loss, Shape};
use firesteel_protocol::handshake::LogFiles;
use firesteel_types::ExecutorLossReason;
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The time that executors have to end by themselves when the application ends, and again after they were told.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Returns the shell around an executor, which outlives it, whatever ends that, and removes its files.
fn around() -> String {
    format!(
        "trap : TERM\n\
         {SWEEP}\n\
         \"$@\" &\n\
         wait $!\n\
         code=$?\n\
         while kill -0 $! 2>/dev/null; do wait $!; code=$?; done\n\
         {REMOVE}\n\
         exit $code"
    )
}

/// An allocation, as Slurm's variables tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allocation {
    pub(super) job: String,
    /// Its nodes, each with its cores.
    pub(super) nodes: Vec<(String, u32)>,
}

impl Allocation {
    /// Reads the variables that Slurm sets in an allocation.
    fn of_environment() -> Result<Allocation, String> {
        let variable = |name: &str| {
            std::env::var(name).map_err(|_| format!("this is no allocation of Slurm: {name} is not set"))
        };
        let (job, list, cores) = (
            variable("SLURM_JOB_ID")?,
            variable("SLURM_JOB_NODELIST")?,
            variable("SLURM_JOB_CPUS_PER_NODE")?,
        );
        let names = nodes_of(&list)?;
        let cores = cores_of(&cores).filter(|cores| cores.len() == names.len()).ok_or_else(|| {
            format!(
                "SLURM_JOB_CPUS_PER_NODE is `{cores}`, which does not fit the {} nodes of {list}",
                names.len()
            )
        })?;
        Ok(Allocation { job, nodes: names.into_iter().zip(cores).collect() })
    }
}

/// Reads numbers of cores as Slurm abbreviates them: `4(x3),2`.
fn cores_of(text: &str) -> Option<Vec<u32>> {
    let mut cores = vec![];
    for part in text.split(',') {
        let (number, times) = match part.split_once("(x") {
            Some((number, times)) => (number, times.strip_suffix(')')?.parse().ok()?),
            None => (part, 1),
        };
        cores.extend(std::iter::repeat_n(number.parse::<u32>().ok()?, times));
    }
    Some(cores)
}

/// The manager of an application that runs in an allocation of Slurm.
pub struct SlurmSteps {
    allocation: Allocation,
    template: AgentTemplate,
    options: JobOptions,
    listener: Arc<dyn ManagerListener>,
    table: Arc<Table>,
}

#[derive(Default)]
struct Table {
    state: Mutex<State>,
    /// Signalled when a step has ended.
    ended: Condvar,
}

#[derive(Default)]
struct State {
    running: BTreeMap<String, Step>,
    next: u32,
    /// The nodes on which no step is to start.
    avoided: BTreeSet<String>,
    staging: Option<Staging>,
    is_stopped: bool,
}

struct Step {
    /// The process of its `srun`.
    process: u32,
    node: usize,
    is_released: bool,
}

impl SlurmSteps {
    /// Makes a manager of the allocation in which this process runs. `parent` is a directory that all nodes have.
    ///
    /// # Errors
    /// When this is no allocation, or no directory can be made there.
    pub fn new(
        options: JobOptions,
        template: AgentTemplate,
        shape: &Shape,
        parent: &Path,
        listener: Arc<dyn ManagerListener>,
    ) -> io::Result<Arc<Self>> {
        let allocation = Allocation::of_environment().map_err(io::Error::other)?;
        let application = format!("slurm-{}-{}", allocation.job, std::process::id());
        let staging = Staging::make(parent, &application)?;
        let log = |stream: &str| staging.path().join(format!("${{{NAME_VARIABLE}}}.{stream}"));
        let logs = LogFiles { stdout: log("out"), stderr: log("err") };
        staging.write_config(&template, shape, logs, options.notice.as_millis() as u64)?;
        let table = Arc::new(Table::default());
        table.state.lock().staging = Some(staging);
        Ok(Arc::new(SlurmSteps { allocation, template, options, listener, table }))
    }

    /// Returns the number of executors of this size that fit into the allocation in which this process runs.
    ///
    /// # Errors
    /// When this is no allocation.
    pub fn executors_that_fit(cores: u32) -> Result<u32, String> {
        let nodes = Allocation::of_environment()?.nodes;
        Ok(nodes.iter().map(|(_, all)| all / cores.max(1)).sum())
    }

    /// Returns the fewest cores that a node of the allocation has in which this process runs.
    ///
    /// # Errors
    /// When this is no allocation.
    pub fn cores_of_a_node() -> Result<u32, String> {
        let nodes = Allocation::of_environment()?.nodes;
        Ok(nodes.iter().map(|(_, cores)| *cores).min().unwrap_or(1))
    }

    fn spawn(&self, shape: &Shape) -> Result<(), String> {
        let mut state = self.table.state.lock();
        let Some(staging) = state.staging.as_ref().filter(|_| !state.is_stopped) else {
            return Err("the application has ended".into());
        };
        let node = node_for(&self.allocation.nodes, &state.running, shape.cores, &state.avoided);
        let node = node.ok_or_else(|| {
            let (job, avoided) = (&self.allocation.job, &state.avoided);
            let but = match avoided.is_empty() {
                true => String::new(),
                false => {
                    format!(" but those that the application avoids since tasks failed there, {avoided:?}")
                }
            };
            format!("no node of the allocation {job} has {} cores left{but}", shape.cores)
        })?;
        let name = format!("step-{}", state.next);
        let (node_name, directory) = (&self.allocation.nodes[node].0, std::env::temp_dir());
        let mut command = Command::new("srun");
        command
            .args(["--overlap", "--ntasks=1", "--nodes=1", "--mem=0", "--kill-on-bad-exit=1"])
            .arg(format!("--jobid={}", self.allocation.job))
            .arg(format!("--nodelist={node_name}"))
            .arg(format!("--cpus-per-task={}", shape.cores))
            .arg(format!("--job-name=firesteel-{name}"))
            .arg(format!("--output={}", staging.path().join(format!("{name}.out")).display()))
            .arg(format!("--error={}", staging.path().join(format!("{name}.err")).display()))
            .args(["/bin/bash", "-c", &around(), "firesteel"])
            .arg(&self.template.command.program)
            .args(&self.template.command.arguments)
            .envs(self.template.command.environment.iter().cloned())
            .env(AGENT_VARIABLE, staging.path().join(super::staging::CONFIG))
            .env(NAME_VARIABLE, &name)
            .env(
                DIRECTORY_VARIABLE,
                directory.join(format!("firesteel-slurm-{}-{name}", self.allocation.job)),
            );
        // Options of the job's own commands that a step must not repeat.
        for variable in [
            "SLURM_NTASKS",
            "SLURM_NTASKS_PER_NODE",
            "SLURM_NNODES",
            "SLURM_MEM_PER_CPU",
            "SLURM_MEM_PER_NODE",
        ] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let child = command.spawn().map_err(|error| format!("`srun` does not start: {error}"))?;
        state.next += 1;
        state.running.insert(name.clone(), Step { process: child.id(), node, is_released: false });
        drop(state);
        self.listener.granted(&name, node_name);
        let (table, listener) = (self.table.clone(), self.listener.clone());
        let watch = move || watch(&name, child, &table, &*listener);
        thread::Builder::new()
            .name("firesteel-watch".into())
            .spawn(watch)
            .map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Returns the time that is left to the allocation; none if it has no end, or Slurm does not say.
    fn time_left(&self) -> Option<Duration> {
        let words = ["--noheader", "--format", "%L", "--jobs", &self.allocation.job].map(String::from);
        duration_of(run("squeue", &words, "").ok()?.trim())
    }

    /// Ends steps by their names: `srun` passes SIGTERM on, but a frozen process does not end by that.
    fn cancel(&self, names: &[String]) {
        let words =
            ["--steps", "--noheader", "--format", "%i|%j", "--jobs", &self.allocation.job].map(String::from);
        let Ok(steps) = run("squeue", &words, "") else { return };
        let is_named = |name: &str| names.iter().any(|own| name == format!("firesteel-{own}"));
        let ids: Vec<String> = steps
            .lines()
            .filter_map(|line| line.trim().split_once('|'))
            .filter(|(_, name)| is_named(name))
            .map(|(id, _)| id.to_string())
            .collect();
        if !ids.is_empty()
            && let Err(error) = run("scancel", &[vec!["--signal=KILL".to_string()], ids].concat(), "")
        {
            tracing::warn!("steps of Slurm may go on: {error}");
        }
    }
}

/// Waits for a step's end, and tells it.
fn watch(name: &str, mut child: Child, table: &Table, listener: &dyn ManagerListener) {
    let said = child.stderr.take().map(io::read_to_string).and_then(Result::ok).unwrap_or_default();
    let reason = child.wait().map_or(ExecutorLossReason::Exited { code: None }, reason_of);
    let (step, file) = {
        let mut state = table.state.lock();
        let file = state.staging.as_ref().map(|staging| staging.path().join(format!("{name}.err")));
        (state.running.remove(name), file)
    };
    table.ended.notify_all();
    let words = file.map(|file| last_words(&file)).unwrap_or_default();
    listener.lost(name, loss_of(step.is_some_and(|step| step.is_released), reason, &said, &words));
}

/// Returns what the end of a step means: `srun` says more than its exit code.
fn loss_of(is_released: bool, reason: ExecutorLossReason, said: &str, words: &str) -> Loss {
    let said: Vec<&str> = said.lines().map(str::trim).filter(|line| line.starts_with("srun: ")).collect();
    let is_taken = said.iter().any(|line| {
        ["CANCELLED", "DUE TO TIME LIMIT", "NODE FAILURE", "PREEMPTION"]
            .iter()
            .any(|word| line.contains(word))
    });
    match reason {
        _ if is_released => Loss::taken("it was given back"),
        _ if is_taken => Loss::taken(said.join("; ")),
        ExecutorLossReason::Exited { code: Some(code @ 129..=159) } => {
            Loss::own(ExecutorLossReason::Killed { signal: code - 128, peak_bytes: 0 })
        }
        ExecutorLossReason::Exited { code } if code != Some(0) && !(said.is_empty() && words.is_empty()) => {
            let said = said.join("; ");
            let words = if words.is_empty() { said } else { format!("it wrote last:\n{words}") };
            let words = format!("{}; {words}", ExecutorLossReason::Exited { code });
            Loss::own(ExecutorLossReason::Reported { words })
        }
        other => Loss::own(other),
    }
}

/// Returns the node with the most cores that no executor has, if they suffice, of those that are not to be avoided.
fn node_for(
    nodes: &[(String, u32)],
    running: &BTreeMap<String, Step>,
    cores: u32,
    avoided: &BTreeSet<String>,
) -> Option<usize> {
    let used = |node: usize| running.values().filter(|step| step.node == node).count() as u32 * cores;
    let left = |node: usize| nodes[node].1.checked_sub(used(node)).filter(|left| *left >= cores);
    (0..nodes.len())
        .filter(|node| left(*node).is_some() && !avoided.contains(&nodes[*node].0))
        .max_by_key(|node| (left(*node), std::cmp::Reverse(*node)))
}

/// Reads a time as Slurm prints it: `1-02:03:04`, `02:03:04`, `3:04`.
fn duration_of(text: &str) -> Option<Duration> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (days.parse::<u64>().ok()?, rest),
        None => (0, text),
    };
    let parts = rest.split(':').map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>()?;
    let seconds = match parts[..] {
        [hours, minutes, seconds] => hours * 3600 + minutes * 60 + seconds,
        [minutes, seconds] => minutes * 60 + seconds,
        _ => return None,
    };
    Some(Duration::from_secs(days * 86_400 + seconds))
}

impl Manager for SlurmSteps {
    fn request(&self, count: u32, shape: &Shape) -> Result<(), String> {
        if let Some(left) = self.time_left().filter(|left| *left <= self.options.notice) {
            let job = &self.allocation.job;
            let why = format!(
                "the time limit of Slurm's job {job} is reached but for {} s, and its executors are taken away; give \
                 the job more time (`--time`)",
                left.as_secs()
            );
            self.listener.over(&why);
            return Err(why);
        }
        start_one_by_one(count, &*self.listener, || self.spawn(shape))
    }

    fn withdraw(&self, _: u32) {
        // Every request was met at once.
    }

    fn release(&self, name: &str) {
        if let Some(step) = self.table.state.lock().running.get_mut(name) {
            step.is_released = true;
        } else {
            return;
        }
        self.cancel(&[name.to_string()]);
    }

    fn avoid(&self, machines: &BTreeSet<String>) {
        self.table.state.lock().avoided.clone_from(machines);
    }

    fn keeps_logs(&self) -> bool {
        true
    }

    fn application(&self, _: Duration) -> Option<String> {
        Some(format!("slurm-{}", self.allocation.job))
    }

    fn stop(&self) {
        let mut state = self.table.state.lock();
        state.is_stopped = true;
        for is_told in [false, true] {
            let deadline = Instant::now() + END_WITHIN;
            while !state.running.is_empty() && !self.table.ended.wait_until(&mut state, deadline).timed_out()
            {
            }
            if state.running.is_empty() {
                break;
            }
            let names: Vec<String> = state.running.keys().cloned().collect();
            match is_told {
                false => parking_lot::MutexGuard::unlocked(&mut state, || self.cancel(&names)),
                true => state.running.values().for_each(|step| kill(step.process)),
            }
        }
        let staging = state.staging.take();
        drop(state);
        drop(staging);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_filled_evenly_and_never_beyond_their_cores() {
        let nodes = [("a".to_string(), 4), ("b".to_string(), 2)];
        let mut running = BTreeMap::new();
        assert_eq!(node_for(&nodes, &running, 2, &["a".to_string()].into()), Some(1), "one is avoided");
        for expected in [Some(0), Some(0), Some(1), None] {
            let node = node_for(&nodes, &running, 2, &BTreeSet::new());
            // The second is on the first node again only where that still has the most.
            assert_eq!(node, expected);
            if let Some(node) = node {
                running.insert(running.len().to_string(), Step { process: 0, node, is_released: false });
            }
        }
    }

    #[test]
    fn abbreviations_of_slurm_are_read() {
        assert_eq!(cores_of("4(x3),2"), Some(vec![4, 4, 4, 2]));
        assert_eq!((cores_of("2"), cores_of("x"), cores_of("2(x")), (Some(vec![2]), None, None));
        let seconds = |text| duration_of(text).map(|time| time.as_secs());
        assert_eq!(seconds("1-02:03:04"), Some(93_784));
        assert_eq!((seconds("59:59"), seconds("UNLIMITED"), seconds("7")), (Some(3_599), None, None));
    }

    #[test]
    fn who_is_to_blame_for_the_end_of_a_step() {
        let exited = |code| ExecutorLossReason::Exited { code: Some(code) };
        let cancelled =
            "srun: error: *** STEP 5.1 ON n1 CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***";
        assert!(!loss_of(false, exited(143), cancelled, "").is_own_fault);
        assert!(!loss_of(true, exited(137), "", "").is_own_fault);
        let killed = loss_of(false, exited(137), "srun: error: n1: task 0: Killed", "");
        assert_eq!(killed.reason, ExecutorLossReason::Killed { signal: 9, peak_bytes: 0 });
        let failed = loss_of(false, exited(1), "srun: error: n1: task 0: Exited with exit code 1", "no way");
        assert!(failed.is_own_fault && failed.reason.to_string().contains("no way"));
    }
}
