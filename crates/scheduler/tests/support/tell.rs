//! Effects as scenario scripts tell them, a line each.

use super::Story;
use super::words::tell_version;
use firesteel_scheduler::*;
use firesteel_types::*;

impl Story {
    /// The line that tells an effect; none where the story does not show such.
    pub(super) fn tell(&self, effect: &ApplicationEffect) -> Option<String> {
        Some(match effect {
            ApplicationEffect::Scheduler(effect) => return self.tell_of_scheduler(effect),
            ApplicationEffect::ResultRefused { task } => format!("refuse the result of t{task}"),
            ApplicationEffect::RemoveOutput { shuffle, map, task, executor, is_copy } => {
                // Where there are no agents, stories tell only that something is dropped.
                let what = if *is_copy && !self.owners.is_empty() { "the copy of " } else { "" };
                format!("drop {what}s{shuffle}/{map} by t{task} on {}", executor.name())
            }
            ApplicationEffect::Welcome { agent, executors, setting, .. } => {
                let setting =
                    setting.as_ref().map_or(String::new(), |setting| format!(", setting {setting}"));
                format!("welcome agent {}: executors {}{setting}", agent.0, names(executors))
            }
            ApplicationEffect::Refuse { agent, reason } => format!("refuse agent {}: {reason}", agent.0),
            ApplicationEffect::NextExecutor { agent, executor } => {
                format!("agent {} goes on with executor {}", agent.0, executor.name())
            }
            ApplicationEffect::Acknowledge { agent } => format!("acknowledge agent {}", agent.0),
            ApplicationEffect::WorkerSetting { agent, setting } => {
                format!("agent {} gets setting {setting}", agent.0)
            }
            ApplicationEffect::Migrate { agent, order } => tell_migration(*agent, order),
            ApplicationEffect::Store { agent, order } => {
                let output = |(shuffle, map, task)| format!(" s{shuffle}/{map}/t{task}");
                let outputs: String = order.outputs.iter().copied().map(output).collect();
                format!("store {}: agent {} writes{outputs}", order.number, agent.0)
            }
            ApplicationEffect::Leave { agent } => format!("agent {} is to leave", agent.0),
            ApplicationEffect::Close { agent } => format!("close agent {}", agent.0),
            ApplicationEffect::FetchResult { agent, executor, task, address } => {
                let (agent, executor) = (agent.0, executor.name());
                format!("fetch the result of t{task} from {address}: agent {agent}, executor {executor}")
            }
            ApplicationEffect::RemoveResult { agent, task } => {
                format!("agent {} removes the result of t{task}", agent.0)
            }
            ApplicationEffect::AddressGone { address } => format!("nothing is served at {address} any more"),
            ApplicationEffect::AgentReady { name } => format!("the cluster is told that {name} runs"),
            ApplicationEffect::AgentGone { name } => format!("the cluster is told that {name} is gone"),
            ApplicationEffect::ExcludedAgents { agents, with_host } => {
                let list = |names: &std::collections::BTreeSet<String>| {
                    names.iter().map(|name| format!(" {name}")).collect::<String>()
                };
                format!("the cluster avoids agents:{}; hosts of:{}", list(agents), list(with_host))
            }
            ApplicationEffect::WantExecutors { executors } => format!("want {executors} executors"),
        })
    }

