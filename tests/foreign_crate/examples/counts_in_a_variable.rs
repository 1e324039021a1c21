//! Spark's classic trap: a counter of the driver's that tasks would count up in copies of their own.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let mut seen = 0;
    sc.range(0..10).foreach(|_| seen += 1)?;
    println!("{seen}");
    Ok(())
}
