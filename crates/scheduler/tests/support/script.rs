//! The words of scenario scripts: from text to events, and from effects to text. The words are listed in `scenarios.rs`.

use firesteel_scheduler::*;
use firesteel_types::*;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A scheduler, and what the script needs to know of its past.
pub(crate) struct Story {
    scheduler: Scheduler,
    now: Millis,
    launches: BTreeMap<TaskId, TaskLaunch>,
    outputs: BTreeMap<StageId, Option<ShuffleId>>,
    show_events: bool,
}

impl Story {
    /// A story with these settings, as `name=value`.
    pub(crate) fn new(words: &str) -> Self {
        let mut settings = SchedulerSettings::default();
        let mut show_events = false;
        for word in words.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            match name {
                "max_task_failures" => settings.max_task_failures = number(value),
                "max_stage_attempts" => settings.max_consecutive_stage_attempts = number(value),
                "locality_wait_ms" => settings.locality_wait_ms = number(value),
                "unaccounted_ms" => settings.unaccounted_task_timeout_ms = number(value),
                "fair" => settings.mode = SchedulingMode::Fair,
                "hold_ms" => settings.barrier_hold_ms = number(value),
                "slots_wait_ms" => settings.barrier_slots_wait_ms = number(value),
                "sync_ms" => settings.barrier_sync_timeout_ms = number(value),
                "speculation" => settings.speculation = Some(SpeculationSettings::default()),
                "events" => show_events = true,
                "pool" => {
                    let parts: Vec<&str> = value.split(',').collect();
                    let pool = PoolSettings { weight: number(parts[1]), min_share: number(parts[2]) };
                    settings.pools.insert(parts[0].into(), pool);
                }
                _ => panic!("no such setting: {name}"),
            }
        }
        Story {
            scheduler: Scheduler::new(settings),
            now: Millis(0),
            launches: BTreeMap::new(),
            outputs: BTreeMap::new(),
            show_events,
        }
    }

    /// Lets one thing happen, and tells the effects, a line each.
    pub(crate) fn play(&mut self, command: &str) -> String {
        if command == "idle?" {
            let (idle, due) = (self.scheduler.is_idle(), self.scheduler.next_deadline());
            return format!("idle {idle}, next deadline {:?}\n", due.map(|due| due.0));
        }
        if let Some(name) = command.strip_prefix("value ") {
            let values = self.scheduler.accumulator_updates(accumulator(name));
            let values: Vec<_> = values.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
            return format!("{name} has [{}]\n", values.join(" "));
        }
        if let Some(unknown) = self.unknown_task(command) {
            return format!("there is no task {unknown}\n");
        }
        let event = self.event(command);
        let mut effects = vec![];
        self.scheduler.handle(self.now, event, &mut effects);
        let mut told = String::new();
        for effect in effects {
            if let Effect::Launch(launch) = &effect {
                self.launches.insert(launch.task, launch.clone());
            }
            if let Some(line) = self.tell(&effect) {
                writeln!(told, "{line}").expect("a string can be written to");
            }
        }
        told
    }

    /// The first word of a command that names a task which was never launched: a mistake in the story.
    fn unknown_task<'a>(&self, command: &'a str) -> Option<&'a str> {
        let (verb, rest) = command.split_once(' ')?;
        let first = rest.split_whitespace().next()?;
        let names_task = matches!(verb, "done" | "fail" | "commit" | "sync");
        (names_task && !self.launches.contains_key(&task(first))).then_some(first)
    }

    fn event(&mut self, command: &str) -> Event {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let words: Vec<&str> = rest.split_whitespace().collect();
        match verb {
            "at" => {
                self.now = Millis(number(words[0]));
                Event::Tick
            }
            "executor" => Event::ExecutorAdded {
                executor: executor(words[0]),
                host: option(&words, "host").unwrap_or("a").into(),
                slots: option(&words, "slots").map_or(1, number),
            },
            "lost" => Event::ExecutorLost {
                executor: executor(words[0]),
                reason: if words.contains(&"decommissioned") {
                    ExecutorLossReason::Decommissioned
                } else {
                    ExecutorLossReason::Exited { code: Some(0) }
                },
                outputs_survive: words.contains(&"survive"),
            },
            "leaving" => Event::ExecutorsDecommissioning { executors: vec![executor(words[0])] },
            "moved" => Event::OutputsMoved {
                to: executor(words[0]),
                outputs: words[1..].iter().map(|word| output(word)).collect(),
            },
            "job" => self.job(rest),
            "done" => self.done(&words),
            "fail" => self.fail(&words),
            "heartbeat" => Event::Heartbeat {
                executor: executor(words[0]),
                running: words[1..].iter().map(|word| task(word)).collect(),
            },
            "commit" => {
                let task = task(words[0]);
                Event::CommitRequest { task, executor: self.launches[&task].executor }
            }
            "sync" => {
                let task = task(words[0]);
                let message = words.get(2).map(ToString::to_string);
                let executor = self.launches[&task].executor;
                Event::BarrierSync { task, executor, epoch: number(words[1]), message }
            }
            "cancel" => {
                Event::CancelJob { job: JobId(number(words[0])), reason: "because it was enough".into() }
            }
            "cancel-group" => {
                Event::CancelGroup { group: words[0].into(), reason: "because it was enough".into() }
            }
            "cancel-tag" => Event::CancelTag { tag: words[0].into(), reason: "because it was enough".into() },
            "cancel-all" => Event::CancelAll { reason: "because it was enough".into() },
            "too-large" => Event::FailJob {
                job: JobId(number(words[0])),
                failure: JobFailure::ResultTooLarge { tasks: 1, bytes: 2, limit: 1 },
            },
            "stored" => {
                let (rdd, partition, version) = block(words[1], option(&words, "version"));
                Event::BlockStored { executor: executor(words[0]), rdd, partition, version }
            }
            "dropped" => {
                let (rdd, partition, version) = block(words[1], option(&words, "version"));
                Event::BlockDropped { executor: executor(words[0]), rdd, partition, version }
            }
            "unpersist" => Event::RddUnpersisted { rdd: rdd(words[0]) },
            "release" => Event::ShuffleReleased { shuffle: shuffle(words[0]) },
            "accumulator" => Event::AccumulatorRegistered { accumulator: accumulator(words[0]) },
            "reset" => Event::AccumulatorReset { accumulator: accumulator(words[0]) },
            "unread" => Event::AccumulatorReleased { accumulator: accumulator(words[0]) },
            "rdd-gone" => Event::RddReleased { rdd: RddId(number(words[0])) },
            "settle" => Event::SettleUpdates,
            _ => panic!("no such event: {command}"),
        }
    }

    fn job(&mut self, text: &str) -> Event {
        let (head, graph) = text.split_once(": ").expect("a job has stages after a colon");
        let words: Vec<&str> = head.split_whitespace().collect();
        let mut partitions = None;
        let stages: Vec<StageSpec> = graph.split("; ").map(|text| stage(text, &mut partitions)).collect();
        self.outputs.extend(stages.iter().map(|stage| (stage.stage, stage.output)));
        let all = (0..stages.last().expect("a job has stages").partitions).map(Partition).collect();
        Event::SubmitJob(JobSpec {
            job: JobId(number(words[0])),
            site: site("count"),
            partitions: partitions.unwrap_or(all),
            stages,
            pool: option(&words, "pool").map(Into::into),
            group: option(&words, "group").map(Into::into),
            tags: option(&words, "tag").map(Into::into).into_iter().collect(),
        })
    }

    fn done(&self, words: &[&str]) -> Event {
        let task = task(words[0]);
        let launch = &self.launches[&task];
        let outcome = match self.outputs[&launch.stage] {
            None => TaskOutcome::Result { bytes: 1 },
            Some(shuffle) => {
                let checksum = option(words, "sum").map_or(1, number);
                TaskOutcome::MapOutput { shuffle, map: launch.partition, bytes: 10, checksum }
            }
        };
        let updates = words.iter().filter_map(|word| update(word.strip_prefix("adds=")?)).collect();
        Event::TaskFinished { task, executor: launch.executor, outcome, updates }
    }

    fn fail(&self, words: &[&str]) -> Event {
        let task_id = task(words[0]);
        let operation = |retryable| TaskFailure::Operation {
            operation: "read a file".into(),
            message: "no such file".into(),
            site: site("text_file"),
            retryable,
        };
        let failure = match words[1] {
            "panic" => operation(true),
            "fatal" => operation(false),
            "killed" => TaskFailure::Killed(KillReason::StageAborted),
            "denied" => TaskFailure::CommitDenied,
            "gone" => TaskFailure::CachedBlockLost { shuffle: shuffle(words[2]) },
            "fetch" => {
                let (from, map) = words[2].split_once('/').expect("an output is named s0/1");
                TaskFailure::FetchFailed {
                    shuffle: shuffle(from),
                    map: Partition(number(map)),
                    map_task: task(words[3]),
                    executor: executor(words[5]),
                    unreachable: vec![],
                    message: "connection refused".into(),
                }
            }
            other => panic!("no such failure: {other}"),
        };
        let executor = self.launches[&task_id].executor;
        let outcome = TaskOutcome::Failed(failure);
        Event::TaskFinished { task: task_id, executor, outcome, updates: vec![] }
    }

    fn tell(&self, effect: &Effect) -> Option<String> {
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
            Effect::MapOutputDropped { shuffle, map, task, executor } => {
                format!("drop s{shuffle}/{map} by t{task} on {}", executor.name())
            }
            Effect::DropCached { rdd, executor } => format!("executor {} drops rdd {rdd}", executor.name()),
            Effect::CommitDecision { task, allowed: true, .. } => format!("t{task} may commit"),
            Effect::CommitDecision { task, allowed: false, .. } => format!("t{task} may not commit"),
            Effect::UpdateSettled { accumulator, bytes } => {
                format!("a{accumulator} settles {}", String::from_utf8_lossy(bytes))
            }
            Effect::Event(event) if self.show_events => tell_event(event),
            Effect::Event(_) => return None,
        })
    }
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
        add(format!(", keeps rdd {rdd} version {version}"));
    }
    for input in launch.inputs.iter() {
        let writers: Vec<String> = input.maps.iter().map(|map| format!("t{}", map.task)).collect();
        add(format!(", reads s{} [{}]", input.shuffle, writers.join(" ")));
    }
    told
}

