//! A table from words to counts with no allocation per word: bytes lie one after another in an arena, and what
//! is compared first (part of the hash, then the first eight bytes) lies beside the key.

use crate::words::Word;

/// One distinct word.
#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    prefix: u64,
    offset: u32,
    length: u32,
    count: u64,
}

/// An open-addressed table of slots that point into the entries: 32 bits of hash, 32 bits of index + 1; 0 is a free slot.
pub struct WordTable {
    slots: Vec<u64>,
    entries: Vec<Entry>,
    arena: Vec<u8>,
}

impl WordTable {
    /// Makes a table that grows when there are more than `expected` distinct words.
    pub fn new(expected: usize) -> Self {
        WordTable {
            slots: vec![0; (expected * 2).next_power_of_two().max(1024)],
            entries: Vec::with_capacity(expected),
            arena: Vec::with_capacity(expected * 12),
        }
    }

    /// Forgets the words and keeps the memory.
    pub fn clear(&mut self) {
        self.slots.fill(0);
        self.entries.clear();
        self.arena.clear();
    }

    /// Adds to the count of a word.
    #[inline]
    pub fn add(&mut self, word: Word<'_>, hash: u64, count: u64) {
        let prefix = word.prefix();
        let mask = self.slots.len() - 1;
        let tag = hash >> 32;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                break;
            }
            if slot >> 32 == tag {
                let entry = &mut self.entries[(slot as u32 - 1) as usize];
                let length = entry.length as usize;
                let same = entry.prefix == prefix
                    && length == word.bytes().len()
                    && (length <= 8 || self.arena[entry.offset as usize..][..length] == *word.bytes());
                if same {
                    entry.count += count;
                    return;
                }
            }
            at = (at + 1) & mask;
        }
        self.insert(at, word, Entry { hash, prefix, offset: 0, length: 0, count });
    }

    #[cold]
    fn insert(&mut self, at: usize, word: Word<'_>, entry: Entry) {
        let bytes = word.bytes();
        let (offset, length) = (self.arena.len() as u32, bytes.len() as u32);
        self.arena.extend_from_slice(bytes);
        self.entries.push(Entry { offset, length, ..entry });
        self.slots[at] = (entry.hash >> 32) << 32 | self.entries.len() as u64;
        if self.entries.len() * 2 > self.slots.len() {
            self.grow();
        }
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        self.slots = vec![0; mask + 1];
        for (index, entry) in self.entries.iter().enumerate() {
            let mut at = entry.hash as usize & mask;
            while self.slots[at] != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = (entry.hash >> 32) << 32 | (index as u64 + 1);
        }
    }

    /// Returns the number of distinct words.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns each word with its hash and count, in the order of first occurrence.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u64, u64)> {
        self.entries.iter().map(|entry| {
            (&self.arena[entry.offset as usize..][..entry.length as usize], entry.hash, entry.count)
        })
    }
}

/// Words with hashes and counts in columns: what a map task hands to one reduce task.
#[derive(Default)]
pub struct WordBlock {
    hashes: Vec<u64>,
    counts: Vec<u32>,
    lengths: Vec<u32>,
    bytes: Vec<u8>,
}

impl WordBlock {
    /// Appends a word.
    ///
    /// # Panics
    /// When one split holds a word more than 2^32 times.
    #[inline]
    pub fn push(&mut self, word: &[u8], hash: u64, count: u64) {
        self.hashes.push(hash);
        self.counts.push(u32::try_from(count).expect("a split is smaller than 4 GiB"));
        self.lengths.push(word.len() as u32);
        self.bytes.extend_from_slice(word);
    }

    /// Ends the block so that its words can be read.
    pub fn finish(&mut self) {
        self.bytes.extend_from_slice(&[0; 16]);
    }

    /// Adds all words of a finished block to the table.
    pub fn add_to(&self, table: &mut WordTable) {
        let mut at = 0;
        for (index, &hash) in self.hashes.iter().enumerate() {
            let length = self.lengths[index] as usize;
            let word = Word::at(&self.bytes[at..], length);
            table.add(word, hash, u64::from(self.counts[index]));
            at += length;
        }
    }
}
