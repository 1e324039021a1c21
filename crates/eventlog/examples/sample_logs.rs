//! Writes logs of sample applications, lists and reads logs, and measures both:
//!
//! - `write DIR` writes applications that have ended, failed, still run and were killed, with every codec, as files and
//!   as directories of files;
//! - `list DIR` lists the applications of a directory, `read LOG` reads one and counts its events and its bad lines;
//! - `summary DIR` reads all logs of a directory, and prints for each application its id and attempt, whether it has
//!   ended, and how many jobs, stages and executors it had; a bad line is an error;
//! - `speed DIR` writes events as fast as they can be written, and says how fast that was;
//! - `many DIR COUNT` writes as many small logs, lists them, and says how long that took.

#![allow(clippy::print_stdout, reason = "an example speaks to a person")]

use firesteel_conf::Conf;
use firesteel_eventlog::{
    EventLogReader, EventLogSettings, EventLogWriter, LogCodec, LogDirectory, LoggedApplication,
};
use firesteel_events::*;
use firesteel_io::Stores;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

type Done = Result<(), Box<dyn Error>>;

/// The first moment of the samples, in milliseconds since 1970.
const START_MS: i64 = 1_795_900_000_000;

fn main() -> Done {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", dir] => write_all(dir),
        ["list", dir] => list(dir),
        ["read", log] => read(log),
        ["summary", dir] => summary(dir),
        ["speed", dir] => speed(dir),
        ["many", dir, count] => many(dir, count.parse()?),
        _ => Err("write DIR, list DIR, read LOG, summary DIR, speed DIR or many DIR COUNT".into()),
    }
}

/// The way in which a sample application ends.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Finished,
    Failed,
    Running,
}

fn write_all(dir: &str) -> Done {
    for codec in LogCodec::ALL.map(Some).into_iter().chain([None]) {
        let word = codec.map_or("plain", LogCodec::name);
        for (shape, rolling) in [("single", false), ("rolled", true)] {
            for (ending, end) in
                [("finished", Ending::Finished), ("failed", Ending::Failed), ("running", Ending::Running)]
            {
                let sample = Sample::begin(dir, &format!("{ending}-{shape}-{word}"), codec, rolling)?;
                sample.run(2, 4, end);
            }
        }
    }
    // Enough for several files.
    let sample = Sample::begin(dir, "finished-long", Some(LogCodec::Zstd), true)?;
    sample.run(60, 200, Ending::Finished);
    Ok(())
}

fn list(dir: &str) -> Done {
    let listing = LogDirectory::at(&Stores::default(), dir)?.list()?;
    for log in &listing.applications {
        let end = log.end_ms.map_or("-".into(), |end| (end - log.start_ms).to_string());
        let state = if log.is_complete { "ended" } else { "runs" };
        println!(
            "{} {:?} by {}, {state}, {end} ms, {} bytes: {}",
            log.id, log.name, log.user, log.bytes, log.path
        );
    }
    listing.refused.iter().for_each(|log| println!("{}: {}", log.path, log.reason));
    println!("{} applications, {} refused", listing.applications.len(), listing.refused.len());
    Ok(())
}

fn read(log: &str) -> Done {
    let start = Instant::now();
    let mut events = EventLogReader::open(&Stores::default(), log)?;
    let (mut counts, mut bad) = (BTreeMap::<&str, u64>::new(), vec![]);
    for event in events.by_ref() {
        match event {
            Ok(event) => *counts.entry(event.name()).or_default() += 1,
            Err(line) => bad.push(line),
        }
    }
    println!("{counts:#?}");
    bad.iter().take(20).for_each(|line| println!("{line}"));
    let all: u64 = counts.values().sum();
    let (unknown, cut, seconds) = (events.unknown(), events.is_cut(), start.elapsed().as_secs_f64());
    println!("{all} events, {unknown} unknown, {} bad lines, cut: {cut}, {seconds:.2} s", bad.len());
    Ok(())
}

