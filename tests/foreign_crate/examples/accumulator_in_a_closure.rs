//! A closure takes an accumulator along.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let bad = sc.long_accumulator();
    let counted = bad.clone();
    sc.range(0..10).foreach(move |x| counted.add(x))?;
    println!("{}", bad.value());
    Ok(())
}
