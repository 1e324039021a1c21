//! A struct of the user's, without derives.

struct Point {
    x: i64,
    y: i64,
}

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let _ = sc.range(0..10).map(|x| Point { x, y: x });
    Ok(())
}
