//! Sequences that loops go through: lists, tuples, characters, ranges, and those counted or side by side.

use crate::answer::{Answer, Mask, Refused, ints};
use crate::column::{Column, List, Scalar};
use crate::numpy::Numpy;
use crate::parts::read;
use crate::program::Source;
use std::rc::Rc;

/// The most items of a range, and turns of a loop: a row that has more is the interpreter's.
pub(crate) const MOST_TURNS: usize = 10_000;

/// The items of all rows.
pub(crate) struct Sequence {
    /// How many items each row has.
    pub(crate) lengths: Vec<usize>,
    items: Items,
}

enum Items {
    Of(Rc<Column>, Rc<Vec<(u32, u32)>>),
    Numbers { start: Rc<Vec<i64>>, step: Rc<Vec<i64>> },
    Counted(Box<Items>, Rc<Vec<i64>>),
    Beside(Vec<Items>),
}

/// The reason against a range or a count that is not of whole numbers.
const NO_INT: &str = "a range of something else than int";

impl Sequence {
    /// Returns what a source has for each row. A row that would raise something is marked.
    pub(crate) fn of(source: &Source, registers: &[Option<Column>], mask: &mut Mask) -> Answer<Sequence> {
        match source {
            Source::Items(one) => items(read(registers, *one)?, mask.rows()),
            Source::Range(start, stop, step) => {
                let get = |one| ints(read(registers, one)?, mask.rows(), NO_INT);
                let (start, stop, step) = (get(*start)?, get(*stop)?, get(*step)?);
                let lengths = (0..start.len())
                    .map(|row| mask.or(row, length(start[row], stop[row], step[row]), 0))
                    .collect();
                Ok(Sequence { lengths, items: Items::Numbers { start, step } })
            }
            Source::Enumerate(inner, start) => {
                let inner = Sequence::of(inner, registers, mask)?;
                let start = ints(read(registers, *start)?, mask.rows(), NO_INT)?;
                for row in 0..start.len() {
                    if start[row].checked_add(inner.lengths[row] as i64).is_none() {
                        mask.set(row);
                    }
                }
                Ok(Sequence { lengths: inner.lengths, items: Items::Counted(Box::new(inner.items), start) })
            }
            Source::Zip(all) => {
                let all: Vec<Sequence> =
                    all.iter().map(|one| Sequence::of(one, registers, mask)).collect::<Answer<_>>()?;
                let least = |row: usize| all.iter().map(|one| one.lengths[row]).min().unwrap_or(0);
                let lengths = (0..mask.rows()).map(least).collect();
                let items = all.into_iter().map(|one| one.items).collect();
                Ok(Sequence { lengths, items: Items::Beside(items) })
            }
        }
    }

    /// Returns an item of each of some rows.
    pub(crate) fn at(&self, rows: &[u32], places: &[u32]) -> Column {
        self.items.at(rows, places)
    }
}

impl Items {
    fn at(&self, rows: &[u32], places: &[u32]) -> Column {
        let each = || rows.iter().map(|row| *row as usize).zip(places);
        match self {
            Items::Of(items, spans) => {
                items.gather(&each().map(|(row, place)| spans[row].0 + place).collect::<Vec<_>>())
            }
            // Between two bounds that are numbers of 64 bits; a marked row's may be anything.
            Items::Numbers { start, step } => {
                let one = |(row, place): (usize, &u32)| {
                    start[row].wrapping_add(step[row].wrapping_mul(i64::from(*place)))
                };
                Column::ints(each().map(one).collect())
            }
            Items::Counted(inner, start) => {
                let counts = each().map(|(row, place)| start[row].wrapping_add(i64::from(*place))).collect();
                Column::Tuple(vec![Column::ints(counts), inner.at(rows, places)])
            }
            Items::Beside(all) => Column::Tuple(all.iter().map(|one| one.at(rows, places)).collect()),
        }
    }
}

fn items(column: &Column, rows: usize) -> Answer<Sequence> {
    let List { items, spans } = list_of(column, rows)?;
    let lengths = spans.iter().map(|(from, to)| (to - from) as usize).collect();
    Ok(Sequence { lengths, items: Items::Of(items, spans) })
}

/// Returns the items of each value as a list: of lists, of groups, of arrays, of tuples whose items have one type, and the characters of texts.
pub(crate) fn list_of(column: &Column, rows: usize) -> Answer<List> {
    let (items, spans) = match column.spread(rows) {
        Column::Record(class, _) if !class.is_tuple() => {
            return Err(Refused("items of a value of this type"));
        }
        Column::List(list) | Column::Group(list) => return Ok(list),
        Column::Tuple(parts) | Column::Record(_, parts) if parts.is_empty() => {
            (Rc::new(Column::Const(Scalar::None)), Rc::new(vec![(0, 0); rows]))
        }
        Column::Tuple(parts) | Column::Record(_, parts) => match listed(&parts, rows)? {
            Column::List(list) => return Ok(list),
            _ => return Err(Refused("items of several types")),
        },
        Column::Text(text) => {
            let (mut characters, mut spans) = (vec![], Vec::with_capacity(rows));
            for row in 0..rows {
                let (begin, from) = (text.spans[row].0, characters.len() as u32);
                let of = text.get(row).char_indices();
                let place = |at: usize| begin + at as u32;
                characters.extend(of.map(|(at, one)| (place(at), place(at + one.len_utf8()))));
                spans.push((from, characters.len() as u32));
            }
            (Rc::new(Column::Text(text.viewed(characters))), Rc::new(spans))
        }
        Column::Numpy(Numpy::Arrays(arrays)) => (Rc::new(Column::Numpy(arrays.as_numbers())), arrays.spans()),
        Column::Const(_)
        | Column::Bool(_)
        | Column::Int(_)
        | Column::Float(_)
        | Column::Numpy(Numpy::Numbers(_) | Numpy::Truths(_)) => {
            return Err(Refused("items of a value of this type"));
        }
    };
    Ok(List { items, spans })
}

