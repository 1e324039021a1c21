//! Results added up: a sum, and a fold by a rule.
//!
//! Values are merged from left to right, in the order of records, as the interpreter merges them: so sums of floats are
//! the same, bit by bit. Where a value cannot be merged here, the caller goes on with what was merged so far.

use crate::column::Column;
use crate::merge::{Leaf, Merge};
use crate::numbers::Numbers;
use crate::numpy::{Arrays, Numpy, merged};
use crate::single::Single;

/// How this interpreter adds numbers up in `sum`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SumRules {
    /// Floats with Neumaier's compensation, as from 3.12 on.
    pub compensates: bool,
    /// Whole numbers among floats, too, whatever their size, as from 3.14 on.
    pub compensates_ints: bool,
}

/// The sum that begins at 0, as CPython's `builtin_sum_impl` computes it: of whole numbers of 64 bits; from the first float on of
/// floats; and from the first other number on by `+` alone.
pub struct Sum {
    rules: SumRules,
    total: Total,
}

enum Total {
    Int(i64),
    /// The sum, and what was lost on the way.
    Float(f64, f64),
    Any(Single),
}

impl Sum {
    /// Makes a sum of nothing.
    pub fn new(rules: SumRules) -> Sum {
        Sum { rules, total: Total::Int(0) }
    }

    /// Adds rows. Returns how many it has added: all, or those before one that is no such number.
    pub fn add(&mut self, column: &Column, rows: usize) -> usize {
        let column = column.spread(rows);
        if let (Column::Int(values), Total::Int(total)) = (&column, &self.total)
            && let Some(sum) = values.iter().try_fold(*total, |total, value| total.checked_add(*value))
        {
            self.total = Total::Int(sum);
            return rows;
        }
        if let (Column::Float(values), Total::Int(_) | Total::Float(..)) = (&column, &self.total) {
            values.iter().for_each(|value| self.add_float(*value));
            return rows;
        }
        (0..rows)
            .find(|row| !Single::of(&column, *row).is_some_and(|value| self.add_single(&value)))
            .unwrap_or(rows)
    }

    /// Returns whether a whole number is added as a float, of whatever size.
    pub fn adds_as_floats(&self) -> bool {
        self.rules.compensates_ints && self.is_float()
    }

    /// Returns whether there were floats, and nothing but numbers that the interpreter's loop over floats takes.
    pub fn is_float(&self) -> bool {
        matches!(self.total, Total::Float(..))
    }

    /// Returns whether there was nothing yet but what the interpreter's loop over whole numbers takes.
    pub fn is_int(&self) -> bool {
        matches!(self.total, Total::Int(_))
    }

    /// Adds one number; returns whether it could.
    pub fn add_single(&mut self, value: &Single) -> bool {
        if let Single::Int(value) = value
            && self.adds_as_floats()
        {
            self.add_float(*value as f64);
            return true;
        }
        let long = match value {
            Single::Bool(value) => Some(i64::from(*value)),
            Single::Int(value) => i64::try_from(*value).ok(),
            Single::Float(_) | Single::None | Single::Text(_) | Single::Tuple(_) => None,
        };
        match (&mut self.total, long, value) {
            (Total::Int(_) | Total::Float(..), _, Single::Float(value)) => self.add_float(*value),
            (Total::Int(total), Some(long), _) if total.checked_add(long).is_some() => *total += long,
            (Total::Float(total, _), Some(long), _) if !self.rules.compensates_ints => *total += long as f64,
            (Total::Float(..), Some(long), _) => self.add_float(long as f64),
            _ => {
                let mut total = self.total();
                let is_added = total.merge(&Merge::Add, value);
                if is_added {
                    self.total = Total::Any(total);
                }
                return is_added;
            }
        }
        true
    }

    fn add_float(&mut self, value: f64) {
        let (total, lost) = match &self.total {
            Total::Int(total) => (*total as f64 + value, 0.0),
            Total::Float(total, lost) => {
                let sum = total + value;
                let rest = match self.rules.compensates {
                    false => 0.0,
                    true if total.abs() >= value.abs() => (total - sum) + value,
                    true => (value - sum) + total,
                };
                (sum, lost + rest)
            }
            Total::Any(_) => return,
        };
        self.total = Total::Float(total, lost);
    }

