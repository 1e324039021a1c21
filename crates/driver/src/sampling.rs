//! Stacks that are sampled for a while, because a page asks for them. Nothing of this happens otherwise.

use crate::driver::Driver;
use firesteel_types::{ExecutorId, ThreadStack};
use firesteel_ui::{SampleAsk, SampledStack, Samples, Unavailable};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The pause between the beginnings of two rounds.
const EVERY: Duration = Duration::from_millis(50);

/// The most seconds of samples that are taken at once.
const SECONDS_AT_MOST: u32 = 60;

/// The most different stacks that are kept. Those beyond are counted as one.
const STACKS_AT_MOST: usize = 20_000;

/// The frame for stacks beyond those.
const OTHERS: &str = "(other stacks)";

/// Takes samples for one visitor at a time.
#[derive(Default)]
pub(crate) struct Sampler(Mutex<()>);

impl Sampler {
    /// Takes samples, as long as is asked for, and returns them.
    pub(crate) fn sample(&self, driver: &Arc<Driver>, ask: &SampleAsk) -> Result<Samples, Unavailable> {
        let Some(_only) = self.0.try_lock() else {
            return Err(Unavailable(
                "Samples are being taken for another visitor. Try again when they are done.".into(),
            ));
        };
        // Not kept alive: a program that ends while it is sampled ends.
        let driver = Arc::downgrade(driver);
        let start = Instant::now();
        let end = start + Duration::from_secs(u64::from(ask.seconds.clamp(1, SECONDS_AT_MOST)));
        let (mut gathered, mut rounds, mut next) = (Gathered::default(), 0, start);
        while Instant::now() < end {
            let Some(driver) = driver.upgrade() else { break };
            driver.sampled(ask.executor.as_deref()).iter().for_each(|stack| gathered.add(stack, ask));
            drop(driver);
            rounds += 1;
            next = (next + EVERY).max(Instant::now());
            std::thread::sleep(next.min(end).saturating_duration_since(Instant::now()));
        }
        let took_ms = start.elapsed().as_millis() as u64;
        Ok(gathered.samples(rounds, took_ms))
    }
}

/// The stacks that were seen, and how often.
#[derive(Default)]
struct Gathered {
    stacks: BTreeMap<(Option<i64>, Vec<String>), u64>,
    idle: u64,
}

impl Gathered {
    fn add(&mut self, stack: &ThreadStack, ask: &SampleAsk) {
        if ask.executor.as_ref().is_some_and(|executor| stack.executor.name() != *executor) {
            return;
        }
        let Some(running) = stack.running else {
            self.idle += 1;
            return;
        };
        let stage = i64::from(running.stage.0);
        if ask.stage.is_some_and(|asked| asked != stage) {
            return;
        }
        let mut frames: Vec<String> = stack.text.lines().rev().map(frame).collect();
        // Threads have no stacks of functions to tell; so what the system says of them is told.
        if stack.thread != stack.process && !stack.state.is_empty() {
            frames.push(format!("({})", stack.state));
        }
        let mut key = (Some(stage), frames);
        if self.stacks.len() >= STACKS_AT_MOST && !self.stacks.contains_key(&key) {
            key = (None, vec![OTHERS.to_owned()]);
        }
        *self.stacks.entry(key).or_default() += 1;
    }

    fn samples(self, rounds: u64, took_ms: u64) -> Samples {
        let stacks = self.stacks.into_iter();
        let stacks = stacks.map(|((stage, frames), count)| SampledStack { stage, frames, count });
        Samples { stacks: stacks.collect(), rounds, idle: self.idle, took_ms }
    }
}

/// Returns `grow (app.py:12)` for a line of a stack of Python's; other lines as they are.
fn frame(line: &str) -> String {
    let line = line.trim();
    let python = line.strip_prefix("File \"").and_then(|rest| {
        let (path, rest) = rest.split_once("\", line ")?;
        let (number, function) = rest.split_once(" in ")?;
        Some(format!("{function} ({}:{number})", path.rsplit('/').next().unwrap_or(path)))
    });
    python.unwrap_or_else(|| line.to_owned())
}

impl Driver {
    /// Returns where the slots of an executor, or of all, stand now. Only what answers at once does.
    fn sampled(&self, executor: Option<&str>) -> Vec<ThreadStack> {
        if let Some(remote) = self.remote() {
            return match executor {
                Some(executor) if executor == ExecutorId::DRIVER.name() => vec![],
                Some(executor) => {
                    self.agent_of(executor).map_or_else(Vec::new, |agent| remote.agents.sampled(Some(agent)))
                }
                None => remote.agents.sampled(None),
            };
        }
        let executors = self.executors.read().clone();
        executors.map_or_else(Vec::new, |executors| executors.sampled())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::{Partition, RunningTask, StageId, TaskId};

    fn stack(executor: u32, stage: Option<u32>, text: &str) -> ThreadStack {
        let running = stage.map(|stage| RunningTask {
            task: TaskId(1),
            stage: StageId(stage),
            partition: Partition(0),
        });
        ThreadStack {
            executor: ExecutorId(executor),
            name: String::new(),
            process: 9,
            thread: if text.contains("File") { 9 } else { 10 },
            state: "running".into(),
            running,
            ran_ms: None,
            text: text.into(),
        }
    }

    #[test]
    fn equal_stacks_are_counted_and_others_left_out() {
        let python = "  File \"/a/app.py\", line 3 in inner\n  File \"/a/app.py\", line 9 in <module>";
        let ask = SampleAsk { executor: Some("1".into()), stage: Some(4), seconds: 1 };
        let mut gathered = Gathered::default();
        for seen in [
            stack(1, Some(4), python),
            stack(1, Some(4), python),
            stack(1, Some(4), "map at app.rs:1:2\ncount at app.rs:3:4"),
            stack(1, Some(5), python),
            stack(2, Some(4), python),
            stack(1, None, ""),
        ] {
            gathered.add(&seen, &ask);
        }
        let samples = gathered.samples(6, 300);
        let told: Vec<(Vec<&str>, u64)> = samples
            .stacks
            .iter()
            .map(|stack| (stack.frames.iter().map(String::as_str).collect(), stack.count))
            .collect();
        assert_eq!(
            told,
            [
                (vec!["<module> (app.py:9)", "inner (app.py:3)"], 2),
                (vec!["count at app.rs:3:4", "map at app.rs:1:2", "(running)"], 1),
            ]
        );
        assert_eq!((samples.idle, samples.rounds), (1, 6));
    }

    #[test]
    fn no_program_makes_the_samples_grow_without_bound() {
        let mut gathered = Gathered::default();
        let ask = SampleAsk { executor: None, stage: None, seconds: 1 };
        for n in 0..STACKS_AT_MOST + 10 {
            gathered.add(&stack(1, Some(0), &format!("f{n}")), &ask);
        }
        assert_eq!(gathered.stacks.len(), STACKS_AT_MOST + 1);
        assert_eq!(gathered.stacks[&(None, vec![OTHERS.to_owned()])], 10);
    }
}
