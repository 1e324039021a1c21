//! Tables beside Spark: `python/edges` runs the same programs in PySpark and in Firesteel, compares what they write,
//! and has each read what the other has written.

use super::Trouble;
use crate::bench::spark::check_java;
use crate::process::run_within;
use crate::python::conformance;
use crate::python::wheel::Profile;
use std::time::Duration;

/// The most time; with two cores to itself it takes a minute.
const LIMIT: Duration = Duration::from_secs(900);

pub(super) fn run() -> Result<(), Trouble> {
    check_java().map_err(Trouble::Missing)?;
    let mut runner = conformance::beside_pyspark(Some(Profile::Release))?.python();
    runner.arg("python/edges");
    run_within(&mut runner, LIMIT).map_err(|error| format!("tables beside Spark: {error}"))?;
    Ok(())
}
