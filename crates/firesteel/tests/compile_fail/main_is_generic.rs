//! A `main` with parameters, which no caller could pass.

#[firesteel::main]
fn main<T: Default>() -> firesteel::Result<()> {
    let _ = T::default();
    Ok(())
}
