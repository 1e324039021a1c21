//! The rules by which results are merged, two by two.
//!
//! Values are merged from left to right, in the order of records, as the interpreter merges them: so sums of floats are
//! the same, bit by bit. Nothing is taken that cannot be: on an overflow, or a value of another type, the caller goes on
//! with what was merged so far, in Python.

use crate::column::{Column, Scalar};
use crate::numbers::Numbers;
use crate::numpy::{Arrays, Numpy};
use crate::program::{Binary, Builtin, End, Function, Instruction, Op, Register};
use crate::single::Single;
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
    /// `b + a`: another text than `a + b`.
    AddBefore,
    /// `b += a`.
    AddToIt,
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

    /// Returns a value of the rule's shape, of its numbers.
    pub(crate) fn shaped_single(&self, numbers: &mut impl Iterator<Item = Single>) -> Option<Single> {
        match self {
            Merge::Parts(parts) => {
                let parts = parts.iter().map(|part| part.shaped_single(numbers)).collect::<Option<_>>();
                parts.map(Single::Tuple)
            }
            _ => numbers.next(),
        }
    }

    /// Appends the numbers of which a value consists; `false` if it is not of the rule's shape.
    pub(crate) fn numbers_of<'a>(&self, value: &'a Single, into: &mut Vec<&'a Single>) -> bool {
        match (self, value) {
            (Merge::Parts(rules), Single::Tuple(parts)) => {
                rules.len() == parts.len()
                    && rules.iter().zip(parts).all(|(rule, part)| rule.numbers_of(part, into))
            }
            (Merge::Parts(_), _) => false,
            (_, value) => {
                into.push(value);
                true
            }
        }
    }

    fn of_ints(&self) -> Option<OfInts> {
        match self {
            Merge::Add | Merge::AddTo | Merge::AddBefore | Merge::AddToIt => Some(i64::checked_add),
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
            Merge::Add | Merge::AddBefore | Merge::Multiply => self.of_floats(),
            // An array would be changed that the program may hold.
            Merge::AddTo | Merge::AddToIt | Merge::MultiplyBy => None,
            Merge::Min | Merge::Max | Merge::First | Merge::Last | Merge::Parts(_) => None,
        }
    }

    fn of_floats(&self) -> Option<OfFloats> {
        match self {
            Merge::Add | Merge::AddTo | Merge::AddBefore | Merge::AddToIt => Some(|a, b| a + b),
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
