//! An owned value, moved into a closure.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let suffix = String::from("!");
    sc.range(0..10).map(move |x| format!("{x}{suffix}")).count()?;
    Ok(())
}
