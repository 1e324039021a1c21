//! The scenario of a seed: how many executors, which program, which jobs, which settings, which faults.
//!
//! Of twelve seeds, four are small and nasty (few executors, many faults), one is without any fault (all jobs must
//! succeed), and the others lie between. Every fortieth has more than a thousand executors, some have none at all until
//! faults have ended.

use crate::program::Size;
use crate::rng::{Rng, mix2};
use firesteel_scheduler::{
    AllocationSettings, ExclusionSettings, JournalSettings, PoolSettings, Removal, SchedulerSettings,
    SchedulingMode, SpeculationSettings,
};

/// How often each fault happens, in cases of a thousand, or how many times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// An attempt at a task fails and may be tried again.
    pub(crate) task_fails: u64,
    /// An attempt fails in a way that no other attempt mends.
    pub(crate) task_fatal: u64,
    /// Some partition fails each time.
    pub(crate) poison: u64,
    /// A message never arrives.
    pub(crate) message_lost: u64,
    /// A message arrives twice.
    pub(crate) message_doubled: u64,
    /// A message takes seconds.
    pub(crate) message_late: u64,
    /// A task takes no notice of being killed.
    pub(crate) kill_ignored: u64,
    /// A map output cannot be read and never will be.
    pub(crate) output_broken: u64,
    /// An executor makes room for something else where a kept partition was.
    pub(crate) cached_evicted: u64,
    /// An executor is many times slower than others.
    pub(crate) slow_executor: u64,
    /// Executors die; this many.
    pub(crate) deaths: u64,
    /// Executors die, and their connections do not end; this many.
    pub(crate) silent_deaths: u64,
    /// Executors stop for a while, with all that they hold; this many.
    pub(crate) freezes: u64,
    /// Agents are decommissioned; this many.
    pub(crate) decommissions: u64,
    /// Agents are decommissioned, and end before they may; this many.
    pub(crate) preemptions: u64,
    /// Worker processes end; this many.
    pub(crate) worker_deaths: u64,
    /// An agent runs another program.
    pub(crate) impostors: u64,
    /// The cluster gives the application up; this many times.
    pub(crate) give_ups: u64,
    /// An agent takes long to copy what it is asked for.
    pub(crate) slow_copies: u64,
    /// The driver takes long to fetch a large result.
    pub(crate) slow_fetches: u64,
    /// An agent's answer about copies arrives twice, the second time late.
    pub(crate) repeated_copies: u64,
    /// An agent ends, or the worker process for which it has copied, as soon as it has answered about copies, and the answer is late.
    pub(crate) ends_after_copies: u64,
    /// The driver never hears how a fetch of a result has ended whose agent is gone.
    pub(crate) fetches_forgotten: u64,
    /// A reader that cannot reach a host names all executors there.
    pub(crate) unreachable_named: u64,
    /// Nothing passes between an executor and the driver for a while; this many times.
    pub(crate) driver_cuts: u64,
    /// Nothing passes between two hosts for a while, though both hear the driver; this many times.
    pub(crate) host_cuts: u64,
    /// The service of a host ends, with all outputs that it has, and is back after a while; this many times.
    pub(crate) service_deaths: u64,
    /// The driver's clock jumps forward; this many times.
    pub(crate) clock_jumps: u64,
    /// An executor that is started never registers.
    pub(crate) never_registers: u64,
    /// Agents are decommissioned with their hosts; this many.
    pub(crate) leaves: u64,
    /// Jobs are cancelled; this many.
    pub(crate) cancellations: u64,
    /// An executor fails most of its tasks.
    pub(crate) bad_executors: u64,
    /// All executors of a host fail most of their tasks.
    pub(crate) bad_hosts: u64,
    /// The shuffle storage does not take what is written.
    pub(crate) storage_fails: u64,
    /// An output in the shuffle storage cannot be read and never will be.
    pub(crate) storage_broken: u64,
}

/// When outputs are written to the shuffle storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// Soon after their tasks have ended.
    Background,
    /// Before that.
    Through,
    /// When the driver says so.
    Notice,
}

