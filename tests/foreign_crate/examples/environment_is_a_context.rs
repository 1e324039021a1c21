//! A context as environment.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    sc.range(0..10).map_with(sc.clone(), |sc, x| sc.range(0..x).id()).count()?;
    Ok(())
}
