//! The median of numbers that keep coming: the lower half in one heap, the upper half in another.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A growing collection that knows its median.
#[derive(Debug, Default)]
pub(crate) struct Median {
    lower: BinaryHeap<u64>,
    upper: BinaryHeap<Reverse<u64>>,
}

impl Median {
    /// Adds a number, in logarithmic time.
    pub(crate) fn insert(&mut self, value: u64) {
        if self.lower.peek().is_some_and(|&middle| value > middle) {
            self.upper.push(Reverse(value));
        } else {
            self.lower.push(value);
        }
        if self.upper.len() > self.lower.len() {
            let Reverse(smallest) = self.upper.pop().expect("the longer half has an element");
            self.lower.push(smallest);
        } else if self.lower.len() > self.upper.len() + 1 {
            let largest = self.lower.pop().expect("the longer half has an element");
            self.upper.push(Reverse(largest));
        }
    }

    /// Returns the median; of an even number of values, the lower of the two in the middle.
    pub(crate) fn get(&self) -> Option<u64> {
        self.lower.peek().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_sorted_values() {
        let mut median = Median::default();
        let mut all = vec![];
        let mut value = 7u64;
        for _ in 0..200 {
            value = value.wrapping_mul(6_364_136_223_846_793_005) % 1009;
            median.insert(value);
            all.push(value);
            all.sort_unstable();
            assert_eq!(median.get(), Some(all[(all.len() - 1) / 2]));
        }
    }
}
