//! The scenario of a seed: how many hosts, applications and drivers, which settings, which faults.
//!
//! Of eight seeds, one is without any fault; three have a network that loses, doubles and reorders single messages of workers,
//! where the others keep the order of each connection, as TCP does. Half of all worlds have two masters and a lease; in the
//! others one master is started again each time it dies.

use crate::rng::Rng;
use firesteel_standalone::{LeaseSettings, MasterSettings, Resources};

/// How often what goes wrong, in cases of a thousand, or how many times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// A message of or to a worker never arrives.
    pub(crate) message_lost: u64,
    /// It arrives twice.
    pub(crate) message_doubled: u64,
    /// It takes seconds, and others overtake it.
    pub(crate) message_late: u64,
    /// A master dies or stands still between writing and telling, of a thousand times that it writes.
    pub(crate) interrupted: u64,
    /// An executor's process ends by itself, or cannot be started.
    pub(crate) executor_fails: u64,
    pub(crate) master_deaths: u64,
    pub(crate) master_freezes: u64,
    pub(crate) clock_jumps: u64,
    pub(crate) worker_deaths: u64,
    pub(crate) worker_freezes: u64,
    pub(crate) network_partitions: u64,
    pub(crate) isolations: u64,
    pub(crate) program_deaths: u64,
    pub(crate) decommissions: u64,
    pub(crate) kills: u64,
}

/// Everything that is decided before the world begins.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// Two masters with a lease, or one without.
    pub(crate) standby: bool,
    pub(crate) lease: LeaseSettings,
    pub(crate) settings: MasterSettings,
    pub(crate) hosts: Vec<Resources>,
    pub(crate) programs: u64,
    pub(crate) drivers: u64,
    pub(crate) heartbeat_ms: u64,
    /// After how long without an answer workers and applications look for a master elsewhere.
    pub(crate) patience_ms: u64,
    /// No fault begins after this time.
    pub(crate) quiet_from_ms: u64,
    pub(crate) faults: Faults,
}

impl Scenario {
    pub(crate) fn new(seed: u64, rng: &mut Rng) -> Self {
        let calm = seed % 8 == 3;
        let mean = matches!(seed % 8, 1 | 4 | 6);
        let hosts = if seed % 25 == 9 { rng.between(30, 80) } else { rng.between(1, 7) };
        let resources = |rng: &mut Rng| Resources::new(rng.between(1, 9) as u32, 1024 * rng.between(1, 9));
        let heartbeat_ms = rng.between(2, 15) * 1000;
        let lease = LeaseSettings {
            duration_ms: rng.between(8, 20) * 1000,
            renew_interval_ms: rng.between(1, 4) * 1000,
            clock_bound_ms: rng.between(0, 6) * 1000,
        };
        Scenario {
            standby: rng.per_mille(500),
            settings: settings(lease, heartbeat_ms, rng),
            lease,
            hosts: (0..hosts).map(|_| resources(rng)).collect(),
            programs: rng.between(1, if hosts > 20 { 12 } else { 5 }),
            drivers: rng.between(0, 4),
            heartbeat_ms,
            patience_ms: heartbeat_ms * 2 + rng.between(1, 10) * 1000,
            quiet_from_ms: rng.between(60, 600) * 1000,
            faults: if calm { Faults::default() } else { Faults::some(mean, rng) },
        }
    }

    /// Returns whether each connection keeps the order of its messages, and loses none while it lasts.
    pub(crate) fn keeps_order(&self) -> bool {
        let Faults { message_lost, message_doubled, message_late, .. } = self.faults;
        message_lost + message_doubled + message_late == 0
    }
}

impl Faults {
    fn some(mean: bool, rng: &mut Rng) -> Self {
        let mut rate = |usual: u64| if rng.per_mille(500) { 1 + rng.below(usual) } else { 0 };
        let mut faults = Faults {
            interrupted: rate(60),
            executor_fails: rate(300),
            master_deaths: rate(4),
            master_freezes: rate(4),
            clock_jumps: rate(6),
            worker_deaths: rate(4),
            worker_freezes: rate(5),
            network_partitions: rate(8),
            isolations: rate(4),
            program_deaths: rate(2),
            decommissions: rate(2),
            kills: rate(3),
            ..Faults::default()
        };
        if mean {
            faults.message_lost = 1 + rate(80);
            faults.message_doubled = rate(150);
            faults.message_late = rate(100);
        }
        faults
    }
}

fn settings(lease: LeaseSettings, heartbeat_ms: u64, rng: &mut Rng) -> MasterSettings {
    // Those who wait for a new master have to wait for the lease to run out first.
    let takeover_ms = lease.duration_ms + lease.clock_bound_ms + lease.renew_interval_ms;
    MasterSettings {
        worker_timeout_ms: heartbeat_ms * rng.between(3, 5),
        application_timeout_ms: takeover_ms + heartbeat_ms * 4,
        recovery_timeout_ms: heartbeat_ms * 2 + rng.between(5, 60) * 1000,
        unaccounted_timeout_ms: *rng.pick(&[1_000, 15_000, 20_000]),
        stall_ms: rng.between(4, 20) * 1000,
        spread_out: rng.per_mille(700),
        default_cores: rng.per_mille(300).then(|| rng.between(1, 8) as u32),
        max_executor_failures: Some(rng.between(3, 10) as u32),
        executor_backoff_ms: *rng.pick(&[0, 100, 2_000]),
        executor_backoff_max_ms: 10_000,
        retained_applications: 200,
        retained_drivers: 200,
        supervise_backoff_ms: 1_000,
        supervise_backoff_max_ms: rng.between(2, 60) * 1000,
        ..MasterSettings::default()
    }
}
