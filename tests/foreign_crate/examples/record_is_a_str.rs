//! Text that belongs to the driver's program, given as records.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let _ = sc.parallelize(["to be", "or not"], 2);
    Ok(())
}
