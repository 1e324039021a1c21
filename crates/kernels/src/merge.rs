//! Results added up: a sum, a fold, and the rules by which values of a key are merged.
//!
//! Values are merged from left to right, in the order of records, as the interpreter merges them: so sums of floats are
//! the same, bit by bit. Nothing is taken that cannot be: on an overflow, or a value of another type, the caller goes on
//! with what was merged so far, in Python.

use crate::column::{Column, Scalar};
use crate::numbers::Numbers;
use crate::numpy::{Arrays, Numpy, merged};
use crate::program::{Binary, Builtin, End, Function, Instruction, Op, Register};
use std::rc::Rc;

/// How two values become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merge {
    /// `a + b`.
    Add,
    /// `a * b`.
    Multiply,
    /// `a += b`, of what cannot be changed.
    AddTo,
    /// `a *= b`, of what cannot be changed.
    MultiplyBy,
    /// `min(a, b)`.
    Min,
    /// `max(a, b)`.
    Max,
    /// `a`.
    First,
    /// `b`.
    Last,
    /// `(merge(a[0], b[0]), merge(a[1], b[1]), ...)`.
    Parts(Vec<Merge>),
}

impl Merge {
    /// Returns the rule that a function of two parameters follows, if it is one of these.
    pub fn of(function: &Function) -> Option<Merge> {
        let End::Return(result) = function.body.end else { return None };
        if function.parameters != 2 || !function.draws.is_empty() {
            return None;
        }
        let known = Known { instructions: &function.body.instructions };
        let merge = known.merge(result, &mut vec![])?;
        // Everything else could fail, and must be part of the rule.
        known.are_all_read(result).then_some(merge)
    }

    /// Returns the numbers of which values consist, each with its rule; `None` if values are not of the rule's shape.
    pub(crate) fn leaves(&self, values: &Column, rows: usize) -> Option<Vec<Leaf>> {
        let mut found = vec![];
        self.collect(&values.spread(rows), rows, &mut found)?;
        Some(found)
    }

    fn collect(&self, values: &Column, rows: usize, found: &mut Vec<Leaf>) -> Option<()> {
        match (self, values) {
            (Merge::Parts(parts), Column::Tuple(columns)) if parts.len() == columns.len() => {
                parts.iter().zip(columns).try_for_each(|(part, column)| part.collect(column, rows, found))
            }
            (Merge::Parts(_), _) => None,
            (rule, Column::Numpy(Numpy::Arrays(arrays))) => {
                found.push(Leaf::Arrays(rule.of_arrays()?, arrays.clone()));
                Some(())
            }
            (rule, _) => {
                found.push(match Numbers::of(values, rows)? {
                    Numbers::Ints(values) => Leaf::Ints(rule.of_ints()?, values),
                    Numbers::Floats(values) => Leaf::Floats(rule.of_floats()?, values),
                    // `True + True` is 2: the type would change with the second value.
                    Numbers::Bools(_) => return None,
                });
                Some(())
            }
        }
    }

    /// Returns values of the rule's shape, of its numbers.
    pub(crate) fn shaped(&self, numbers: &mut impl Iterator<Item = Column>) -> Column {
        match self {
            Merge::Parts(parts) => Column::Tuple(parts.iter().map(|part| part.shaped(numbers)).collect()),
            _ => numbers.next().unwrap_or(Column::Const(Scalar::None)),
        }
    }

    fn of_ints(&self) -> Option<OfInts> {
        match self {
            Merge::Add | Merge::AddTo => Some(i64::checked_add),
            Merge::Multiply | Merge::MultiplyBy => Some(i64::checked_mul),
            Merge::Min => Some(|a, b| Some(a.min(b))),
            Merge::Max => Some(|a, b| Some(a.max(b))),
            Merge::First => Some(|a, _| Some(a)),
            Merge::Last => Some(|_, b| Some(b)),
            Merge::Parts(_) => None,
        }
    }

    fn of_arrays(&self) -> Option<OfFloats> {
        match self {
            Merge::Add | Merge::Multiply => self.of_floats(),
            // An array would be changed that the program may hold.
            Merge::AddTo | Merge::MultiplyBy => None,
            Merge::Min | Merge::Max | Merge::First | Merge::Last | Merge::Parts(_) => None,
        }
    }

    fn of_floats(&self) -> Option<OfFloats> {
        match self {
            Merge::Add | Merge::AddTo => Some(|a, b| a + b),
            Merge::Multiply | Merge::MultiplyBy => Some(|a, b| a * b),
            // The first of equal ones, and of those without an order.
            Merge::Min => Some(|a, b| if b < a { b } else { a }),
            Merge::Max => Some(|a, b| if b > a { b } else { a }),
            Merge::First => Some(|a, _| a),
            Merge::Last => Some(|_, b| b),
            Merge::Parts(_) => None,
        }
    }
}

pub(crate) type OfInts = fn(i64, i64) -> Option<i64>;
pub(crate) type OfFloats = fn(f64, f64) -> f64;

/// The numbers at one place of all values, and how they are merged.
pub(crate) enum Leaf {
    Ints(OfInts, Rc<Vec<i64>>),
    Floats(OfFloats, Rc<Vec<f64>>),
    /// Item by item.
    Arrays(OfFloats, Arrays),
}

