//! A program that ends with an error, under the attribute.

/// Fails before any job, or in a task, as its first argument says, or cannot read what that names.
#[firesteel::main]
fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().master("local[1]").create()?;
    match std::env::args().nth(1).as_deref() {
        Some("in-a-task") => sc.range_in(0..4, 2).map(|x| 6 / (x - 3)).count()?,
        Some(path) => sc.text_file(path, None)?.count()?,
        None => sc.text_file("no/such/file.txt", None)?.count()?,
    };
    println!("never printed");
    Ok(())
}
