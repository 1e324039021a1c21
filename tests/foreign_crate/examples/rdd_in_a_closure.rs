//! An RDD used inside a task of another: a job cannot start jobs.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let others = sc.range(0..5);
    sc.range(0..10).map(move |x| others.count().unwrap() + x as u64).count()?;
    Ok(())
}
