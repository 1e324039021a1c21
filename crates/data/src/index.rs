//! A hash index: maps hashes to positions in a list, by open addressing with linear probing, at most half full.
//!
//! A slot is 32 bits of the hash and 32 bits of position, so a lookup costs one cache line here and, nearly
//! always only when the key is there, one of the entry itself. Entries stay in a list of their owner's, in the
//! order of insertion: growing moves slots and never entries, and iterating over all of them is sequential.

/// The slots of an open-addressed table. 0 is a free one.
#[derive(Default)]
pub(crate) struct Index {
    slots: Vec<u64>,
    used: usize,
}

/// The result of a lookup.
pub(crate) enum Found {
    /// The entry's position in the owner's list.
    At(usize),
    /// A free slot, for [`Index::fill`].
    Free(usize),
}

const LEAST_SLOTS: usize = 64;

impl Index {
    /// Looks for the entry with a hash for which `is_it` holds. Call [`Index::make_room`] first if an entry may
    /// be added.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u64, mut is_it: impl FnMut(usize) -> bool) -> Found {
        let mask = self.slots.len() - 1;
        let tag = hash >> 32;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return Found::Free(at);
            }
            if slot >> 32 == tag {
                let place = (slot as u32 - 1) as usize;
                if is_it(place) {
                    return Found::At(place);
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Prefetches the slot of a hash that will be looked up soon, so that several loads are under way at once.
    #[inline(always)]
    pub(crate) fn touch(&self, hash: u64) {
        if let Some(slot) = self.slots.get(hash as usize & self.slots.len().wrapping_sub(1)) {
            std::hint::black_box(*slot);
        }
    }

    /// Puts the entry with this hash and position into a slot that was found free.
    #[inline]
    pub(crate) fn fill(&mut self, slot: usize, hash: u64, place: usize) {
        debug_assert_eq!(self.slots[slot], 0);
        self.slots[slot] = ((hash >> 32) << 32) | (place as u64 + 1);
        self.used += 1;
    }

    /// Makes sure that one more entry has a slot. `hash_of` returns the hash of the entry at a position.
    #[inline(always)]
    pub(crate) fn make_room(&mut self, hash_of: impl Fn(usize) -> u64) {
        if self.used * 2 >= self.slots.len() {
            self.grow(hash_of);
        }
    }

    #[cold]
    fn grow(&mut self, hash_of: impl Fn(usize) -> u64) {
        let size = (self.slots.len() * 2).max(LEAST_SLOTS);
        let (mask, mut slots) = (size - 1, vec![0u64; size]);
        for place in 0..self.used {
            let hash = hash_of(place);
            let mut at = hash as usize & mask;
            while slots[at] != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = ((hash >> 32) << 32) | (place as u64 + 1);
        }
        self.slots = slots;
    }

    /// Empties it, and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.slots.fill(0);
        self.used = 0;
    }

    /// Returns the number of bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.len() * size_of::<u64>()
    }
}