    fn tell_of_scheduler(&self, effect: &Effect) -> Option<String> {
        Some(match effect {
            Effect::Launch(launch) => tell_launch(launch),
            Effect::Kill { task, executor, reason } => {
                format!("kill t{task} on {}: {reason}", executor.name())
            }
            Effect::ResultAccepted { job, output, task } => {
                format!("job {job} gets output {output} from t{task}")
            }
            Effect::ResultHeld { task } => format!("hold the result of t{task}"),
            Effect::ResultDropped { task } => format!("drop the result of t{task}"),
            Effect::BarrierRelease { task, epoch, messages, .. } => {
                format!("t{task} goes on after {epoch}: [{}]", messages.join(" "))
            }
            Effect::BarrierRefused { task, epoch, reason, retryable, .. } => {
                let end = if *retryable { "fail" } else { "fail for good" };
                format!("t{task} is to {end}, waiting in {epoch}: {reason}")
            }
            Effect::JobEnded { job, failure: None } => format!("job {job} ends well"),
            Effect::JobEnded { job, failure: Some(failure) } => {
                format!("job {job} fails: {}", failure.to_string().replace('\n', " /"))
            }
            Effect::StageForgotten { stage } => format!("stage {stage} is forgotten"),
            Effect::MapOutputDropped { .. } => unreachable!("the application says `RemoveOutput`"),
            Effect::StoredShuffleDropped { shuffle } => format!("s{shuffle} leaves the storage"),
            Effect::StoredShuffleForgotten { shuffle } => {
                format!("agents forget that the storage has s{shuffle}")
            }
            Effect::DropCached { rdd, until: Generation(0), executor } => {
                format!("executor {} drops rdd {rdd}", executor.name())
            }
            Effect::DropCached { rdd, until, executor } => {
                format!("executor {} drops rdd {rdd} until generation {}", executor.name(), until.0)
            }
            Effect::CommitDecision { task, allowed: true, .. } => format!("t{task} may commit"),
            Effect::CommitDecision { task, allowed: false, .. } => format!("t{task} may not commit"),
            Effect::UpdateSettled { accumulator, bytes } => {
                format!("a{accumulator} settles {}", String::from_utf8_lossy(bytes))
            }
            Effect::Journal(entry) => tell_journal(entry),
            Effect::Event(event) if self.show_events => tell_event(event),
            Effect::Event(_) => return None,
        })
    }
}

fn names(executors: &[ExecutorId]) -> String {
    executors.iter().map(|executor| executor.name()).collect::<Vec<_>>().join(" ")
}

fn tell_migration(agent: AgentId, order: &MigrateOrder) -> String {
    let MigrateOrder { number, executor, from, outputs, cached } = order;
    let outputs = outputs.iter().map(|(shuffle, map, task)| format!(" s{shuffle}/{map}/t{task}"));
    let cached = cached
        .iter()
        .map(|key| format!(" r{}/{} version {}", key.rdd, key.partition, tell_version(key.version)));
    let what: String = outputs.chain(cached).collect();
    format!("migrate {number}: agent {} copies from {from} to executor {}:{what}", agent.0, executor.name())
}

fn tell_launch(launch: &TaskLaunch) -> String {
    let mut told = format!(
        "launch t{} on {}: stage {}.{} partition {}",
        launch.task,
        launch.executor.name(),
        launch.stage,
        launch.stage_attempt,
        launch.partition
    );
    let mut add = |text: String| told.push_str(&text);
    if launch.attempt > 0 {
        add(format!(", try {}", launch.attempt));
    }
    if let Some(barrier_set) = &launch.barrier_hosts {
        add(format!(", with [{}]", barrier_set.join(" ")));
    }
    match launch.locality {
        Locality::NoPreference => {}
        near => add(format!(", {near:?}").to_lowercase()),
    }
    if launch.speculative {
        add(", speculative".into());
    }
    for (rdd, version) in launch.cached.iter() {
        add(format!(", keeps rdd {rdd} version {}", tell_version(*version)));
    }
    for input in launch.inputs.iter() {
        let writer = |map: &MapOutput| match map.executor {
            ExecutorId::STORAGE => format!("t{} in the storage", map.task),
            _ => format!("t{}", map.task),
        };
        let writers: Vec<String> = input.maps.iter().map(writer).collect();
        add(format!(", reads s{} [{}]", input.shuffle, writers.join(" ")));
    }
    told
}

