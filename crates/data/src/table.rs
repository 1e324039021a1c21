//! A hash table from keys to what was combined for them, in memory.
//!
//! Each entry carries its key's hash, so that growing the table, sorting it and spilling it never hash again. Keys that
//! are strings lie end to end in one arena: an entry holds their place, and no key costs an allocation.

use crate::block::KeyRef;
use crate::layout::{Layout, as_text, from_text, layout_of};
use crate::{Data, memory_size};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

struct PlainEntry<K, C> {
    hash: u64,
    key: K,
    combined: C,
}

struct TextEntry<C> {
    hash: u64,
    start: u32,
    length: u32,
    combined: C,
}

/// Keys and what was combined for each.
pub(crate) struct Table<K, C> {
    /// Used when keys are not strings.
    plain: HashTable<PlainEntry<K, C>>,
    /// Used when keys are strings.
    text: HashTable<TextEntry<C>>,
    arena: String,
    /// Stands in for a value while it is being combined, where values own memory: see [`update`].
    spare: Option<C>,
    /// What keys and values own beyond the entries, estimated.
    owned_bytes: usize,
    merges: usize,
    /// Whether a merged value stays in memory (a list grows) or is swallowed (a sum does not).
    accumulates: bool,
}

impl<K: Data + Eq, C: Data> Table<K, C> {
    pub(crate) fn new(accumulates: bool) -> Self {
        Table {
            plain: HashTable::new(),
            text: HashTable::new(),
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

    /// About how much memory the table takes.
    pub(crate) fn bytes(&self) -> usize {
        // hashbrown: one control byte an entry, and at most 7/8 full.
        let plain = self.plain.capacity() * 8 / 7 * (size_of::<PlainEntry<K, C>>() + 1);
        let text = self.text.capacity() * 8 / 7 * (size_of::<TextEntry<C>>() + 1);
        plain + text + self.arena.capacity() + self.owned_bytes
    }

    /// Whether the arena has no place for another batch of strings: places are 32 bits.
    pub(crate) fn is_full(&self) -> bool {
        self.arena.len() > u32::MAX as usize / 2
    }

    /// Combines a value into the entry of its key: `create` makes the first, `merge` adds another.
    #[inline(always)]
    pub(crate) fn insert<V: Data>(
        &mut self,
        hash: u64,
        key: KeyRef<'_, K>,
        value: V,
        create: impl FnOnce(V) -> C,
        merge: impl FnOnce(C, V) -> C,
    ) {
        match (layout_of::<K>(), &key) {
            (Layout::Text, KeyRef::Text(text)) => self.insert_text(hash, text, value, create, merge),
            (Layout::Text, KeyRef::Owned(key)) => {
                self.insert_text(hash, as_text(key).unwrap_or_default(), value, create, merge);
            }
            _ => self.insert_plain(hash, key, value, create, merge),
        }
    }

    #[inline(always)]
    fn insert_plain<V: Data>(
        &mut self,
        hash: u64,
        key: KeyRef<'_, K>,
        value: V,
        create: impl FnOnce(V) -> C,
        merge: impl FnOnce(C, V) -> C,
    ) {
        let KeyRef::Owned(key) = key else { unreachable!("only string keys come as text") };
        match self.plain.entry(hash, |e| e.hash == hash && e.key == key, |e| e.hash) {
            Entry::Occupied(mut entry) => {
                self.owned_bytes += grown(self.accumulates, &mut self.merges, &value);
                update(&mut entry.get_mut().combined, &mut self.spare, |combined| merge(combined, value));
            }
            Entry::Vacant(entry) => {
                let combined = create(value);
                self.owned_bytes += owned(&key) + owned(&combined);
                entry.insert(PlainEntry { hash, key, combined });
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
        let arena = &mut self.arena;
        let is_it = |e: &TextEntry<C>| {
            e.hash == hash && {
                let start = e.start as usize;
                &arena.as_bytes()[start..start + e.length as usize] == text.as_bytes()
            }
        };
        match self.text.entry(hash, is_it, |e| e.hash) {
            Entry::Occupied(mut entry) => {
                self.owned_bytes += grown(self.accumulates, &mut self.merges, &value);
                update(&mut entry.get_mut().combined, &mut self.spare, |combined| merge(combined, value));
            }
            Entry::Vacant(entry) => {
                let place = |n| u32::try_from(n).expect("the owner spills a table that `is_full`");
                let (start, length) = (place(arena.len()), place(text.len()));
                let combined = create(value);
                arena.push_str(text);
                self.owned_bytes += owned(&combined);
                entry.insert(TextEntry { hash, start, length, combined });
            }
        }
    }

    /// Empties the table, in no particular order, into `f`.
    pub(crate) fn drain<E>(
        &mut self,
        mut f: impl FnMut(u64, KeyRef<'_, K>, C) -> Result<(), E>,
    ) -> Result<(), E> {
        let (plain, text, arena) = self.take();
        for entry in plain {
            f(entry.hash, KeyRef::Owned(entry.key), entry.combined)?;
        }
        for entry in text {
            f(entry.hash, KeyRef::Text(slice(&arena, entry.start, entry.length)), entry.combined)?;
        }
        Ok(())
    }

    /// Empties the table in ascending order of hashes: an order that depends on the keys alone, but for keys with equal
    /// hashes, which stand next to each other.
    pub(crate) fn drain_by_hash(&mut self) -> ByHash<K, C> {
        let (plain, text, arena) = self.take();
        let mut plain: Vec<_> = plain.into_iter().collect();
        plain.sort_unstable_by_key(|entry| entry.hash);
        let mut text: Vec<_> = text.into_iter().collect();
        text.sort_unstable_by_key(|entry| (entry.hash, entry.start));
        ByHash { plain: plain.into_iter(), text: text.into_iter(), arena }
    }

    #[allow(clippy::type_complexity)]
    fn take(&mut self) -> (HashTable<PlainEntry<K, C>>, HashTable<TextEntry<C>>, String) {
        self.owned_bytes = 0;
        (std::mem::take(&mut self.plain), std::mem::take(&mut self.text), std::mem::take(&mut self.arena))
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
/// A value without memory of its own is copied out. Another one is moved out, and a spare value (a clone of the first
/// one met) stands in its place meanwhile, so that nothing is missing or freed twice should `f` panic.
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

/// What a value owns beyond its own size.
#[inline(always)]
fn owned<T: Data>(value: &T) -> usize {
    if std::mem::needs_drop::<T>() { memory_size(value) - size_of::<T>() } else { 0 }
}

/// What merging `value` adds to the table. Values that own memory are measured one time in 16.
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
