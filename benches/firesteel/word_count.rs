//! Word count on Firesteel: the five most frequent words and how many distinct ones, found in one pass over the counts.

use firesteel::{Context, Result, Str};
use firesteel_benches::{params, report};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[firesteel::main]
fn main() -> Result<()> {
    let sc = Context::builder().master(&params::master()).get_or_create()?;
    let text = params::text().to_string_lossy().into_owned();
    report::try_measure(|| {
        let words = sc.text_file(&text, None)?.flat_map_push(|line, words| {
            words.extend(line.split_ascii_whitespace().map(|word| (Str::from(word), 1u64)));
        });
        let (distinct, top) = words
            .reduce_by_key(|a, b| a + b)
            .map_partitions(|counts| {
                let mut distinct = 0;
                let top = report::top_words(counts.inspect(|_| distinct += 1));
                [(distinct, top)]
            })
            .reduce(|a, b| (a.0 + b.0, report::top_words(a.1.into_iter().chain(b.1))))?;
        Ok(report::word_answer(&top, distinct))
    })
}
