//! Sorting pairs by typed keys, and finding the range in which a key lies.
//!
//! Only keys of types that Python orders are sorted: whole numbers, floats that are numbers, texts (whose order is that of
//! their bytes, too), truth values, and tuples of these.

use crate::column::Column;
use crate::joining::joined;
use crate::nans::has_nan;
use std::cmp::Ordering;
use std::ops::Range;

/// Pairs that will be sorted.
#[derive(Default)]
pub struct Sorting {
    columns: Vec<(Column, usize)>,
    bytes: usize,
    /// So many pairs are wanted, and whether these are those with the greatest keys.
    wanted: Option<(usize, bool)>,
}

/// So many pairs more than are wanted are held before the others are let go.
const BEYOND: usize = 1 << 15;

impl Sorting {
    /// Makes a sorting of which only the first pairs are wanted, in the order that `sorted` is told of.
    pub fn of_first(pairs: usize, is_reversed: bool) -> Sorting {
        Sorting { wanted: Some((pairs, is_reversed)), ..Sorting::default() }
    }

    /// Adds the pairs of some of the rows. Returns the row before which it has stopped: the end, or the beginning if they cannot
    /// be sorted here.
    pub fn add(&mut self, pairs: &Column, rows: usize, some: Range<usize>) -> usize {
        let pairs = pairs.spread(rows);
        let Some(key) = key_of(&pairs) else { return some.start };
        let bytes = self.bytes + pairs.bytes(rows) + rows * 4;
        let fits = self.columns.last().is_none_or(|(last, _)| last.is_like(&pairs));
        if !fits || u32::try_from(bytes).is_err() || !is_ordered(key) || has_nan(&pairs, rows) {
            return some.start;
        }
        self.bytes = bytes;
        let (count, to) = (some.len(), some.end);
        self.columns.push((if count == rows { pairs } else { pairs.slice(some) }, count));
        if let Some((wanted, is_reversed)) = self.wanted
            && self.rows() / 2 > wanted.max(BEYOND)
        {
            self.keep(wanted, is_reversed);
        }
        to
    }

    fn rows(&self) -> usize {
        self.columns.iter().map(|(_, rows)| rows).sum()
    }

    /// Lets go of what stands behind the pairs that are wanted. Of equal ones the first stay.
    fn keep(&mut self, wanted: usize, is_reversed: bool) {
        let (pairs, mut order) = self.sorted(is_reversed);
        order.truncate(wanted);
        let count = order.len();
        // Two are written anew, and so hold no texts of others.
        let kept = joined(&[(pairs.gather(&order), count), (pairs.slice(0..0), 0)]).unwrap_or(pairs);
        self.bytes = kept.bytes(count);
        self.columns = vec![(kept, count)];
    }

    /// Returns the number of bytes that are held, or will be when the pairs are sorted.
    pub fn bytes(&self) -> usize {
        2 * self.bytes
    }

    /// Returns whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Takes all pairs in the order in which they came.
    pub fn take(&mut self) -> (Column, usize) {
        let emptied = Sorting { wanted: self.wanted, ..Sorting::default() };
        let columns = std::mem::replace(self, emptied).columns;
        let rows = columns.iter().map(|(_, rows)| rows).sum();
        (joined(&columns).unwrap_or(Column::Tuple(vec![])), rows)
    }

    /// Takes all pairs as they came, and the order of their rows by key; `is_reversed` for the greatest first. Equal ones stay
    /// in their order.
    pub fn sorted(&mut self, is_reversed: bool) -> (Column, Vec<u32>) {
        let (pairs, rows) = self.take();
        let order = key_of(&pairs).map_or_else(Vec::new, |key| order_by(key, rows, is_reversed));
        (pairs, order)
    }
}

/// Returns the order of a key's rows. The usual types are sorted without a look at the type, or at the column, for each comparison.
fn order_by(key: &Column, rows: usize, is_reversed: bool) -> Vec<u32> {
    let turned = |order: Ordering| if is_reversed { order.reverse() } else { order };
    match key {
        Column::Bool(keys) => by_numbers(keys.iter().map(|key| u64::from(*key)), is_reversed),
        Column::Int(keys) => by_numbers(keys.iter().map(|key| *key as u64 ^ SIGN), is_reversed),
        Column::Float(keys) => by_numbers(keys.iter().map(|key| of_float(*key)), is_reversed),
        Column::Text(keys) => {
            let text = |row: u32| keys.bytes(row as usize);
            let mut begun: Vec<_> = (0..rows as u32).map(|row| (beginning(text(row)), row)).collect();
            begun.sort_by(|(a, one), (b, two)| turned(a.cmp(b).then_with(|| text(*one).cmp(text(*two)))));
            begun.into_iter().map(|(_, row)| row).collect()
        }
        _ => {
            let mut order: Vec<u32> = (0..rows as u32).collect();
            order.sort_by(|a, b| turned(compare(key, *a as usize, key, *b as usize)));
            order
        }
    }
}

