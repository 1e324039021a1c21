//! The scenario of a seed: which rules, which wishes, which faults. Of eight seeds, one is without any fault.

use crate::rng::Rng;
use firesteel_lending::PoolSettings;

/// How often what goes wrong, in cases of a thousand, or how many times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// A word of the manager takes long, and others overtake it.
    pub(crate) late: u64,
    /// It says it twice.
    pub(crate) doubled: u64,
    /// It never says that an executor is gone.
    pub(crate) unsaid: u64,
    /// It does not meet a request, and says so.
    pub(crate) refused: u64,
    /// It meets it all the same.
    pub(crate) refused_and_met: u64,
    /// It meets a request that was taken back.
    pub(crate) met_anyway: u64,
    /// It starts more than was asked for.
    pub(crate) more: u64,
    /// A process ends before it is ready.
    pub(crate) fails: u64,
    /// It never reaches the driver.
    pub(crate) cut_off: u64,
    pub(crate) crashes: u64,
    pub(crate) preemptions: u64,
    pub(crate) thefts: u64,
    pub(crate) node_losses: u64,
    pub(crate) silences: u64,
    pub(crate) quotas: u64,
    pub(crate) lies: u64,
    pub(crate) gifts: u64,
    /// How often the application excludes executors, since tasks fail there.
    pub(crate) exclusions: u64,
}

/// Everything that is decided before the world begins.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) settings: PoolSettings,
    pub(crate) nodes: u64,
    /// How many executors the application wants from which time on.
    pub(crate) wishes: Vec<(u64, u32)>,
    /// The application ends amid the faults.
    pub(crate) ends_early: bool,
    /// No fault begins after this time.
    pub(crate) quiet_from_ms: u64,
    pub(crate) faults: Faults,
}

impl Scenario {
    pub(crate) fn new(seed: u64, rng: &mut Rng) -> Self {
        let quiet_from_ms = rng.between(20, 400) * 1000;
        let most = if seed % 25 == 9 { 200 } else { rng.between(1, 12) };
        let changes = if rng.per_mille(300) { 0 } else { rng.between(1, 20) };
        let mut wishes = vec![(0, rng.between(1, most) as u32)];
        wishes.extend((0..changes).map(|_| (rng.below(quiet_from_ms), rng.between(0, most) as u32)));
        let settings = settings(rng);
        let is_patient = settings.register_within_ms == 0;
        let faults = if seed % 8 == 3 { Faults::default() } else { Faults::some(is_patient, rng) };
        let ends_early = rng.per_mille(250);
        Scenario { settings, nodes: rng.between(1, 6), wishes, ends_early, quiet_from_ms, faults }
    }
}

fn settings(rng: &mut Rng) -> PoolSettings {
    let pause_ms = rng.between(50, 5_000);
    let limited = rng.per_mille(500);
    let forgets = rng.per_mille(500);
    PoolSettings {
        batch: if rng.per_mille(500) { u32::MAX } else { rng.between(1, 8) as u32 },
        register_within_ms: if rng.per_mille(150) { 0 } else { rng.between(5, 120) * 1000 },
        end_within_ms: rng.between(200, 5_000),
        failed_starts_at_most: rng.between(1, 6) as u32,
        failures_at_most: limited.then(|| rng.between(0, 8) as u32),
        failures_valid_ms: forgets.then(|| rng.between(5, 200) * 1000),
        excluded_per_machine: rng.between(1, 3) as u32,
        pause_ms,
        pause_at_most_ms: pause_ms * rng.between(1, 20),
        ..PoolSettings::default()
    }
}

impl Faults {
    /// Each kind of fault is there in some seeds only, so that none hides another.
    fn some(is_patient: bool, rng: &mut Rng) -> Self {
        let mut some = |often: u64, most: u64| if rng.per_mille(often) { rng.between(1, most) } else { 0 };
        Faults {
            late: some(500, 500),
            doubled: some(500, 500),
            // Who waits for ever for an executor must be told of its end.
            unsaid: if is_patient { 0 } else { some(300, 500) },
            refused: some(300, 500),
            refused_and_met: some(200, 300),
            met_anyway: some(500, 900),
            more: some(300, 300),
            fails: some(300, 600),
            cut_off: if is_patient { 0 } else { some(300, 400) },
            crashes: some(500, 6),
            preemptions: some(500, 8),
            thefts: some(400, 6),
            node_losses: some(400, 3),
            silences: some(400, 3),
            quotas: some(400, 3),
            lies: some(300, 3),
            gifts: some(300, 3),
            exclusions: some(400, 6),
        }
    }
}
