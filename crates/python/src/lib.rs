//! The engine for Python: the module `firesteel._native`.
//!
//! A program's process and its workers load this same file, so operators travel between them by name, and a
//! task is sent as a description. The records of an RDD are lists of Python objects (`objects`); a stage's
//! functions run in the worker that reads their input and writes their output.
//!
//! Architecture invariant: the module converts, releases the interpreter's lock, and maps errors. The
//! behaviour of PySpark's methods is decided in the package's Python files, the placement of tasks in the
//! engine.

mod accumulator;
mod agent;
mod barrier;
mod broadcast;
mod budget;
mod columns;
mod combine;
mod command;
mod context;
mod failure;
mod files;
mod from_rows;
mod function;
mod hash;
mod hot_key;
mod kernels;
mod lines;
mod listeners;
mod lookup;
mod manager;
mod noting;
mod objects;
mod place;
mod place_typed;
mod rdd;
mod records;
mod settings;
mod sites;
mod sizes;
mod sketch;
mod sources;
mod spill;
mod timing;
mod to_rows;
mod turns;
mod worker;
mod writables;

use pyo3::prelude::*;

#[pymodule]
#[pyo3(name = "_native")]
fn native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("TaskStopped", module.py().get_type::<failure::TaskStopped>())?;
    module.add_class::<context::Context>()?;
    module.add_class::<listeners::EventLines>()?;
    module.add_class::<manager::Pool>()?;
    module.add_class::<rdd::Rdd>()?;
    module.add_class::<columns::Columns>()?;
    module.add_class::<columns::Files>()?;
    module.add_class::<accumulator::Accumulator>()?;
    module.add_class::<broadcast::Broadcast>()?;
    module.add_class::<worker::TaskInfo>()?;
    module.add_class::<spill::SpillFile>()?;
    module.add_class::<budget::Budget>()?;
    module.add_class::<kernels::KernelRun>()?;
    module.add_class::<kernels::KernelSample>()?;
    module.add_class::<kernels::KernelSink>()?;
    module.add_class::<kernels::Block>()?;
    module.add_class::<records::Lists>()?;
    module.add_class::<kernels::Pieces>()?;
    module.add_class::<kernels::KernelTable>()?;
    module.add_function(wrap_pyfunction!(kernels::pairwise_sum, module)?)?;
    module.add_function(wrap_pyfunction!(worker::work, module)?)?;
    module.add_function(wrap_pyfunction!(agent::agent, module)?)?;
    module.add_function(wrap_pyfunction!(columns::table_files, module)?)?;
    module.add_function(wrap_pyfunction!(columns::parquet_schema, module)?)?;
    module.add_function(wrap_pyfunction!(columns::read_table, module)?)?;
    module.add_function(wrap_pyfunction!(columns::infer_schema, module)?)?;
    module.add_function(wrap_pyfunction!(lines::infer_lines, module)?)?;
    module.add_function(wrap_pyfunction!(lines::lines_to_columns, module)?)?;
    module.add_function(wrap_pyfunction!(columns::java_text, module)?)?;
    module.add_function(wrap_pyfunction!(columns::to_columns, module)?)?;
    module.add_function(wrap_pyfunction!(columns::streams_to_columns, module)?)?;
    module.add_function(wrap_pyfunction!(columns::records_stream, module)?)?;
    module.add_function(wrap_pyfunction!(columns::empty_stream, module)?)?;
    module.add_function(wrap_pyfunction!(columns::stream_schema, module)?)?;
    module.add_function(wrap_pyfunction!(files::fetch_file, module)?)?;
    module.add_function(wrap_pyfunction!(barrier::barrier, module)?)?;
    module.add_function(wrap_pyfunction!(worker::current_task, module)?)?;
    module.add_function(wrap_pyfunction!(accumulator::accumulate, module)?)?;
    module.add_function(wrap_pyfunction!(hot_key::note_hot_key, module)?)?;
    module.add_function(wrap_pyfunction!(broadcast::load_broadcast, module)?)?;
    module.add_function(wrap_pyfunction!(settings::engine_setting, module)?)?;
    module.add_function(wrap_pyfunction!(settings::engine_settings, module)?)?;
    module.add_function(wrap_pyfunction!(settings::check_settings, module)?)?;
    module.add_function(wrap_pyfunction!(settings::set_log_level, module)?)?;
    module.add_function(wrap_pyfunction!(settings::judge_setting, module)?)?;
    module.add_function(wrap_pyfunction!(settings::settings_of_python, module)?)?;
    module.add_function(wrap_pyfunction!(hash::portable_hash, module)?)?;
    module.add_function(wrap_pyfunction!(rdd::hadoop_settings, module)?)?;
    module.add_function(wrap_pyfunction!(hash::hash, module)?)?;
    module.add_function(wrap_pyfunction!(combine::combine, module)?)?;
    module.add_function(wrap_pyfunction!(budget::memory_used, module)?)?;
    module.add_function(wrap_pyfunction!(combine::append, module)?)?;
    module.add_function(wrap_pyfunction!(combine::deal, module)?)?;
    module.add_function(wrap_pyfunction!(sketch::sketch, module)?)?;
    module.add_function(wrap_pyfunction!(sketch::sketch_estimate, module)?)?;
    module.add_function(wrap_pyfunction!(command::command, module)?)?;
    module.add_function(wrap_pyfunction!(command::begin_log, module)?)?;
    module.add_function(wrap_pyfunction!(command::command_options, module)?)?;
    module.add_function(wrap_pyfunction!(command::command_names, module)?)?;
    module.add_class::<command::CommandOption>()?;
    module.add_function(wrap_pyfunction!(command::submit_driver, module)?)?;
    module.add_function(wrap_pyfunction!(command::program_ended, module)?)?;
    Ok(())
}
