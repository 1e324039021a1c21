//! The attribute on the wrong function.

#[firesteel::main]
fn count() -> firesteel::Result<()> {
    Ok(())
}

fn main() {}