fn tell_event(event: &AppEvent) -> String {
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
            format!("* stage {stage}.{attempt} submitted, {tasks} tasks")
        }
        AppEvent::StageCompleted { stage, attempt, failure, .. } => {
            format!("* stage {stage}.{attempt} completed{}", why(failure.clone()))
        }
        AppEvent::TaskStarted { task, stage, stage_attempt, partition, .. } => {
            format!("* task {task} started, stage {stage}.{stage_attempt} partition {partition}")
        }
        AppEvent::TaskEnded { task, failure, .. } => {
            format!("* task {task} ended{}", why(failure.as_ref().map(ToString::to_string)))
        }
        AppEvent::ExecutorAdded { executor, .. } => format!("* executor {} added", executor.name()),
        AppEvent::ExecutorRemoved { executor, reason, .. } => {
            format!("* executor {} removed: {reason}", executor.name())
        }
    }
}

/// `3 writes s1 reads s0 x4 at 1@a,@b`
fn stage(text: &str, wants: &mut Option<Vec<Partition>>) -> StageSpec {
    let mut words = text.split_whitespace().peekable();
    let id: u32 = number(words.next().expect("a stage has an id"));
    let mut spec = StageSpec {
        stage: StageId(id),
        site: site("map"),
        output: None,
        inputs: vec![],
        partitions: 1,
        preferred: vec![],
        cached: Cached::default(),
        barrier: false,
    };
    while let Some(word) = words.next() {
        match word {
            "barrier" => spec.barrier = true,
            "writes" => spec.output = words.next().map(shuffle),
            "reads" => {
                while let Some(input) = words.next_if(|word| word.starts_with('s')) {
                    spec.inputs.push(shuffle(input));
                }
            }
            "at" => {
                let places =
                    words.next().expect("places follow").split(',').map(|place| vec![location(place)]);
                spec.preferred = places.cycle().take(spec.partitions as usize).collect();
            }
            "keeps" => spec.cached = cached(words.next().expect("an rdd follows"), &spec),
            "wants" => *wants = Some(words.by_ref().map(|word| Partition(number(word))).collect()),
            count => spec.partitions = number(count.trim_start_matches('x')),
        }
    }
    spec
}

