//! Joins of two inputs that have equal keys in partitions of equal index, as for [cogroups](crate::cogroup).
//!
//! Both sides are gathered by the hashes of their keys, and gone through side by side: no table, and no list for each key. The
//! order of the pairs depends on the inputs' contents alone.

use crate::code::{self, OperatorRef};
use crate::hot_keys::{HotKey, HotKeys};
use crate::stream::{Batches, Op, Operator, Stream};
use crate::task::{Origin, Outcome, Task};
use crate::watch::{self, TaskScope};
use firesteel_closures::{BuildArgs, BuildError, Descriptor, Erased};
use firesteel_data::gather::{Gathered, Gatherer};
use firesteel_data::hash::hash_key;
use firesteel_data::{Batch, Data, DataError, batch_len};
use firesteel_types::Partition;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

/// The kinds of joins: what stands for a value of a side, and what for a side that does not have the key.
pub trait JoinKind<A, B>: Send + Sync + 'static {
    /// The left side of a pair.
    type Left: Data;
    /// The right side of a pair.
    type Right: Data;

    /// Returns what stands for a left value, or for none; `None` if such a key has no pairs.
    fn left(value: Option<A>) -> Option<Self::Left>;

    /// Returns what stands for a right value, or for none; `None` if such a key has no pairs.
    fn right(value: Option<B>) -> Option<Self::Right>;
}