fn tell_event(event: &AppEvent) -> String {
    let of = |stage: &Option<(StageId, StageAttempt)>| {
        stage.map_or(String::new(), |(stage, attempt)| format!(" from stage {stage}.{attempt}"))
    };
    let why = |failure: Option<String>| {
        failure.map_or(String::new(), |why| format!(": {}", why.replace('\n', " /")))
    };
    match event {
        AppEvent::JobStarted { job, stages, .. } => {
            let stages: Vec<String> = stages.iter().map(|stage| stage.stage.to_string()).collect();
            format!("* job {job} started, stages {}", stages.join(" "))
        }
        AppEvent::JobEnded { job, failure, .. } => {
            format!("* job {job} ended{}", why(failure.as_ref().map(ToString::to_string)))
        }
        AppEvent::StageSubmitted { stage, attempt, tasks, .. } => {
            let stage = stage.stage;
            format!("* stage {stage}.{attempt} submitted, {tasks} tasks")
        }
        AppEvent::StageCompleted { stage, attempt, failure, .. } => {
            let stage = stage.stage;
            format!("* stage {stage}.{attempt} completed{}", why(failure.clone()))
        }
        AppEvent::TaskStarted { task, .. } => {
            let TaskSummary { task, stage, stage_attempt, partition, .. } = task;
            format!("* task {task} started, stage {stage}.{stage_attempt} partition {partition}")
        }
        AppEvent::TaskEnded { task: TaskSummary { task, .. }, failure, .. } => {
            format!("* task {task} ended{}", why(failure.as_ref().map(ToString::to_string)))
        }
        AppEvent::BlockStored { executor, key, .. } => {
            format!("* {} stored on {}", BlockId::Rdd(key.rdd, key.partition), executor.name())
        }
        AppEvent::BlockDropped { executor, key, .. } => {
            format!("* {} dropped on {}", BlockId::Rdd(key.rdd, key.partition), executor.name())
        }
        AppEvent::ExecutorMemory { executor, .. } => format!("* memory of executor {}", executor.name()),
        AppEvent::Unpersisted { rdd, .. } => format!("* rdd {rdd} unpersisted"),
        AppEvent::ExecutorAdded { executor, .. } => format!("* executor {} added", executor.name()),
        AppEvent::ExecutorRemoved { executor, reason, .. } => {
            format!("* executor {} removed: {reason}", executor.name())
        }
        AppEvent::ExecutorExcluded { executor, failures, stage, .. } => {
            format!("* executor {} excluded{}, {failures} failures", executor.name(), of(stage))
        }
        AppEvent::ExecutorUnexcluded { executor, .. } => format!("* executor {} included", executor.name()),
        AppEvent::HostExcluded { host, executors, stage, .. } => {
            format!("* host {host} excluded{}, {executors} executors", of(stage))
        }
        AppEvent::HostUnexcluded { host, .. } => format!("* host {host} included"),
    }
}

/// An entry of the journal, with the updates of accumulators that are written down with it.
fn tell_journal(entry: &JournalEntry) -> String {
    let none = vec![];
    let (what, updates) = match entry {
        JournalEntry::JobEnded { job, updates } => (format!("job {job} has its answer"), updates),
        JournalEntry::ShuffleWritten { shuffle, checksums, updates } => {
            (format!("s{shuffle} is there with the sums {checksums:?}"), updates)
        }
        JournalEntry::OutputsStored { shuffle, outputs, updates, .. } => {
            let output = |output: &StoredOutput| {
                format!(" s{shuffle}/{}/t{} with the sum {}", output.map, output.task, output.checksum)
            };
            let outputs: Vec<String> = outputs.iter().map(output).collect();
            (format!("the storage has{}", outputs.join(" and")), updates)
        }
        JournalEntry::OutputChanged { shuffle, map } => (format!("s{shuffle}/{map} has changed"), &none),
        JournalEntry::OutputsGivenUp { shuffle } => (format!("s{shuffle} is given up"), &none),
    };
    let updates = updates.iter().map(|CountedUpdate { update, from, .. }| {
        let from = from.map_or(String::new(), |(shuffle, map)| format!(" of s{shuffle}/{map}"));
        format!(", a{} += {}{from}", update.accumulator, String::from_utf8_lossy(&update.bytes))
    });
    format!("journal: {what}{}", updates.collect::<String>())
}
