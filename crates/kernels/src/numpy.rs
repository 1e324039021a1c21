//! Values of numpy's types: arrays of one dimension, its own floats, and its own truth values.
//!
//! Arrays are spans of one buffer, so that those that are chosen are not copied. One that came out of a table is the program's own:
//! it is known as such until something is computed of it.

use std::ops::Range;
use std::rc::Rc;

/// Values of numpy's types.
#[derive(Clone, Debug)]
pub enum Numpy {
    /// `numpy.ndarray` of one dimension and of the type `float64`.
    Arrays(Arrays),
    /// `numpy.float64`.
    Numbers(Rc<Vec<f64>>),
    /// `numpy.bool`.
    Truths(Rc<Vec<bool>>),
}

/// Arrays: spans of one buffer of items.
#[derive(Clone, Debug)]
pub struct Arrays {
    data: Rc<Vec<f64>>,
    spans: Rc<Vec<(u32, u32)>>,
    /// They are those of a table.
    is_shared: bool,
}

impl Arrays {
    /// Makes arrays of their items, one behind the other, and their lengths; `None` if they are more than a column may have.
    pub fn new(data: Vec<f64>, lengths: impl Iterator<Item = usize>) -> Option<Arrays> {
        u32::try_from(data.len()).ok()?;
        let mut end = 0;
        let spans: Vec<(u32, u32)> = lengths
            .map(|length| {
                end += length;
                ((end - length) as u32, end as u32)
            })
            .collect();
        (end == data.len()).then(|| Arrays { data: Rc::new(data), spans: Rc::new(spans), is_shared: false })
    }

    /// Returns the items of a row's array.
    #[inline]
    pub fn get(&self, row: usize) -> &[f64] {
        let (from, to) = self.spans[row];
        &self.data[from as usize..to as usize]
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.spans.len()
    }

    /// Returns the lengths of all rows' arrays.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        self.spans.iter().map(|(from, to)| (to - from) as usize)
    }

    /// Returns the items of all rows, one behind the other.
    pub fn items(&self) -> Vec<f64> {
        let mut items = Vec::with_capacity(self.lengths().sum());
        (0..self.rows()).for_each(|row| items.extend_from_slice(self.get(row)));
        items
    }

    /// Returns the parts of arrays that lie between two places each, by the row and the array's length.
    pub(crate) fn cut(&self, within: impl Fn(usize, usize) -> (usize, usize)) -> Arrays {
        let spans = self.spans.iter().enumerate().map(|(row, (begin, end))| {
            let (first, last) = within(row, (end - begin) as usize);
            (begin + first as u32, begin + last as u32)
        });
        Arrays { data: self.data.clone(), spans: Rc::new(spans.collect()), is_shared: self.is_shared }
    }

    /// Returns the buffer of items as numbers.
    pub(crate) fn as_numbers(&self) -> Numpy {
        Numpy::Numbers(self.data.clone())
    }

    /// Returns where each row's array begins and ends in the buffer.
    pub(crate) fn spans(&self) -> Rc<Vec<(u32, u32)>> {
        self.spans.clone()
    }

    /// Returns the one array that all rows have, if it is known to be one.
    pub(crate) fn only(&self) -> Option<&[f64]> {
        let first = self.spans.first()?;
        self.spans.iter().all(|span| span == first).then(|| self.get(0))
    }

    /// Makes arrays of a buffer and the spans of it that they are.
    pub(crate) fn of(data: Rc<Vec<f64>>, spans: Rc<Vec<(u32, u32)>>) -> Arrays {
        Arrays { data, spans, is_shared: false }
    }

    /// Makes a column of one array.
    pub(crate) fn of_one(items: Vec<f64>) -> Arrays {
        let spans = Rc::new(vec![(0, items.len() as u32)]);
        Arrays { data: Rc::new(items), spans, is_shared: false }
    }

    /// Returns whether they are a table's own.
    pub(crate) fn are_shared(&self) -> bool {
        self.is_shared
    }

    fn gather(&self, at: &[u32]) -> Arrays {
        let spans = Rc::new(at.iter().map(|row| self.spans[*row as usize]).collect());
        Arrays { data: self.data.clone(), spans, is_shared: self.is_shared }
    }

    fn followed_by(&self, other: &Arrays) -> Option<Arrays> {
        let is_shared = self.is_shared || other.is_shared;
        if Rc::ptr_eq(&self.data, &other.data) {
            let spans = Rc::new([&self.spans[..], &other.spans].concat());
            return Some(Arrays { data: self.data.clone(), spans, is_shared });
        }
        // Without the items that neither uses.
        let items = [self.items(), other.items()].concat();
        let joined = Arrays::new(items, self.lengths().chain(other.lengths()))?;
        Some(Arrays { is_shared, ..joined })
    }
}

impl Numpy {
    pub(crate) fn gather(&self, at: &[u32]) -> Numpy {
        match self {
            Numpy::Arrays(arrays) => Numpy::Arrays(arrays.gather(at)),
            Numpy::Numbers(values) => {
                Numpy::Numbers(Rc::new(at.iter().map(|row| values[*row as usize]).collect()))
            }
            Numpy::Truths(values) => {
                Numpy::Truths(Rc::new(at.iter().map(|row| values[*row as usize]).collect()))
            }
        }
    }

