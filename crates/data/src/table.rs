//! The combining table: a hash table in memory, from keys to what was combined for them.
//!
//! Each entry carries its key's hash, so that growing the table, sorting it and spilling it never hash again.
//! Keys that are strings lie end to end in one arena, and no key costs an allocation; eight bytes of each lie
//! in its entry, so that most words are compared without access to the arena.

use crate::block::KeyRef;
use crate::index::{Found, Index};
use crate::layout::{Layout, as_text, from_text, layout_of};
use crate::{Data, memory_size};

struct PlainEntry<K, C> {
    hash: u64,
    key: K,
    combined: C,
}

struct TextEntry<C> {
    hash: u64,
    /// See [`excerpt`].
    excerpt: u64,
    start: u32,
    length: u32,
    combined: C,
}

/// Keys and what was combined for each.
pub(crate) struct Table<K, C> {
    index: Index,
    /// Used when keys are not strings.
    plain: Vec<PlainEntry<K, C>>,
    /// Used when keys are strings.
    text: Vec<TextEntry<C>>,
    arena: String,
    /// Stands in for a value while it is being combined, where values own memory: see [`update`].
    spare: Option<C>,
    /// The memory that keys and values own beyond the entries, estimated.
    owned_bytes: usize,
    merges: usize,
    /// True if a merged value stays in memory (a list grows), false if it is absorbed (a sum does not grow).
    accumulates: bool,
}

impl<K: Data + Eq, C: Data> Table<K, C> {
    pub(crate) fn new(accumulates: bool) -> Self {
        Table {
            index: Index::default(),
            plain: vec![],
            text: vec![],
            arena: String::new(),
            spare: None,
            owned_bytes: 0,
            merges: 0,
            accumulates,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.plain.len() + self.text.len()
    }

    /// Estimates the memory that the table takes.
    pub(crate) fn bytes(&self) -> usize {
        let plain = self.plain.capacity() * size_of::<PlainEntry<K, C>>();
        let text = self.text.capacity() * size_of::<TextEntry<C>>();
        self.index.bytes() + plain + text + self.arena.capacity() + self.owned_bytes
    }

    /// Returns whether positions, which have 32 bits, are running out.
    pub(crate) fn is_full(&self) -> bool {
        self.arena.len() > u32::MAX as usize / 2 || self.len() > u32::MAX as usize / 2
    }

    /// Prefetches the slot that [`Table::insert`] with this hash will read.
    #[inline(always)]
    pub(crate) fn touch(&self, hash: u64) {
        self.index.touch(hash);
    }

    /// Combines a value into the entry of its key: `create` makes the first combination, `merge` adds a value
    /// to one.
    #[inline(always)]
    pub(crate) fn insert<V: Data>(
        &mut self,
        hash: u64,
        key: KeyRef<'_, K>,
        value: V,
        create: impl FnOnce(V) -> C,
        merge: impl FnOnce(C, V) -> C,
    ) {
        match (layout_of::<K>(), key) {
            (Layout::Text, KeyRef::Text(text)) => self.insert_text(hash, text, value, create, merge),
            (Layout::Text, KeyRef::Owned(key)) => {
                self.insert_text(hash, as_text(&key).unwrap_or_default(), value, create, merge);
            }
            (_, KeyRef::Owned(key)) => self.insert_plain(hash, key, value, create, merge),
            (_, KeyRef::Text(_)) => unreachable!("only string keys come as text"),
        }
    }

    #[inline(always)]
    fn insert_plain<V: Data>(
        &mut self,
        hash: u64,
        key: K,
        value: V,
        create: impl FnOnce(V) -> C,
        merge: impl FnOnce(C, V) -> C,
    ) {
        let entries = &self.plain;
        self.index.make_room(|place| entries[place].hash);
        match self.index.find(hash, |place| entries[place].key == key) {
            Found::At(place) => {
                self.owned_bytes += grown(self.accumulates, &mut self.merges, &value);
                update(&mut self.plain[place].combined, &mut self.spare, |combined| merge(combined, value));
            }
            Found::Free(slot) => {
                let combined = create(value);
                self.owned_bytes += owned(&key) + owned(&combined);
                self.index.fill(slot, hash, self.plain.len());
                self.plain.push(PlainEntry { hash, key, combined });
            }
        }
    }

    #[inline(always)]
    fn insert_text<V: Data>(
        &mut self,
        hash: u64,
        text: &str,
        value: V,
        create: impl FnOnce(V) -> C,
        merge: impl FnOnce(C, V) -> C,
    ) {
        let (entries, arena, bytes) = (&self.text, self.arena.as_bytes(), text.as_bytes());
        let excerpt = excerpt(bytes);
        self.index.make_room(|place| entries[place].hash);
        let found = self.index.find(hash, |place| {
            let entry = &entries[place];
            let (start, length) = (entry.start as usize, entry.length as usize);
            entry.excerpt == excerpt
                && length == bytes.len()
                && (length <= 8 || arena[start..start + length] == *bytes)
        });
        match found {
            Found::At(place) => {
                self.owned_bytes += grown(self.accumulates, &mut self.merges, &value);
                update(&mut self.text[place].combined, &mut self.spare, |combined| merge(combined, value));
            }
            Found::Free(slot) => {
                let combined = create(value);
                let place = |n| u32::try_from(n).expect("the owner spills a table that `is_full`");
                let (start, length) = (place(self.arena.len()), place(text.len()));
                self.owned_bytes += owned(&combined);
                self.arena.push_str(text);
                self.index.fill(slot, hash, self.text.len());
                self.text.push(TextEntry { hash, excerpt, start, length, combined });
            }
        }
    }

    /// Empties the table into `f`, in the order in which keys came first. Its memory is kept for the next keys.
    pub(crate) fn drain<E>(
        &mut self,
        mut f: impl FnMut(u64, KeyRef<'_, K>, C) -> Result<(), E>,
    ) -> Result<(), E> {
        self.owned_bytes = 0;
        self.index.clear();
        for entry in self.plain.drain(..) {
            f(entry.hash, KeyRef::Owned(entry.key), entry.combined)?;
        }
        for entry in self.text.drain(..) {
            f(entry.hash, KeyRef::Text(slice(&self.arena, entry.start, entry.length)), entry.combined)?;
        }
        self.arena.clear();
        Ok(())
    }

    /// Makes a table for other values of the same types, in this one's memory.
    pub(crate) fn recycled(mut self, accumulates: bool) -> Self {
        assert_eq!(self.len(), 0, "only an emptied table can be used again");
        self.accumulates = accumulates;
        self
    }

    /// Empties the table in ascending order of hashes: an order that depends on the keys alone, but for keys
    /// with equal hashes, which stand next to each other.
    pub(crate) fn drain_by_hash(&mut self) -> ByHash<K, C> {
        let (mut plain, mut text, arena) = self.take();
        plain.sort_by_key(|entry| entry.hash);
        text.sort_unstable_by_key(|entry| (entry.hash, entry.start));
        ByHash { plain: plain.into_iter(), text: text.into_iter(), arena }
    }

    #[allow(clippy::type_complexity)]
    fn take(&mut self) -> (Vec<PlainEntry<K, C>>, Vec<TextEntry<C>>, String) {
        self.owned_bytes = 0;
        self.index = Index::default();
        (std::mem::take(&mut self.plain), std::mem::take(&mut self.text), std::mem::take(&mut self.arena))
    }
}

/// Returns eight bytes of a string. Strings of equal length up to eight have equal excerpts only when they are
/// equal; longer ones with equal excerpts begin alike.
#[inline(always)]
fn excerpt(bytes: &[u8]) -> u64 {
    let four =
        |at: usize| u64::from(u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]));
    match bytes.len() {
        0 => 0,
        n @ 1..4 => u64::from(bytes[0]) | u64::from(bytes[n / 2]) << 8 | u64::from(bytes[n - 1]) << 16,
        n @ 4..=8 => four(0) | four(n - 4) << 32,
        _ => four(0) | four(4) << 32,
    }
}