fn summary(dir: &str) -> Done {
    let stores = Stores::default();
    let listing = LogDirectory::at(&stores, dir)?.list()?;
    if let Some(log) = listing.refused.first() {
        return Err(format!("{}: {}", log.path, log.reason).into());
    }
    for log in &listing.applications {
        let (mut jobs, mut stages, mut executors) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for event in EventLogReader::open(&stores, &log.path)? {
            match event.map_err(|bad| bad.to_string())? {
                ListenerEvent::JobStart(job) => {
                    jobs.insert(job.job_id);
                    stages.extend(job.stage_infos.iter().map(|stage| (stage.stage_id, stage.attempt_id)));
                }
                ListenerEvent::StageSubmitted(stage) => {
                    stages.insert((stage.stage_info.stage_id, stage.stage_info.attempt_id));
                }
                ListenerEvent::ExecutorAdded(added) => drop(executors.insert(added.executor_id)),
                ListenerEvent::BlockManagerAdded(added) => {
                    executors.insert(added.block_manager_id.executor_id);
                }
                _ => {}
            }
        }
        let (attempt, state) =
            (log.attempt.as_deref().unwrap_or("-"), if log.is_complete { "ended" } else { "runs" });
        let (jobs, stages, executors) = (jobs.len(), stages.len(), executors.len());
        println!("{}\t{attempt}\t{state}\t{jobs}\t{stages}\t{executors}", log.id);
    }
    Ok(())
}

fn speed(dir: &str) -> Done {
    let tasks = 200_000;
    for (word, codec) in
        [("plain", None)].into_iter().chain(LogCodec::ALL.map(|codec| (codec.name(), Some(codec))))
    {
        let mut sample = Sample::begin(dir, &format!("speed-{word}"), codec, true)?;
        let events = sample.tasks(0, tasks);
        let start = Instant::now();
        events.iter().for_each(|event| sample.writer.write(event));
        let end = sample.writer.finish();
        let seconds = start.elapsed().as_secs_f64();
        let listing = LogDirectory::at(&Stores::default(), dir)?.list()?;
        let bytes = listing.applications.iter().find(|log| log.path == end.path).map_or(0, |log| log.bytes);
        println!(
            "{word}: {} events in {seconds:.2} s, {:.0} a second, {:.1} microseconds each, {:.1} MB",
            end.written,
            end.written as f64 / seconds,
            seconds * 1e6 / end.written as f64,
            bytes as f64 / 1e6,
        );
    }
    Ok(())
}