/// Returns lists of one item of each part, which must have one type.
pub(crate) fn listed(parts: &[Column], rows: usize) -> Answer<Column> {
    let (Some(first), count) = (parts.first(), parts.len()) else {
        let nothing =
            List { spans: Rc::new(vec![(0, 0); rows]), items: Rc::new(Column::Const(Scalar::None)) };
        return Ok(Column::List(nothing));
    };
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

/// The reason against lists, sets and dicts with items that are no one type.
pub(crate) const SEVERAL_TYPES: Refused = Refused("a collection of several types");

/// Returns how many items a buffer of lists has: at least as many as are used.
pub(crate) fn extent(list: &List) -> usize {
    list.spans.iter().map(|(_, to)| *to as usize).max().unwrap_or(0)
}

pub(crate) fn is_empty(list: &List) -> bool {
    list.spans.iter().all(|(from, to)| from == to)
}

/// Returns a place as the items of a column are counted.
pub(crate) fn counted_place(place: usize) -> Answer<u32> {
    u32::try_from(place).map_err(|_| Refused("more items than a batch may have"))
}

/// Returns lists of one value each.
pub(crate) fn single(value: &Column, rows: usize) -> Answer<List> {
    // Several items may be one list to Python: a change to one would be a change to all.
    if value.lists() > 0 {
        return Err(Refused("lists in a list"));
    }
    let spans = (0..rows as u32).map(|row| (row, row + 1)).collect();
    Ok(List { spans: Rc::new(spans), items: Rc::new(value.spread(rows)) })
}

/// Returns the items of one list, and behind them those of another.
pub(crate) fn concatenated(one: &List, two: &List) -> Answer<List> {
    if two.items.lists() > 0 {
        return Err(Refused("lists in a list"));
    }
    if is_empty(one) {
        return Ok(two.clone());
    }
    if is_empty(two) {
        return Ok(one.clone());
    }
    let begin = one.items.rows().unwrap_or_else(|| extent(one));
    let more = two.items.rows().unwrap_or_else(|| extent(two));
    let items = one.items.followed_by(begin, &two.items, more).ok_or(SEVERAL_TYPES)?;
    let begin = counted_place(begin)?;
    counted_place(begin as usize + more)?;
    let (mut at, mut spans) = (vec![], Vec::with_capacity(one.spans.len()));
    for ((from, to), (first, last)) in one.spans.iter().zip(two.spans.iter()) {
        let start = at.len();
        at.extend(*from..*to);
        at.extend(begin + first..begin + last);
        spans.push((counted_place(start)?, counted_place(at.len())?));
    }
    Ok(List { spans: Rc::new(spans), items: Rc::new(items.gather(&at)) })
}

/// Returns the items at these places; rows without one are marked.
pub(crate) fn picked(list: &List, places: &[Option<u32>], mask: &mut Mask) -> Answer<Column> {
    // A marked row has some other row's item. Without any item there is no column.
    let Some(other) = places.iter().flatten().next().copied() else {
        mask.set_all();
        return Ok(Column::Const(Scalar::None));
    };
    let at: Vec<u32> = places.iter().enumerate().map(|(row, place)| mask.or(row, *place, other)).collect();
    Ok(list.items.gather(&at))
}

/// Returns how many items a range has, if that is not too many.
fn length(start: i64, stop: i64, step: i64) -> Option<usize> {
    let (start, stop, step) = (i128::from(start), i128::from(stop), i128::from(step));
    let count = match step {
        0 => return None,
        1.. => (stop - start + step - 1) / step,
        _ => (start - stop - step - 1) / -step,
    };
    usize::try_from(count.max(0)).ok().filter(|count| *count <= MOST_TURNS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_range_is_as_long_as_its_steps(start in -50i64..50, stop in -50i64..50, step in -7i64..7) {
            let (mut count, mut at) = (0, start);
            while step != 0 && (if step > 0 { at < stop } else { at > stop }) {
                count += 1;
                at += step;
            }
            prop_assert_eq!(length(start, stop, step), (step != 0).then_some(count));
        }
    }

    #[test]
    fn a_range_of_too_many_items_has_no_length() {
        assert_eq!(length(0, 10_001, 1), None);
        assert_eq!(length(i64::MIN, i64::MAX, i64::MAX), Some(3));
        assert_eq!(length(i64::MAX, i64::MIN, i64::MIN), Some(2));
    }
}
