//! Comprehensions: the body is computed for all items of many rows at once, and what it gives becomes lists again.
//!
//! An item that is not answered for marks its row. That is more than a generator would have run for, where `any` stops
//! early; the interpreter then runs as much as it must.

use crate::answer::{Answer, Mask, Refused};
use crate::column::{Column, List, Scalar};
use crate::parts::{Blocks, Gathered, Registers, gathered, together};
use crate::program::Each;
use crate::sequences::Sequence;
use std::ops::Range;
use std::rc::Rc;

/// About as many items are computed together.
const ITEMS: usize = 1 << 16;

/// The most items of the lists of a batch: rows beyond them are the interpreter's, which makes one list at a time.
const MOST_ITEMS: usize = 1 << 22;

/// Returns the list of each row.
pub(crate) fn listed_each(
    blocks: &dyn Blocks,
    each: &Each,
    registers: &[Option<Column>],
    mask: &mut Mask,
) -> Answer<Column> {
    let sequence = Sequence::of(&each.source, registers, mask)?;
    let (mut all, mut made) = (vec![], 0);
    let mut from = 0;
    while from < mask.rows() {
        if made > MOST_ITEMS {
            (from..mask.rows()).for_each(|row| mask.set(row));
            break;
        }
        let (mut to, mut items) = (from, 0);
        while to < mask.rows() && (to == from || items + sequence.lengths[to] <= ITEMS) {
            items += sequence.lengths[to];
            to += 1;
        }
        let lists = some_listed(blocks, each, registers, &sequence, from..to, mask)?;
        if let Column::List(List { spans, .. }) = &lists {
            made += spans.last().map_or(0, |(_, end)| *end as usize);
        }
        all.push(Gathered { rows: (from as u32..to as u32).collect(), values: vec![lists] });
        from = to;
    }
    let lists = together(all, mask);
    let rows = mask.rows();
    let Some(Gathered { rows: kept, values }) = lists else {
        mask.set_all();
        return Ok(no_items(rows));
    };
    let mut at = vec![0; rows];
    for (place, row) in kept.iter().enumerate() {
        at[*row as usize] = place as u32;
    }
    Ok(if kept.len() == rows { values[0].clone() } else { values[0].gather(&at) })
}

fn no_items(rows: usize) -> Column {
    Column::List(List { spans: Rc::new(vec![(0, 0); rows]), items: Rc::new(Column::Const(Scalar::None)) })
}

/// Computes the lists of some rows.
fn some_listed(
    blocks: &dyn Blocks,
    each: &Each,
    registers: &[Option<Column>],
    sequence: &Sequence,
    some: Range<usize>,
    mask: &mut Mask,
) -> Answer<Column> {
    let (mut owners, mut places) = (vec![], vec![]);
    for row in some.clone().filter(|row| !mask.has(*row)) {
        let length = sequence.lengths[row] as u32;
        owners.extend(std::iter::repeat_n(row as u32, length as usize));
        places.extend(0..length);
    }
    let mut own: Registers = gathered(&each.body, registers, &owners);
    own[each.item] = Some(sequence.at(&owners, &places));
    let mut marked = Mask::new(owners.len());
    let parts = match blocks.block(&each.body, own, &mut marked) {
        Ok(parts) => parts,
        Err(_) if owners.is_empty() => return Ok(no_items(some.len())),
        Err(refused) => return Err(refused),
    };
    let given = parts.into_iter().filter(|part| part.exit == Each::GIVES);
    let given = together(given.map(|part| part.without(&marked)).collect(), &mut marked);
    mask.set_rows(&owners, &marked);
    let Some(Gathered { rows: items, values }) = given else { return Ok(no_items(some.len())) };
    let value = &values[0];
    if each.flattens {
        return flattened(value, &items, &owners, some);
    }
    // Several items may be one list to Python, or be in one.
    if value.lists() > 0 {
        return Err(Refused("lists in a list"));
    }
    let order = order(&items, owners.len());
    let value = value.spread(items.len());
    let is_ordered = order.iter().enumerate().all(|(at, place)| at == *place as usize);
    let kept = if is_ordered { value } else { value.gather(&order) };
    let counted = order.iter().map(|place| (owners[items[*place as usize] as usize] as usize, 1));
    Ok(Column::List(List { spans: Rc::new(spans(counted, some)), items: Rc::new(kept) }))
}

/// Returns lists of the items of the lists that items have given.
fn flattened(value: &Column, items: &[u32], owners: &[u32], some: Range<usize>) -> Answer<Column> {
    let Column::List(list) = value else { return Err(Refused("items of a value of this type")) };
    let order = order(items, owners.len());
    let span = |place: &u32| list.spans[*place as usize];
    let at: Vec<u32> = order.iter().flat_map(|place| span(place).0..span(place).1).collect();
    let counted = order.iter().map(|place| {
        let (from, to) = span(place);
        (owners[items[*place as usize] as usize] as usize, to - from)
    });
    Ok(Column::List(List { spans: Rc::new(spans(counted, some)), items: Rc::new(list.items.gather(&at)) }))
}

/// Returns the places of items in their order: those of two sides of a branch come side by side.
fn order(items: &[u32], count: usize) -> Vec<u32> {
    const NOWHERE: u32 = u32::MAX;
    let mut places = vec![NOWHERE; count];
    for (place, item) in items.iter().enumerate() {
        places[*item as usize] = place as u32;
    }
    places.retain(|place| *place != NOWHERE);
    places
}

/// Returns where the items of each row begin and end, of counts in the order of rows.
fn spans(counted: impl Iterator<Item = (usize, u32)>, some: Range<usize>) -> Vec<(u32, u32)> {
    let mut counts = vec![0u32; some.len()];
    for (owner, count) in counted {
        counts[owner - some.start] += count;
    }
    let mut from = 0;
    let one = |count: &u32| {
        from += count;
        (from - count, from)
    };
    counts.iter().map(one).collect()
}
