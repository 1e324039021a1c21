//! k-means by hand: points in one array, centres in registers and the first-level cache.

use firesteel_benches::data::{self, DIMENSIONS};
use firesteel_benches::{params, report, threads};

const PARTS: usize = 64;

type Point = [f64; DIMENSIONS];

fn main() {
    let (n, k) = (params::records(2_000_000), params::keys(10) as usize);
    let (iterations, threads) = (params::iterations(5), params::threads());
    report::measure(|| {
        let points = threads::parallel(threads, PARTS, |index| {
            threads::part(n, index, PARTS).map(data::point).collect::<Vec<Point>>()
        });
        let mut centres: Vec<Point> = (0..k as u64).map(data::point).collect();
        for _ in 0..iterations {
            centres = step(&points, &centres, threads);
        }
        let rounded = centres.iter().flatten().map(|coordinate| format!("{:.4}", coordinate));
        rounded.collect::<Vec<_>>().join(" ")
    });
}

/// Moves each centre to the mean of the points that are closest to it; a centre without points stays.
fn step(points: &[Vec<Point>], centres: &[Point], threads: usize) -> Vec<Point> {
    let sums = threads::parallel(threads, points.len(), |part| {
        let mut sums = vec![([0.0; DIMENSIONS], 0u64); centres.len()];
        for point in &points[part] {
            let (sum, count) = &mut sums[closest(point, centres)];
            (0..DIMENSIONS).for_each(|axis| sum[axis] += point[axis]);
            *count += 1;
        }
        sums
    });
    let mean = |(index, centre): (usize, &Point)| {
        let count: u64 = sums.iter().map(|part| part[index].1).sum();
        let total = |axis: usize| sums.iter().map(|part| part[index].0[axis]).sum::<f64>();
        if count == 0 { *centre } else { std::array::from_fn(|axis| total(axis) / count as f64) }
    };
    centres.iter().enumerate().map(mean).collect()
}

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
