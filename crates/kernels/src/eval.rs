//! Evaluates a function over columns.
//!
//! At a branch the rows part: each side is computed for its rows alone, and results are put together again. So a side
//! never fails for rows that do not take it, as `1 / x if x else 0` wants.

use crate::answer::{Answer, Mask, Refused, placed};
use crate::calls;
use crate::column::{Column, List, Scalar};
use crate::methods;
use crate::numbers;
use crate::program::{Block, End, Function, Op, Register};
use crate::random::Twister;
use crate::text;
use std::rc::Rc;

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
    block(&function.body, registers, mask)
}

type Registers = Vec<Option<Column>>;

fn block(block: &Block, mut registers: Registers, mask: &mut Mask) -> Answer<Column> {
    for instruction in &block.instructions {
        let value = compute(&instruction.op, &registers, mask)?;
        registers[instruction.into] = Some(value);
    }
    match &block.end {
        End::Return(register) => read(&registers, *register).cloned(),
        End::Branch(condition, yes, no) => {
            let truths = numbers::truths(read(&registers, *condition)?, mask.rows())?;
            branch(&truths, yes, no, registers, mask)
        }
    }
}

fn read(registers: &[Option<Column>], register: Register) -> Answer<&Column> {
    registers[register].as_ref().ok_or(Refused("a register without a value"))
}

fn branch(truths: &[bool], yes: &Block, no: &Block, registers: Registers, mask: &mut Mask) -> Answer<Column> {
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
    let (first, second) = (rows(true), rows(false));
    let one = side(yes, &registers, &first, mask);
    let two = side(no, &registers, &second, mask);
    let together = match (&one, &two) {
        (Ok(one), Ok(two)) => one.followed_by(first.len(), two, second.len()),
        (Err(refused), Err(_)) => return Err(*refused),
        (Ok(_), Err(_)) | (Err(_), Ok(_)) => None,
    };
    if let Some(together) = together {
        return Ok(together.gather(&places(truths, first.len())));
    }
    // Results of two types cannot be in one column: the fewer rows are handed back.
    let keeps_first = match (&one, &two) {
        (Ok(_), Err(_)) => true,
        (Err(_), _) => false,
        (Ok(_), Ok(_)) => first.len() >= second.len(),
    };
    let (kept, rows, others) = if keeps_first { (one?, first, second) } else { (two?, second, first) };
    for row in &others {
        mask.set(*row as usize);
    }
    // A marked row has the value of some other row, since it needs one.
    let mut at = vec![0; truths.len()];
    for (place, row) in rows.iter().enumerate() {
        at[*row as usize] = place as u32;
    }
    Ok(kept.gather(&at))
}

/// Returns where each row's result is: those of the first side come first.
fn places(truths: &[bool], of_first: usize) -> Vec<u32> {
    let (mut first, mut second) = (0, of_first as u32);
    truths
        .iter()
        .map(|truth| {
            let next = if *truth { &mut first } else { &mut second };
            *next += 1;
            *next - 1
        })
        .collect()
}

/// Computes one side of a branch, for its rows.
fn side(side: &Block, registers: &[Option<Column>], rows: &[u32], mask: &mut Mask) -> Answer<Column> {
    let mut own: Registers = vec![None; registers.len()];
    for register in side.inputs() {
        own[register] = registers[register].as_ref().map(|column| column.gather(rows));
    }
    let mut marked = Mask::new(rows.len());
    let result = block(side, own, &mut marked);
    if marked.any() {
        for (place, row) in rows.iter().enumerate() {
            if marked.has(place) {
                mask.set(*row as usize);
            }
        }
    }
    result
}