macro_rules! join_kind {
    ($(#[$doc:meta])* $name:ident: $left:ty, $right:ty, $of_left:expr, $of_right:expr) => {
        $(#[$doc])*
        pub enum $name {}

        impl<A: Data, B: Data> JoinKind<A, B> for $name {
            type Left = $left;
            type Right = $right;

            #[inline(always)]
            fn left(value: Option<A>) -> Option<$left> {
                $of_left(value)
            }

            #[inline(always)]
            fn right(value: Option<B>) -> Option<$right> {
                $of_right(value)
            }
        }
    };
}

join_kind! {
    /// Keys that both sides have.
    Inner: A, B, |a| a, |b| b
}
join_kind! {
    /// Keys that the left side has.
    LeftOuter: A, Option<B>, |a| a, Some
}
join_kind! {
    /// Keys that the right side has.
    RightOuter: Option<A>, B, Some, |b| b
}
join_kind! {
    /// Keys that either side has.
    FullOuter: Option<A>, Option<B>, Some, Some
}

/// Joins two inputs: for each key, each pair of its values.
pub struct Join<K, A, B, J> {
    left: Op<(K, A)>,
    right: Op<(K, B)>,
    origin: Origin,
    kind: PhantomData<J>,
}

impl<K: Data + Hash + Eq, A: Data, B: Data, J: JoinKind<A, B>> Join<K, A, B, J> {
    const DESCRIPTOR: &'static Descriptor = &Descriptor::new::<Self>(Self::build);

    /// The operator's code.
    ///
    /// # Errors
    /// Never, in practice: there is nothing to encode.
    pub fn code() -> Result<OperatorRef, DataError> {
        OperatorRef::new(Self::DESCRIPTOR, &())
    }

    fn build(args: BuildArgs<'_>) -> Result<Erased, BuildError> {
        let (left, right) = (code::input(&args, 0)?, code::input(&args, 1)?);
        Ok(Arc::new(Op::new(Self { left, right, origin: code::origin(&args), kind: PhantomData })))
    }

    fn gather<V: Data>(
        &self,
        input: &Op<(K, V)>,
        partition: Partition,
        task: &Task,
        hot_keys: &mut HotKeys,
    ) -> Outcome<Gathered<K, V>> {
        let mut gatherer = Gatherer::new(task.dyn_workspace());
        input.open(partition, task)?.for_each(|batch| {
            let (records, mut last) = (batch.len(), 0);
            batch.for_each(|(key, value)| {
                last = hash_key(&key);
                gatherer.push(last, key, value);
            });
            hot_keys.note(last, records);
            gatherer.check_memory().map_err(|e| self.origin.data_failure(e))
        })?;
        gatherer.finish().map_err(|e| self.origin.data_failure(e))
    }
}

impl<K, A, B, J> Operator<(K, (J::Left, J::Right))> for Join<K, A, B, J>
where
    K: Data + Hash + Eq,
    A: Data,
    B: Data,
    J: JoinKind<A, B>,
{
    fn open(self: Arc<Self>, partition: Partition, task: &Task) -> Outcome<Stream<(K, (J::Left, J::Right))>> {
        let scope = self.origin.scope(partition);
        let _scope = watch::enter(&scope);
        let mut hot_keys = HotKeys::default();
        let left = self.gather(&self.left, partition, task, &mut hot_keys)?;
        let right = self.gather(&self.right, partition, task, &mut hot_keys)?;
        let (hot_key, scope) = (hot_keys.hottest(), scope.clone());
        let stream = JoinStream::<K, A, B, J> {
            left,
            right,
            pairs: None,
            others: vec![],
            rights: vec![],
            hot_key,
            task: task.clone(),
            scope,
        };
        Ok(Stream::new(task, stream))
    }
}

/// The records of a join.
type Rows<K, A, B, J> = Vec<(K, (<J as JoinKind<A, B>>::Left, <J as JoinKind<A, B>>::Right))>;

struct JoinStream<K, A, B, J: JoinKind<A, B>> {
    left: Gathered<K, A>,
    right: Gathered<K, B>,
    /// The pairs of a key that has several values.
    pairs: Option<Cross<K, J::Left, J::Right>>,
    /// The other keys with the same hash, which are few; the next one is the last.
    others: Vec<Cross<K, J::Left, J::Right>>,
    /// The right values of a key, for each of its left ones: a list that is used again and again.
    rights: Vec<J::Right>,
    /// A hot key that was not met yet.
    hot_key: Option<HotKey>,
    task: Task,
    scope: Arc<TaskScope>,
}

impl<K: Data + Hash + Eq, A: Data, B: Data, J: JoinKind<A, B>> JoinStream<K, A, B, J> {
    /// Appends pairs to the batch until it has so many, or there are no more.
    fn fill(&mut self, batch: &mut Rows<K, A, B, J>, length: usize) -> Result<(), DataError> {
        while batch.len() < length {
            if let Some(pairs) = &mut self.pairs {
                batch.extend(pairs.take(length - batch.len()));
                if batch.len() < length {
                    self.pairs = self.others.pop();
                }
                continue;
            }
            match (self.left.next_hash()?, self.right.next_hash()?) {
                (Some(left), Some(right)) if left == right => self.next_keys(left, batch, length),
                (Some(left), right) if right.is_none_or(|right| left < right) => {
                    let (key, value) = self.left.take(1).next().expect("there is a next pair");
                    batch.extend(J::left(Some(value)).zip(J::right(None)).map(|pair| (key, pair)));
                }
                (_, Some(_)) => {
                    let (key, value) = self.right.take(1).next().expect("there is a next pair");
                    batch.extend(J::left(None).zip(J::right(Some(value))).map(|pair| (key, pair)));
                }
                (Some(_) | None, None) => break,
            }
        }
        Ok(())
    }

    /// Takes all pairs with a hash that both sides have. Nearly always they are of one key and few, and are joined at once.
    #[inline]
    fn next_keys(&mut self, hash: u64, batch: &mut Rows<K, A, B, J>, length: usize) {
        let (left, right) = (self.left.group(hash), self.right.group(hash));
        let (lefts, rights) = (left.len(), right.len());
        let key = &left[0].1;
        let is_one_key =
            right.iter().all(|pair| pair.1 == *key) && left[1..].iter().all(|pair| pair.1 == *key);
        if !is_one_key || lefts * rights > length - batch.len() {
            let mut crosses = crosses::<K, A, B, J>(self.left.take(lefts), self.right.take(rights));
            crosses.reverse();
            self.others = crosses;
            self.pairs = self.others.pop();
            return;
        }
        if (lefts, rights) == (1, 1) {
            if let (Some((key, left)), Some((_, right))) =
                (self.left.take(1).next(), self.right.take(1).next())
            {
                batch.extend(J::left(Some(left)).zip(J::right(Some(right))).map(|pair| (key, pair)));
            }
            return;
        }
        self.rights.extend(self.right.take(rights).filter_map(|(_, right)| J::right(Some(right))));
        for (key, left) in self.left.take(lefts) {
            let Some(left) = J::left(Some(left)) else { continue };
            batch.extend(self.rights.iter().map(|right| (key.clone(), (left.clone(), right.clone()))));
        }
        self.rights.clear();
    }
}

/// A key, with what stands for its values on both sides.
type Sides<K, A, B, J> = (K, Vec<<J as JoinKind<A, B>>::Left>, Vec<<J as JoinKind<A, B>>::Right>);

/// Sorts values of one hash by their keys, which are nearly always one; keys come in the order of their first values.
fn crosses<K: Eq, A: Data, B: Data, J: JoinKind<A, B>>(
    lefts: impl Iterator<Item = (K, A)>,
    rights: impl Iterator<Item = (K, B)>,
) -> Vec<Cross<K, J::Left, J::Right>> {
    let mut keys: Vec<Sides<K, A, B, J>> = vec![];
    for (key, value) in lefts {
        sides_of(&mut keys, key).1.extend(J::left(Some(value)));
    }
    for (key, value) in rights {
        sides_of(&mut keys, key).2.extend(J::right(Some(value)));
    }
    let cross = |(key, mut left, mut right): Sides<K, A, B, J>| {
        if left.is_empty() {
            left.extend(J::left(None));
        }
        if right.is_empty() {
            right.extend(J::right(None));
        }
        Cross { key, left: left.into_iter(), current: None, right, next: 0 }
    };
    keys.into_iter().map(cross).collect()
}

/// Returns the sides of a key, which are empty if it is a new one.
fn sides_of<K: Eq, L, R>(keys: &mut Vec<(K, Vec<L>, Vec<R>)>, key: K) -> &mut (K, Vec<L>, Vec<R>) {
    let at = keys.iter().position(|(known, ..)| *known == key).unwrap_or(keys.len());
    if at == keys.len() {
        keys.push((key, vec![], vec![]));
    }
    &mut keys[at]
}

impl<K, A, B, J> Batches<(K, (J::Left, J::Right))> for JoinStream<K, A, B, J>
where
    K: Data + Hash + Eq,
    A: Data,
    B: Data,
    J: JoinKind<A, B>,
{
    fn next_batch(&mut self) -> Outcome<Option<Batch<(K, (J::Left, J::Right))>>> {
        let scope = self.scope.clone();
        let _scope = watch::enter(&scope);
        let length = batch_len::<(K, (J::Left, J::Right))>();
        let mut batch = Vec::with_capacity(length);
        self.fill(&mut batch, length).map_err(|e| scope.data_failure(e))?;
        if self.hot_key.is_some_and(|hot| hot.tell(&batch, self.task.meter())) {
            self.hot_key = None;
        }
        Ok(if batch.is_empty() { None } else { Some(Batch::Owned(batch)) })
    }
}

/// Every pair of two groups, made one by one: a hot key's pairs are never all in memory.
struct Cross<K, A, B> {
    key: K,
    left: std::vec::IntoIter<A>,
    current: Option<A>,
    right: Vec<B>,
    next: usize,
}

impl<K: Clone, A: Clone, B: Clone> Iterator for Cross<K, A, B> {
    type Item = (K, (A, B));

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.right.is_empty() {
            return None;
        }
        if self.current.is_none() {
            self.current = Some(self.left.next()?);
        }
        let right = self.right[self.next].clone();
        self.next += 1;
        let left = if self.next == self.right.len() {
            self.next = 0;
            self.current.take()?
        } else {
            self.current.clone()?
        };
        Some((self.key.clone(), (left, right)))
    }
}

#[cfg(test)]
mod tests;
