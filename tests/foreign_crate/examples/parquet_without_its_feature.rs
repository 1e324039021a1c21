//! Refused: this crate has firesteel without its features, and the compiler names the one that is wanted.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let fares = sc.read_parquet::<(String, f64)>("trips.parquet").load()?;
    fares.save_as_parquet("fares")?;
    Ok(())
}
