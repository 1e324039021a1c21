//! Word count by hand, as fast as we know how: two phases over splits and reduce partitions.
//!
//! Map: each split is counted in a table of its own, then its distinct words are laid out in columns, one block
//! per reduce partition, with the hashes that were computed once. Reduce: each partition merges its blocks into
//! one table small enough for the cache, and returns only its number of words and its top five.

use std::cell::RefCell;
use std::path::Path;

use firesteel_benches::word_table::{WordBlock, WordTable};
use firesteel_benches::words::Split;
use firesteel_benches::{params, report, threads};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SPLIT_BYTES: usize = 32 << 20;

/// A power of two, such that a partition of a gigabyte of text fits the second-level cache.
const PARTITIONS: usize = 256;

thread_local! {
    // One for each phase: a partition's words would lie scattered in a table that has grown to a split's.
    static MAP_TABLE: RefCell<WordTable> = RefCell::new(WordTable::new(1 << 18));
    static REDUCE_TABLE: RefCell<WordTable> = RefCell::new(WordTable::new(1 << 16));
}

fn main() {
    let (path, threads) = (params::text(), params::threads());
    report::measure(|| count(&path, threads));
}

fn count(path: &Path, threads: usize) -> String {
    let length = std::fs::metadata(path).expect("the text exists").len();
    let splits = length.div_ceil(SPLIT_BYTES as u64) as usize;
    let maps = threads::parallel(threads, splits, |index| map_split(path, index));
    let reduced = threads::parallel(threads, PARTITIONS, |partition| reduce_partition(&maps, partition));
    let distinct: usize = reduced.iter().map(|(distinct, _)| distinct).sum();
    let top = report::top_words(reduced.into_iter().flat_map(|(_, top)| top));
    report::word_answer(&top, distinct)
}

fn map_split(path: &Path, index: usize) -> Vec<WordBlock> {
    let split = Split::read(path, (index * SPLIT_BYTES) as u64, SPLIT_BYTES).expect("the text can be read");
    MAP_TABLE.with_borrow_mut(|table| {
        table.clear();
        split.for_each_word(|word| table.add(word, word.hash(), 1));
        let mut blocks: Vec<WordBlock> = (0..PARTITIONS).map(|_| WordBlock::default()).collect();
        for (word, hash, count) in table.iter() {
            blocks[(hash >> 56) as usize].push(word, hash, count);
        }
        blocks.iter_mut().for_each(WordBlock::finish);
        blocks
    })
}

fn reduce_partition(maps: &[Vec<WordBlock>], partition: usize) -> (usize, Vec<(String, u64)>) {
    REDUCE_TABLE.with_borrow_mut(|table| {
        table.clear();
        maps.iter().for_each(|blocks| blocks[partition].add_to(table));
        let words = table.iter().map(|(word, _, count)| (word, count));
        (table.len(), report::top_words(words))
    })
}
