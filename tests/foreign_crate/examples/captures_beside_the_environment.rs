//! Refused, but not by `cargo check`: the `_with` form is as strict about its closure as the plain one.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let (factor, offset) = (3, 4);
    sc.range(0..10).map_with(factor, move |factor, x| x * factor + offset).count()?;
    Ok(())
}
