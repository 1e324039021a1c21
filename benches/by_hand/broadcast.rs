//! Broadcast by hand: a value of 256 MiB that every task reads, from threads that share memory.

use firesteel_benches::{data, params, report, threads};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let (n, threads, parts) = (params::records(32 << 20), params::threads(), params::partitions());
    report::measure(|| {
        let table: Vec<f64> = (0..n).map(data::unit).collect();
        let sums = threads::parallel(threads, parts, |part| {
            table.iter().skip(part).step_by(parts).map(|x| (x * 1000.0) as i64).sum::<i64>()
        });
        format!("sum={}", sums.into_iter().sum::<i64>())
    });
}
