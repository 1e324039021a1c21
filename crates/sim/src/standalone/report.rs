//! Reports of the standalone cluster's runs, in numbers.

use std::fmt;

/// One run, or the sum of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StandaloneReport {
    /// How many runs.
    pub runs: u64,
    /// The number of happenings.
    pub happenings: u64,
    /// Virtual milliseconds.
    pub lasted_ms: u64,
    /// Executors' processes that were started.
    pub executors: u64,
    /// Drivers' processes that were started.
    pub drivers: u64,
    /// Masters that began to lead.
    pub reigns: u64,
    /// Masters that stopped leading because their lease ran out.
    pub abdications: u64,
    /// Snapshots written.
    pub snapshots: u64,
    /// Masters that died or stood still between writing and telling.
    pub interrupted: u64,
    /// Orders that workers did not obey, since another master led.
    pub orders_fenced: u64,
    /// Messages that never arrived.
    pub messages_lost: u64,
    /// Processes that died, froze or were cut off.
    pub struck: u64,
    /// Things that workers ran and were told to end.
    pub unwanted: u64,
    /// Applications that ended as they wished.
    pub finished: u64,
    /// Applications whose executors failed too often.
    pub failed: u64,
    /// Applications of which nothing was heard for too long.
    pub lost: u64,
    /// How often an application was told why it waits.
    pub waits: u64,
}

impl StandaloneReport {
    /// Adds another run.
    pub fn add(&mut self, other: &StandaloneReport) {
        self.runs += other.runs;
        self.happenings += other.happenings;
        self.lasted_ms += other.lasted_ms;
        self.executors += other.executors;
        self.drivers += other.drivers;
        self.reigns += other.reigns;
        self.abdications += other.abdications;
        self.snapshots += other.snapshots;
        self.interrupted += other.interrupted;
        self.orders_fenced += other.orders_fenced;
        self.messages_lost += other.messages_lost;
        self.struck += other.struck;
        self.unwanted += other.unwanted;
        self.finished += other.finished;
        self.failed += other.failed;
        self.lost += other.lost;
        self.waits += other.waits;
    }
}

impl fmt::Display for StandaloneReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "standalone: {} runs, {} happenings in {} virtual s, {} executors and {} drivers started",
            self.runs,
            self.happenings,
            self.lasted_ms / 1000,
            self.executors,
            self.drivers
        )?;
        writeln!(
            f,
            "masters: {} reigns, {} abdications, {} snapshots, {} times interrupted behind one, {} orders fenced off",
            self.reigns, self.abdications, self.snapshots, self.interrupted, self.orders_fenced
        )?;
        write!(
            f,
            "applications: {} finished, {} failed, {} lost, {} told why they wait; {} struck, {} messages lost, {} unwanted ended",
            self.finished, self.failed, self.lost, self.waits, self.struck, self.messages_lost, self.unwanted
        )
    }
}
