//! How fast lines are read: `cargo run --release -p firesteel-io --example line_speed -- FILE`, on a file that is in the
//! page cache. Prints GB/s of borrowed lines and of lines that are strings of their own.

use firesteel_io::{FileSplit, LineOptions, LineReader, SplitOptions, Stores, file_splits, list_inputs};
use std::time::Instant;

/// Lines in a batch, and bytes, as a task would ask for.
const BATCH: (usize, usize) = (4096, 1 << 20);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name a file to read")?;
    let mut options = LineOptions::default();
    if let Some(kib) = arguments.next() {
        options.chunk_bytes = kib.parse::<usize>()? << 10;
    }
    let files = list_inputs(&Stores::default(), &path)?;
    let bytes: u64 = files.iter().map(|file| file.length).sum();
    let splits = file_splits(&files, &SplitOptions::new(2));
    for (name, read) in [("borrowed", borrowed as Read), ("strings", strings)] {
        for _ in 0..3 {
            let started = Instant::now();
            let mut lines = 0;
            for split in &splits {
                lines += read(split, options.clone())?;
            }
            let seconds = started.elapsed().as_secs_f64();
            let speed = bytes as f64 / seconds / 1e9;
            eprintln!("{name}: {lines} lines, {bytes} bytes, {seconds:.3} s, {speed:.2} GB/s");
        }
    }
    Ok(())
}

type Read = fn(&FileSplit, LineOptions) -> Result<usize, Box<dyn std::error::Error>>;

fn borrowed(split: &FileSplit, options: LineOptions) -> Result<usize, Box<dyn std::error::Error>> {
    let (mut lines, mut bytes) = (0, 0);
    LineReader::open(&Stores::default(), split, options)?.for_each_line(|line| {
        lines += 1;
        bytes += line.len();
    })?;
    std::hint::black_box(bytes);
    Ok(lines)
}

fn strings(split: &FileSplit, options: LineOptions) -> Result<usize, Box<dyn std::error::Error>> {
    let mut reader = LineReader::open(&Stores::default(), split, options)?;
    let (mut lines, mut batch) = (0, vec![]);
    loop {
        let more = reader.read_batch(&mut batch, BATCH.0, BATCH.1)?;
        lines += batch.len();
        batch.clear();
        if !more {
            return Ok(lines);
        }
    }
}