/// `r3/1`, with a version that is 0 if not given.
fn block(text: &str, version: Option<&str>) -> (RddId, Partition, u64) {
    let (id, partition) = text.split_once('/').expect("a block is named r3/1");
    (rdd(id), Partition(number(partition)), version.map_or(0, number))
}

/// `s0/1/t4`
fn output(text: &str) -> (ShuffleId, Partition, TaskId) {
    let parts: Vec<&str> = text.split('/').collect();
    (shuffle(parts[0]), Partition(number(parts[1])), task(parts[2]))
}

fn rdd(text: &str) -> RddId {
    RddId(number(text.trim_start_matches('r')))
}

/// `r3`: an RDD through which the stage reads all its inputs.
fn cached(name: &str, spec: &StageSpec) -> Cached {
    let rdd = rdd(name);
    let reads = Reads { shuffles: spec.inputs.clone(), cached: vec![] };
    let behind = spec.inputs.clone();
    let cached = CachedRdd {
        rdd,
        partitions: spec.partitions,
        aligned: true,
        reads,
        behind,
        is_truncated: false,
        barrier: spec.barrier,
    };
    Cached { last: Reads { shuffles: vec![], cached: vec![0] }, rdds: vec![cached] }
}

fn location(text: &str) -> TaskLocation {
    let (executor, host) = text.split_once('@').expect("a place is executor@host or @host");
    TaskLocation { host: host.into(), executor: (!executor.is_empty()).then(|| ExecutorId(number(executor))) }
}

