//! One run of the world: happening after happening, and the checks when faults have ended and when everything has.

use super::happening::Happening;
use super::report::ManagedReport;
use super::world::World;
use crate::objection::Objection;

/// More happenings than any seed needs: a world that has more makes no progress.
const HAPPENINGS_AT_MOST: u64 = 200_000;
/// After the last fault, so long until everything must be as it should be: the longest pause, the longest time to register, and
/// the latest word of the manager, twice.
const CONVERGENCE_MS: u64 = 600_000;
/// After the end, so long until nothing is left.
const DRAIN_MS: u64 = 300_000;

impl World {
    /// Lets everything happen, and looks at what is left.
    pub(crate) fn run(&mut self) -> Result<ManagedReport, Objection> {
        self.begin();
        self.run_until(self.scenario.quiet_from_ms + CONVERGENCE_MS)?;
        if !self.checker.is_over() {
            self.check_converged()?;
            self.report.converged += 1;
            self.happen(Happening::Finish)?;
        }
        self.run_until(self.time.now + DRAIN_MS)?;
        self.check_empty()?;
        self.report.happenings = self.time.happened;
        self.report.lasted_ms = self.time.now;
        Ok(self.report.clone())
    }

    fn run_until(&mut self, end: u64) -> Result<(), Objection> {
        while let Some(happening) = self.time.next_until(end, HAPPENINGS_AT_MOST)? {
            self.happen(happening)?;
        }
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Objection> {
        if !matches!(happening, Happening::Tick) {
            self.time.trace(format!("{happening:?}"));
        }
        match happening {
            Happening::ToPool(event) => self.handle(event)?,
            Happening::Tick => self.tick()?,
            Happening::Meet => self.meet()?,
            Happening::Started(name) => self.started(&name),
            Happening::Ends(name, cause) => self.end(&name, cause),
            Happening::Released(name) => self.released(&name),
            Happening::Wish(executors) => self.wish(executors),
            Happening::Excludes => self.exclude(),
            Happening::Includes => self.include(),
            Happening::GivesBack => self.give_back(),
            Happening::Finish => self.finish(),
            Happening::Fault(fault) => self.befall(fault)?,
        }
        Ok(())
    }

    /// Checks, by the processes that run and not by what anybody believes, that the application has what it wants.
    fn check_converged(&self) -> Result<(), Objection> {
        self.checker.check_converged()?;
        let living = self.executors.values().filter(|executor| executor.alive).count();
        let connected = self.executors.values().filter(|executor| executor.connected).count();
        let wanted = self.program.wanted as usize;
        match (connected, living) == (wanted, wanted) {
            true => Ok(()),
            false => Err(format!(
                "long after the last fault, {wanted} executors are wanted, {living} live, {connected} are connected"
            )),
        }
    }

    /// Checks that no process is left which the pool has heard of, unless it was told that it had ended.
    fn check_empty(&self) -> Result<(), Objection> {
        let living = self.executors.iter().filter(|(_, executor)| executor.alive && !executor.said_gone);
        let mut left = living.filter(|(name, _)| self.checker.knows(name));
        match left.next() {
            Some((name, _)) => Err(format!("executor {name} lives long after the application's end")),
            None => self.checker.check_told(),
        }
    }
}
