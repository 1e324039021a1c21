//! `sorted`, and calls between texts and numbers that are no arithmetic.

use crate::answer::{Answer, Mask, Refused, texts};
use crate::collections::sorted_by;
use crate::column::{Column, List, Text, TextBuilder};
use crate::numbers;
use crate::sequences::{is_empty, list_of};
use crate::spelling;
use crate::text;
use std::cmp::Ordering;
use std::rc::Rc;

/// Returns the order of two items of a column; nothing of floats that have none, and of types without one here.
fn order(items: &Column, a: u32, b: u32) -> Option<Ordering> {
    let (a, b) = (a as usize, b as usize);
    match items {
        Column::Int(values) => Some(values[a].cmp(&values[b])),
        Column::Float(values) => values[a].partial_cmp(&values[b]),
        Column::Text(text) => Some(text.bytes(a).cmp(text.bytes(b))),
        Column::Const(_)
        | Column::Bool(_)
        | Column::List(_)
        | Column::Group(_)
        | Column::Tuple(_)
        | Column::Record(..)
        | Column::Numpy(_) => None,
    }
}

fn have_order(items: &Column) -> Answer<()> {
    match items {
        Column::Int(_) | Column::Float(_) | Column::Text(_) => Ok(()),
        Column::Const(_)
        | Column::Bool(_)
        | Column::List(_)
        | Column::Group(_)
        | Column::Tuple(_)
        | Column::Record(..)
        | Column::Numpy(_) => Err(Refused("an order of values of this type")),
    }
}

/// `sorted(value)`.
pub(crate) fn sorted(value: &Column, mask: &mut Mask) -> Answer<Column> {
    let rows = mask.rows();
    let list = list_of(value, rows)?;
    if is_empty(&list) {
        return Ok(Column::List(list));
    }
    if let Column::Tuple(_) | Column::Bool(_) = &*list.items {
        return sorted_by(&list, &list, false, mask);
    }
    have_order(&list.items)?;
    let (mut at, mut spans) = (vec![], Vec::with_capacity(rows));
    for (row, (from, to)) in list.spans.iter().enumerate() {
        let begin = at.len();
        at.extend(*from..*to);
        if let Column::Float(values) = &*list.items
            && at[begin..].iter().any(|item| values[*item as usize].is_nan())
        {
            mask.set(row);
        }
        at[begin..].sort_by(|a, b| order(&list.items, *a, *b).unwrap_or(Ordering::Equal));
        spans.push((
            begin as u32,
            u32::try_from(at.len()).map_err(|_| Refused("more items than a batch may have"))?,
        ));
    }
    Ok(Column::List(List { spans: Rc::new(spans), items: Rc::new(list.items.gather(&at)) }))
}

/// `ord(value)`.
pub(crate) fn ord(value: &Column, mask: &mut Mask) -> Answer<Column> {
    let all = texts(value, mask.rows())?;
    let one = |row: usize| {
        let mut characters = all.get(row).chars();
        let first = characters.next()?;
        characters.next().is_none().then_some(i64::from(u32::from(first)))
    };
    Ok(Column::ints((0..mask.rows()).map(|row| mask.or(row, one(row), 0)).collect()))
}

/// `chr(value)`.
pub(crate) fn chr(value: &Column, mask: &mut Mask) -> Answer<Column> {
    let numbers = numbers::Numbers::of(value, mask.rows()).and_then(|numbers| numbers.ints());
    let numbers = numbers.ok_or(Refused("chr of a value that is no int"))?;
    let mut made = TextBuilder::with_rows(mask.rows());
    for (row, number) in numbers.iter().enumerate() {
        // Halves of surrogate pairs are no text here.
        let character = u32::try_from(*number).ok().and_then(char::from_u32);
        if !made.push(character.map(String::from).as_deref().unwrap_or("")) || character.is_none() {
            mask.set(row);
        }
    }
    Ok(Column::Text(made.build()))
}

/// `repr(value)`.
pub(crate) fn repr(value: &Column, mask: &mut Mask) -> Answer<Text> {
    let Column::Text(all) = value.spread(mask.rows()) else { return text::text_of(value, mask) };
    let mut made = TextBuilder::with_rows(mask.rows());
    for row in 0..mask.rows() {
        let bytes = all.bytes(row);
        // Which of the others can be printed is a matter of Unicode's tables.
        let is_answered = bytes.is_ascii();
        if !made.push_with(|data| spelling::write_quoted(data, bytes)) || !is_answered {
            mask.set(row);
        }
    }
    Ok(made.build())
}
