//! One story: the application that it is about, and its events from their words. The words are listed in `scenarios.rs`.

mod agents;
mod tell;
mod words;

use firesteel_scheduler::*;
use firesteel_types::*;
use std::collections::BTreeMap;
use std::fmt::Write;
use words::*;

/// An application, and what the script needs to know of its past.
pub(crate) struct Story {
    application: Application,
    now: Millis,
    launches: BTreeMap<TaskId, TaskLaunch>,
    /// The agents of executors, those that are gone among them.
    owners: BTreeMap<ExecutorId, AgentId>,
    outputs: BTreeMap<StageId, Option<ShuffleId>>,
    show_events: bool,
}

/// All that a story may choose.
#[derive(Default)]
struct Settings {
    application: ApplicationSettings,
    fleet: FleetSettings,
    allocation: Option<AllocationSettings>,
    show_events: bool,
}

impl Settings {
    /// Sets what a `name=value` says.
    fn set(&mut self, name: &str, value: &str) {
        let scheduler = &mut self.application.scheduler;
        match name {
            "max_task_failures" => scheduler.max_task_failures = number(value),
            "max_stage_attempts" => scheduler.max_consecutive_stage_attempts = number(value),
            "locality_wait_ms" => scheduler.locality_wait_ms = number(value),
            "unaccounted_ms" => scheduler.unaccounted_task_timeout_ms = number(value),
            "fair" => scheduler.mode = SchedulingMode::Fair,
            "hold_ms" => scheduler.barrier_hold_ms = number(value),
            "slots_wait_ms" => scheduler.barrier_slots_wait_ms = number(value),
            "sync_ms" => scheduler.barrier_sync_timeout_ms = number(value),
            "speculation" => scheduler.speculation = Some(SpeculationSettings::default()),
            "events" => self.show_events = true,
            "journal" => scheduler.journal = JournalSettings::JobsAndShuffles,
            "exclude" => self.exclusion().task_and_stage = value != "application",
            "exclude_ms" => self.exclusion().timeout_ms = number(value),
            "stage_tasks" => self.exclusion().stage_tasks_per_executor = number(value),
            "host_attempts" => self.exclusion().task_attempts_per_host = number(value),
            "newcomers_ms" => self.exclusion().newcomers_ms = number(value),
            "exclude_fetch" => self.exclusion().on_fetch_failure = true,
            "exclude_kill" => self.exclusion().removal = Some(Removal::Kill),
            "exclude_decommission" => self.exclusion().removal = Some(Removal::Decommission),
            "pool" => {
                let parts: Vec<&str> = value.split(',').collect();
                let pool = PoolSettings { weight: number(parts[1]), min_share: number(parts[2]) };
                scheduler.pools.insert(parts[0].into(), pool);
            }
            "max_result_size" => self.application.max_result_size = number(value),
            "program" => self.fleet.program = [number(value); 32],
            "python" => self.fleet.has_processes = true,
            "within_ms" => self.fleet.decommission_within_ms = number(value),
            "storage" => self.fleet.stores_outputs = true,
            "end_ms" => self.fleet.end_within_ms = number(value),
            "no_repair" => self.fleet.repairs_copies = false,
            "dynamic" => {
                let (min, max) = value.split_once("..").expect("a range of executors is MIN..MAX");
                let (min, max) = (number(min), number(max));
                self.allocation = Some(AllocationSettings { min, max, ..AllocationSettings::default() });
            }
            "initial" => self.allocation().initial = number(value),
            "idle_ms" => self.allocation().idle_ms = number(value),
            "cached_idle_ms" => self.allocation().cached_idle_ms = Some(number(value)),
            _ => panic!("no such setting: {name}"),
        }
    }

    fn exclusion(&mut self) -> &mut ExclusionSettings {
        let exclusion = &mut self.application.scheduler.exclusion;
        exclusion.get_or_insert_with(|| ExclusionSettings { newcomers_ms: 0, ..ExclusionSettings::default() })
    }

    fn allocation(&mut self) -> &mut AllocationSettings {
        self.allocation.as_mut().expect("`dynamic` comes first")
    }
}

