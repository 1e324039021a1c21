//! Rows that part, each for its own block, and come together again: part by part, each at an exit of its block.

use crate::answer::{Answer, Mask, Refused};
use crate::column::{Column, List, Scalar};
use crate::program::{Block, Op, Register};
use std::rc::Rc;

/// Computes blocks. Loops and their like are parts of blocks, and have blocks of their own.
pub(crate) trait Blocks {
    /// Computes a block, and returns its rows at the exits to which they came. A row that came to none is marked.
    fn block(&self, block: &Block, registers: Registers, mask: &mut Mask) -> Answer<Vec<Part>>;

    /// Computes one operation.
    fn op(&self, op: &Op, registers: &[Option<Column>], mask: &mut Mask) -> Answer<Column>;
}

/// The values of registers, of those that have one yet.
pub(crate) type Registers = Vec<Option<Column>>;

pub(crate) fn read(registers: &[Option<Column>], register: Register) -> Answer<&Column> {
    registers[register].as_ref().ok_or(Refused("a register without a value"))
}

/// Rows that came to one exit together, with their values.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) exit: usize,
    /// The rows; all of them where this is not said.
    pub(crate) rows: Option<Vec<u32>>,
    pub(crate) values: Vec<Column>,
}

impl Part {
    /// Returns the same part of rows that are themselves some of others.
    pub(crate) fn of(self, rows: &[u32]) -> Part {
        let moved = match self.rows {
            None => rows.to_vec(),
            Some(own) => own.iter().map(|row| rows[*row as usize]).collect(),
        };
        Part { rows: Some(moved), ..self }
    }

    /// Returns the part without the marked rows, with the number of rows that there are.
    pub(crate) fn without(self, mask: &Mask) -> Gathered {
        let rows = self.rows.unwrap_or_else(|| (0..mask.rows() as u32).collect());
        if !mask.any() {
            return Gathered { rows, values: self.values };
        }
        let kept: Vec<u32> =
            (0..rows.len() as u32).filter(|at| !mask.has(rows[*at as usize] as usize)).collect();
        let values = self.values.iter().map(|column| column.gather(&kept)).collect();
        Gathered { rows: kept.iter().map(|at| rows[*at as usize]).collect(), values }
    }
}

/// Rows with their values.
#[derive(Clone, Debug)]
pub(crate) struct Gathered {
    pub(crate) rows: Vec<u32>,
    pub(crate) values: Vec<Column>,
}

/// Puts rows together. Values of several types cannot be in one column: most rows are kept, and the others marked.
pub(crate) fn together(mut all: Vec<Gathered>, mask: &mut Mask) -> Option<Gathered> {
    all.retain(|part| !part.rows.is_empty());
    if all.len() < 2 {
        return all.pop();
    }
    adopt_items(&mut all);
    let mut kinds: Vec<(Vec<u8>, Vec<Gathered>, usize)> = vec![];
    for part in all {
        let mut kind = vec![];
        part.values.iter().for_each(|column| write_kind(column, &mut kind));
        let count = part.rows.len();
        match kinds.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, parts, rows)) => {
                parts.push(part);
                *rows += count;
            }
            None => kinds.push((kind, vec![part], count)),
        }
    }
    // The first of those with as many rows.
    let (most, _) = kinds.iter().enumerate().rev().max_by_key(|(_, (_, _, rows))| *rows)?;
    let (_, parts, _) = kinds.swap_remove(most);
    for other in kinds.iter().flat_map(|(_, parts, _)| parts) {
        other.rows.iter().for_each(|row| mask.set(*row as usize));
    }
    let arity = parts[0].values.len();
    let values: Option<Vec<Column>> =
        (0..arity).map(|at| chained(&parts, at).map(|(column, _)| column)).collect();
    let Some(values) = values else {
        parts.iter().flat_map(|part| &part.rows).for_each(|row| mask.set(*row as usize));
        return None;
    };
    Some(Gathered { rows: parts.into_iter().flat_map(|part| part.rows).collect(), values })
}

