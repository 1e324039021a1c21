//! Loops: the turns of many rows at once.
//!
//! A turn is computed for all rows that are still in the loop. Those that leave it wait at their exit with their values, and
//! go on together when the last row has left. A row that is marked, or that takes too many turns, takes no more of them.

use crate::answer::{Answer, Mask};
use crate::column::Column;
use crate::parts::{Blocks, Gathered, Part, Registers, gathered, read, sides_of, together};
use crate::program::{Exit, Loop};
use crate::sequences::{MOST_TURNS, Sequence};

/// The most bytes of texts and arrays that change from turn to turn: rows with more are the interpreter's, which has one at a time.
const MOST_BYTES: usize = 1 << 26;

/// The most bytes of lists that grow from turn to turn. Each turn copies all of them: what is longer the interpreter makes
/// in less time.
const MOST_ITEM_BYTES: usize = 1 << 21;

/// The rows that are in a loop.
struct Turning {
    rows: Vec<u32>,
    state: Vec<Column>,
    /// The registers that the body reads, for these rows.
    registers: Registers,
    /// The most bytes of the lists in the state.
    most_items: usize,
}

/// Takes all rows through a loop and through what is behind it.
pub(crate) fn turned(
    blocks: &dyn Blocks,
    one: &Loop,
    registers: Registers,
    mask: &mut Mask,
) -> Answer<Vec<Part>> {
    let sequence = one.source.as_ref().map(|source| Sequence::of(source, &registers, mask)).transpose()?;
    let initial = one.initial.iter().map(|value| read(&registers, *value).cloned());
    let initial = initial.collect::<Answer<Vec<Column>>>()?;
    let all = (0..mask.rows() as u32).collect();
    let most_items = (2 * items_bytes(&initial)).max(MOST_ITEM_BYTES);
    let registers_of_body = gathered(&one.body, &registers, &[]);
    let mut turning = Turning { rows: all, state: initial, registers: registers_of_body, most_items };
    for register in one.body.inputs() {
        turning.registers[register] = registers[register].clone();
    }
    let mut left: Vec<Vec<Gathered>> = vec![vec![]; one.exits.len()];
    turning.keep(|row| !mask.has(row as usize));
    for turn in 0.. {
        if let Some(sequence) = &sequence {
            let ended = turning.keep(|row| sequence.lengths[row as usize] > turn);
            left[0].extend(ended);
        }
        if turning.rows.is_empty() {
            break;
        }
        if turn == MOST_TURNS {
            turning.rows.iter().for_each(|row| mask.set(*row as usize));
            break;
        }
        if let Err(refused) = turning.turn(blocks, one, sequence.as_ref(), turn, &mut left, mask) {
            if left.iter().all(Vec::is_empty) {
                return Err(refused);
            }
            turning.rows.iter().for_each(|row| mask.set(*row as usize));
            break;
        }
    }
    went_on(blocks, &one.exits, left, &registers, mask)
}

impl Turning {
    /// Keeps some of the rows, and returns the others with their state.
    fn keep(&mut self, stays: impl Fn(u32) -> bool) -> Option<Gathered> {
        let places = 0..self.rows.len() as u32;
        let (kept, others): (Vec<u32>, Vec<u32>) = places.partition(|at| stays(self.rows[*at as usize]));
        if others.is_empty() {
            return None;
        }
        let left = self.some(&others);
        let stay = self.some(&kept);
        (self.rows, self.state) = (stay.rows, stay.values);
        self.choose(&kept);
        Some(left)
    }

    fn some(&self, places: &[u32]) -> Gathered {
        Gathered {
            rows: places.iter().map(|at| self.rows[*at as usize]).collect(),
            values: self.state.iter().map(|column| column.gather(places)).collect(),
        }
    }

    fn choose(&mut self, places: &[u32]) {
        for register in self.registers.iter_mut().flatten() {
            *register = register.gather(places);
        }
    }

    /// Computes a turn. What leaves the loop goes to its exit.
    fn turn(
        &mut self,
        blocks: &dyn Blocks,
        one: &Loop,
        sequence: Option<&Sequence>,
        turn: usize,
        left: &mut [Vec<Gathered>],
        mask: &mut Mask,
    ) -> Answer<()> {
        let mut registers = self.registers.clone();
        for (register, column) in one.state.iter().zip(&self.state) {
            registers[*register] = Some(column.clone());
        }
        if let Some(sequence) = sequence {
            registers[one.item] = Some(sequence.at(&self.rows, &vec![turn as u32; self.rows.len()]));
        }
        let mut marked = Mask::new(self.rows.len());
        let parts = blocks.block(&one.body, registers, &mut marked)?;
        let mut next = vec![];
        for part in parts {
            let exit = part.exit;
            let part = part.without(&marked);
            match exit.checked_sub(1) {
                None => next.push(part),
                Some(_) if part.rows.is_empty() => {}
                Some(exit) => left[exit].push(self.in_rows(part)),
            }
        }
        let next = together(next, &mut marked);
        mask.set_rows(&self.rows, &marked);
        let Some(Gathered { rows: places, values }) = next else {
            self.rows.clear();
            return Ok(());
        };
        let are_the_same = places.len() == self.rows.len()
            && places.iter().enumerate().all(|(at, place)| at == *place as usize);
        if !are_the_same {
            self.rows = places.iter().map(|place| self.rows[*place as usize]).collect();
            self.choose(&places);
        }
        self.state = values;
        let is_large = self.state.iter().map(growing_bytes).sum::<usize>() > MOST_BYTES;
        if is_large || items_bytes(&self.state) > self.most_items {
            self.rows.iter().for_each(|row| mask.set(*row as usize));
            self.rows.clear();
        }
        Ok(())
    }

    fn in_rows(&self, part: Gathered) -> Gathered {
        Gathered { rows: part.rows.iter().map(|place| self.rows[*place as usize]).collect(), ..part }
    }
}

/// Returns the bytes of the lists in a state.
fn items_bytes(state: &[Column]) -> usize {
    let lists = state.iter().filter(|column| matches!(column, Column::List(_)));
    lists.map(|list| list.bytes(list.rows().unwrap_or(0))).sum()
}

fn growing_bytes(column: &Column) -> usize {
    match column {
        Column::Text(text) => text.data.len(),
        Column::Tuple(parts) | Column::Record(_, parts) => parts.iter().map(growing_bytes).sum(),
        Column::Numpy(values) => values.bytes(),
        Column::Const(_)
        | Column::Bool(_)
        | Column::Int(_)
        | Column::Float(_)
        | Column::List(_)
        | Column::Group(_) => 0,
    }
}

/// Computes what is behind the exits of a loop, each for the rows that left there.
fn went_on(
    blocks: &dyn Blocks,
    exits: &[Exit],
    left: Vec<Vec<Gathered>>,
    registers: &[Option<Column>],
    mask: &mut Mask,
) -> Answer<Vec<Part>> {
    let mut sides = vec![];
    for (exit, parts) in exits.iter().zip(left) {
        if let Some(Gathered { rows, values }) = together(parts, mask) {
            let values = exit.values.iter().copied().zip(values).collect();
            sides.push((&exit.block, rows, values));
        }
    }
    sides_of(blocks, sides, registers, mask)
}
