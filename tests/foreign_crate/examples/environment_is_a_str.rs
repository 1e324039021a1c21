//! A borrowed text as environment.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    sc.range(0..10).map_with("!", |suffix, x| format!("{x}{suffix}")).count()?;
    Ok(())
}
