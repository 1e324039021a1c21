//! Will my flight be late? Logistic regression, which learns from the flights of nine months and is judged by those of three.
//!
//! Shows *cached* points, weights that every step *broadcasts* anew, and `aggregate`, which sums what a step needs in one pass.
//!
//! `cargo xtask data` once, then `cargo run --release --example logistic_regression [-- FLIGHTS]`

#![expect(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]

use firesteel::{Context, Rdd};
use serde::{Deserialize, Serialize};
use std::error::Error;

/// The columns of `flights.csv` that matter here. What was cancelled has no delays.
#[derive(Clone, Serialize, Deserialize)]
struct Flight {
    month: u8,
    hour: f64,
    distance: f64,
    dep_delay: Option<f64>,
    arr_delay: Option<f64>,
}

/// A constant, and what is known when a flight leaves: by how many hours it left late, thousands of miles to fly, and the hour of
/// the day in tens.
type Features = [f64; 4];

/// A flight, and whether it arrived more than a quarter of an hour late.
type Point = (Features, bool);

/// The first and second derivatives of the log-likelihood, summed over points.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Slopes {
    gradient: Features,
    curvature: [Features; 4],
}

const TOLERANCE: f64 = 1e-9;
const MAX_STEPS: usize = 50;

#[firesteel::main]
fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "target/data/flights.csv".into());
    let hint = |error| format!("{error}\n  help: `cargo xtask data` fetches the flights into target/data");

    let sc = Context::builder().app_name("logistic regression").get_or_create()?;
    let flights = sc.read_csv::<Flight>(&path).null("NA").load().map_err(hint)?;
    let points = flights.flat_map(|flight| {
        let (left, arrived) = (flight.dep_delay?, flight.arr_delay?);
        Some((flight.month, (features(left, flight.distance, flight.hour), arrived > 15.0)))
    });
    let learn = points.filter(|(month, _)| *month <= 9).values().cache();
    let judge = points.filter(|(month, _)| *month > 9).values().cache();

    let mut weights = Features::default();
    for step in 1..=MAX_STEPS {
        let change = newton_step(&learn, &weights)?;
        weights = std::array::from_fn(|i| weights[i] + change[i]);
        let farthest = change.iter().fold(0.0, |farthest: f64, x| farthest.max(x.abs()));
        println!("step {step}: weights move by {farthest:.9}");
        if farthest < TOLERANCE {
            break;
        }
    }

    println!(
        "\nWeights: {:.4} {:+.4} late {:+.4} distance {:+.4} hour",
        weights[0], weights[1], weights[2], weights[3]
    );
    let right = judge.filter_with(weights, |weights, (x, is_late)| (chance(weights, x) > 0.5) == *is_late);
    let (all, late) = (judge.count()? as f64, judge.filter(|(_, is_late)| *is_late).count()? as f64);
    println!(
        "Of {all} flights from October on, {:.1} % are foretold rightly;",
        100.0 * right.count()? as f64 / all
    );
    println!("who always says `on time` is right for {:.1} %", 100.0 * (all - late) / all);
    println!("\nHow likely a flight over 1000 miles is late that leaves at 18:00");
    for minutes in [0.0, 15.0, 30.0, 60.0] {
        let percent = 100.0 * chance(&weights, &features(minutes, 1000.0, 18.0));
        println!("{minutes:>8} minutes late: {percent:>5.1} %");
    }
    Ok(())
}

fn features(dep_delay: f64, distance: f64, hour: f64) -> Features {
    // Beyond three hours it makes no difference any more, and the steps are steadier without such points.
    [1.0, dep_delay.min(180.0) / 60.0, distance / 1000.0, hour / 10.0]
}

fn chance(weights: &Features, x: &Features) -> f64 {
    let score: f64 = weights.iter().zip(x).map(|(weight, x)| weight * x).sum();
    1.0 / (1.0 + (-score).exp())
}

/// By how much Newton's method moves the weights.
fn newton_step(points: &Rdd<Point>, weights: &Features) -> Result<Features, Box<dyn Error>> {
    let sent = points.context().broadcast(*weights)?;
    let slopes = points.aggregate_with(
        sent,
        Slopes::default(),
        |weights, slopes, point| slopes.with(weights, &point),
        |_, a, b| a.plus(&b),
    )?;
    solve(slopes.curvature, slopes.gradient)
        .ok_or_else(|| "the flights are too few or too alike to tell the weights from each other".into())
}

impl Slopes {
    fn with(mut self, weights: &Features, (x, is_late): &Point) -> Slopes {
        let p = chance(weights, x);
        let error = f64::from(u8::from(*is_late)) - p;
        for i in 0..4 {
            self.gradient[i] += error * x[i];
            for j in 0..4 {
                self.curvature[i][j] += p * (1.0 - p) * x[i] * x[j];
            }
        }
        self
    }

    fn plus(mut self, other: &Slopes) -> Slopes {
        for i in 0..4 {
            self.gradient[i] += other.gradient[i];
            for j in 0..4 {
                self.curvature[i][j] += other.curvature[i][j];
            }
        }
        self
    }
}

/// Solves `a x = b` by elimination. None when there is no single answer.
fn solve(mut a: [Features; 4], mut b: Features) -> Option<Features> {
    for column in 0..4 {
        let pivot = (column..4).max_by(|i, j| a[*i][column].abs().total_cmp(&a[*j][column].abs()))?;
        a.swap(column, pivot);
        b.swap(column, pivot);
        if a[column][column].abs() < 1e-12 {
            return None;
        }
        for row in (0..4).filter(|row| *row != column) {
            let factor = a[row][column] / a[column][column];
            let (subtracted, value) = (a[column], b[column]);
            (0..4).for_each(|j| a[row][j] -= factor * subtracted[j]);
            b[row] -= factor * value;
        }
    }
    Some(std::array::from_fn(|i| b[i] / a[i][i]))
}
