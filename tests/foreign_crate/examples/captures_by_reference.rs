//! A closure that borrows a variable, as closures do without `move`. The compiler says `move`; following it leads to our
//! own refusal (`captures_a_string`).

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let factor = 3;
    sc.range(0..10).map(|x| x * factor).count()?;
    Ok(())
}
