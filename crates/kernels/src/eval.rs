//! Evaluates a function over columns.
//!
//! At a branch the rows part: each side is computed for its rows alone, and results are put together again. So a side
//! never fails for rows that do not take it, as `1 / x if x else 0` wants.

use crate::answer::{Answer, Mask, Refused, placed};
use crate::asked;
use crate::attempts;
use crate::calls;
use crate::collections;
use crate::column::{Column, Scalar};
use crate::comprehensions;
use crate::cuts;
use crate::formats;
use crate::loops;
use crate::math;
use crate::methods;
use crate::numbers;
use crate::parts::{Blocks, Gathered, Part, Registers, read, sides_of, together};
use crate::program::{Binary, Block, End, Function, Op, Register};
use crate::random::Twister;
use crate::record::Class;
use crate::reductions;
use crate::sequences::{list_of, listed, picked};
use crate::text;
use crate::vectors;

/// Returns the function's results for all rows; what stands in marked rows means nothing.
///
/// A function that draws random numbers takes them of `random`, all of a row before those of the next one, as calls row by
/// row do. They are of use only if no row is marked, of these and of any others that draw: else the rows that the
/// interpreter runs would find the generator at another point.
pub fn evaluate(
    function: &Function,
    arguments: &[Column],
    random: Option<&mut Twister>,
    mask: &mut Mask,
) -> Answer<Column> {
    let mut registers = vec![None; function.registers];
    for (register, argument) in registers.iter_mut().zip(arguments) {
        *register = Some(argument.clone());
    }
    if !function.draws.is_empty() {
        let random = random.ok_or(Refused("random numbers without a generator"))?;
        let mut drawn = vec![Vec::with_capacity(mask.rows()); function.draws.len()];
        for _ in 0..mask.rows() {
            drawn.iter_mut().for_each(|column| column.push(random.next_float()));
        }
        for (register, column) in function.draws.iter().zip(drawn) {
            registers[*register] = Some(Column::floats(column));
        }
    }
    let mut parts = block(&function.body, registers, mask)?;
    if let [Part { rows: None, values, .. }] = &mut parts[..]
        && let Some(result) = values.pop()
    {
        return Ok(result);
    }
    let all = parts.into_iter().map(|part| part.without(mask)).collect();
    let Some(Gathered { rows, values }) = together(all, mask) else {
        mask.set_all();
        return Ok(Column::Const(Scalar::None));
    };
    // A marked row has the value of some other row, since it needs one.
    let mut at = vec![0; mask.rows()];
    for (place, row) in rows.iter().enumerate() {
        at[*row as usize] = place as u32;
    }
    Ok(values[0].gather(&at))
}

/// The kernels, for those that have blocks of their own.
struct Kernels;

impl Blocks for Kernels {
    fn block(&self, one: &Block, registers: Registers, mask: &mut Mask) -> Answer<Vec<Part>> {
        block(one, registers, mask)
    }

    fn op(&self, op: &Op, registers: &[Option<Column>], mask: &mut Mask) -> Answer<Column> {
        compute(op, registers, mask)
    }
}

/// Computes a block, and returns its rows at the exits to which they came. A row that came to none is marked.
fn block(block: &Block, mut registers: Registers, mask: &mut Mask) -> Answer<Vec<Part>> {
    for instruction in &block.instructions {
        let value = compute(&instruction.op, &registers, mask)?;
        registers[instruction.into] = Some(value);
    }
    let read_all = |values: &[Register]| -> Answer<Vec<Column>> {
        values.iter().map(|value| read(&registers, *value).cloned()).collect()
    };
    match &block.end {
        End::Return(register) => Ok(vec![Part { exit: 0, rows: None, values: read_all(&[*register])? }]),
        End::Exit(exit, values) => Ok(vec![Part { exit: *exit, rows: None, values: read_all(values)? }]),
        End::Branch(condition, yes, no) => {
            let truths = numbers::truths(read(&registers, *condition)?, mask.rows())?;
            branch(&truths, yes, no, registers, mask)
        }
        End::Loop(inner) => loops::turned(&Kernels, inner, registers, mask),
        End::Attempt(attempt) => attempts::attempted(&Kernels, attempt, registers, mask),
        End::Decline => {
            mask.set_all();
            Ok(vec![])
        }
    }
}