    /// Returns the sum.
    pub fn total(&self) -> Single {
        match &self.total {
            Total::Int(total) => Single::Int((*total).into()),
            // What was lost of an infinite sum is no number.
            Total::Float(total, lost) if *lost != 0.0 && lost.is_finite() => Single::Float(total + lost),
            Total::Float(total, _) => Single::Float(*total),
            Total::Any(total) => total.clone(),
        }
    }
}

/// Count, mean, sum of squared deviations, and the greatest and the least of numbers, step by step as `StatCounter.merge` computes them.
pub struct Stats {
    count: i64,
    mean: f64,
    squares: f64,
    greatest: f64,
    least: f64,
}

impl Default for Stats {
    fn default() -> Stats {
        let (greatest, least) = (f64::NEG_INFINITY, f64::INFINITY);
        Stats { count: 0, mean: 0.0, squares: 0.0, greatest, least }
    }
}

impl Stats {
    /// Adds all rows; `false`, and nothing is added, if they are no numbers. Truth values stay such among the extremes, and are none here.
    pub fn add(&mut self, column: &Column, rows: usize) -> bool {
        let numbers = match Numbers::of(column, rows) {
            Some(numbers @ (Numbers::Ints(_) | Numbers::Floats(_))) => numbers.floats(),
            Some(Numbers::Bools(_)) | None => return false,
        };
        numbers.iter().for_each(|value| self.add_float(*value));
        true
    }

    fn add_float(&mut self, value: f64) {
        let delta = value - self.mean;
        self.count += 1;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
        // Not-a-number is neither.
        self.greatest = if value > self.greatest { value } else { self.greatest };
        self.least = if value < self.least { value } else { self.least };
    }

    /// Returns all, in the order of the fields.
    pub fn state(&self) -> Single {
        let floats = [self.mean, self.squares, self.greatest, self.least].map(Single::Float);
        Single::Tuple([Single::Int(self.count.into())].into_iter().chain(floats).collect())
    }

    /// Sets all, as [`Stats::state`] gives them; returns whether these are of the same types.
    pub fn set(&mut self, state: &Single) -> bool {
        let Single::Tuple(parts) = state else { return false };
        let [
            Single::Int(count),
            Single::Float(mean),
            Single::Float(squares),
            Single::Float(greatest),
            Single::Float(least),
        ] = parts[..]
        else {
            return false;
        };
        let Ok(count) = i64::try_from(count) else { return false };
        *self = Stats { count, mean, squares, greatest, least };
        true
    }
}

/// All values merged into one.
pub struct Fold {
    merge: Merge,
    state: State,
}

enum State {
    Nothing,
    /// The numbers of which it consists.
    Numbers(Vec<Number>),
    /// Anything else.
    Single(Single),
}

#[derive(Clone)]
enum Number {
    Int(i64),
    Float(f64),
    Array(Vec<f64>),
}

impl Fold {
    /// Makes a fold of nothing.
    pub fn new(merge: Merge) -> Fold {
        Fold { merge, state: State::Nothing }
    }

    /// Merges rows. Returns how many it has merged: all, or those before one that cannot be.
    pub fn add(&mut self, column: &Column, rows: usize) -> usize {
        if rows == 0 || self.add_all(column, rows) {
            return rows;
        }
        let column = column.spread(rows);
        if !self.add_single(&column, 0) {
            return 0;
        }
        // The first may have given the whole the type of the others: 0 became a float.
        if rows == 1 || self.add_all(&column.slice(1..rows), rows - 1) {
            return rows;
        }
        (1..rows).find(|row| !self.add_single(&column, *row)).unwrap_or(rows)
    }

    fn add_all(&mut self, column: &Column, rows: usize) -> bool {
        let merged = self.merged(column, rows);
        let is_merged = merged.is_some();
        if let Some(merged) = merged {
            self.state = State::Numbers(merged);
        }
        is_merged
    }

    fn add_single(&mut self, column: &Column, row: usize) -> bool {
        Single::of(column, row).is_some_and(|value| self.merge_single(&value))
    }

