//! The sizes that an application's settings ask of a cluster manager.

use firesteel_conf as conf;
use firesteel_conf::{Conf, ConfError};
use firesteel_lending::Shape;

/// The least memory that is asked for beside an executor's own, as Spark has it.
const LEAST_OVERHEAD: u64 = 384 << 20;

/// The number of executors where nothing says it, as Spark has it with cluster managers.
pub const DEFAULT_EXECUTORS: u32 = 2;

/// Returns the size of an executor; `cores` is the number of its cores where nothing says it.
///
/// # Errors
/// When a setting has a value that it cannot have.
pub fn shape_of(conf: &Conf, cores: u32) -> Result<Shape, ConfError> {
    let cores = conf.get(&conf::EXECUTOR_CORES)?.unwrap_or(cores);
    Ok(Shape { cores, memory: conf.get(&conf::EXECUTOR_MEMORY)? })
}

/// Returns the memory that is asked for beside an executor's own, in bytes.
///
/// # Errors
/// When a setting has a value that it cannot have.
pub fn overhead_of(conf: &Conf) -> Result<u64, ConfError> {
    let memory = conf.get(&conf::EXECUTOR_MEMORY)?;
    let factor = conf.get(&conf::EXECUTOR_MEMORY_OVERHEAD_FACTOR)?.unwrap_or(0.1);
    let share = (memory as f64 * factor) as u64;
    Ok(conf.get(&conf::EXECUTOR_OVERHEAD)?.unwrap_or(share.max(LEAST_OVERHEAD)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overhead_is_a_tenth_and_384_mib_at_least() {
        let overhead = |pairs: &[(&str, &str)]| {
            let mut conf = Conf::default();
            pairs.iter().for_each(|(key, value)| conf.set(key, value).unwrap());
            overhead_of(&conf).unwrap() >> 20
        };
        assert_eq!(overhead(&[]), 384);
        assert_eq!(overhead(&[("spark.executor.memory", "10g")]), 1024);
        let set = [("spark.executor.memory", "10g"), ("spark.executor.memoryOverhead", "2g")];
        assert_eq!(overhead(&set), 2048);
        let set = [("spark.executor.memory", "10g"), ("spark.executor.memoryOverheadFactor", "0.4")];
        assert_eq!(overhead(&set), 4096);
    }
}
