//! One run of the world: happening after happening, and the checks when all jobs have ended.

use crate::happening::{Happening, Order};
use crate::objection::Objection;
use crate::oracle::sum_in;
use crate::program::ACCUMULATORS;
use crate::report::Report;
use crate::world::World;
use firesteel_scheduler::{ApplicationEvent, Event};
use firesteel_types::AccumulatorId;

/// More happenings than any seed needs: a world that has more makes no progress.
const HAPPENINGS_AT_MOST: u64 = 5_000_000;
/// Longer than any seed needs, in virtual milliseconds.
const TIME_AT_MOST_MS: u64 = 6 * 3_600_000;
/// After the last job, so long everything under way has ended: the longest freeze, a late message, a slow task.
const DRAIN_MS: u64 = 300_000;

impl World {
    /// Lets everything happen, until all jobs have ended and nothing is left.
    pub(crate) fn run(&mut self) -> Result<Report, Objection> {
        self.begin();
        for accumulator in (0..ACCUMULATORS).map(AccumulatorId) {
            self.schedule(Event::AccumulatorRegistered { accumulator })?;
        }
        while self.checker.jobs.values().any(|job| job.ended.is_none()) || !self.programme.is_empty() {
            self.step()?;
        }
        self.report.ended_at_ms = self.now;
        self.draining = true;
        self.run_until(self.now + DRAIN_MS)?;
        self.check_idle()?;
        self.check_copies()?;
        for shuffle in self.program.clone().shuffles.keys() {
            self.happen(Happening::Release { shuffle: *shuffle })?;
        }
        for rdd in self.program.rdds() {
            self.happen(Happening::ReleaseRdd { rdd })?;
        }
        self.check_accumulators()?;
        if !self.application.scheduler().is_empty() {
            return Err("the scheduler remembers something after everything was released".into());
        }
        self.run_until(self.now + DRAIN_MS)?;
        self.check_nothing_left()?;
        self.check_members()?;
        self.inform(ApplicationEvent::Stop, None)?;
        self.report.happenings = self.happened;
        self.report.updates_undone = self.checker.oracle.undone;
        self.report.versions_grown = self.checker.versions_grown;
        let barriers = &self.checker.barriers;
        (self.report.barriers, self.report.released) = (barriers.launched, barriers.released);
        (self.report.refused, self.report.results_dropped) = (barriers.refused, barriers.dropped);
        let exclusion = &self.checker.exclusion;
        self.report.excluded_from_stages = exclusion.from_stages;
        self.report.excluded_from_application = exclusion.from_application;
        Ok(self.report.clone())
    }

    fn run_until(&mut self, end: u64) -> Result<(), Objection> {
        while self.queue.first_key_value().is_some_and(|(&(at, _), _)| at <= end) {
            self.step()?;
        }
        self.now = end;
        Ok(())
    }

