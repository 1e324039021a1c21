//! The processes of executors: they start, connect to the driver, and end, by what cause ever.

use super::happening::{Cause, Happening};
use super::state::CODE_OF_A_LIE;
use super::world::World;
use firesteel_lending::{Loss, PoolEvent};
use firesteel_types::ExecutorLossReason;

impl World {
    /// A process is there, and connects to the driver.
    pub(crate) fn started(&mut self, name: &str) {
        let executor = self.executors.get_mut(name).expect("it was lent");
        if !executor.alive || executor.is_cut_off || executor.connected {
            return;
        }
        if executor.is_leaving || self.program.has_ended {
            return self.end(name, Cause::Refused);
        }
        executor.connected = true;
        self.report.ready += 1;
        self.program.met.push(name.into());
        self.report_of_driver(PoolEvent::Registered(name.into()));
        self.look_for_idle();
    }

    /// A process ends. Its connection with it, as its driver notices; and the manager says so, if it does.
    pub(crate) fn end(&mut self, name: &str, cause: Cause) {
        let executor = self.executors.get_mut(name).expect("it was lent");
        if !executor.alive {
            return;
        }
        executor.alive = false;
        executor.cause = Some(cause);
        let was_connected = std::mem::take(&mut executor.connected);
        match cause {
            Cause::Crash => self.report.crashes += 1,
            Cause::Preempted | Cause::Node => self.report.taken += 1,
            Cause::Left => self.report.left += 1,
            Cause::Released | Cause::Refused => {}
        }
        if was_connected {
            self.driver_notices(name);
        }
        if self.goes_wrong(self.scenario.faults.unsaid) {
            self.report.unsaid += 1;
            return;
        }
        let loss = self.loss(name, cause);
        self.say(PoolEvent::Lost { name: name.into(), loss });
    }

    /// How the manager tells an end. What it took away after a notice, and what was told to end, may look like an end of its own.
    fn loss(&mut self, name: &str, cause: Cause) -> Loss {
        let exited = |code| Loss::own(ExecutorLossReason::Exited { code: Some(code) });
        let has_notice = self.checker.is_leaving(name);
        match cause {
            Cause::Crash if self.rng.per_mille(500) => {
                Loss::own(ExecutorLossReason::Killed { signal: 9, peak_bytes: 0 })
            }
            Cause::Crash | Cause::Refused => exited(1),
            Cause::Preempted if has_notice && self.rng.per_mille(600) => exited(143),
            Cause::Preempted => Loss::taken("it was preempted"),
            Cause::Node => Loss::taken("its node was lost"),
            Cause::Released if self.rng.per_mille(300) => exited(143),
            Cause::Released => Loss::taken("it was given back"),
            Cause::Left => exited(0),
        }
    }

    /// Returns whether what the pool is told about is the end of an executor that nobody is to blame for.
    pub(crate) fn is_innocent(&self, event: &PoolEvent) -> bool {
        let PoolEvent::Lost { name, loss } = event else { return false };
        if loss.reason == (ExecutorLossReason::Exited { code: Some(CODE_OF_A_LIE) }) {
            // The pool cannot know better.
            return false;
        }
        let cause = self.executors.get(name).and_then(|executor| executor.cause);
        matches!(cause, Some(Cause::Preempted | Cause::Node | Cause::Released | Cause::Left | Cause::Refused))
    }

    /// The driver tells an executor to end, after a while.
    pub(crate) fn tell_to_leave(&mut self, name: &str, at_most_ms: u64) {
        let Some(executor) = self.executors.get_mut(name) else { return };
        executor.is_leaving = true;
        if executor.connected {
            let delay = self.rng.between(100, at_most_ms);
            self.time.after(delay, Happening::Ends(name.into(), Cause::Left));
        }
    }
}
