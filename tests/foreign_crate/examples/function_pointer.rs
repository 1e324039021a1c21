//! Refused, but not by `cargo check`: a pointer to a function has a size, unlike the function itself.

fn double(x: i64) -> i64 {
    x * 2
}

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let chosen: fn(i64) -> i64 = double;
    sc.range(0..10).map(chosen).count()?;
    Ok(())
}
