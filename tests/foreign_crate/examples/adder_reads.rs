//! A task wants to read what was added.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let seen = sc.long_accumulator();
    let numbers = sc.range(0..10).map_with(seen.adder(), |seen, x| seen.value() + i128::from(x));
    println!("{}", numbers.count()?);
    Ok(())
}
