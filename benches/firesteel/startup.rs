//! Startup on Firesteel, from nothing to the first result: the harness times the whole process.

use firesteel::{Context, Result};
use firesteel_benches::{params, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let n = params::records(10) as i64;
    report::try_measure(|| {
        let sum = sc.parallelize((1..=n).collect::<Vec<_>>(), params::threads()).reduce(|a, b| a + b)?;
        Ok(format!("sum={sum}"))
    })
}
