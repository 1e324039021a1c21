//! The program that each driver runs from its top, and the applications of a seed.

use super::Stop;
use super::lasting::{Lasting, path};
use super::life::Life;
use super::report::RestartsReport;
use super::scenario::{Scenario, Step, size};
use crate::objection::Objection;
use crate::program::Program;
use crate::rng::Rng;
use firesteel_recovery::{Found, OutputState, Record};
use firesteel_scheduler::Event;
use firesteel_types::JobId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most kills of an application that are tried, each in a run of its own.
const KILLS_AT_MOST: u64 = 40;
/// More than any driver needs: one that proceeds more often makes no progress.
const PROCEEDS_AT_MOST: u64 = 100_000;

/// The driver program.
impl Life<'_> {
    /// Runs it from its top. Returns what accumulators have after each step.
    fn run(&mut self) -> Result<Vec<Vec<u64>>, Stop> {
        let mut values = vec![];
        for step in self.lasting.scenario.steps.clone() {
            self.lasting.trace(|| format!("step {step:?}"));
            match step {
                Step::Jobs(jobs) => self.jobs(jobs.into_iter().map(|job| JobId(job as u32)).collect())?,
                Step::Reset(accumulator) => self.reset(accumulator)?,
                Step::ReleaseShuffle(shuffle) => {
                    self.lasting.storage.excuse(shuffle);
                    self.schedule(Event::ShuffleReleased { shuffle }, None)?;
                }
                Step::ReleaseRdd(rdd) => self.schedule(Event::RddReleased { rdd }, None)?,
            }
            values.push(self.values());
        }
        let program = self.lasting.program.clone();
        for shuffle in program.shuffles.keys() {
            self.schedule(Event::ShuffleReleased { shuffle: *shuffle }, None)?;
        }
        for rdd in program.rdds() {
            self.schedule(Event::RddReleased { rdd }, None)?;
        }
        values.push(self.values());
        self.check_empty()?;
        Ok(values)
    }

    fn jobs(&mut self, jobs: Vec<JobId>) -> Result<(), Stop> {
        for job in &jobs {
            self.begin(*job)?;
        }
        let mut proceeds = 0;
        while jobs.iter().any(|job| !self.ended[job]) {
            proceeds += 1;
            if proceeds > PROCEEDS_AT_MOST {
                return Err("no progress".to_string().into());
            }
            self.proceed()?;
        }
        self.lasting.may_die()?;
        self.lasting.sync();
        for job in &jobs {
            self.check_answer(*job)?;
            self.finish_output(*job)?;
            self.lasting.seen.insert(*job);
        }
        self.lasting.may_die()
    }

    fn begin(&mut self, job: JobId) -> Result<(), Stop> {
        let output = self.lasting.job(job).output;
        let known = match output {
            Some(number) => self.begin_output(job, number)?,
            None => OutputState::Unknown,
        };
        let print = self.lasting.fingerprint(job);
        let found = self.lasting.parts_of(job, |parts| self.journal.job(job, print, parts));
        match found {
            Found::Ended { results, updates } => {
                let results = self.lasting.results(&results);
                return self.restore(job, updates, results);
            }
            Found::Diverged => {
                self.lasting.report.diverged += 1;
                self.lasting.append(&Record::Diverged { job });
            }
            Found::Unknown => {}
        }
        self.lasting.append(&Record::Job { job, fingerprint: print });
        if let Some(number) = output {
            if known != OutputState::Unknown {
                return Err(format!("output {number} is known, and its job {job} is not").into());
            }
            self.lasting.append(&Record::OutputJob { number, job });
            self.lasting.may_die()?;
            self.lasting.sync();
        }
        self.submit(job)
    }

    /// Begins an output, unless an earlier driver has its job's answer.
    fn begin_output(&mut self, job: JobId, number: u32) -> Result<OutputState, Stop> {
        let state = self.journal.output(number, &path(number));
        match &state {
            OutputState::Committed(token) | OutputState::Written(token) => {
                self.tokens.insert(job, (number, token.clone()));
                return Ok(state);
            }
            OutputState::Begun(token) => {
                self.lasting.report.begun_anew += 1;
                self.lasting.directories.abort(&path(number), token);
            }
            OutputState::Unknown => {}
        }
        let token = format!("{}-{number}", self.journal.lives());
        let (path, word) = (path(number), token.clone());
        self.lasting.append(&Record::OutputBegun { number, path: path.clone(), token: word });
        self.lasting.may_die()?;
        self.lasting.sync();
        self.lasting.may_die()?;
        self.lasting.directories.set_up(&path, &token)?;
        self.tokens.insert(job, (number, token));
        self.lasting.may_die()?;
        Ok(OutputState::Unknown)
    }

    fn finish_output(&mut self, job: JobId) -> Result<(), Stop> {
        let Some((number, token)) = self.tokens.get(&job).cloned() else { return Ok(()) };
        let state = self.journal.output(number, &path(number));
        let parts = self.lasting.job(job).partitions.len();
        if !matches!(state, OutputState::Committed(_)) {
            self.lasting.report.recommitted += u64::from(matches!(state, OutputState::Written(_)));
            self.lasting.may_die()?;
            self.lasting.directories.commit(&path(number), &token, parts)?;
            self.lasting.may_die()?;
            self.lasting.append(&Record::OutputCommitted { number });
            self.lasting.sync();
        }
        let plan = self.lasting.job(job);
        let committed = self.lasting.directories.committed(&path(number));
        let committed = committed.ok_or_else(|| format!("output {number} is not there"))?;
        let answer = plan.partitions.iter().zip(&self.answers[&job]);
        for (partition, result) in answer {
            if committed.get(partition) != result.as_ref() {
                return Err(format!("output {number} has other records in part {partition}").into());
            }
        }
        Ok(())
    }

    fn check_answer(&self, job: JobId) -> Result<(), Stop> {
        let plan = self.lasting.job(job);
        let mut evaluation = self.lasting.program.evaluation(BTreeMap::new());
        let answer = &self.answers[&job];
        if answer.len() != plan.partitions.len() {
            return Err(format!("job {job} has {} results", answer.len()).into());
        }
        for (partition, result) in plan.partitions.iter().zip(answer) {
            let mut expected = self.lasting.program.expected(&mut evaluation, plan.rdd, *partition);
            expected.truncate(plan.limit);
            let Some(mut found) = result.clone() else {
                return Err(format!("job {job} ends without all of its results").into());
            };
            found.sort_unstable();
            expected.sort_unstable();
            if found != expected {
                return Err(format!("job {job} has a wrong answer in partition {partition}").into());
            }
        }
        Ok(())
    }
}