    pub(crate) fn slice(&self, some: Range<usize>) -> Numpy {
        match self {
            Numpy::Arrays(arrays) => {
                let spans = Rc::new(arrays.spans[some].to_vec());
                Numpy::Arrays(Arrays { data: arrays.data.clone(), spans, is_shared: arrays.is_shared })
            }
            Numpy::Numbers(values) => Numpy::Numbers(Rc::new(values[some].to_vec())),
            Numpy::Truths(values) => Numpy::Truths(Rc::new(values[some].to_vec())),
        }
    }

    pub(crate) fn followed_by(&self, other: &Numpy) -> Option<Numpy> {
        Some(match (self, other) {
            (Numpy::Arrays(one), Numpy::Arrays(two)) => Numpy::Arrays(one.followed_by(two)?),
            (Numpy::Numbers(one), Numpy::Numbers(two)) => Numpy::Numbers(Rc::new([&one[..], two].concat())),
            (Numpy::Truths(one), Numpy::Truths(two)) => Numpy::Truths(Rc::new([&one[..], two].concat())),
            (Numpy::Arrays(_) | Numpy::Numbers(_) | Numpy::Truths(_), _) => return None,
        })
    }

    /// Puts values of one type one behind the other.
    pub(crate) fn joined(all: &[&Numpy]) -> Option<Numpy> {
        let (first, others) = all.split_first()?;
        if !matches!(first, Numpy::Arrays(_)) {
            return others.iter().try_fold((*first).clone(), |joined, next| joined.followed_by(next));
        }
        let (mut items, mut lengths, mut is_shared) = (vec![], vec![], false);
        for one in all {
            let Numpy::Arrays(arrays) = one else { return None };
            (0..arrays.rows()).for_each(|row| items.extend_from_slice(arrays.get(row)));
            lengths.extend(arrays.lengths());
            is_shared |= arrays.is_shared;
        }
        Some(Numpy::Arrays(Arrays { is_shared, ..Arrays::new(items, lengths.into_iter())? }))
    }

    pub(crate) fn rows(&self) -> usize {
        match self {
            Numpy::Arrays(arrays) => arrays.rows(),
            Numpy::Numbers(values) => values.len(),
            Numpy::Truths(values) => values.len(),
        }
    }

    /// Returns the number of bytes that some rows take.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Numpy::Arrays(arrays) => arrays.lengths().map(|length| 8 + length * 8).sum(),
            Numpy::Numbers(values) => values.len() * 8,
            Numpy::Truths(values) => values.len(),
        }
    }

    /// Returns how many objects in each row could be changed.
    pub(crate) fn arrays(&self) -> usize {
        usize::from(matches!(self, Numpy::Arrays(_)))
    }

    /// Returns a number for the type.
    pub(crate) fn kind(&self) -> u8 {
        match self {
            Numpy::Arrays(_) => 0,
            Numpy::Numbers(_) => 1,
            Numpy::Truths(_) => 2,
        }
    }

    /// Returns the same values as those of a table.
    pub(crate) fn shared(self) -> Numpy {
        match self {
            Numpy::Arrays(arrays) => Numpy::Arrays(Arrays { is_shared: true, ..arrays }),
            Numpy::Numbers(_) | Numpy::Truths(_) => self,
        }
    }

    /// Returns whether any are a table's own.
    pub(crate) fn are_shared(&self) -> bool {
        matches!(self, Numpy::Arrays(Arrays { is_shared: true, .. }))
    }
}

/// Arrays that are merged, one for each key.
#[derive(Default)]
pub(crate) struct ArraysMade {
    data: Vec<f64>,
    spans: Vec<(u32, u32)>,
}

impl ArraysMade {
    /// Returns whether there is room for all of these.
    pub(crate) fn has_room_for(&self, arrays: &Arrays) -> bool {
        u32::try_from(self.data.len() + arrays.lengths().sum::<usize>()).is_ok()
    }

    /// Adds an array, for which there is room.
    pub(crate) fn push(&mut self, items: &[f64]) {
        let from = self.data.len() as u32;
        self.data.extend_from_slice(items);
        self.spans.push((from, self.data.len() as u32));
    }

    /// Returns whether an array can be merged into one that is here.
    #[inline]
    pub(crate) fn can_merge(&self, at: usize, of: fn(f64, f64) -> f64, items: &[f64]) -> bool {
        let (from, to) = self.spans[at];
        let own = &self.data[from as usize..to as usize];
        let are_finite = own.iter().zip(items).fold(true, |all, (a, b)| all & of(*a, *b).is_finite());
        own.len() == items.len() && are_finite
    }

    /// Merges an array into one that is here.
    #[inline]
    pub(crate) fn merge(&mut self, at: usize, of: fn(f64, f64) -> f64, items: &[f64]) {
        let (from, to) = self.spans[at];
        let own = &mut self.data[from as usize..to as usize];
        own.iter_mut().zip(items).for_each(|(a, b)| *a = of(*a, *b));
    }

    pub(crate) fn bytes(&self) -> usize {
        self.data.capacity() * 8 + self.spans.capacity() * 8
    }

    pub(crate) fn build(self) -> Arrays {
        Arrays { data: Rc::new(self.data), spans: Rc::new(self.spans), is_shared: false }
    }
}

/// Returns two arrays merged item by item; `None` if they differ in length, or an item is not finite then.
pub(crate) fn merged(of: fn(f64, f64) -> f64, one: &[f64], two: &[f64]) -> Option<Vec<f64>> {
    let items: Vec<f64> = one.iter().zip(two).map(|(a, b)| of(*a, *b)).collect();
    (one.len() == two.len() && items.iter().all(|item| item.is_finite())).then_some(items)
}
