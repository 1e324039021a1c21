//! `combineByKey` and its kin: what a key's first value becomes, and how each further one is merged into that.
//!
//! A function such as `lambda total, v: (total[0] + v, total[1] + 1)` is a rule, `+` for both items, over what a function
//! of the value alone gives, `(v, 1)`.

use crate::answer::Mask;
use crate::column::{Column, Scalar};
use crate::eval::evaluate;
use crate::merge::{Known, Merge};
use crate::program::{Binary, Block, Builtin, End, Function, Instruction, Op, Register};

/// The combination of a key's first value.
#[derive(Clone, Debug)]
pub enum First {
    /// A function of the value.
    Of(Function),
    /// A function of a zero and the value.
    FromZero(Scalar, Function),
}

/// A function that merges a value into a combination, as a rule and what is merged by it.
#[derive(Clone, Debug)]
pub struct Step {
    merge: Merge,
    /// Of two parameters, the first of which it does not read.
    of_value: Function,
}

impl Step {
    /// Returns what a function of two parameters, the combination and the value, does, if it follows a rule.
    pub fn of(function: &Function) -> Option<Step> {
        let End::Return(result) = function.body.end else { return None };
        if function.parameters != 2 || !function.draws.is_empty() {
            return None;
        }
        let known = Known { instructions: &function.body.instructions };
        let mut split = Split { needs: known.that_need(0), known, made: vec![], next: function.registers };
        let (merge, value) = split.step(result, &mut vec![])?;
        // Everything else could fail, and must be part of the rule.
        if !split.known.are_all_read(result) {
            return None;
        }
        let apart = function.body.instructions.iter().filter(|one| !split.needs.contains(&one.into)).cloned();
        let instructions = apart.chain(split.made).collect();
        let body = Block { instructions, end: End::Return(value) };
        Some(Step { merge, of_value: Function { parameters: 2, registers: split.next, draws: vec![], body } })
    }

    /// Returns the rule.
    pub fn merge(&self) -> &Merge {
        &self.merge
    }

    /// Returns what is merged for each value. Rows that are not answered for are marked.
    pub fn values(&self, values: &Column, mask: &mut Mask) -> Option<Column> {
        evaluate(&self.of_value, &[Column::Const(Scalar::None), values.clone()], None, mask).ok()
    }
}

impl First {
    /// Returns the combination of each value. Rows that are not answered for are marked.
    pub fn values(&self, values: &Column, mask: &mut Mask) -> Option<Column> {
        let made = match self {
            First::Of(function) => evaluate(function, std::slice::from_ref(values), None, mask),
            First::FromZero(zero, function) => {
                evaluate(function, &[taken_apart(zero), values.clone()], None, mask)
            }
        };
        made.ok()
    }
}

/// Returns a constant of which items can be had.
fn taken_apart(scalar: &Scalar) -> Column {
    match scalar {
        Scalar::Tuple(items) if !items.is_empty() => Column::Tuple(items.iter().map(taken_apart).collect()),
        Scalar::None
        | Scalar::Bool(_)
        | Scalar::Int(_)
        | Scalar::Float(_)
        | Scalar::Str(_)
        | Scalar::Tuple(_) => Column::Const(scalar.clone()),
    }
}

/// A function that is being split.
struct Split<'a> {
    known: Known<'a>,
    /// The registers whose values depend on the combination.
    needs: Vec<Register>,
    /// Instructions that put what is merged together.
    made: Vec<Instruction>,
    next: Register,
}

impl Split<'_> {
    /// Returns the rule that makes a register of the combination's item at a path, and the register of what is merged.
    fn step(&mut self, register: Register, path: &mut Vec<(usize, usize)>) -> Option<(Merge, Register)> {
        if !self.needs.contains(&register) {
            return Some((Merge::Last, register));
        }
        let is_item = |one: &Register| self.known.is_item(*one, 0, path);
        let is_apart = |one: &Register| !self.needs.contains(one);
        match self.known.op(register)? {
            op @ (Op::Binary(binary @ (Binary::Add | Binary::Multiply), a, b)
            | Op::InPlace(binary @ (Binary::Add | Binary::Multiply), a, b)) => {
                let rule = match (binary, op) {
                    (Binary::Add, Op::Binary(..)) => Merge::Add,
                    (Binary::Add, _) => Merge::AddTo,
                    (_, Op::Binary(..)) => Merge::Multiply,
                    (_, _) => Merge::MultiplyBy,
                };
                let swapped = match &rule {
                    Merge::Add => Merge::AddBefore,
                    Merge::AddTo => Merge::AddToIt,
                    // Numbers are multiplied in either order alike.
                    other => other.clone(),
                };
                match (is_item(a) && is_apart(b), is_item(b) && is_apart(a)) {
                    (true, _) => Some((rule, *b)),
                    (false, true) => Some((swapped, *a)),
                    (false, false) => None,
                }
            }
            Op::Call(builtin @ (Builtin::Min | Builtin::Max), arguments) => match &arguments[..] {
                [a, b] if is_item(a) && is_apart(b) => {
                    Some((if *builtin == Builtin::Min { Merge::Min } else { Merge::Max }, *b))
                }
                _ => None,
            },
            Op::Tuple(parts) if !parts.is_empty() => {
                let (mut rules, mut values) = (vec![], vec![]);
                let parts = parts.clone();
                for (at, part) in parts.iter().enumerate() {
                    path.push((at, parts.len()));
                    let (rule, value) = self.step(*part, path)?;
                    rules.push(rule);
                    values.push(value);
                    path.pop();
                }
                let into = self.next;
                self.next += 1;
                self.made.push(Instruction { into, op: Op::Tuple(values) });
                Some((Merge::Parts(rules), into))
            }
            _ => None,
        }
    }
}
