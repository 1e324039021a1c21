//! The first word count that everybody writes: words that borrow from their line.

fn main() -> firesteel::Result<()> {
    let sc = firesteel::Context::builder().create()?;
    let lines = sc.text_file("poem.txt", 2)?;
    let _ = lines.flat_map(|line| line.split_whitespace());
    Ok(())
}