/// Everything that is decided before the world begins.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) executors: u64,
    pub(crate) slots: u64,
    pub(crate) size: Size,
    pub(crate) jobs: u64,
    /// How many RDDs are persisted, of a thousand.
    pub(crate) persisted: u64,
    /// Before how many jobs, of a thousand, all persisted RDDs are persisted anew.
    pub(crate) persisted_anew: u64,
    /// For as long as there are faults, no executor registers.
    pub(crate) has_no_executors: bool,
    /// Kept partitions are read from other executors, too.
    pub(crate) reads_cached_remotely: bool,
    /// The number of agents on which each partition of a persisted RDD is wanted.
    pub(crate) copies: u8,
    /// Copies that are lost are made again.
    pub(crate) repairs_copies: bool,
    pub(crate) settings: SchedulerSettings,
    pub(crate) faults: Faults,
    /// Map outputs outlive their executors.
    pub(crate) host_service: bool,
    /// There is a shuffle storage, and when outputs are written there.
    pub(crate) storage: Option<Write>,
    /// Executors are worker processes.
    pub(crate) has_processes: bool,
    /// A result of this many bytes does not travel in a message.
    pub(crate) large_result: u64,
    /// The most bytes of results that a job may have; 0 is no limit.
    pub(crate) max_result_size: u64,
    pub(crate) decommission_within_ms: u64,
    pub(crate) end_within_ms: u64,
    /// The number of executors follows what there is to do.
    pub(crate) allocation: Option<AllocationSettings>,
    /// A pool asks for agents, and hears of their ends.
    pub(crate) is_on_loan: bool,
    pub(crate) heartbeat_ms: u64,
    /// No fault begins after this time.
    pub(crate) quiet_from_ms: u64,
}

impl Scenario {
    pub(crate) fn new(seed: u64, rng: &mut Rng) -> Self {
        let huge = seed % 40 == 7;
        let calm = seed % 12 == 2;
        let nasty = seed % 3 == 1 && !huge;
        let executors = match (huge, nasty) {
            (true, _) => rng.between(1_001, 3_000),
            (_, true) => rng.between(1, 4),
            (false, false) => rng.between(2, 24),
        };
        let hosts = (executors / rng.between(1, 4)).max(1);
        let careless_per_mille = if rng.per_mille(500) { rng.between(100, 800) } else { 0 };
        let size = Size {
            rdds: rng.between(3, 16),
            source_partitions: if huge { 800 } else { rng.between(1, if nasty { 10 } else { 40 }) },
            reducers: if huge { 60 } else { rng.between(1, 12) },
            careless_per_mille,
            hosts,
            // Each executor has a slot at least.
            barrier_partitions: executors,
            preferred_per_mille: rng.between(0, 1) * 700,
        };
        let mut faults = if calm { Faults::default() } else { Faults::some(nasty, huge, rng) };
        // What was added later has chances of its own, and leaves some seeds as they were.
        let mut later = Rng::new(mix2(seed, 0x6c61_7465));
        let has_later = matches!(seed % 7, 1 | 2 | 4 | 5) && !calm;
        if has_later {
            faults.add_later(huge, &mut later);
        }
        let has_no_executors = has_later && seed % 61 == 31;
        if has_no_executors {
            faults.never_registers = 1000;
        }
        let host_service = rng.per_mille(250);
        // What an agent is like, and what the cluster tells of it.
        let mut fleet = Rng::new(mix2(seed, 0x666c_6565_7400));
        if !calm {
            faults.add_to_fleet(huge, &mut fleet);
        }
        if has_later {
            faults.add_latest(&mut Rng::new(mix2(seed, 0x6c61_7465_7374)));
        }
        let allocation = fleet.per_mille(150).then(|| allocation(executors, &mut fleet));
        // Seeds that once found something stay as they were.
        let exclusion = matches!(seed % 5, 1 | 2).then(|| {
            let mut rng = Rng::new(mix2(seed, 0x6578_636c_7564));
            if !calm {
                faults.bad_executors = if rng.per_mille(600) { rng.between(50, 400) } else { 0 };
                faults.bad_hosts = if rng.per_mille(400) { rng.between(50, 400) } else { 0 };
            }
            exclusion(&mut rng)
        });
        let mut copying = Rng::new(mix2(seed, 0x636f_7069_6573));
        let has_copies = matches!(seed % 4, 1 | 2);
        let mut anew = Rng::new(mix2(seed, 0x616e_6577));
        let persisted_anew = if host_service { *anew.pick(&[0, 500, 1000]) } else { 0 };
        let storage = matches!(seed % 4, 3).then(|| {
            let mut rng = Rng::new(mix2(seed, 0x7374_6f72_6500));
            if !calm {
                faults.storage_fails = if rng.per_mille(500) { rng.between(10, 500) } else { 0 };
                faults.storage_broken = if rng.per_mille(500) { rng.between(1, 20) } else { 0 };
            }
            *rng.pick(&[Write::Background, Write::Background, Write::Through, Write::Notice])
        });
        Scenario {
            executors,
            slots: rng.between(1, 4),
            size,
            jobs: rng.between(1, if huge { 3 } else { 8 }),
            persisted: match rng.per_mille(700) {
                true => rng.between(100, 700),
                false if has_copies => copying.between(100, 900),
                false if persisted_anew > 0 => anew.between(300, 900),
                false => 0,
            },
            persisted_anew,
            reads_cached_remotely: has_later && later.per_mille(500) || has_copies && copying.per_mille(800),
            copies: if has_copies { *copying.pick(&[2, 2, 3]) } else { 1 },
            repairs_copies: !has_copies || copying.per_mille(850),
            has_no_executors,
            settings: SchedulerSettings { exclusion, ..settings(host_service, rng) },
            faults,
            host_service,
            storage,
            has_processes: fleet.per_mille(300),
            large_result: *fleet.pick(&[u64::MAX, 40, 400]),
            max_result_size: if calm || fleet.per_mille(700) { 0 } else { fleet.between(50, 3_000) },
            decommission_within_ms: fleet.between(1, 60) * 1000,
            end_within_ms: *fleet.pick(&[0, 2_000]),
            allocation,
            is_on_loan: seed % 5 == 2 && !calm && !huge,
            heartbeat_ms: rng.between(2, 10) * 1000,
            quiet_from_ms: rng.between(10, 90) * 1000,
        }
    }

