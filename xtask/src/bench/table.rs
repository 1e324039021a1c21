//! The Parquet table that a workload scans: made once by Firesteel's own writer, into `target/bench-data`, and
//! reused.

use std::path::PathBuf;

use crate::process::run;
use crate::{Fallible, workspace};

/// Makes the table with the number of rows in the variables.
pub(super) fn prepare(variables: &[(&'static str, String)]) -> Fallible<PathBuf> {
    let rows = variables.iter().find(|(name, _)| *name == "BENCH_N").map_or("0", |(_, rows)| rows);
    let folder = workspace::target_dir().join("bench-data");
    let table = folder.join(format!("sales-{rows}"));
    if table.join("_SUCCESS").is_file() {
        return Ok(table);
    }
    println!("making a table of {rows} rows in {}", table.display());
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let program = workspace::target_dir().join("release").join("firesteel-parquet-table");
    run(std::process::Command::new(program).env("BENCH_N", rows).env("BENCH_TABLE", &table))?;
    Ok(table)
}