fn branch(
    truths: &[bool],
    yes: &Block,
    no: &Block,
    registers: Registers,
    mask: &mut Mask,
) -> Answer<Vec<Part>> {
    let count = truths.iter().filter(|truth| **truth).count();
    if count == truths.len() {
        return block(yes, registers, mask);
    }
    if count == 0 {
        return block(no, registers, mask);
    }
    let rows = |wanted: bool| -> Vec<u32> {
        (0..truths.len() as u32).filter(|row| truths[*row as usize] == wanted).collect()
    };
    let sides = [(yes, rows(true)), (no, rows(false))];
    sides_of(&Kernels, sides.map(|(side, rows)| (side, rows, vec![])), &registers, mask)
}

fn compute(op: &Op, registers: &[Option<Column>], mask: &mut Mask) -> Answer<Column> {
    let rows = mask.rows();
    let get = |register: &Register| read(registers, *register);
    let all =
        |wanted: &[Register]| -> Answer<Vec<Column>> { wanted.iter().map(|one| get(one).cloned()).collect() };
    match op {
        Op::Const(scalar) => Ok(Column::Const(scalar.clone())),
        Op::Binary(operator, a, b) => arithmetic(*operator, get(a)?, get(b)?, mask),
        Op::InPlace(operator, a, b) => {
            // The array could be one that others have, too.
            if get(a)?.lists() > 0 {
                return Err(Refused("a change to a list or an array"));
            }
            arithmetic(*operator, get(a)?, get(b)?, mask)
        }
        Op::Compare(comparison, a, b) => {
            let (a, b) = (get(a)?, get(b)?);
            vectors::compare(*comparison, a, b, mask)
                .unwrap_or_else(|| numbers::compare(*comparison, a, b, mask))
        }
        Op::Contains(item, container) => match get(container)? {
            all @ (Column::List(_) | Column::Group(_) | Column::Tuple(_)) => {
                reductions::contains(get(item)?, &list_of(all, rows)?, mask)
            }
            other => numbers::contains(get(item)?, other, mask),
        },
        Op::IsNone(a) => Ok(Column::Const(Scalar::Bool(matches!(get(a)?, Column::Const(Scalar::None))))),
        Op::Not(a) => {
            let truths = numbers::truths(get(a)?, rows)?;
            Ok(Column::bools(truths.iter().map(|truth| !truth).collect()))
        }
        Op::Negative(a) => match get(a)? {
            Column::Numpy(values) => vectors::negative(values),
            other => numbers::negative(other, mask),
        },
        Op::Tuple(parts) => Ok(Column::Tuple(all(parts)?)),
        Op::List(parts) => listed(&all(parts)?, rows),
        Op::Unpacked(a, count, at) => unpacked(get(a)?, *count, *at, mask),
        Op::Item(a, b) => item(get(a)?, get(b)?, mask),
        Op::Slice(a, b, c) => text::slice(get(a)?, get(b)?, get(c)?, rows),
        Op::Joined(parts) => text::joined(&all(parts)?, mask),
        Op::Call(builtin, arguments) => calls::call(*builtin, &all(arguments)?, mask),
        Op::Method(method, a, arguments) => methods::call(*method, get(a)?, &all(arguments)?, mask),
        Op::Each(each) => comprehensions::listed_each(&Kernels, each, registers, mask),
        Op::Math(function, arguments) => math::call(*function, &all(arguments)?, mask),
        Op::Stepped(a, b, c, step) => cuts::stepped(get(a)?, get(b)?, get(c)?, *step, rows),
        Op::Format(format, a) => Ok(Column::Text(formats::formatted(format, get(a)?, mask)?)),
        Op::Percent(pieces, a) => formats::percent(pieces, get(a)?, mask),
        Op::Found(lookup, a) => lookup.found(get(a)?, rows),
        Op::LookedUp(lookup, a) => lookup.values(get(a)?, mask),
        Op::Made(class, parts) => made(class, all(parts)?),
        Op::Attribute(name, a) => attribute(get(a)?, name),
        Op::Collect(collection, arguments) => collections::call(*collection, &all(arguments)?, mask),
        Op::Numpy(function, arguments) => vectors::call(*function, &all(arguments)?, mask),
        Op::Asked(function, library, arguments) => asked::call(*function, library, &all(arguments)?, mask),
    }
}

