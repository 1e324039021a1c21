//! The words of agents, of their cluster and of the application as a whole.

use super::Story;
use super::words::*;
use firesteel_scheduler::*;
use firesteel_types::*;

impl Story {
    /// The event that a command is, unless it is one of the scheduler's.
    pub(super) fn application_event(&self, verb: &str, words: &[&str]) -> Option<ApplicationEvent> {
        Some(match verb {
            "agent" => self.agent_event(AgentId(number(words[0])), words[1], &words[2..]),
            "waits" => {
                let (task, executor, runs) = self.attempt(words[0]);
                let agent = option(words, "agent").map_or(runs, |other| AgentId(number(other)));
                let outcome = ReportedOutcome::Waiting { bytes: number(words[1]) };
                let updates = updates(words);
                let message = AgentMessage::TaskFinished { executor, task, outcome, updates, metrics: None };
                ApplicationEvent::Agent { agent, message }
            }
            "fetched" => {
                let (task, executor, agent) = self.attempt(words[0]);
                let result = match words[1] {
                    "not" => Err("connection refused".into()),
                    bytes => Ok(number(bytes)),
                };
                ApplicationEvent::ResultFetched { agent, executor, task, result }
            }
            "ended" => {
                ApplicationEvent::AgentEnded { name: words[0].into(), reason: loss_reason(&words[1..]) }
            }
            "decommission" => {
                let with_files = words.contains(&"with-files");
                let name = words[0].trim_matches('-').into();
                ApplicationEvent::Decommission { name, with_files }
            }
            "setting" => ApplicationEvent::WorkerSetting { setting: words[0].into() },
            "give-up" => ApplicationEvent::NoMoreExecutors { reason: "the cluster is gone".into() },
            "stop" => ApplicationEvent::Stop,
            _ => return None,
        })
    }

    /// An attempt, where it runs, and the agent there.
    fn attempt(&self, word: &str) -> (TaskId, ExecutorId, AgentId) {
        let task = task(word);
        let executor = self.launches[&task].executor;
        let agent = self.owners.get(&executor).expect("only results at agents wait and are fetched");
        (task, executor, *agent)
    }

    fn agent_event(&self, agent: AgentId, verb: &str, words: &[&str]) -> ApplicationEvent {
        let message = match verb {
            "comes" => {
                let registration = registration(agent, words);
                return ApplicationEvent::AgentRegistered { agent, registration };
            }
            "gone" => return ApplicationEvent::AgentDisconnected { agent },
            "ready" => AgentMessage::ExecutorReady { executor: executor(words[0]) },
            "lost" => {
                AgentMessage::ExecutorLost { executor: executor(words[0]), reason: loss_reason(&words[1..]) }
            }
            "alive" => AgentMessage::Alive {
                running: words.iter().map(|word| running(word)).collect(),
                memory: vec![],
            },
            "migrated" => migrated(words),
            "stores" => {
                let outputs: Vec<_> = words.iter().map(|word| output(word)).collect();
                let shuffle = outputs[0].0;
                let outputs = outputs.into_iter().map(|(_, map, task)| (map, task)).collect();
                let object = StoredObject { life: 0, by: ExecutorId(0), number: 1, index_at: 10, length: 20 };
                AgentMessage::OutputsStored { stored: StoredOutputs { shuffle, object, outputs } }
            }
            "store-done" => AgentMessage::StoreDone { number: number(words[0]), stored: number(words[1]) },
            "out-of-workers" => AgentMessage::OutOfWorkers { reason: "python cannot be started".into() },
            "leaving" => AgentMessage::Leaving,
            _ => panic!("agents do not {verb}"),
        };
        ApplicationEvent::Agent { agent, message }
    }

    /// An event that concerns an executor comes from its agent, where it has one.
    pub(super) fn as_agent_tells_it(&self, event: Event) -> ApplicationEvent {
        let (executor, message) = match event.clone() {
            Event::TaskFinished { executor, task, outcome, updates, metrics } => {
                let outcome = ReportedOutcome::Complete(outcome);
                (executor, AgentMessage::TaskFinished { executor, task, outcome, updates, metrics })
            }
            Event::CommitRequest { executor, task } => {
                (executor, AgentMessage::CommitRequest { executor, task })
            }
            Event::BarrierSync { executor, task, epoch, message } => {
                (executor, AgentMessage::BarrierSync { executor, task, epoch, message })
            }
            Event::BlockStored { executor, key, size } => {
                (executor, AgentMessage::BlockStored { executor, key, size })
            }
            Event::BlockDropped { executor, key } => (executor, AgentMessage::BlockDropped { executor, key }),
            _ => return ApplicationEvent::Scheduler(event),
        };
        match self.owners.get(&executor) {
            Some(&agent) => ApplicationEvent::Agent { agent, message },
            None => ApplicationEvent::Scheduler(event),
        }
    }
}

/// `name=x host=a slots=2 files=a:1 memory=a:2 survive python program=1`
fn registration(agent: AgentId, words: &[&str]) -> RegisterAgent {
    let files = option(words, "files").map_or(format!("agent-{}", agent.0), String::from);
    RegisterAgent {
        name: option(words, "name").unwrap_or("").into(),
        program: [option(words, "program").map_or(0, number); 32],
        host: option(words, "host").unwrap_or("a").into(),
        cores: option(words, "slots").map_or(1, number),
        memory: 1 << 30,
        has_processes: words.contains(&"python"),
        cached: option(words, "memory").unwrap_or(&files).into(),
        blocks: files,
        outputs_survive: words.contains(&"survive"),
        process: 17,
    }
}

/// `code=1`, `signal=9`; or nothing is known.
fn loss_reason(words: &[&str]) -> ExecutorLossReason {
    match option(words, "signal") {
        Some(signal) => ExecutorLossReason::Killed { signal: number(signal), peak_bytes: 64 << 20 },
        None => ExecutorLossReason::Exited { code: option(words, "code").map(number) },
    }
}

/// `0:t1,t2`, or `0` where nothing runs.
fn running(word: &str) -> (ExecutorId, Vec<TaskId>) {
    match word.split_once(':') {
        Some((name, tasks)) => (executor(name), tasks.split(',').map(task).collect()),
        None => (executor(word), vec![]),
    }
}

/// `4 to 1 s0/0/t0 r3/1`: of request 4, executor 1 has these.
fn migrated(words: &[&str]) -> AgentMessage {
    let version = option(words, "version");
    let of_kind = |kind| words[3..].iter().filter(move |word| word.starts_with(kind));
    let report = MigrateReport {
        number: number(words[0]),
        executor: executor(words[2]),
        outputs: of_kind('s').map(|word| output(word)).collect(),
        cached: of_kind('r').map(|word| (block(word, version), BlockSize::default())).collect(),
    };
    AgentMessage::Migrated { report }
}