/// The instructions of a function without branches.
pub(crate) struct Known<'a> {
    pub(crate) instructions: &'a [Instruction],
}

impl Known<'_> {
    pub(crate) fn op(&self, register: Register) -> Option<&Op> {
        self.instructions.iter().find(|one| one.into == register).map(|one| &one.op)
    }

    /// Returns the rule that makes a register of the two parameters' items at a path.
    fn merge(&self, register: Register, path: &mut Vec<(usize, usize)>) -> Option<Merge> {
        if self.is_item(register, 0, path) {
            return Some(Merge::First);
        }
        if self.is_item(register, 1, path) {
            return Some(Merge::Last);
        }
        let both = |a: &Register, b: &Register, path: &[(usize, usize)]| {
            self.is_item(*a, 0, path) && self.is_item(*b, 1, path)
        };
        match self.op(register)? {
            Op::Binary(Binary::Add, a, b) if both(a, b, path) => Some(Merge::Add),
            Op::Binary(Binary::Multiply, a, b) if both(a, b, path) => Some(Merge::Multiply),
            Op::InPlace(Binary::Add, a, b) if both(a, b, path) => Some(Merge::AddTo),
            Op::InPlace(Binary::Multiply, a, b) if both(a, b, path) => Some(Merge::MultiplyBy),
            Op::Call(Builtin::Min, arguments) if matches!(&arguments[..], [a, b] if both(a, b, path)) => {
                Some(Merge::Min)
            }
            Op::Call(Builtin::Max, arguments) if matches!(&arguments[..], [a, b] if both(a, b, path)) => {
                Some(Merge::Max)
            }
            Op::Tuple(parts) if !parts.is_empty() => {
                let mut rules = vec![];
                for (at, part) in parts.iter().enumerate() {
                    path.push((at, parts.len()));
                    rules.push(self.merge(*part, path)?);
                    path.pop();
                }
                Some(Merge::Parts(rules))
            }
            _ => None,
        }
    }

    /// Returns whether a register is the item of a parameter at a path: of positions, each with the number of items there.
    pub(crate) fn is_item(&self, register: Register, parameter: Register, path: &[(usize, usize)]) -> bool {
        let Some(((last, of), before)) = path.split_last() else { return register == parameter };
        match self.op(register) {
            Some(Op::Item(value, index)) => {
                let at = self.op(*index);
                matches!(at, Some(Op::Const(Scalar::Int(at))) if *at == *last as i64)
                    && self.is_item(*value, parameter, before)
            }
            Some(Op::Unpacked(value, count, at)) => {
                at == last && count == of && self.is_item(*value, parameter, before)
            }
            _ => false,
        }
    }

    /// Returns the registers whose values depend on one of them.
    pub(crate) fn that_need(&self, register: Register) -> Vec<Register> {
        let mut found = vec![register];
        // A register is set before it is read.
        for one in self.instructions {
            if one.op.reads().iter().any(|read| found.contains(read)) {
                found.push(one.into);
            }
        }
        found
    }

    /// Returns whether every instruction is part of the result.
    pub(crate) fn are_all_read(&self, result: Register) -> bool {
        self.instructions.iter().all(|one| {
            one.into == result || self.instructions.iter().any(|other| other.op.reads().contains(&one.into))
        })
    }
}

/// The sum of whole numbers, which begins at 0.
#[derive(Default)]
pub struct Sum(i64);

impl Sum {
    /// Adds all rows; `false`, and nothing is added, if they are no whole numbers or the sum leaves 64 bits on the way.
    pub fn add(&mut self, column: &Column, rows: usize) -> bool {
        let Some(values) = Numbers::of(column, rows).and_then(|numbers| numbers.ints()) else { return false };
        let total = values.iter().try_fold(self.0, |total, value| total.checked_add(*value));
        self.0 = total.unwrap_or(self.0);
        total.is_some()
    }

    /// Returns the sum.
    pub fn total(&self) -> i64 {
        self.0
    }
}

/// All values merged into one.
pub struct Fold {
    merge: Merge,
    state: Option<Vec<Number>>,
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
        Fold { merge, state: None }
    }

    /// Merges all rows; `false`, and nothing is merged, if one of them cannot be.
    pub fn add(&mut self, column: &Column, rows: usize) -> bool {
        if rows == 0 {
            return true;
        }
        let Some(merged) = self.merged(column, rows) else { return false };
        self.state = Some(merged);
        true
    }

    fn merged(&self, column: &Column, rows: usize) -> Option<Vec<Number>> {
        let leaves = self.merge.leaves(column, rows)?;
        let before: Vec<Option<Number>> = match &self.state {
            Some(state) if state.len() == leaves.len() => state.iter().cloned().map(Some).collect(),
            Some(_) => return None,
            None => vec![None; leaves.len()],
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

    /// Returns what was merged, as a column of one row; `None` of nothing.
    pub fn state(&self) -> Option<Column> {
        let numbers = self.state.as_ref()?.iter().map(|number| match number {
            Number::Int(value) => Column::ints(vec![*value]),
            Number::Float(value) => Column::floats(vec![*value]),
            Number::Array(items) => Column::Numpy(Numpy::Arrays(Arrays::of_one(items.clone()))),
        });
        Some(self.merge.shaped(&mut numbers.into_iter()))
    }
}