    fn step(&mut self) -> Result<(), Objection> {
        let Some(((at, _), happening)) = self.queue.pop_first() else {
            return Err("jobs run, and nothing will ever happen again".into());
        };
        assert!(at >= self.now, "time does not go back");
        self.now = at;
        self.happened += 1;
        if self.happened > HAPPENINGS_AT_MOST || self.now > TIME_AT_MOST_MS {
            return Err(format!("no progress: {} happenings, {} ms", self.happened, self.now));
        }
        if self.is_traced() && !happening.is_routine() {
            self.trace(format!("{happening:?}"));
        }
        self.happen(happening)
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Objection> {
        match happening {
            Happening::ToMachine { to, order } => {
                // Files are dropped where they lie, whether or not the agent moves.
                let is_for_files = matches!(order, Order::Drop(_) | Order::DropResult(_));
                if is_for_files || self.moves(to, || Happening::ToMachine { to, order: order.clone() }) {
                    self.obey(to, order)?;
                }
            }
            Happening::ToDriver { from, message } => self.on_message(from, message)?,
            Happening::Worked { on, task } => {
                if self.is_awake(on, || Happening::Worked { on, task }) {
                    self.worked(on, task)?;
                }
            }
            Happening::AsksAgain { on, task } => {
                if self.is_awake(on, || Happening::AsksAgain { on, task }) {
                    self.ask_to_commit(on, task);
                }
            }
            Happening::CallsAgain { on, task, epoch } => {
                if self.is_awake(on, || Happening::CallsAgain { on, task, epoch }) {
                    self.call_barrier(on, task, epoch);
                }
            }
            Happening::HeartbeatDue { on } => {
                if self.moves(on, || Happening::HeartbeatDue { on }) {
                    self.beat(on);
                }
            }
            Happening::Tick => {
                self.tick_at = None;
                self.schedule(Event::Tick)?;
            }
            Happening::ToPool(event) => self.pool_handles(event)?,
            Happening::Submit { job } => self.submit(job)?,
            Happening::Cancel { job } => self.cancel(job)?,
            Happening::Release { shuffle } => {
                self.schedule(Event::ShuffleReleased { shuffle })?;
                self.checker.release_shuffle(&self.program, shuffle);
            }
            Happening::Persist { rdd } => self.persist(rdd),
            Happening::Unpersist { rdd } => self.unpersist(rdd)?,
            Happening::PersistAnew => self.persist_anew()?,
            Happening::Unpersisted { rdd, generation } => {
                self.schedule(Event::RddUnpersisted { rdd, generation })?;
            }
            Happening::Evict { on, cached } => {
                if self.is_awake(on, || Happening::Evict { on, cached }) {
                    self.evict(on, cached);
                }
            }
            Happening::ReleaseRdd { rdd } => {
                self.unpersist(rdd)?;
                self.schedule(Event::RddReleased { rdd })?;
                self.checker.oracle.rdd_gone(rdd);
            }
            Happening::Reset { accumulator } => {
                self.settled[accumulator.0 as usize] = 0;
                self.checker.oracle.reset(accumulator, self.checker.last_task);
                self.schedule(Event::AccumulatorReset { accumulator })?;
            }
            Happening::Setting => {
                let setting = "the program's modules".into();
                self.inform(ApplicationEvent::WorkerSetting { setting }, None)?;
            }
            Happening::Fetched { agent, executor, task, address } => {
                self.fetched((agent, executor), task, &address)?;
            }
            Happening::Copied { on, request } => {
                if self.moves(on, || Happening::Copied { on, request: request.clone() }) {
                    self.copied(on, request);
                }
            }
            Happening::Uploads { on, name } => {
                if self.moves(on, || Happening::Uploads { on, name }) {
                    self.upload(on, &[name]);
                }
            }
            Happening::Stores { on, order } => {
                if self.moves(on, || Happening::Stores { on, order: order.clone() }) {
                    self.stored(on, &order);
                }
            }
            Happening::Fault(fault) => self.befall(fault)?,
        }
        Ok(())
    }

    fn check_idle(&self) -> Result<(), Objection> {
        if !self.application.is_idle() {
            return Err("all jobs have ended, but the application is not idle".into());
        }
        if let Some(stage) = self.plans.keys().next() {
            return Err(format!("all jobs have ended, but stage {stage} was not forgotten"));
        }
        let busy = self.status.stages().find(|stage| stage.running > 0 || stage.completed.is_none());
        if let Some(stage) = busy {
            return Err(format!("by its events, stage {} never ended", stage.stage));
        }
        match self.status.executors().find(|executor| executor.running > 0) {
            Some(executor) => Err(format!("by its events, executor {} is busy", executor.executor)),
            None => Ok(()),
        }
    }

    /// Compares what accumulators have with what they must have.
    pub(crate) fn check_accumulators(&mut self) -> Result<(), Objection> {
        self.report.accumulators_read += ACCUMULATORS;
        for (id, must) in self.checker.oracle.values().into_iter().enumerate() {
            let updates = self.application.scheduler().accumulator_updates(AccumulatorId(id as u64));
            let value = updates.iter().map(|bytes| sum_in(bytes)).fold(self.settled[id], u64::wrapping_add);
            if value != must {
                return Err(format!("accumulator {id} has {value}, but what counts adds up to {must}"));
            }
        }
        Ok(())
    }

    fn check_nothing_left(&self) -> Result<(), Objection> {
        if let Some(task) = self.held.keys().next() {
            return Err(format!("the result of task {task} is held for ever"));
        }
        for (address, store) in &self.stores {
            let left = store.blocks.keys().find(|(_, _, task)| self.reported.contains(task));
            if let Some((shuffle, map, task)) = left {
                return Err(format!("at {address} there still is shuffle_{shuffle}_{map}_{task}"));
            }
            if let Some(task) = store.results.keys().find(|task| self.reported.contains(task)) {
                return Err(format!("at {address} there still is the result of task {task}"));
            }
        }
        self.check_storage_empty()?;
        self.check_nothing_cached()
    }
}
