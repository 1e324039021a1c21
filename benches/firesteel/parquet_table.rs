//! Makes the table that the `parquet_scan` workload reads: `BENCH_N` rows under the path `BENCH_TABLE`.

use firesteel::{Context, Result};
use firesteel_benches::{params, table};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let rows = params::records(6_000_000) as i64;
    sc.range_in(0..rows, table::FILES)
        .map(|index| table::sale(index as u64))
        .save_as_parquet(&params::table())
}