    /// Returns whether nothing goes wrong, so that every job must succeed.
    pub(crate) fn is_calm(&self) -> bool {
        let Faults { task_fails, message_late, deaths, freezes, cancellations, .. } = &self.faults;
        task_fails + message_late + deaths + freezes + cancellations == 0
    }
}

impl Faults {
    fn some(nasty: bool, huge: bool, rng: &mut Rng) -> Self {
        // Each kind of fault is left out of some runs, so that kinds are seen alone and in all company.
        let weight = if nasty { 4 } else { 1 };
        let mut rate = |usual: u64| if rng.per_mille(500) { weight * rng.below(usual + 1) } else { 0 };
        Faults {
            task_fails: 1 + rate(30),
            task_fatal: rate(1),
            poison: rate(30),
            message_lost: rate(15),
            message_doubled: rate(100),
            message_late: rate(50),
            kill_ignored: rate(100),
            output_broken: if huge { rate(1) } else { rate(10) },
            cached_evicted: rate(150),
            slow_executor: rate(100),
            deaths: rate(if huge { 400 } else { 10 }),
            silent_deaths: rate(4),
            freezes: rate(if huge { 200 } else { 10 }),
            decommissions: rate(3),
            cancellations: rate(1),
            ..Faults::default()
        }
    }
}

impl Faults {
    /// Cuts, services that end, clocks that jump, executors that never come.
    fn add_later(&mut self, huge: bool, rng: &mut Rng) {
        let mut rate = |usual: u64| if rng.per_mille(500) { rng.below(usual + 1) } else { 0 };
        self.driver_cuts = rate(if huge { 50 } else { 8 });
        self.host_cuts = rate(if huge { 50 } else { 8 });
        self.service_deaths = rate(3);
        self.clock_jumps = rate(2);
        self.never_registers = rate(150);
        self.unreachable_named = rate(1000);
        self.leaves = rate(if huge { 40 } else { 6 });
    }
}

