//! k-means over cached points on Firesteel.

use firesteel::{Context, Result};
use firesteel_benches::data::{self, DIMENSIONS};
use firesteel_benches::{params, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let (n, k, partitions) = (params::records(2_000_000), params::keys(10), params::partitions());
    let iterations = params::iterations(5);
    report::try_measure(|| {
        let points = sc.range_in(0..n as i64, partitions).map(|i| data::point(i as u64)).cache();
        let mut centres: Vec<Point> = (0..k).map(data::point).collect();
        for _ in 0..iterations {
            let sums = points
                .map_with(centres.clone(), |centres, point| (closest(&point, centres), (point, 1u64)))
                .reduce_by_key(|(a, m), (b, n)| (std::array::from_fn(|axis| a[axis] + b[axis]), m + n))
                .collect()?;
            for (index, (sum, count)) in sums {
                centres[index] = sum.map(|total| total / count as f64);
            }
        }
        points.unpersist(true);
        let rounded = centres.iter().flatten().map(|coordinate| format!("{coordinate:.4}"));
        Ok(rounded.collect::<Vec<_>>().join(" "))
    })
}

type Point = [f64; DIMENSIONS];

/// Returns the first of the closest centres.
fn closest(point: &Point, centres: &[Point]) -> usize {
    let mut best = (0, f64::INFINITY);
    for (index, centre) in centres.iter().enumerate() {
        let distance = (0..DIMENSIONS).map(|axis| (point[axis] - centre[axis]).powi(2)).sum();
        if distance < best.1 {
            best = (index, distance);
        }
    }
    best.0
}