/// All applications of one seed.
pub(crate) struct World {
    seed: u64,
    traced: bool,
    story: Vec<String>,
}

impl World {
    pub(crate) fn new(seed: u64, traced: bool) -> Self {
        World { seed, traced, story: vec![] }
    }

    /// The last lines of the story.
    pub(crate) fn story(&self) -> Vec<String> {
        self.story.clone()
    }

    /// Runs the seed's application in peace, and then with kills.
    pub(crate) fn run(&mut self) -> Result<RestartsReport, Objection> {
        let mut rng = Rng::new(self.seed ^ 0x5245_5354);
        let size = size(&mut rng);
        let program = Arc::new(Program::new(self.seed, &size, &mut rng));
        let scenario = Scenario::new(&program, &mut rng);
        let from = rng.below(scenario.jobs.len() as u64) as usize;
        let change = (scenario.can_change(from) && rng.per_mille(500)).then_some(from);
        let changed = change.map(|from| scenario.changed(from, self.seed));
        let mut report = RestartsReport::default();
        let (values, effects) = self.application(&program, &scenario, None, &[], rng.next(), &mut report)?;
        let (after, _) = match &changed {
            Some(changed) => self.application(&program, changed, None, &[], rng.next(), &mut report)?,
            None => (values.clone(), 0),
        };
        let kills: Vec<u64> = match effects <= KILLS_AT_MOST {
            true => (0..effects).collect(),
            false => (0..KILLS_AT_MOST).map(|_| rng.below(effects)).collect(),
        };
        for kill in kills {
            let mut dies = vec![kill];
            while dies.len() < 4 && rng.per_mille(400) {
                dies.push(rng.below(effects));
            }
            let changed = changed.as_ref().zip(change);
            let seed = rng.next();
            let (found, _) = self.application(&program, &scenario, changed, &dies, seed, &mut report)?;
            if found != values && (changed.is_none() || found != after) {
                return Err(format!(
                    "killed after {dies:?}: accumulators have {found:?}, not {values:?} or {after:?}"
                ));
            }
        }
        Ok(report)
    }

    /// Runs one application whose drivers are killed after so many effects; the second one's program may have changed. Returns what
    /// accumulators had after each step of the last driver, and how many effects that had.
    fn application(
        &mut self,
        program: &Arc<Program>,
        scenario: &Scenario,
        changed: Option<(&Scenario, usize)>,
        dies: &[u64],
        seed: u64,
        report: &mut RestartsReport,
    ) -> Result<(Vec<Vec<u64>>, u64), Objection> {
        let mut lasting = Lasting::new(program.clone(), scenario.clone(), self.traced);
        let mut rng = Rng::new(seed);
        let mut dies = dies.iter().copied();
        let ended = loop {
            (lasting.dies_after, lasting.effects) = (dies.next(), 0);
            let life = Life::start(&mut lasting, Rng::new(rng.next()));
            match life.and_then(|mut life| life.run()) {
                Ok(values) => break Ok(values),
                Err(Stop::Objection(objection)) => break Err(objection),
                Err(Stop::Killed) => {
                    lasting.crash(&mut rng);
                    if let Some((changed, from)) = changed {
                        lasting.scenario = changed.clone();
                        // These are other jobs now.
                        lasting.seen_before.retain(|job| (job.0 as usize) < from);
                        lasting.storage.excuse_all();
                    }
                }
            }
        };
        report.add(&lasting.report);
        self.story = lasting.story.into_iter().flatten().collect();
        ended.map(|values| (values, lasting.effects))
    }
}
