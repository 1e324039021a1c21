//! `async` by habit.

#[firesteel::main]
async fn main() -> firesteel::Result<()> {
    Ok(())
}
