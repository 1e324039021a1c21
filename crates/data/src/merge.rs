//! Merging of sorted sequences: a heap of the sequences' heads. Equal heads come out in the order of their
//! sequences, so a merge of stably sorted runs is itself stable.

use crate::DataError;
use std::cmp::Ordering;

/// A sequence that can fail while it is read.
pub type Fallible<'a, T> = Box<dyn Iterator<Item = Result<T, DataError>> + 'a>;

/// Merges sequences that are each sorted by `compare`.
pub struct Merge<'a, T, F> {
    sequences: Vec<Fallible<'a, T>>,
    /// A binary heap, least first, of heads with the index of their sequence.
    heap: Vec<(T, usize)>,
    compare: F,
    failed: Option<DataError>,
}

impl<'a, T, F: Fn(&T, &T) -> Ordering> Merge<'a, T, F> {
    /// Makes a merge of the sequences.
    pub fn new(sequences: Vec<Fallible<'a, T>>, compare: F) -> Self {
        let mut merge = Merge { heap: Vec::with_capacity(sequences.len()), sequences, compare, failed: None };
        for index in 0..merge.sequences.len() {
            if let Some(head) = merge.pull(index) {
                merge.heap.push((head, index));
                merge.sift_up(merge.heap.len() - 1);
            }
        }
        merge
    }

    fn pull(&mut self, sequence: usize) -> Option<T> {
        match self.sequences[sequence].next()? {
            Ok(item) => Some(item),
            Err(error) => {
                self.failed.get_or_insert(error);
                None
            }
        }
    }

    fn less(&self, a: usize, b: usize) -> bool {
        let ((a, a_sequence), (b, b_sequence)) = (&self.heap[a], &self.heap[b]);
        (self.compare)(a, b).then(a_sequence.cmp(b_sequence)) == Ordering::Less
    }

    fn sift_up(&mut self, mut at: usize) {
        while at > 0 && self.less(at, (at - 1) / 2) {
            self.heap.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    fn sift_down(&mut self) {
        let mut at = 0;
        loop {
            let children = 2 * at + 1..(2 * at + 3).min(self.heap.len());
            let Some(least) = children.reduce(|a, b| if self.less(b, a) { b } else { a }) else { break };
            if !self.less(least, at) {
                break;
            }
            self.heap.swap(least, at);
            at = least;
        }
    }
}

impl<T, F: Fn(&T, &T) -> Ordering> Iterator for Merge<'_, T, F> {
    type Item = Result<T, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            self.heap.clear();
            return Some(Err(error));
        }
        let sequence = self.heap.first()?.1;
        let item = match self.pull(sequence) {
            Some(next) => std::mem::replace(&mut self.heap[0], (next, sequence)).0,
            None => self.heap.swap_remove(0).0,
        };
        self.sift_down();
        Some(Ok(item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn merging_sorted_runs_is_a_stable_sort(runs: Vec<Vec<(u8, u16)>>) {
            let mut expected: Vec<_> = runs.iter().flatten().copied().collect();
            expected.sort_by_key(|item| item.0);
            let sequences = runs.into_iter().map(|mut run| {
                run.sort_by_key(|item| item.0);
                Box::new(run.into_iter().map(Ok)) as Fallible<'_, _>
            });
            let merged: Result<Vec<_>, _> = Merge::new(sequences.collect(), |a: &(u8, u16), b| a.0.cmp(&b.0)).collect();
            prop_assert_eq!(merged.unwrap(), expected);
        }
    }
}
