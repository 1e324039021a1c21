//! Reports of the runs with a cluster manager, in numbers.

use std::fmt;

/// One run, or the sum of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManagedReport {
    /// How many runs.
    pub runs: u64,
    /// The number of happenings.
    pub happenings: u64,
    /// Virtual milliseconds.
    pub lasted_ms: u64,
    /// Executors that were asked for.
    pub requested: u64,
    /// Of these, the ones that were taken back.
    pub withdrawn: u64,
    /// Executors that the manager has started.
    pub started: u64,
    /// Of these, the ones that nobody had asked for.
    pub unasked: u64,
    /// Executors that became ready.
    pub ready: u64,
    /// Executors that never reached the driver.
    pub cut_off: u64,
    /// How often the manager refused.
    pub refusals: u64,
    /// Executors that ended by their own fault.
    pub crashes: u64,
    /// Executors that the manager took away.
    pub taken: u64,
    /// Of these, the ones with a notice.
    pub noticed: u64,
    /// Nodes that went.
    pub nodes_lost: u64,
    /// How often the application excluded executors.
    pub excluded: u64,
    /// Executors that live and were said to be gone.
    pub lies: u64,
    /// Words of the manager that were said twice.
    pub doubled: u64,
    /// Ends of executors that were never told.
    pub unsaid: u64,
    /// Executors that the pool has given back.
    pub released: u64,
    /// Executors that the application has given back.
    pub left: u64,
    /// Applications that had as many executors as they wanted when faults had ended.
    pub converged: u64,
    /// Applications that were given up.
    pub given_up: u64,
    /// Applications that ended amid the faults.
    pub ended_early: u64,
}

impl ManagedReport {
    /// Adds another run.
    pub fn add(&mut self, other: &ManagedReport) {
        self.runs += other.runs;
        self.happenings += other.happenings;
        self.lasted_ms += other.lasted_ms;
        self.requested += other.requested;
        self.withdrawn += other.withdrawn;
        self.started += other.started;
        self.unasked += other.unasked;
        self.ready += other.ready;
        self.cut_off += other.cut_off;
        self.refusals += other.refusals;
        self.crashes += other.crashes;
        self.taken += other.taken;
        self.noticed += other.noticed;
        self.nodes_lost += other.nodes_lost;
        self.excluded += other.excluded;
        self.lies += other.lies;
        self.doubled += other.doubled;
        self.unsaid += other.unsaid;
        self.released += other.released;
        self.left += other.left;
        self.converged += other.converged;
        self.given_up += other.given_up;
        self.ended_early += other.ended_early;
    }
}

impl fmt::Display for ManagedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "executors on loan: {} runs, {} happenings in {} virtual s, {} executors asked for, {} of them taken back, {} ready",
            self.runs,
            self.happenings,
            self.lasted_ms / 1000,
            self.requested,
            self.withdrawn,
            self.ready
        )?;
        writeln!(
            f,
            "managers: {} started, {} of them unasked, {} refusals, {} cut off, {} crashed, {} taken away, {} of them with notice, {} nodes lost",
            self.started,
            self.unasked,
            self.refusals,
            self.cut_off,
            self.crashes,
            self.taken,
            self.noticed,
            self.nodes_lost
        )?;
        write!(
            f,
            "applications on loan: {} had what they wanted, {} given up, {} ended early; {} executors released, {} given back; {} exclusions; {} words doubled, {} ends unsaid, {} said of the living",
            self.converged,
            self.given_up,
            self.ended_early,
            self.released,
            self.left,
            self.excluded,
            self.doubled,
            self.unsaid,
            self.lies
        )
    }
}
