//! The same, with the RDD given by name.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let others = sc.range(0..5);
    sc.range(0..10).map_with(others, |others, x| others.count().unwrap() + x as u64).count()?;
    Ok(())
}
