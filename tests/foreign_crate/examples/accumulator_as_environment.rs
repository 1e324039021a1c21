//! An accumulator is given where its adder should be.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let bad = sc.long_accumulator();
    let lines = sc.parallelize(["1".to_string()], 1);
    let numbers = lines.map_with(bad.clone(), |bad, line| {
        bad.add(1);
        line.len()
    });
    println!("{} {}", numbers.count()?, bad.value());
    Ok(())
}
