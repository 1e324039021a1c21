//! Settings given to the attribute.

#[firesteel::main(master = "local[4]")]
fn main() -> firesteel::Result<()> {
    Ok(())
}
