//! Reports of the runs in which drivers are killed, in numbers.

use std::fmt;

/// The runs of one seed, or the sum of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestartsReport {
    /// How many applications ran, each from its first driver to its last.
    pub applications: u64,
    /// Drivers that were killed.
    pub killed: u64,
    /// Drivers that found a torn record at the end of the journal.
    pub torn: u64,
    /// Jobs that ran.
    pub ran: u64,
    /// Jobs that had their answers from the journal.
    pub restored: u64,
    /// Map outputs that were taken up from the shuffle storage.
    pub outputs: u64,
    /// Objects of the storage that went or broke while there was no driver.
    pub objects_gone: u64,
    /// Jobs that were others than the journal had.
    pub diverged: u64,
    /// Outputs whose commit was repeated.
    pub recommitted: u64,
    /// Outputs that a driver had begun and another one began anew.
    pub begun_anew: u64,
    /// Launches of tasks.
    pub launches: u64,
}

impl RestartsReport {
    /// Adds other runs.
    pub fn add(&mut self, other: &RestartsReport) {
        self.applications += other.applications;
        self.killed += other.killed;
        self.torn += other.torn;
        self.ran += other.ran;
        self.restored += other.restored;
        self.outputs += other.outputs;
        self.objects_gone += other.objects_gone;
        self.diverged += other.diverged;
        self.recommitted += other.recommitted;
        self.begun_anew += other.begun_anew;
        self.launches += other.launches;
    }
}

impl fmt::Display for RestartsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "restarts: {} applications, {} drivers killed, {} journals with a torn end; {} jobs ran, {} restored, {} others than before; {} \
             map outputs taken up, {} objects gone; {} outputs committed again, {} begun anew; {} launches",
            self.applications,
            self.killed,
            self.torn,
            self.ran,
            self.restored,
            self.diverged,
            self.outputs,
            self.objects_gone,
            self.recommitted,
            self.begun_anew,
            self.launches
        )
    }
}
