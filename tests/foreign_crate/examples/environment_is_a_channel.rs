//! A channel to the driver as environment.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let (to, _from) = std::sync::mpsc::channel::<i64>();
    sc.range(0..10).foreach_with(to, |to, x| to.send(x).unwrap())?;
    Ok(())
}
