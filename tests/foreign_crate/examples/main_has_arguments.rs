//! A `main` as C has it.

#[firesteel::main]
fn main(arguments: Vec<String>) -> firesteel::Result<()> {
    println!("{}", arguments.len());
    Ok(())
}
