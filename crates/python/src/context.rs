//! [`Context`]: the engine of one application.

use crate::accumulator::Accumulator;
use crate::broadcast::Broadcast;
use crate::failure::{take_raised, to_python};
use crate::listeners::EventLines;
use crate::objects::Objects;
use crate::rdd::{Pairs, Rdd, file_options};
use crate::settings::watchdog;
use crate::{files, manager, sites, sources, worker};
use firesteel_data::Batch;
use firesteel_data::block::write_records;
use firesteel_driver::{
    AgentCommand, Builder, Cut, DriverContext, FileOptions, JobState, Pairing, UntypedRdd, site,
};
use firesteel_executor::{Watchdog, WorkerCommand};
use firesteel_operators::{Batches, Outcome, Slices, Stream, Union};
use firesteel_protocol::TaskOutcome;
use firesteel_types::CallSite;
use pyo3::exceptions::{PyLookupError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::collections::BTreeMap;
use std::panic::Location;
use std::path::PathBuf;

/// An application's engine: scheduler, workers, files.
#[pyclass(frozen)]
pub(crate) struct Context {
    inner: DriverContext,
}

/// The program that the server's interpreter runs: it finds modules where the program does.
const SERVER: &str = "import sys, json\n\
    sys.path[:] = json.loads(sys.argv[1])\n\
    from firesteel.worker.server import main\n\
    main()";

/// The time that tasks wait for the worker that has their partition in memory, if the program does not set
/// it: any other worker can read the partition's file.
const LOCALITY_WAIT: &str = "100ms";

impl Context {
    pub(crate) fn inner(&self) -> &DriverContext {
        &self.inner
    }
}

#[pymethods]
impl Context {
    #[new]
    #[pyo3(signature = (conf, environment, agent, python, lines=None, manager=None))]
    fn new(
        py: Python<'_>,
        conf: Vec<(String, String)>,
        environment: BTreeMap<String, String>,
        agent: Vec<String>,
        python: Option<String>,
        lines: Option<PyRef<'_, EventLines>>,
        manager: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let (program, arguments) = agent.split_first().ok_or_else(|| PyValueError::new_err("no program"))?;
        let agents = AgentCommand {
            program: program.into(),
            arguments: arguments.into(),
            environment: environment.clone().into_iter().collect(),
        };
        let mut command = worker_command(py, environment, python)?;
        command.watchdog = watchdog(&conf);
        let mut builder = Builder::default().worker_processes(command).agent_command(agents).leave_signals();
        builder = builder.conf("firesteel.locality.wait", LOCALITY_WAIT);
        for (key, value) in &conf {
            builder = builder.conf(key, value);
        }
        if let Some(lines) = lines {
            builder = builder.listener(lines.writer());
        }
        if let Some(make) = manager {
            builder = builder.manager(manager::maker(make));
        }
        let inner = py.detach(|| builder.create()).map_err(|error| to_python(py, error))?;
        Ok(Context { inner })
    }

    #[getter]
    fn application_id(&self) -> &str {
        self.inner.application_id()
    }

    #[getter]
    fn ui_web_url(&self) -> Option<String> {
        self.inner.ui_web_url()
    }

    #[getter]
    fn start_time(&self) -> i64 {
        self.inner.start_time()
    }

    #[getter]
    fn default_parallelism(&self) -> u32 {
        self.inner.default_parallelism()
    }

    #[getter]
    fn slots(&self) -> u32 {
        self.inner.slots()
    }

    #[getter]
    fn directory(&self) -> String {
        self.inner.directory().to_string_lossy().into_owned()
    }

    fn add_event_lines(&self, py: Python<'_>, lines: PyRef<'_, EventLines>) -> PyResult<()> {
        self.inner.add_listener(lines.writer()).map_err(|error| to_python(py, error))
    }

    fn explain_last_job(&self, py: Python<'_>) -> String {
        py.detach(|| self.inner.explain_last_job())
    }

    /// Stops it. After a program that has `failed`, the journal of `spark.driver.recovery.dir` stays.
    #[pyo3(signature = (failed = false))]
    fn stop(&self, py: Python<'_>, failed: bool) {
        py.detach(|| if failed { self.inner.stop_failed() } else { self.inner.stop() });
    }

    fn is_stopped(&self) -> bool {
        self.inner.is_stopped()
    }

    /// Returns where the code of each slot stands now: executor, name, process, task, stack.
    fn stacks(&self, py: Python<'_>) -> Vec<(String, String, u32, Option<u64>, String)> {
        let stacks = py.detach(|| self.inner.stacks()).into_iter();
        let fields = stacks.map(|stack| {
            let task = stack.running.map(|running| running.task.0);
            (stack.executor.name(), stack.name, stack.process, task, stack.text)
        });
        fields.collect()
    }

    /// Returns whether executors are remote, or treated as if they were.
    #[getter]
    fn is_on_cluster(&self) -> bool {
        self.inner.is_on_cluster()
    }

    fn set_up_workers(&self, py: Python<'_>, setting: &str) -> PyResult<()> {
        py.detach(|| self.inner.set_worker_setting(setting)).map_err(|error| to_python(py, error))
    }

    fn offer_file(&self, py: Python<'_>, path: PathBuf) -> PyResult<String> {
        let offered = py.detach(|| self.inner.offer_file(&path)).map_err(|error| to_python(py, error))?;
        Ok(files::to_hex(&offered))
    }

    fn note_shipped(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.inner.note_shipped(&path)).map_err(|error| to_python(py, error))
    }

    fn parallelize(&self, partitions: Vec<Vec<Vec<u8>>>, site: &str) -> Rdd {
        let blocks = partitions.into_iter().map(|lists| {
            let lists: Vec<Objects> = lists.into_iter().map(Objects::written).collect();
            let mut block = vec![];
            write_records(&lists, &mut block).map(|()| block.into())
        });
        Rdd(self.inner.rdd_of_blocks(sites::parse(site), blocks, Slices::<Objects>::code()))
    }

    fn text_file(
        &self,
        py: Python<'_>,
        path: &str,
        partitions: usize,
        use_unicode: bool,
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<Rdd> {
        let open = |context: &DriverContext, site, options: &FileOptions| {
            let delimiter = options.hadoop.delimiter();
            context.text_lines(site, path, context.min_partitions(Some(partitions)), delimiter, options)
        };
        self.source(py, site, hadoop, open, |site, lines| sources::lines(&lines, site, use_unicode))
    }

    /// Makes the pairs of Hadoop's formats of lines: the position of a line, and the line. `cut` names the kind of
    /// splits.
    fn line_positions(
        &self,
        py: Python<'_>,
        path: &str,
        cut: (&str, usize),
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<Rdd> {
        let open = |context: &DriverContext, site, options: &FileOptions| {
            context.line_positions(site, path, to_cut(context, cut), options)
        };
        self.source(py, site, hadoop, open, |site, lines| sources::positions(&lines, site))
    }

    /// Makes the pairs of Hadoop's KeyValueTextInputFormat.
    fn key_value_lines(
        &self,
        py: Python<'_>,
        path: &str,
        cut: (&str, usize),
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<Rdd> {
        let open = |context: &DriverContext, site, options: &FileOptions| {
            context.key_value_lines(site, path, context.min_partitions(Some(cut.1)), options)
        };
        self.source(py, site, hadoop, open, |site, texts| sources::texts(&texts, site, true))
    }

    /// Makes whole files of text, in partitions as large as Hadoop's settings say.
    fn whole_texts_combined(
        &self,
        py: Python<'_>,
        path: &str,
        _cut: (&str, usize),
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<Rdd> {
        let open = |context: &DriverContext, site, options: &FileOptions| {
            context.whole_texts_combined(site, path, options)
        };
        self.source(py, site, hadoop, open, |site, texts| sources::texts(&texts, site, true))
    }

    fn whole_text_files(
        &self,
        py: Python<'_>,
        path: &str,
        partitions: usize,
        use_unicode: bool,
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<Rdd> {
        let open = |context: &DriverContext, site, options: &FileOptions| {
            context.whole_texts(site, path, context.min_partitions(Some(partitions)), options)
        };
        self.source(py, site, hadoop, open, |site, texts| sources::texts(&texts, site, use_unicode))
    }

    fn binary_files(
        &self,
        py: Python<'_>,
        path: &str,
        partitions: usize,
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<Rdd> {
        let open = |context: &DriverContext, site, options: &FileOptions| {
            context.whole_bytes(site, path, context.min_partitions(Some(partitions)), options)
        };
        self.source(py, site, hadoop, open, |site, files| sources::files(&files, site))
    }

    fn binary_records(
        &self,
        py: Python<'_>,
        path: &str,
        length: usize,
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<Rdd> {
        let open = |context: &DriverContext, site, options: &FileOptions| {
            context.fixed_records(site, path, length as u64, options)
        };
        self.source(py, site, hadoop, open, |site, records| sources::records(&records, site))
    }

    fn pickle_file(
        &self,
        py: Python<'_>,
        path: &str,
        partitions: usize,
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<Rdd> {
        let open = |context: &DriverContext, site, options: &FileOptions| {
            let cut = Cut::AtLeast(context.min_partitions(Some(partitions)));
            context.sequence_values(site, path, cut, options)
        };
        self.source(py, site, hadoop, open, |site, pairs| sources::pickles(&pairs, site))
    }

    fn sequence_file(
        &self,
        py: Python<'_>,
        path: &str,
        cut: (&str, usize),
        hadoop: Pairs,
        site: &str,
    ) -> PyResult<Rdd> {
        let open = |context: &DriverContext, site, options: &FileOptions| {
            context.sequence_values(site, path, to_cut(context, cut), options)
        };
        self.source(py, site, hadoop, open, |site, pairs| sources::pairs(&pairs, site))
    }

    fn union(&self, py: Python<'_>, rdds: Vec<PyRef<'_, Rdd>>, aligned: bool, site: &str) -> PyResult<Rdd> {
        let site = sites::parse(site);
        let rdds: Vec<UntypedRdd> = rdds.iter().map(|rdd| rdd.0.clone()).collect();
        if !aligned {
            return Ok(Rdd(self.inner.union(site, &rdds, Union::<Objects>::code)));
        }
        let mut rest = rdds.into_iter();
        let first =
            rest.next().ok_or_else(|| PyValueError::new_err("a union of nothing has no partitions"))?;
        let all = rest.try_fold(first, |all, rdd| {
            all.map_streams(site.clone(), &rdd, Pairing::OneToOne, &(), |(), _, left, right| {
                Ok(OneThenOther(Some(left), right))
            })
        });
        all.map(Rdd).map_err(|error| to_python(py, error))
    }

    #[pyo3(signature = (group))]
    fn set_job_group(&self, group: Option<&str>) {
        match group {
            Some(group) => self.inner.set_job_group(group),
            None => self.inner.clear_job_group(),
        }
    }

    fn set_job_tags(&self, tags: Vec<String>) {
        self.inner.set_job_tags(tags);
    }

    #[pyo3(signature = (pool))]
    fn set_pool(&self, pool: Option<&str>) {
        self.inner.set_pool(pool);
    }

    fn set_local_properties(&self, properties: BTreeMap<String, String>) {
        self.inner.set_local_properties(properties);
    }

    fn cancel_job(&self, py: Python<'_>, job: u32, reason: &str) {
        py.detach(|| self.inner.cancel_job(job, reason));
    }

    fn cancel_job_group(&self, py: Python<'_>, group: &str) {
        py.detach(|| self.inner.cancel_job_group(group));
    }

    fn cancel_jobs_with_tag(&self, py: Python<'_>, tag: &str) {
        py.detach(|| self.inner.cancel_jobs_with_tag(tag));
    }

    fn cancel_all_jobs(&self, py: Python<'_>) {
        py.detach(|| self.inner.cancel_all_jobs());
    }

    #[pyo3(signature = (group))]
    fn jobs(&self, group: Option<&str>) -> Vec<u32> {
        let mut jobs = self.inner.job_ids_for_group(group);
        jobs.reverse();
        jobs
    }

    fn active_jobs(&self) -> Vec<u32> {
        self.inner.active_job_ids()
    }

    fn active_stages(&self) -> Vec<u32> {
        self.inner.active_stage_ids()
    }

    fn job_info<'py>(&self, py: Python<'py>, job: u32) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(info) = self.inner.job_info(job) else { return Ok(None) };
        let status = match info.state {
            JobState::Running => "RUNNING",
            JobState::Succeeded => "SUCCEEDED",
            JobState::Failed => "FAILED",
        };
        let dict = PyDict::new(py);
        dict.set_item("job", info.job)?;
        dict.set_item("stages", info.stages)?;
        dict.set_item("status", status)?;
        Ok(Some(dict))
    }

    fn stage_info<'py>(&self, py: Python<'py>, stage: u32) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(info) = self.inner.stage_info(stage) else { return Ok(None) };
        let dict = PyDict::new(py);
        dict.set_item("stage", info.stage)?;
        dict.set_item("attempt", info.attempt)?;
        dict.set_item("name", info.name)?;
        dict.set_item("tasks", info.tasks)?;
        dict.set_item("active", info.active_tasks)?;
        dict.set_item("completed", info.completed_tasks)?;
        dict.set_item("failed", info.failed_tasks)?;
        Ok(Some(dict))
    }

    fn executor_infos<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        self.inner
            .workers()
            .into_iter()
            .map(|worker| {
                let dict = PyDict::new(py);
                dict.set_item("host", worker.host.as_deref().unwrap_or("localhost"))?;
                dict.set_item("port", 0)?;
                dict.set_item("process", worker.process)?;
                dict.set_item("running", worker.running)?;
                dict.set_item("memory_used", worker.resident_bytes)?;
                dict.set_item("memory_total", worker.budget_bytes)?;
                Ok(dict)
            })
            .collect()
    }

    fn accumulator(&self) -> Accumulator {
        Accumulator(self.inner.accumulator())
    }

    fn broadcast(&self, py: Python<'_>, pickled: &[u8]) -> PyResult<Broadcast> {
        Broadcast::new(py, &self.inner, pickled)
    }

    fn set_checkpoint_dir(&self, py: Python<'_>, directory: &str) -> PyResult<()> {
        let site = site("set_checkpoint_dir", Location::caller());
        self.inner.set_checkpoint_dir(site, directory).map_err(|error| to_python(py, error))
    }

    fn checkpoint_dir(&self) -> Option<String> {
        self.inner.checkpoint_dir()
    }

    fn run_last_failure(&self) -> PyResult<()> {
        let nothing = |what: String| PyLookupError::new_err(what);
        worker::lend(self.inner.services());
        let ended = self.inner.run_last_failure();
        match (take_raised(), ended) {
            (_, None) => Err(nothing("no task was failed by an exception".into())),
            (Some(raised), Some(_)) => Err(raised),
            (None, Some(Err(why))) => Err(nothing(why)),
            (None, Some(Ok(TaskOutcome::Failed { failure }))) => Err(nothing(failure.to_string())),
            (None, Some(Ok(_))) => Err(nothing("it did not fail this time".into())),
        }
    }
}

impl Context {
    /// Makes an RDD of files, on behalf of a line of the program: opened by the engine, and then converted to
    /// Python's objects.
    fn source(
        &self,
        py: Python<'_>,
        site: &str,
        hadoop: Pairs,
        open: impl FnOnce(&DriverContext, CallSite, &FileOptions) -> firesteel_driver::Result<UntypedRdd> + Send,
        convert: impl FnOnce(CallSite, UntypedRdd) -> UntypedRdd,
    ) -> PyResult<Rdd> {
        let site = sites::parse(site);
        let options = file_options(py, &self.inner, &site, hadoop)?;
        let opened = py.detach(|| open(&self.inner, site.clone(), &options));
        opened.map(|opened| Rdd(convert(site, opened))).map_err(|error| to_python(py, error))
    }
}

/// Returns the kind of splits that a name stands for, with the least number of them.
fn to_cut(context: &DriverContext, (name, partitions): (&str, usize)) -> Cut {
    match name {
        "lines" => Cut::Lines,
        "combined" => Cut::Combined,
        _ => Cut::AtLeast(context.min_partitions(Some(partitions))),
    }
}

fn worker_command(
    py: Python<'_>,
    mut environment: BTreeMap<String, String>,
    python: Option<String>,
) -> PyResult<WorkerCommand> {
    let (sys, json, os) = (py.import("sys")?, py.import("json")?, py.import("os")?);
    let program = match python {
        Some(program) => program,
        None => sys.getattr("executable")?.extract()?,
    };
    let directory: String = os.call_method0("getcwd")?.extract()?;
    let path: Vec<String> = sys.getattr("path")?.extract()?;
    // Equal keys must have equal hashes in all workers.
    environment.insert("PYTHONHASHSEED".into(), "0".into());
    Ok(WorkerCommand {
        program: program.into(),
        arguments: vec!["-c".into(), SERVER.into(), json.call_method1("dumps", (&path,))?.extract()?],
        environment: environment.into_iter().collect(),
        setting: setting(py, path, &directory)?,
        directory: directory.into(),
        watchdog: Watchdog::default(),
    })
}

fn setting(py: Python<'_>, sys_path: Vec<String>, directory: &str) -> PyResult<String> {
    let setting = PyDict::new(py);
    setting.set_item("sys_path", sys_path)?;
    setting.set_item("directory", directory)?;
    py.import("json")?.call_method1("dumps", (setting,))?.extract()
}

/// One stream, and then the other.
struct OneThenOther(Option<Stream<Objects>>, Stream<Objects>);

impl Batches<Objects> for OneThenOther {
    fn next_batch(&mut self) -> Outcome<Option<Batch<Objects>>> {
        if let Some(stream) = &mut self.0 {
            if let Some(batch) = stream.next_batch()? {
                return Ok(Some(batch));
            }
            self.0 = None;
        }
        self.1.next_batch()
    }
}