/// Gives parts whose lists are all empty the items of another, since they have no type of their own.
fn adopt_items(all: &mut [Gathered]) {
    let is_empty = |list: &List| list.spans.iter().all(|(from, to)| from == to);
    for at in 0..all[0].values.len() {
        let items = all.iter().find_map(|part| match &part.values[at] {
            Column::List(list) | Column::Group(list) if !is_empty(list) => Some(list.items.clone()),
            _ => None,
        });
        let Some(items) = items else { continue };
        for part in all.iter_mut() {
            if let Column::List(list) | Column::Group(list) = &mut part.values[at]
                && is_empty(list)
            {
                *list = List { spans: Rc::new(vec![(0, 0); list.spans.len()]), items: items.clone() };
            }
        }
    }
}

/// Chains one value of all parts, halves first, so that many parts are not copied as often.
fn chained(parts: &[Gathered], at: usize) -> Option<(Column, usize)> {
    if let [one] = parts {
        return Some((one.values[at].clone(), one.rows.len()));
    }
    let (left, right) = parts.split_at(parts.len() / 2);
    let ((one, first), (two, second)) = (chained(left, at)?, chained(right, at)?);
    Some((one.followed_by(first, &two, second)?, first + second))
}

/// Writes what two columns have to have in common to be one.
fn write_kind(column: &Column, kind: &mut Vec<u8>) {
    match column {
        Column::Const(scalar) => write_scalar_kind(scalar, kind),
        Column::Bool(_) => kind.push(1),
        Column::Int(_) => kind.push(2),
        Column::Float(_) => kind.push(3),
        Column::Text(_) => kind.push(4),
        Column::List(list) => {
            kind.push(5);
            write_kind(list.parts().0, kind);
        }
        Column::Group(list) => {
            kind.push(8);
            write_kind(list.parts().0, kind);
        }
        Column::Tuple(parts) => {
            kind.extend([6, parts.len() as u8]);
            parts.iter().for_each(|part| write_kind(part, kind));
        }
        Column::Record(class, parts) => {
            kind.push(7);
            kind.extend(class.number().to_le_bytes());
            parts.iter().for_each(|part| write_kind(part, kind));
        }
        Column::Numpy(values) => kind.extend([8, values.kind()]),
    }
}

fn write_scalar_kind(scalar: &Scalar, kind: &mut Vec<u8>) {
    match scalar {
        Scalar::None => kind.push(0),
        Scalar::Bool(_) => kind.push(1),
        Scalar::Int(_) => kind.push(2),
        Scalar::Float(_) => kind.push(3),
        Scalar::Str(_) => kind.push(4),
        Scalar::Tuple(items) => {
            kind.extend([6, items.len() as u8]);
            items.iter().for_each(|item| write_scalar_kind(item, kind));
        }
    }
}

/// Computes several blocks, each for its own rows and with values of its own for them. Rows of a block without a kernel for its
/// types are marked, unless these are all.
pub(crate) fn sides_of<'a>(
    blocks: &dyn Blocks,
    sides: impl IntoIterator<Item = (&'a Block, Vec<u32>, Vec<(Register, Column)>)>,
    registers: &[Option<Column>],
    mask: &mut Mask,
) -> Answer<Vec<Part>> {
    let (mut all, mut refused, mut any) = (vec![], None, false);
    for (block, rows, values) in sides {
        match side(blocks, block, registers, &rows, values, mask) {
            Ok(parts) => {
                any = true;
                all.extend(parts.into_iter().map(|part| part.of(&rows)));
            }
            Err(reason) => {
                refused = Some(reason);
                rows.iter().for_each(|row| mask.set(*row as usize));
            }
        }
    }
    match refused {
        Some(reason) if !any => Err(reason),
        Some(_) | None => Ok(all),
    }
}

/// Computes one side of a branch, for its rows.
fn side(
    blocks: &dyn Blocks,
    side: &Block,
    registers: &[Option<Column>],
    rows: &[u32],
    values: Vec<(Register, Column)>,
    mask: &mut Mask,
) -> Answer<Vec<Part>> {
    let mut own = gathered(side, registers, rows);
    for (register, column) in values {
        own[register] = Some(column);
    }
    let mut marked = Mask::new(rows.len());
    let result = blocks.block(side, own, &mut marked);
    mask.set_rows(rows, &marked);
    result
}

/// Returns the registers that a block reads, for some of the rows.
pub(crate) fn gathered(block: &Block, registers: &[Option<Column>], rows: &[u32]) -> Registers {
    let mut own: Registers = vec![None; registers.len()];
    for register in block.inputs() {
        own[register] = registers[register].as_ref().map(|column| column.gather(rows));
    }
    own
}