const SIGN: u64 = 1 << 63;

/// Returns a number whose order is that of floats, of which none is not-a-number.
fn of_float(value: f64) -> u64 {
    // -0.0 is equal to 0.0.
    let bits = if value == 0.0 { 0 } else { value.to_bits() };
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// Returns the first eight bytes of a text as a number, in whose order texts are that differ there.
fn beginning(text: &[u8]) -> u64 {
    let mut first = [0; 8];
    let length = text.len().min(8);
    first[..length].copy_from_slice(&text[..length]);
    u64::from_be_bytes(first)
}

/// Returns the order of rows by their numbers. A number and its row are sorted as one number where there is room for both: so
/// all are different, and a sort needs not be stable.
fn by_numbers(numbers: impl ExactSizeIterator<Item = u64> + Clone, is_reversed: bool) -> Vec<u32> {
    let rows = numbers.len() as u64;
    let (Some(least), Some(most)) = (numbers.clone().min(), numbers.clone().max()) else { return vec![] };
    let numbers = numbers.map(|number| if is_reversed { most - number } else { number - least });
    let width = u64::BITS - rows.leading_zeros();
    if (most - least).leading_zeros() < width {
        let mut apart: Vec<(u64, u32)> = numbers.zip(0..).collect();
        apart.sort_unstable();
        return apart.into_iter().map(|(_, row)| row).collect();
    }
    let mut packed: Vec<u64> = numbers.zip(0..).map(|(number, row)| number << width | row).collect();
    sort_from(&mut packed, width);
    packed.into_iter().map(|both| (both & ((1 << width) - 1)) as u32).collect()
}

/// The bits of a digit, so that its counters stay in the processor's first cache.
const DIGIT: u32 = 11;
/// So few numbers are sorted by comparisons.
const FEW: usize = 1 << 12;

/// Sorts different numbers whose lowest bits ascend: from there on digit by digit, of which each pass keeps the order of the
/// one before.
fn sort_from(numbers: &mut Vec<u64>, low: u32) {
    if numbers.len() < FEW {
        return numbers.sort_unstable();
    }
    let high = u64::BITS - numbers.iter().fold(0, |all, number| all | number).leading_zeros();
    let mut other = vec![0; numbers.len()];
    for shift in (low..high).step_by(DIGIT as usize) {
        let digit = |number: u64| (number >> shift) as usize & ((1 << DIGIT) - 1);
        let mut places = [0_u32; 1 << DIGIT];
        numbers.iter().for_each(|number| places[digit(*number)] += 1);
        let mut before = 0;
        for place in &mut places {
            before += std::mem::replace(place, before);
        }
        for number in numbers.iter() {
            let place = &mut places[digit(*number)];
            other[*place as usize] = *number;
            *place += 1;
        }
        std::mem::swap(numbers, &mut other);
    }
}

fn key_of(pairs: &Column) -> Option<&Column> {
    match pairs {
        Column::Tuple(parts) if parts.len() == 2 => parts.first(),
        _ => None,
    }
}

/// Returns whether Python orders all values of a column's types.
pub(crate) fn is_ordered(column: &Column) -> bool {
    match column {
        Column::Bool(_) | Column::Int(_) | Column::Float(_) | Column::Text(_) => true,
        Column::Tuple(parts) => parts.iter().all(is_ordered),
        Column::Const(_) | Column::List(_) | Column::Group(_) | Column::Record(..) | Column::Numpy(_) => {
            false
        }
    }
}

/// Compares a row of a column with a row of another of the same types.
pub(crate) fn compare(one: &Column, at: usize, other: &Column, place: usize) -> Ordering {
    match (one, other) {
        (Column::Bool(one), Column::Bool(other)) => one[at].cmp(&other[place]),
        (Column::Int(one), Column::Int(other)) => one[at].cmp(&other[place]),
        (Column::Float(one), Column::Float(other)) => {
            one[at].partial_cmp(&other[place]).unwrap_or(Ordering::Equal)
        }
        (Column::Text(one), Column::Text(other)) => one.bytes(at).cmp(other.bytes(place)),
        (Column::Tuple(one), Column::Tuple(other)) => {
            let parts = one.iter().zip(other).map(|(one, other)| compare(one, at, other, place));
            parts.fold(Ordering::Equal, Ordering::then)
        }
        _ => Ordering::Equal,
    }
}

/// Returns for each key how many of the bounds, which ascend, are less than it; `None` if they cannot be compared here.
pub fn ranges(bounds: &Column, count: usize, keys: &Column, rows: usize) -> Option<Vec<u32>> {
    let keys = keys.spread(rows);
    if !bounds.is_like(&keys) || !is_ordered(&keys) || has_nan(bounds, count) || has_nan(&keys, rows) {
        return None;
    }
    Some(match (bounds, &keys) {
        (Column::Int(bounds), Column::Int(keys)) => keys.iter().map(|key| less(bounds, key)).collect(),
        (Column::Float(bounds), Column::Float(keys)) => keys.iter().map(|key| less(bounds, key)).collect(),
        _ => {
            let at: Vec<usize> = (0..count).collect();
            let range = |row| at.partition_point(|bound| compare(bounds, *bound, &keys, row).is_lt()) as u32;
            (0..rows).map(range).collect()
        }
    })
}

/// Counts without a jump, which nothing could foresee, up to here.
const COUNTED_AT_MOST: usize = 32;

/// Returns how many numbers, which ascend, are less than another.
fn less<T: PartialOrd>(bounds: &[T], key: &T) -> u32 {
    if bounds.len() <= COUNTED_AT_MOST {
        return bounds.iter().map(|bound| u32::from(bound < key)).sum();
    }
    bounds.partition_point(|bound| bound < key) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Text;
    use proptest::prelude::*;

    /// Sorts as it is said: by comparing rows, equal ones in their order.
    fn compared(key: &Column, rows: usize, is_reversed: bool) -> Vec<u32> {
        let mut order: Vec<u32> = (0..rows as u32).collect();
        order.sort_by(|a, b| {
            let order = compare(key, *a as usize, key, *b as usize);
            if is_reversed { order.reverse() } else { order }
        });
        order
    }

    fn texts(all: &[String]) -> Column {
        let mut spans = vec![];
        let mut data = vec![];
        for text in all {
            let from = data.len() as u32;
            data.extend_from_slice(text.as_bytes());
            spans.push((from, data.len() as u32));
        }
        Column::Text(Text::new(data, spans))
    }

    fn floats() -> impl Strategy<Value = f64> {
        prop_oneof![
            Just(0.0),
            Just(-0.0),
            Just(f64::INFINITY),
            Just(f64::NEG_INFINITY),
            -2.0..2.0,
            -1e300..1e300
        ]
    }

    proptest! {
        #[test]
        fn the_order_of_rows_is_that_of_their_keys(
            near in prop::collection::vec(-5_i64..5, 0..200),
            far in prop::collection::vec(any::<i64>(), 0..200),
            float in prop::collection::vec(floats(), 0..200),
            text in prop::collection::vec("[a\u{0}é]{0,11}", 0..200),
            is_reversed: bool,
        ) {
            let bools: Vec<bool> = near.iter().map(|number| *number > 0).collect();
            let (near_rows, far_rows, float_rows) = (near.len(), far.len(), float.len());
            let pairs = Column::Tuple(vec![Column::of_bools(bools.clone()), Column::ints(near.clone())]);
            let keys = [
                (Column::of_bools(bools), near_rows),
                (Column::ints(near), near_rows),
                (Column::ints(far), far_rows),
                (Column::floats(float), float_rows),
                (texts(&text), text.len()),
                (pairs, near_rows),
            ];
            for (key, rows) in keys {
                prop_assert_eq!(order_by(&key, rows, is_reversed), compared(&key, rows, is_reversed));
            }
        }

        #[test]
        fn a_key_lies_behind_the_bounds_that_are_less(
            mut bounds in prop::collection::vec(floats(), 0..80),
            keys in prop::collection::vec(floats(), 0..50),
        ) {
            bounds.sort_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
            let ints = |all: &[f64]| all.iter().map(|number| *number as i64).collect::<Vec<_>>();
            let bisected = |key: f64| bounds.partition_point(|bound| *bound < key) as u32;
            let found = ranges(&Column::floats(bounds.clone()), bounds.len(), &Column::floats(keys.clone()), keys.len());
            prop_assert_eq!(found, Some(keys.iter().map(|key| bisected(*key)).collect()));
            let (bounds, keys) = (ints(&bounds), ints(&keys));
            let bisected = |key: i64| bounds.partition_point(|bound| *bound < key) as u32;
            let found = ranges(&Column::ints(bounds.clone()), bounds.len(), &Column::ints(keys.clone()), keys.len());
            prop_assert_eq!(found, Some(keys.iter().map(|key| bisected(*key)).collect()));
        }
    }

    #[test]
    fn many_numbers_are_sorted_digit_by_digit() {
        let rows = 3 * FEW;
        // Few different ones, numbers that fill their bits with those of the row, and numbers that leave no room for it.
        for most in [1_u64, 100, 1 << 40, u64::MAX] {
            let number = |row: u64| (row.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ row) % most;
            let keys = Column::ints((0..rows as u64).map(|row| number(row) as i64).collect());
            for is_reversed in [false, true] {
                assert_eq!(order_by(&keys, rows, is_reversed), compared(&keys, rows, is_reversed));
            }
        }
    }
}
