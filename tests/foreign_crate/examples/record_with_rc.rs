//! A record that cannot leave its thread.

use std::rc::Rc;

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let _ = sc.range(0..10).map(|x| Rc::new(x));
    Ok(())
}