/// The entries of a table in ascending order of hashes.
pub(crate) struct ByHash<K, C> {
    plain: std::vec::IntoIter<PlainEntry<K, C>>,
    text: std::vec::IntoIter<TextEntry<C>>,
    arena: String,
}

impl<K: Data, C> ByHash<K, C> {
    /// Hands each entry to `f`, its key without a copy.
    pub(crate) fn try_for_each<E>(
        self,
        mut f: impl FnMut(u64, KeyRef<'_, K>, C) -> Result<(), E>,
    ) -> Result<(), E> {
        for entry in self.plain {
            f(entry.hash, KeyRef::Owned(entry.key), entry.combined)?;
        }
        for entry in self.text {
            f(entry.hash, KeyRef::Text(slice(&self.arena, entry.start, entry.length)), entry.combined)?;
        }
        Ok(())
    }
}

impl<K: Data, C> Iterator for ByHash<K, C> {
    type Item = (u64, K, C);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if layout_of::<K>() != Layout::Text {
            return self.plain.next().map(|e| (e.hash, e.key, e.combined));
        }
        let entry = self.text.next()?;
        let key = from_text(slice(&self.arena, entry.start, entry.length))?;
        Some((entry.hash, key, entry.combined))
    }
}

fn slice(arena: &str, start: u32, length: u32) -> &str {
    &arena[start as usize..start as usize + length as usize]
}

/// Replaces `slot` by what `f` makes of it.
///
/// A value without memory of its own is copied out. Another one is moved out, and a spare value (a clone of the
/// first one met) stands in its place meanwhile, so that nothing is missing or freed twice if `f` panics.
#[inline(always)]
fn update<C: Clone>(slot: &mut C, spare: &mut Option<C>, f: impl FnOnce(C) -> C) {
    if !std::mem::needs_drop::<C>() {
        *slot = f(slot.clone());
        return;
    }
    let stand_in = spare.take().unwrap_or_else(|| slot.clone());
    let made = f(std::mem::replace(slot, stand_in));
    *spare = Some(std::mem::replace(slot, made));
}

/// Estimates what a value owns beyond its own size.
#[inline(always)]
fn owned<T: Data>(value: &T) -> usize {
    if std::mem::needs_drop::<T>() { memory_size(value) - size_of::<T>() } else { 0 }
}

/// Estimates what merging `value` adds to the table. Values that own memory are measured one time in 16.
#[inline(always)]
fn grown<V: Data>(accumulates: bool, merges: &mut usize, value: &V) -> usize {
    const EVERY: usize = 16;
    if !accumulates {
        return 0;
    }
    if !std::mem::needs_drop::<V>() {
        return size_of::<V>();
    }
    *merges += 1;
    if merges.is_multiple_of(EVERY) { EVERY * memory_size(value) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn short_strings_of_one_length_differ_in_their_excerpts(a in "[a-c]{0,8}", b in "[a-c]{0,8}") {
            if a.len() == b.len() {
                prop_assert_eq!(excerpt(a.as_bytes()) == excerpt(b.as_bytes()), a == b);
            }
        }
    }
}
