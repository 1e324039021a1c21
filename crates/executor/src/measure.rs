//! The times of tasks: how long one waited, was made ready, and ran, and the CPU time of that.
//!
//! To ask the kernel for a thread's CPU time takes about as long as a small task, so the clock is read around long tasks alone.
//! Of short ones, and of short pauses between tasks, the time itself is taken for their CPU time.

use firesteel_io::Traffic;
use firesteel_types::TaskMetrics;
use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Shorter tasks have their time for their CPU time.
const SHORT: Duration = Duration::from_micros(100);

/// In a longer pause between two tasks the thread may have slept.
const PAUSE: Duration = Duration::from_micros(50);

/// The CPU time of the tasks of one thread.
#[derive(Default)]
pub(crate) struct CpuClock {
    last: Option<Reading>,
}

/// The last reading of the clock, and what came since.
struct Reading {
    /// The thread's CPU time.
    cpu: Duration,
    /// The CPU time of short tasks and pauses since.
    since: Duration,
    /// The end of the last task.
    ended: Instant,
}

impl CpuClock {
    /// A task begins.
    fn begin(&mut self, now: Instant) {
        match &mut self.last {
            Some(last) if now - last.ended < PAUSE => last.since += now - last.ended,
            last => *last = Some(Reading { cpu: thread_cpu_time(), since: Duration::ZERO, ended: now }),
        }
    }

    /// A task that began `took` ago ends. Returns its CPU time.
    fn end(&mut self, now: Instant, took: Duration) -> Duration {
        let Some(last) = &mut self.last else { return took };
        if took < SHORT {
            last.since += took;
            last.ended = now;
            return took;
        }
        let cpu = thread_cpu_time();
        let used = cpu.saturating_sub(last.cpu + last.since).min(took);
        *last = Reading { cpu, since: Duration::ZERO, ended: now };
        used
    }
}

/// Returns the CPU time of this thread; none at all from a kernel that does not count it.
fn thread_cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// The measuring of one task, from its beginning in a slot.
pub(crate) struct Stopwatch {
    began: Instant,
    ready: Instant,
    waited: Duration,
    /// The CPU time of decoding the stage's plan.
    decode_cpu: Duration,
    traffic: Traffic,
}

impl Stopwatch {
    /// A task begins that came at `arrived`.
    pub(crate) fn begin(clock: &mut CpuClock, arrived: Instant) -> Self {
        let began = Instant::now();
        clock.begin(began);
        let (waited, decode_cpu) = (began - arrived, Duration::ZERO);
        Stopwatch { began, ready: began, waited, decode_cpu, traffic: Traffic::of_this_thread() }
    }

    /// The time at which the task began.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// The task's plan is there and decoded, for which the task waited.
    pub(crate) fn ready(&mut self) {
        self.ready = Instant::now();
    }

    /// Fetches and decodes the task's plan.
    pub(crate) fn decode<T>(&mut self, decode: impl FnOnce() -> T) -> T {
        let before = thread_cpu_time();
        let decoded = decode();
        self.decode_cpu = thread_cpu_time().saturating_sub(before);
        self.ready();
        decoded
    }

    /// The task ends. Adds its times, and the bytes of files that it read and wrote, to what it has measured itself.
    pub(crate) fn end(self, clock: &mut CpuClock, metrics: &mut TaskMetrics) {
        let now = Instant::now();
        let cpu = clock.end(now, now - self.began);
        let traffic = self.traffic.since();
        metrics.slot_wait_us = micros(self.waited);
        metrics.deserialize_us = micros(self.ready - self.began);
        metrics.run_us = micros(now - self.ready);
        metrics.deserialize_cpu_us = micros(self.decode_cpu);
        metrics.cpu_us = micros(cpu.saturating_sub(self.decode_cpu).min(now - self.ready));
        metrics.input_bytes += traffic.read;
        metrics.output_bytes += traffic.written;
    }
}

fn micros(time: Duration) -> u64 {
    time.as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computes until the thread has used this much CPU time.
    fn compute(time: Duration) {
        let begin = thread_cpu_time();
        while thread_cpu_time() - begin < time {}
    }

    #[test]
    fn a_task_that_sleeps_uses_little_and_one_that_computes_much() {
        let mut clock = CpuClock::default();
        let mut measure = |task: &dyn Fn()| {
            let stopwatch = Stopwatch::begin(&mut clock, Instant::now());
            task();
            let mut metrics = TaskMetrics::default();
            stopwatch.end(&mut clock, &mut metrics);
            metrics
        };
        let computed = measure(&|| compute(Duration::from_millis(20)));
        let slept = measure(&|| std::thread::sleep(Duration::from_millis(20)));
        assert!(computed.cpu_us >= 20_000 && computed.run_us >= computed.cpu_us, "{computed:?}");
        assert!(slept.run_us >= 20_000 && slept.cpu_us < 20_000, "{slept:?}");
    }

    #[test]
    fn the_time_of_decoding_a_plan_is_not_the_tasks() {
        let mut clock = CpuClock::default();
        let mut stopwatch = Stopwatch::begin(&mut clock, Instant::now());
        assert_eq!(stopwatch.decode(|| (compute(Duration::from_millis(20)), 7)).1, 7);
        compute(Duration::from_millis(5));
        let mut metrics = TaskMetrics::default();
        stopwatch.end(&mut clock, &mut metrics);
        assert!(metrics.deserialize_cpu_us >= 20_000, "{metrics:?}");
        assert!(metrics.deserialize_us >= metrics.deserialize_cpu_us, "{metrics:?}");
        assert!(metrics.cpu_us >= 5_000 && metrics.cpu_us <= metrics.run_us, "{metrics:?}");
    }

    #[test]
    fn short_tasks_are_not_counted_for_the_long_one_after_them() {
        let mut clock = CpuClock::default();
        let begin = thread_cpu_time();
        let mut sum = 0;
        for task in 0..1_000 {
            let stopwatch = Stopwatch::begin(&mut clock, Instant::now());
            if task == 999 {
                compute(Duration::from_millis(5));
            }
            let mut metrics = TaskMetrics::default();
            stopwatch.end(&mut clock, &mut metrics);
            sum += metrics.cpu_us;
        }
        let used = (thread_cpu_time() - begin).as_micros() as u64;
        // The thread may have lost the processor during a short task, whose time then counts as CPU time.
        assert!(sum >= 5_000, "{sum} of {used}");
    }
}