fn compute(op: &Op, registers: &[Option<Column>], mask: &mut Mask) -> Answer<Column> {
    let rows = mask.rows();
    let get = |register: &Register| read(registers, *register);
    let all =
        |wanted: &[Register]| -> Answer<Vec<Column>> { wanted.iter().map(|one| get(one).cloned()).collect() };
    match op {
        Op::Const(scalar) => Ok(Column::Const(scalar.clone())),
        Op::Binary(operator, a, b) => numbers::binary(*operator, get(a)?, get(b)?, mask),
        Op::Compare(comparison, a, b) => numbers::compare(*comparison, get(a)?, get(b)?, mask),
        Op::Contains(item, container) => numbers::contains(get(item)?, get(container)?, mask),
        Op::IsNone(a) => Ok(Column::Const(Scalar::Bool(matches!(get(a)?, Column::Const(Scalar::None))))),
        Op::Not(a) => {
            let truths = numbers::truths(get(a)?, rows)?;
            Ok(Column::bools(truths.iter().map(|truth| !truth).collect()))
        }
        Op::Negative(a) => numbers::negative(get(a)?, mask),
        Op::Tuple(parts) => Ok(Column::Tuple(all(parts)?)),
        Op::List(parts) => listed(&all(parts)?, rows),
        Op::Unpacked(a, count, at) => unpacked(get(a)?, *count, *at, mask),
        Op::Item(a, b) => item(get(a)?, get(b)?, mask),
        Op::Slice(a, b, c) => text::slice(get(a)?, get(b)?, get(c)?, rows),
        Op::Joined(parts) => text::joined(&all(parts)?, mask),
        Op::Call(builtin, arguments) => calls::call(*builtin, &all(arguments)?, mask),
        Op::Method(method, a, arguments) => methods::call(*method, get(a)?, &all(arguments)?, mask),
    }
}

/// Returns lists of one item of each part, which must have one type.
pub(crate) fn listed(parts: &[Column], rows: usize) -> Answer<Column> {
    let (Some(first), count) = (parts.first(), parts.len()) else { return Err(Refused("an empty list")) };
    // Several items may be one list to Python: a change to one would be a change to all.
    if parts.iter().any(|part| part.lists() > 0) {
        return Err(Refused("lists in a list"));
    }
    let mut all = first.spread(rows);
    for (number, part) in parts.iter().enumerate().skip(1) {
        all = all.followed_by(number * rows, part, rows).ok_or(Refused("a list of several types"))?;
    }
    // Part by part, and now row by row.
    let at: Vec<u32> =
        (0..rows).flat_map(|row| (0..count).map(move |part| (part * rows + row) as u32)).collect();
    let spans = (0..rows).map(|row| ((row * count) as u32, ((row + 1) * count) as u32)).collect();
    Ok(Column::List(List { spans: Rc::new(spans), items: Rc::new(all.gather(&at)) }))
}

fn unpacked(value: &Column, count: usize, at: usize, mask: &mut Mask) -> Answer<Column> {
    match value {
        Column::Tuple(parts) if parts.len() == count => Ok(parts[at].clone()),
        Column::Const(Scalar::Tuple(items)) if items.len() == count => Ok(Column::Const(items[at].clone())),
        Column::List(list) => {
            let places: Vec<Option<u32>> = list
                .spans
                .iter()
                .map(|(from, to)| ((to - from) as usize == count).then(|| from + at as u32))
                .collect();
            picked(list, &places, mask)
        }
        Column::Tuple(_) => Err(Refused("a tuple of another length")),
        Column::Const(_) | Column::Bool(_) | Column::Int(_) | Column::Float(_) | Column::Text(_) => {
            Err(Refused("taking a value of this type apart"))
        }
    }
}

/// Returns the items at these places; rows without one are marked.
fn picked(list: &List, places: &[Option<u32>], mask: &mut Mask) -> Answer<Column> {
    // A marked row has some other row's item. Without any item there is no column.
    let Some(other) = places.iter().flatten().next().copied() else {
        mask.set_all();
        return Ok(Column::Const(Scalar::None));
    };
    let at: Vec<u32> = places.iter().enumerate().map(|(row, place)| mask.or(row, *place, other)).collect();
    Ok(list.items.gather(&at))
}

fn item(value: &Column, index: &Column, mask: &mut Mask) -> Answer<Column> {
    if let Column::Tuple(parts) = value {
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
        Column::Const(_) | Column::Bool(_) | Column::Int(_) | Column::Float(_) | Column::Tuple(_) => {
            Err(Refused("an item of a value of this type"))
        }
    }
}
