//! Parquet scan on Firesteel: three columns of a table of twenty, read as records, and summed up.

use firesteel::{Context, Result, Str};
use firesteel_benches::table::Scan;
use firesteel_benches::{params, report};
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Clone, Serialize, Deserialize)]
struct Sale {
    store: i64,
    price: f64,
    city: Str,
}

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let path = params::table();
    report::try_measure(|| {
        let scan = sc.read_parquet::<Sale>(&path).load()?.aggregate(
            Scan::default(),
            |mut scan, sale| {
                scan.add(sale.store, sale.price, &sale.city);
                scan
            },
            Scan::and,
        )?;
        Ok(scan.answer())
    })
}
