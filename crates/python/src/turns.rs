//! Turns of reducers when records are dealt out by `repartition`: ten records at a time, each partition
//! beginning at another reducer.
//!
//! Programs have the outcome of `repartition` in their tests, so turns begin where Spark's do: at a number
//! that its generator, a xorshift (Marsaglia, 2003) seeded through MurmurHash3 (Appleby), draws for the
//! partition's index.

/// The number of records in a row that go to the same reducer.
const RECORDS_AT_ONCE: u64 = 10;

/// The turns of one partition.
pub(crate) struct Turns {
    next: u64,
    dealt: u64,
    reducers: u64,
}

impl Turns {
    pub(crate) fn new(partition: u32, reducers: u32) -> Self {
        let next = u64::from(XorShift::new(u64::from(partition)).below(reducers));
        Turns { next, dealt: 0, reducers: u64::from(reducers) }
    }

    /// Returns the reducer of the next record.
    pub(crate) fn take(&mut self) -> usize {
        if self.dealt.is_multiple_of(RECORDS_AT_ONCE) {
            self.next += 1;
        }
        self.dealt += 1;
        (self.next % self.reducers) as usize
    }
}

struct XorShift(u64);

impl XorShift {
    const SEED_OF_SEEDS: u32 = 0x3c07_4a61;

    fn new(seed: u64) -> Self {
        let bytes = seed.to_be_bytes();
        let low = murmur3(bytes, Self::SEED_OF_SEEDS);
        let high = murmur3(bytes, low);
        XorShift(u64::from(high) << 32 | u64::from(low))
    }

    fn bits31(&mut self) -> u32 {
        self.0 ^= self.0 << 21;
        self.0 ^= self.0 >> 35;
        self.0 ^= self.0 << 4;
        (self.0 & 0x7fff_ffff) as u32
    }

    /// Draws a number evenly from 0 to `bound`, exclusive.
    fn below(&mut self, bound: u32) -> u32 {
        if bound.is_power_of_two() {
            return ((u64::from(bound) * u64::from(self.bits31())) >> 31) as u32;
        }
        loop {
            let drawn = self.bits31();
            let rest = drawn % bound;
            // The last, incomplete stretch would favour small numbers.
            if drawn - rest + (bound - 1) < 1 << 31 {
                return rest;
            }
        }
    }
}

/// Computes MurmurHash3, x86, 32 bits, of eight bytes.
fn murmur3(bytes: [u8; 8], seed: u32) -> u32 {
    let mut hash = seed;
    for block in bytes.chunks_exact(4) {
        let block = u32::from_le_bytes(block.try_into().expect("four bytes"));
        hash ^= block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    hash ^= bytes.len() as u32;
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}
