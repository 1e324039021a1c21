//! Which airports lie together: k-means over the positions of America's airports.
//!
//! Shows an iterative algorithm: *cached* points that every step reads, and centres that every step *broadcasts* anew.
//!
//! `cargo xtask data` once, then `cargo run --release --example k_means [-- AIRPORTS [CODE,CODE,...]]`, where the codes are those of the
//! airports to start from, one for each cluster

#![expect(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]

use firesteel::{Context, Rdd};
use serde::{Deserialize, Serialize};
use std::error::Error;

/// The columns of `airports.csv` that matter here.
#[derive(Clone, Serialize, Deserialize)]
struct Airport {
    faa: String,
    name: String,
    lat: f64,
    lon: f64,
}

/// A place on a globe of radius 1, since degrees of longitude are of different lengths.
type Point = [f64; 3];

/// Once no centre moves farther than this in a step, a few metres, the answer is found.
const TOLERANCE: f64 = 1e-6;
const MAX_STEPS: usize = 100;
const EARTH_RADIUS_KM: f64 = 6371.0;

#[firesteel::main]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "target/data/airports.csv".into());
    let start = arguments.next().unwrap_or_else(|| "JFK,MIA,ORD,DFW,LAX,SEA,ANC,HNL".into());
    let hint = |error| format!("{error}\n  help: `cargo xtask data` fetches the airports into target/data");

    let sc = Context::builder().app_name("k-means").get_or_create()?;
    let airports = sc.read_csv::<Airport>(&path).load().map_err(hint)?;
    let airports = airports.map(|airport| (position(&airport), airport)).cache();
    let mut centres = vec![];
    for code in start.split(',') {
        let found =
            airports.filter_with(code.to_string(), |code, (_, airport)| airport.faa == *code).take(1)?;
        let (point, _) =
            found.first().ok_or_else(|| format!("`{path}` has no airport `{code}` to start from"))?;
        centres.push(*point);
    }

    let points = airports.keys().cache();
    let mut steps = 0;
    loop {
        let next = step(&points, &centres)?;
        let farthest = centres.iter().zip(&next).map(|(a, b)| distance(a, b)).fold(0.0, f64::max);
        centres = next;
        steps += 1;
        if farthest < TOLERANCE || steps == MAX_STEPS {
            break;
        }
    }

    let nearest = airports.map_with(centres, |centres, (point, airport)| {
        let (cluster, chord) = closest(centres, &point);
        let km = 2.0 * (chord / 2.0).asin() * EARTH_RADIUS_KM;
        (cluster, (1u64, km, (km, airport.name)))
    });
    let mut clusters = nearest
        .reduce_by_key(|(m, a, x), (n, b, y)| (m + n, a + b, if x.0 <= y.0 { x } else { y }))
        .collect()?;
    clusters.sort_by_key(|(cluster, (count, ..))| (std::cmp::Reverse(*count), *cluster));
    println!("{} airports in {} clusters, after {steps} steps:", points.count()?, clusters.len());
    for (_, (count, km, (_, name))) in clusters {
        println!(
            "{count:>6} airports, {:>4.0} km from the middle in the mean, which is near {name}",
            km / count as f64
        );
    }
    Ok(())
}

/// Moves each centre into the middle of the points that it is the closest to.
fn step(points: &Rdd<Point>, centres: &[Point]) -> firesteel::Result<Vec<Point>> {
    let sent = points.context().broadcast(centres.to_vec())?;
    let sums = points
        .map_with(sent, |centres, point| (closest(centres, &point).0, (point, 1u64)))
        .reduce_by_key(|(a, m), (b, n)| ([a[0] + b[0], a[1] + b[1], a[2] + b[2]], m + n))
        .collect()?;
    // One that no point is close to stays.
    let mut next = centres.to_vec();
    for (cluster, (sum, count)) in sums {
        next[cluster] = sum.map(|total| total / count as f64);
    }
    Ok(next)
}

/// The first of the closest centres, and how far it is.
fn closest(centres: &[Point], point: &Point) -> (usize, f64) {
    let distances = centres.iter().map(|centre| distance(centre, point)).enumerate();
    distances.fold((0, f64::INFINITY), |best, other| if other.1 < best.1 { other } else { best })
}

fn distance(a: &Point, b: &Point) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

fn position(airport: &Airport) -> Point {
    let (lat, lon) = (airport.lat.to_radians(), airport.lon.to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}