fn site(operation: &str) -> CallSite {
    CallSite { operation: operation.into(), ..CallSite::default() }
}

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

/// `a0/r1/2/5/x`: of accumulator 0, for partition 2 of RDD 1, in 5 additions, the value `x`. `m1` is the map side of shuffle 1,
/// `j1` is job 1; `x@t4` was kept by task 4.
fn update(text: &str) -> Option<AccumulatorUpdate> {
    let words: Vec<&str> = text.split('/').collect();
    let [name, scope, partition, extent, value] = words[..] else { panic!("{text} is no update") };
    let scope = match scope.split_at(1) {
        ("r", id) => UpdateScope::Rdd(RddId(number(id))),
        ("m", id) => UpdateScope::MapSide(ShuffleId(number(id))),
        ("j", id) => UpdateScope::Job(JobId(number(id))),
        _ => panic!("{scope} is no scope"),
    };
    let (accumulator, partition, extent) = (accumulator(name), Partition(number(partition)), number(extent));
    let (value, cached_by) = match value.split_once('@') {
        Some((value, by)) => (value, Some(task(by))),
        None => (value, None),
    };
    let bytes = value.as_bytes().into();
    Some(AccumulatorUpdate { accumulator, scope, partition, extent, bytes, cached_by })
}

fn accumulator(text: &str) -> AccumulatorId {
    AccumulatorId(number(text.trim_start_matches('a')))
}

fn task(text: &str) -> TaskId {
    TaskId(number(text.trim_start_matches('t')))
}

fn shuffle(text: &str) -> ShuffleId {
    ShuffleId(number(text.trim_start_matches('s')))
}

fn executor(text: &str) -> ExecutorId {
    if text == "driver" { ExecutorId::DRIVER } else { ExecutorId(number(text)) }
}