fn arithmetic(operator: Binary, a: &Column, b: &Column, mask: &mut Mask) -> Answer<Column> {
    vectors::binary(operator, a, b, mask).unwrap_or_else(|| numbers::binary(operator, a, b, mask))
}

fn unpacked(value: &Column, count: usize, at: usize, mask: &mut Mask) -> Answer<Column> {
    if let Some(parts) = value.parts() {
        let part = parts.get(at).filter(|_| parts.len() == count);
        return part.cloned().ok_or(Refused("a tuple of another length"));
    }
    match value {
        Column::Const(Scalar::Tuple(items)) if items.len() == count => Ok(Column::Const(items[at].clone())),
        Column::List(list) | Column::Group(list) => {
            let places: Vec<Option<u32>> = list
                .spans
                .iter()
                .map(|(from, to)| ((to - from) as usize == count).then(|| from + at as u32))
                .collect();
            picked(list, &places, mask)
        }
        Column::Const(_)
        | Column::Tuple(_)
        | Column::Record(..)
        | Column::Bool(_)
        | Column::Int(_)
        | Column::Float(_)
        | Column::Text(_)
        | Column::Numpy(_) => Err(Refused("taking a value of this type apart")),
    }
}

fn item(value: &Column, index: &Column, mask: &mut Mask) -> Answer<Column> {
    if let Some(parts) = value.parts() {
        let Column::Const(Scalar::Int(index)) = index else {
            return Err(Refused("an index that is no constant"));
        };
        let at = placed(*index, parts.len()).ok_or(Refused("an index beyond the tuple"))?;
        return Ok(parts[at].clone());
    }
    let Column::Int(indices) = index.spread(mask.rows()) else {
        return Err(Refused("an index that is no int"));
    };
    match value {
        Column::List(list) => {
            let places: Vec<Option<u32>> = list
                .spans
                .iter()
                .zip(indices.iter())
                .map(|((from, to), index)| placed(*index, (to - from) as usize).map(|at| from + at as u32))
                .collect();
            picked(list, &places, mask)
        }
        Column::Text(text) => Ok(Column::Text(text::characters(text, &indices, mask))),
        Column::Numpy(values) => vectors::item(values, &indices, mask),
        Column::Const(_)
        | Column::Bool(_)
        | Column::Int(_)
        | Column::Float(_)
        | Column::Group(_)
        | Column::Tuple(_)
        | Column::Record(..) => Err(Refused("an item of a value of this type")),
    }
}

/// Makes records of their items.
fn made(class: &Class, parts: Vec<Column>) -> Answer<Column> {
    if parts.len() != class.items() {
        return Err(Refused("a record of more or fewer items than its class has"));
    }
    Ok(Column::Record(class.clone(), parts))
}

/// `value.name`
fn attribute(value: &Column, name: &str) -> Answer<Column> {
    let Column::Record(class, parts) = value else {
        return Err(Refused("an attribute of a value of this type"));
    };
    let at = class.place(name);
    Ok(parts[at.ok_or(Refused("an attribute that is no item of a record"))?].clone())
}
