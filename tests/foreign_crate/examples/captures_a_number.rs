//! Refused, but not by `cargo check`: a `Copy` value that is moved into a closure. Only its size gives it away.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let factor = 3;
    sc.range(0..10).map(move |x| x * factor).count()?;
    Ok(())
}
