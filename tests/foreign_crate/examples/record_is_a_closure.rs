//! A closure as a record.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let _ = sc.range(0..10).map(|x| move |y: i64| x + y);
    Ok(())
}
