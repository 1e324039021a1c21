//! Empty tasks on Firesteel: many tasks that do nothing, for the cost of one task.

use firesteel::{Context, Result};
use firesteel_benches::{params, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let tasks = params::records(10_000) as usize;
    report::try_measure(|| {
        let count = sc.parallelize(Vec::<i64>::new(), tasks).count()?;
        Ok(format!("count={count} tasks={tasks}"))
    })
}