impl Faults {
    /// Adds the faults of agents beside their deaths.
    fn add_to_fleet(&mut self, huge: bool, rng: &mut Rng) {
        let mut rate = |usual: u64| if rng.per_mille(500) { rng.below(usual + 1) } else { 0 };
        self.preemptions = rate(if huge { 20 } else { 4 });
        self.worker_deaths = rate(if huge { 100 } else { 10 });
        self.impostors = rate(100);
        self.give_ups = u64::from(rng.per_mille(10));
        let mut rate = |usual: u64| if rng.per_mille(500) { rng.below(usual + 1) } else { 0 };
        self.slow_copies = rate(400);
        self.slow_fetches = rate(400);
        self.repeated_copies = rate(300);
    }
}

impl Faults {
    /// Has orders to copy and to stop cross with what changes their meaning.
    fn add_latest(&mut self, rng: &mut Rng) {
        let mut rate = |usual: u64| if rng.per_mille(500) { rng.below(usual + 1) } else { 0 };
        self.ends_after_copies = rate(400);
        self.kill_ignored = self.kill_ignored.max(rate(700));
        self.slow_copies = self.slow_copies.max(rate(800));
        self.repeated_copies = self.repeated_copies.max(rate(800));
        self.fetches_forgotten = rate(1000);
    }
}

fn allocation(executors: u64, rng: &mut Rng) -> AllocationSettings {
    AllocationSettings {
        min: rng.below(2) as u32,
        max: (2 * executors) as u32,
        initial: executors as u32,
        slots: None,
        backlog_ms: rng.between(100, 2_000),
        sustained_backlog_ms: rng.between(100, 2_000),
        idle_ms: rng.between(1_000, 20_000),
        cached_idle_ms: rng.per_mille(500).then(|| rng.between(1_000, 30_000)),
    }
}

fn exclusion(rng: &mut Rng) -> ExclusionSettings {
    let mut limit = |most| rng.between(1, most) as u32;
    ExclusionSettings {
        task_attempts_per_executor: limit(2),
        task_attempts_per_host: limit(3),
        stage_tasks_per_executor: limit(4),
        stage_executors_per_host: limit(3),
        application_tasks_per_executor: limit(4),
        application_executors_per_host: limit(3),
        task_and_stage: rng.per_mille(800),
        application: rng.per_mille(800),
        timeout_ms: rng.between(1, 120) * 1000,
        on_fetch_failure: rng.per_mille(200),
        removal: *rng.pick(&[None, None, Some(Removal::Kill), Some(Removal::Decommission)]),
        unschedulable_timeout_ms: rng.between(10, 120) * 1000,
        newcomers_ms: *rng.pick(&[0, 10_000, 60_000]),
    }
}

fn settings(host_service: bool, rng: &mut Rng) -> SchedulerSettings {
    let fair = rng.per_mille(400);
    let pool = PoolSettings { weight: rng.between(1, 3) as u32, min_share: rng.below(3) as u32 };
    SchedulerSettings {
        journal: JournalSettings::Nothing,
        max_task_failures: rng.between(2, 8) as u32,
        max_consecutive_stage_attempts: rng.between(3, 6) as u32,
        mode: if fair { SchedulingMode::Fair } else { SchedulingMode::Fifo },
        pools: [("a".to_string(), pool)].into(),
        locality_wait_ms: *rng.pick(&[0, 500, 3_000]),
        network_timeout_ms: rng.between(15, 120) * 1000,
        unaccounted_task_timeout_ms: rng.between(10, 30) * 1000,
        outputs_survive_silence: host_service,
        speculation: rng.per_mille(500).then(SpeculationSettings::default),
        no_executors_timeout_ms: rng.between(30, 120) * 1000,
        // Executors do not come all at once.
        barrier_slots_wait_ms: rng.between(1, 60) * 1000,
        barrier_hold_ms: *rng.pick(&[0, 100, 1_000, 10_000]),
        // Long enough for a task that waits for the slowest of all, most of the time.
        barrier_sync_timeout_ms: *rng.pick(&[60_000, 365 * 24 * 3_600_000]),
        exclusion: None,
    }
}
