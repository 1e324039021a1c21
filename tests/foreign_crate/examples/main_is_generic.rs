//! Parameters that nobody could give.

#[firesteel::main]
fn main<T: Default>() -> firesteel::Result<()> {
    let _ = T::default();
    Ok(())
}