    /// Merges one value; returns whether it could.
    pub fn merge_single(&mut self, value: &Single) -> bool {
        let known = match std::mem::replace(&mut self.state, State::Nothing) {
            State::Nothing => {
                self.set(value.clone());
                return true;
            }
            State::Single(known) => Ok(known),
            State::Numbers(numbers) => self.merge.single_of(&numbers).ok_or(numbers),
        };
        match known {
            Ok(mut known) => {
                let is_merged = known.merge(&self.merge, value);
                self.set(known);
                is_merged
            }
            Err(numbers) => {
                self.state = State::Numbers(numbers);
                false
            }
        }
    }

    /// Sets what was merged.
    pub fn set(&mut self, state: Single) {
        let mut found = vec![];
        let are_numbers = self.merge.numbers_of(&state, &mut found);
        let numbers = found.iter().map(|number| match number {
            Single::Int(value) => i64::try_from(*value).ok().map(Number::Int),
            Single::Float(value) => Some(Number::Float(*value)),
            Single::None | Single::Bool(_) | Single::Text(_) | Single::Tuple(_) => None,
        });
        self.state = match numbers.collect::<Option<Vec<_>>>().filter(|_| are_numbers) {
            Some(numbers) => State::Numbers(numbers),
            None => State::Single(state),
        };
    }

    /// Returns what was merged; `None` of nothing, and of arrays.
    pub fn single(&self) -> Option<Single> {
        match &self.state {
            State::Nothing => None,
            State::Single(state) => Some(state.clone()),
            State::Numbers(numbers) => self.merge.single_of(numbers),
        }
    }

    fn merged(&self, column: &Column, rows: usize) -> Option<Vec<Number>> {
        let leaves = self.merge.leaves(column, rows)?;
        let before: Vec<Option<Number>> = match &self.state {
            State::Numbers(state) if state.len() == leaves.len() => state.iter().cloned().map(Some).collect(),
            State::Numbers(_) | State::Single(_) => return None,
            State::Nothing => vec![None; leaves.len()],
        };
        let pairs = leaves.iter().zip(before);
        pairs
            .map(|(leaf, before)| match (leaf, before) {
                (Leaf::Ints(merge, values), None) => {
                    values[1..].iter().try_fold(values[0], |a, b| merge(a, *b)).map(Number::Int)
                }
                (Leaf::Ints(merge, values), Some(Number::Int(first))) => {
                    values.iter().try_fold(first, |a, b| merge(a, *b)).map(Number::Int)
                }
                (Leaf::Floats(merge, values), None) => {
                    Some(Number::Float(values[1..].iter().fold(values[0], |a, b| merge(a, *b))))
                }
                (Leaf::Floats(merge, values), Some(Number::Float(first))) => {
                    Some(Number::Float(values.iter().fold(first, |a, b| merge(a, *b))))
                }
                (Leaf::Arrays(merge, arrays), None) => {
                    let first = arrays.get(0).to_vec();
                    (1..rows).try_fold(first, |a, row| merged(*merge, &a, arrays.get(row))).map(Number::Array)
                }
                (Leaf::Arrays(merge, arrays), Some(Number::Array(first))) => {
                    (0..rows).try_fold(first, |a, row| merged(*merge, &a, arrays.get(row))).map(Number::Array)
                }
                (Leaf::Ints(..) | Leaf::Floats(..) | Leaf::Arrays(..), Some(_)) => None,
            })
            .collect()
    }

    /// Returns what was merged, as a column of one row; `None` of nothing, and of what is in no column.
    pub fn state(&self) -> Option<Column> {
        let State::Numbers(numbers) = &self.state else { return None };
        let numbers = numbers.iter().map(|number| match number {
            Number::Int(value) => Column::ints(vec![*value]),
            Number::Float(value) => Column::floats(vec![*value]),
            Number::Array(items) => Column::Numpy(Numpy::Arrays(Arrays::of_one(items.clone()))),
        });
        Some(self.merge.shaped(&mut numbers.into_iter()))
    }
}

impl Merge {
    fn single_of(&self, numbers: &[Number]) -> Option<Single> {
        let numbers = numbers.iter().map(|number| match number {
            Number::Int(value) => Some(Single::Int((*value).into())),
            Number::Float(value) => Some(Single::Float(*value)),
            Number::Array(_) => None,
        });
        self.shaped_single(&mut numbers.collect::<Option<Vec<_>>>()?.into_iter())
    }
}
