//! Broadcast on Firesteel: a value of 256 MiB that every task reads.

use firesteel::{Context, Result};
use firesteel_benches::{data, params, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let (n, partitions) = (params::records(32 << 20), params::partitions());
    report::try_measure(|| {
        let table = sc.broadcast((0..n).map(data::unit).collect::<Vec<f64>>())?;
        let parts = sc.range_in(0..partitions as i64, partitions).map_with(
            (table.clone(), partitions),
            |(table, partitions), part| {
                let mine = table.iter().skip(part as usize).step_by(*partitions);
                mine.map(|x| (x * 1000.0) as i64).sum::<i64>()
            },
        );
        let sum = parts.sum()?;
        table.destroy();
        Ok(format!("sum={sum}"))
    })
}