impl Story {
    /// A story with these settings, as `name=value`.
    pub(crate) fn new(words: &str) -> Self {
        let mut settings = Settings::default();
        for word in words.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            settings.set(name, value);
        }
        let mut application = Application::new(settings.application);
        application.set_fleet(settings.fleet);
        if let Some(allocation) = settings.allocation {
            application.allocate_dynamically(allocation);
        }
        Story {
            application,
            now: Millis(0),
            launches: BTreeMap::new(),
            owners: BTreeMap::new(),
            outputs: BTreeMap::new(),
            show_events: settings.show_events,
        }
    }

    /// Lets one thing happen, and tells the effects, a line each.
    pub(crate) fn play(&mut self, command: &str) -> String {
        if command == "idle?" {
            let (idle, due) = (self.application.is_idle(), self.application.next_deadline());
            return format!("idle {idle}, next deadline {:?}\n", due.map(|due| due.0));
        }
        if let Some(name) = command.strip_prefix("value ") {
            let values = self.application.scheduler().accumulator_updates(accumulator(name));
            let values: Vec<_> = values.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
            return format!("{name} has [{}]\n", values.join(" "));
        }
        if let Some(unknown) = self.unknown_task(command) {
            return format!("there is no task {unknown}\n");
        }
        let event = self.event(command);
        let mut effects = vec![];
        self.application.handle(self.now, event, &mut effects);
        let mut told = String::new();
        for effect in effects {
            self.note(&effect);
            if let Some(line) = self.tell(&effect) {
                writeln!(told, "{line}").expect("a string can be written to");
            }
        }
        told
    }

    /// Remembers what later commands name.
    fn note(&mut self, effect: &ApplicationEffect) {
        match effect {
            ApplicationEffect::Scheduler(Effect::Launch(launch)) => {
                self.launches.insert(launch.task, launch.clone());
            }
            ApplicationEffect::Welcome { agent, executors, .. } => {
                self.owners.extend(executors.iter().map(|executor| (*executor, *agent)));
            }
            ApplicationEffect::NextExecutor { agent, executor } => {
                self.owners.insert(*executor, *agent);
            }
            _ => {}
        }
    }

    /// The first word of a command that names a task which was never launched: a mistake in the story.
    fn unknown_task<'a>(&self, command: &'a str) -> Option<&'a str> {
        let (verb, rest) = command.split_once(' ')?;
        let first = rest.split_whitespace().next()?;
        let names_task = matches!(verb, "done" | "fail" | "commit" | "sync" | "waits" | "fetched");
        (names_task && !self.launches.contains_key(&task(first))).then_some(first)
    }

    fn event(&mut self, command: &str) -> ApplicationEvent {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        let words: Vec<&str> = rest.split_whitespace().collect();
        match self.application_event(verb, &words) {
            Some(event) => event,
            None => {
                let event = self.scheduler_event(verb, rest, &words);
                self.as_agent_tells_it(event)
            }
        }
    }

    fn scheduler_event(&mut self, verb: &str, rest: &str, words: &[&str]) -> Event {
        match verb {
            "at" => {
                self.now = Millis(number(words[0]));
                Event::Tick
            }
            "executor" => Event::ExecutorAdded {
                executor: executor(words[0]),
                host: option(words, "host").unwrap_or("a").into(),
                slots: option(words, "slots").map_or(1, number),
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
            "done" => self.done(words),
            "fail" => self.fail(words),
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
                let key = block(words[1], option(words, "version"));
                Event::BlockStored { executor: executor(words[0]), key, size: Default::default() }
            }
            "dropped" => {
                let key = block(words[1], option(words, "version"));
                Event::BlockDropped { executor: executor(words[0]), key }
            }
            "unpersist" => {
                let (rdd, generation) = persisted(words[0]);
                Event::RddUnpersisted { rdd, generation }
            }
            "known" => Event::OutputsRestored(known(words)),
            "release" => Event::ShuffleReleased { shuffle: shuffle(words[0]) },
            "accumulator" => Event::AccumulatorRegistered { accumulator: accumulator(words[0]) },
            "reset" => Event::AccumulatorReset { accumulator: accumulator(words[0]) },
            "unread" => Event::AccumulatorReleased { accumulator: accumulator(words[0]) },
            "rdd-gone" => Event::RddReleased { rdd: RddId(number(words[0])) },
            "settle" => Event::SettleUpdates,
            _ => panic!("no such event: {verb} {rest}"),
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
            properties: Default::default(),
        })
    }

    fn done(&self, words: &[&str]) -> Event {
        let task = task(words[0]);
        let launch = &self.launches[&task];
        let outcome = match self.outputs[&launch.stage] {
            None => TaskOutcome::Result { bytes: option(words, "bytes").map_or(1, number) },
            Some(shuffle) => {
                let checksum = option(words, "sum").map_or(1, number);
                TaskOutcome::MapOutput { shuffle, map: launch.partition, bytes: 10, checksum }
            }
        };
        Event::TaskFinished {
            task,
            executor: launch.executor,
            outcome,
            updates: updates(words),
            metrics: None,
        }
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
        let outcome = TaskOutcome::failed(failure);
        Event::TaskFinished { task: task_id, executor, outcome, updates: vec![], metrics: None }
    }
}