fn many(dir: &str, count: u32) -> Done {
    for number in 0..count {
        let sample = Sample::begin(dir, &format!("many-{number}"), Some(LogCodec::Zstd), true)?;
        sample.run(1, 4, Ending::Finished);
    }
    let mut logs = LogDirectory::at(&Stores::default(), dir)?;
    for _ in 0..2 {
        let start = Instant::now();
        let listing = logs.list()?;
        println!("{} applications in {:.2} s", listing.applications.len(), start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// An application that writes its log.
struct Sample {
    writer: EventLogWriter,
    now_ms: i64,
    next_task: i64,
    next_stage: i64,
}

impl Sample {
    fn begin(dir: &str, id: &str, codec: Option<LogCodec>, rolling: bool) -> Result<Sample, Box<dyn Error>> {
        let mut conf = Conf::default();
        conf.set("spark.eventLog.enabled", "true")?;
        conf.set("spark.eventLog.dir", dir)?;
        conf.set("spark.eventLog.overwrite", "true")?;
        conf.set("spark.eventLog.compress", if codec.is_some() { "true" } else { "false" })?;
        conf.set("spark.eventLog.compression.codec", codec.map_or("zstd", LogCodec::name))?;
        conf.set("spark.eventLog.rolling.enabled", if rolling { "true" } else { "false" })?;
        conf.set("spark.eventLog.rolling.maxFileSize", "10m")?;
        let settings = EventLogSettings::from_conf(&conf)?.ok_or("the log is not enabled")?;
        let application = LoggedApplication { id: id.into(), ..LoggedApplication::default() };
        let mut writer = EventLogWriter::open(&settings, &Stores::default(), &application)?;
        let driver = BlockManagerId { executor_id: "driver".into(), host: "localhost".into(), port: 40_000 };
        let executor_info =
            ExecutorInfo { host: "localhost".into(), total_cores: 4, ..ExecutorInfo::default() };
        let settings = BTreeMap::from([("spark.app.id".to_string(), id.to_string())]);
        let start = ApplicationStart {
            app_name: format!("sample {id}"),
            app_id: Some(id.into()),
            timestamp: START_MS,
            user: "someone".into(),
            ..ApplicationStart::default()
        };
        for event in [
            ListenerEvent::ApplicationStart(start),
            ListenerEvent::EnvironmentUpdate(EnvironmentUpdate {
                spark_properties: settings,
                ..EnvironmentUpdate::default()
            }),
            ListenerEvent::ExecutorAdded(ExecutorAdded {
                timestamp: START_MS + 10,
                executor_id: "driver".into(),
                executor_info,
            }),
            ListenerEvent::BlockManagerAdded(BlockManagerAdded {
                block_manager_id: driver,
                maximum_memory: 1 << 30,
                timestamp: START_MS + 10,
                maximum_on_heap_memory: Some(1 << 30),
                maximum_off_heap_memory: Some(0),
            }),
        ] {
            writer.write(&event);
        }
        Ok(Sample { writer, now_ms: START_MS + 20, next_task: 0, next_stage: 0 })
    }

    /// Runs jobs of one stage each, of which the last fails, or does not end, as the application does. For its log, an
    /// application that still runs is one whose process was killed.
    fn run(mut self, jobs: i64, tasks: i64, ending: Ending) {
        for job in 0..jobs {
            self.job(job, tasks, if job + 1 == jobs { ending } else { Ending::Finished });
        }
        if ending != Ending::Running {
            let end =
                ListenerEvent::ApplicationEnd(ApplicationEnd { timestamp: self.now_ms, exit_code: None });
            self.writer.write(&end);
            let end = self.writer.finish();
            assert_eq!((end.dropped, end.failure), (0, None), "{}", end.path);
        }
    }

    fn job(&mut self, job_id: i64, tasks: i64, ending: Ending) {
        let stage = self.stage(tasks);
        let stage_id = stage.stage_id;
        self.writer.write(&ListenerEvent::JobStart(JobStart {
            job_id,
            submission_time: self.now_ms,
            stage_infos: vec![stage.clone()],
            stage_ids: vec![stage_id],
            properties: BTreeMap::from([("callSite.short".into(), "collect at sample.py:3".into())]),
        }));
        let submitted = StageInfo { submission_time: Some(self.now_ms), ..stage };
        self.writer.write(&ListenerEvent::StageSubmitted(StageSubmitted {
            stage_info: submitted.clone(),
            ..StageSubmitted::default()
        }));
        for event in self.tasks(stage_id, tasks) {
            self.writer.write(&event);
        }
        if ending == Ending::Running {
            self.writer.flush();
            return;
        }
        let failed = ending == Ending::Failed;
        let failure_reason = failed.then(|| "Job aborted: a task failed 4 times".to_string());
        let completed = StageInfo { completion_time: Some(self.now_ms), failure_reason, ..submitted };
        self.writer.write(&ListenerEvent::StageCompleted(StageCompleted { stage_info: completed }));
        let job_result = match failed {
            true => JobResult::failed("Job aborted: a task failed 4 times".into()),
            false => JobResult::default(),
        };
        self.writer.write(&ListenerEvent::JobEnd(JobEnd {
            job_id,
            completion_time: self.now_ms,
            job_result,
        }));
    }

    fn stage(&mut self, tasks: i64) -> StageInfo {
        let stage_id = self.next_stage;
        self.next_stage += 1;
        let rdd = RddInfo {
            rdd_id: stage_id,
            name: "ParallelCollectionRDD".into(),
            scope: Some(format!("{{\"id\":\"{stage_id}\",\"name\":\"parallelize\"}}")),
            num_partitions: tasks,
            ..RddInfo::default()
        };
        StageInfo {
            stage_id,
            name: "collect at sample.py:3".into(),
            num_tasks: tasks,
            rdd_info: Arc::new(vec![rdd]),
            details: "sample.py:3".into(),
            ..StageInfo::default()
        }
    }

    /// Returns the starts and ends of a stage's tasks.
    fn tasks(&mut self, stage_id: i64, count: i64) -> Vec<ListenerEvent> {
        let mut events = vec![];
        for index in 0..count {
            let launched = TaskInfo {
                task_id: self.next_task,
                index,
                partition_id: index,
                launch_time: self.now_ms,
                executor_id: "driver".into(),
                host: "localhost".into(),
                locality: "PROCESS_LOCAL".into(),
                ..TaskInfo::default()
            };
            self.next_task += 1;
            let start = TaskStart { stage_id, task_info: launched.clone(), ..TaskStart::default() };
            events.push(ListenerEvent::TaskStart(start));
            self.now_ms += 1 + index % 7;
            let metrics = TaskMetrics {
                executor_run_time: 1 + index % 7,
                executor_cpu_time: 900_000 * (1 + index % 7),
                result_size: 1000 + index % 100,
                ..TaskMetrics::default()
            };
            events.push(ListenerEvent::TaskEnd(TaskEnd {
                stage_id,
                task_type: "ResultTask".into(),
                reason: EndReason::of("Success"),
                task_info: TaskInfo { finish_time: self.now_ms, ..launched },
                metrics: Some(Box::new(metrics)),
                ..TaskEnd::default()
            }));
        }
        events
    }
}
