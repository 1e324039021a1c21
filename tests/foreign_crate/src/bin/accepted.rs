//! The alternatives that the refusals of wrong programs suggest, each accepted.

use firesteel::{Context, Rdd, Str};

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Point {
    x: i64,
    y: i64,
}

fn double(x: i64) -> i64 {
    x * 2
}

fn words(lines: &Rdd<String>) -> Rdd<Str> {
    lines.flat_map(|line| line.split_whitespace().map(Str::from).collect::<Vec<_>>())
}

#[firesteel::main]
fn main() -> firesteel::Result<()> {
    let sc = Context::builder().master("local[1]").create()?;
    let (factor, suffix) = (3, "!");
    let numbers = sc.range(0..3);
    assert_eq!(numbers.map_with(factor, |factor, x| x * factor).collect()?, [0, 3, 6]);
    let shouted = numbers.map_with(suffix.to_string(), |suffix, x| format!("{x}{suffix}"));
    assert_eq!(shouted.collect()?, ["0!", "1!", "2!"]);
    assert_eq!(numbers.map(double).collect()?, [0, 2, 4]);
    #[expect(
        clippy::redundant_closure,
        reason = "this is what is said to those who give a pointer to a function"
    )]
    let doubled = numbers.map(|x| double(x));
    assert_eq!(doubled.collect()?, [0, 2, 4]);
    assert_eq!(numbers.map(|x| Point { x, y: x }).map(|point| point.x + point.y).collect()?, [0, 2, 4]);
    assert_eq!(words(&sc.parallelize(["to be", "or"].map(String::from), 1)).count()?, 3);
    Ok(())
}
