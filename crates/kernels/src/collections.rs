//! Lists, sets and dicts that a function makes and changes: what changes one gives another, which stands in its place.
//!
//! A set is a list of different items here, whose order nobody may see; a dict is a list of pairs, in the order in which
//! its keys came.

use crate::answer::{Answer, Mask, Refused};
use crate::column::{Column, List, Scalar};
use crate::distinct::{apart, counted, distinct, entries};
use crate::nans::mark_nan;
use crate::program::Collection;
use crate::sequences::{
    SEVERAL_TYPES, concatenated, counted_place, extent, is_empty, list_of, picked, single,
};
use crate::sorting::{compare, is_ordered};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::rc::Rc;

/// The most items of a tuple that is made of a list.
const MOST_PARTS: u32 = 200;

pub(crate) fn call(collection: Collection, arguments: &[Column], mask: &mut Mask) -> Answer<Column> {
    let rows = mask.rows();
    let of = |column: &Column| list_of(column, rows);
    match (collection, arguments) {
        (Collection::Append, [list, value]) => {
            Ok(Column::List(concatenated(&of(list)?, &single(value, rows)?)?))
        }
        (Collection::Extend, [list, more]) => Ok(Column::List(concatenated(&of(list)?, &of(more)?)?)),
        (Collection::Tuple, [value]) => match value.parts() {
            Some(parts) => Ok(Column::Tuple(parts.to_vec())),
            None => tuple_of(&of(value)?, mask),
        },
        (Collection::SortedBy, [list, keys]) => sorted_by(&of(list)?, &of(keys)?, false, mask),
        (Collection::ReversedBy, [list, keys]) => sorted_by(&of(list)?, &of(keys)?, true, mask),
        (Collection::MinBy, [list, keys]) => extreme_by(&of(list)?, &of(keys)?, Ordering::Less, mask),
        (Collection::MaxBy, [list, keys]) => extreme_by(&of(list)?, &of(keys)?, Ordering::Greater, mask),
        (Collection::Set, [list]) => Ok(Column::List(distinct(&of(list)?, mask)?)),
        (Collection::Add, [set, value]) => added(&of(set)?, value, mask),
        (Collection::Member, [set, value]) => {
            let found = places(&of(set)?, value, mask)?;
            Ok(Column::bools(found.iter().map(Option::is_some).collect()))
        }
        (Collection::Common, [one, two]) => Ok(Column::List(apart(&of(one)?, &of(two)?, true, mask)?)),
        (Collection::Without, [one, two]) => Ok(Column::List(apart(&of(one)?, &of(two)?, false, mask)?)),
        (Collection::United, [one, two]) => {
            let (one, two) = (of(one)?, of(two)?);
            Ok(Column::List(concatenated(&one, &apart(&two, &one, false, mask)?)?))
        }
        (Collection::Either, [one, two]) => {
            let (one, two) = (of(one)?, of(two)?);
            Ok(Column::List(concatenated(
                &apart(&one, &two, false, mask)?,
                &apart(&two, &one, false, mask)?,
            )?))
        }
        (Collection::Dict, [pairs]) => Ok(Column::List(entries(&of(pairs)?, mask)?)),
        (Collection::Counted, [list]) => Ok(Column::List(counted(&of(list)?, mask)?)),
        (Collection::Keys, [dict]) => Ok(Column::List(part_of(of(dict)?, 0)?)),
        (Collection::Values, [dict]) => Ok(Column::List(part_of(of(dict)?, 1)?)),
        (Collection::Has, [dict, key]) => {
            let found = places(&part_of(of(dict)?, 0)?, key, mask)?;
            Ok(Column::bools(found.iter().map(Option::is_some).collect()))
        }
        (Collection::Get, [dict, key]) => {
            let dict = of(dict)?;
            let found = places(&part_of(dict.clone(), 0)?, key, mask)?;
            picked(&part_of(dict, 1)?, &found, mask)
        }
        (Collection::SetItem, [dict, key, value]) => with_entry(&of(dict)?, key, value, mask),
        _ => Err(Refused("a call with these arguments")),
    }
}

/// `tuple(list)`: the lists of most rows have one length; the others are marked.
fn tuple_of(list: &List, mask: &mut Mask) -> Answer<Column> {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for (_, (from, to)) in list.spans.iter().enumerate().filter(|(row, _)| !mask.has(*row)) {
        *counts.entry(to - from).or_default() += 1;
    }
    let usual = counts.into_iter().filter(|(length, _)| (1..=MOST_PARTS).contains(length));
    let (length, _) = usual.max_by_key(|(length, count)| (*count, *length)).ok_or(SEVERAL_TYPES)?;
    let starts: Vec<Option<u32>> =
        list.spans.iter().map(|(from, to)| (to - from == length).then_some(*from)).collect();
    let part = |at: u32| {
        let places: Vec<Option<u32>> = starts.iter().map(|start| start.map(|start| start + at)).collect();
        picked(list, &places, mask)
    };
    Ok(Column::Tuple((0..length).map(part).collect::<Answer<_>>()?))
}

/// Returns the keys by which the items of lists are ordered. A row of which Python's order would be none is marked.
fn keys_of(list: &List, keys: &List, mask: &mut Mask) -> Answer<Column> {
    mark_nan(&Column::List(keys.clone()), mask);
    for (row, ((from, to), (first, last))) in list.spans.iter().zip(keys.spans.iter()).enumerate() {
        if to - from != last - first {
            mask.set(row);
        }
    }
    let ordered = keys.items.spread(extent(keys));
    let any_two = list.spans.iter().any(|(from, to)| to - from > 1);
    if any_two && !is_ordered(&ordered) {
        return Err(Refused("an order of values of this type"));
    }
    Ok(ordered)
}

/// `sorted(list, key=...)`, equal items in their order also where the greatest come first.
pub(crate) fn sorted_by(list: &List, keys: &List, is_reversed: bool, mask: &mut Mask) -> Answer<Column> {
    let ordered = keys_of(list, keys, mask)?;
    let (mut at, mut spans): (Vec<u32>, _) = (vec![], Vec::with_capacity(list.spans.len()));
    for (row, ((from, to), (first, _))) in list.spans.iter().zip(keys.spans.iter()).enumerate() {
        let begin = at.len();
        if !mask.has(row) {
            at.extend(0..to - from);
            at[begin..].sort_by(|a, b| {
                let (a, b) = if is_reversed { (b, a) } else { (a, b) };
                compare(&ordered, (first + a) as usize, &ordered, (first + b) as usize)
            });
            at[begin..].iter_mut().for_each(|place| *place += from);
        }
        spans.push((counted_place(begin)?, counted_place(at.len())?));
    }
    Ok(Column::List(List { spans: Rc::new(spans), items: Rc::new(list.items.gather(&at)) }))
}

/// `min(list, key=...)` or `max`: the first of equal ones.
pub(crate) fn extreme_by(list: &List, keys: &List, wanted: Ordering, mask: &mut Mask) -> Answer<Column> {
    let ordered = keys_of(list, keys, mask)?;
    let mut found = Vec::with_capacity(list.spans.len());
    for (row, ((from, to), (first, _))) in list.spans.iter().zip(keys.spans.iter()).enumerate() {
        let length = if mask.has(row) { 0 } else { to - from };
        let best = (0..length).reduce(|best, next| {
            let order = compare(&ordered, (first + next) as usize, &ordered, (first + best) as usize);
            if order == wanted { next } else { best }
        });
        found.push(best.map(|best| from + best));
    }
    picked(list, &found, mask)
}

/// Returns the place of each row's value among the items of its list.
fn places(list: &List, value: &Column, mask: &mut Mask) -> Answer<Vec<Option<u32>>> {
    let rows = mask.rows();
    // What can be changed has no hash, and that is an error also where nothing is to be found.
    if value.lists() > 0 {
        return Err(Refused("a set of values of this type"));
    }
    if is_empty(list) {
        return Ok(vec![None; rows]);
    }
    let (items, value) = (list.items.spread(extent(list)), value.spread(rows));
    if !items.is_like(&value) || !is_ordered(&items) {
        return Err(SEVERAL_TYPES);
    }
    mark_nan(&value, mask);
    mark_nan(&Column::List(list.clone()), mask);
    let place = |(row, (from, to)): (usize, &(u32, u32))| {
        (*from..*to).find(|at| compare(&items, *at as usize, &value, row).is_eq())
    };
    Ok(list.spans.iter().enumerate().map(place).collect())
}

/// `set.add(value)`
fn added(set: &List, value: &Column, mask: &mut Mask) -> Answer<Column> {
    let rows = mask.rows();
    let mut more = single(value, rows)?;
    if !is_ordered(&more.items) {
        return Err(Refused("a set of values of this type"));
    }
    mark_nan(&more.items, mask);
    let found = places(set, value, mask)?;
    let span = |(row, found): (usize, &Option<u32>)| {
        if found.is_some() { (0, 0) } else { (row as u32, row as u32 + 1) }
    };
    more.spans = Rc::new(found.iter().enumerate().map(span).collect());
    Ok(Column::List(concatenated(set, &more)?))
}

/// Returns the keys of a dict, or its values.
fn part_of(dict: List, at: usize) -> Answer<List> {
    match &*dict.items {
        Column::Tuple(parts) if parts.len() == 2 => {
            let items = Rc::new(parts[at].spread(extent(&dict)));
            Ok(List { spans: dict.spans, items })
        }
        Column::Const(Scalar::None) if is_empty(&dict) => Ok(dict),
        _ => Err(Refused("a dict of this kind")),
    }
}

/// `dict[key] = value`
fn with_entry(dict: &List, key: &Column, value: &Column, mask: &mut Mask) -> Answer<Column> {
    let rows = mask.rows();
    let pair = single(&Column::Tuple(vec![key.clone(), value.clone()]), rows)?;
    if !is_ordered(&key.spread(rows)) {
        return Err(Refused("a dict with keys of this type"));
    }
    mark_nan(&key.spread(rows), mask);
    if is_empty(dict) {
        return Ok(Column::List(pair));
    }
    let (keys, values) = (part_of(dict.clone(), 0)?, part_of(dict.clone(), 1)?);
    let found = places(&keys, key, mask)?;
    let begin = extent(dict);
    // A part may have more items than are used.
    let used: Vec<u32> = (0..counted_place(begin)?).collect();
    let joined = |old: &List, new: &Column| {
        old.items.gather(&used).followed_by(begin, &new.spread(rows), rows).ok_or(SEVERAL_TYPES)
    };
    let (keys, values) = (joined(&keys, key)?, joined(&values, value)?);
    let begin = counted_place(begin)?;
    counted_place(begin as usize + rows)?;
    let (mut of_keys, mut of_values, mut spans) = (vec![], vec![], Vec::with_capacity(rows));
    for (row, ((from, to), found)) in dict.spans.iter().zip(&found).enumerate() {
        let (start, new) = (of_keys.len(), begin + row as u32);
        of_keys.extend(*from..*to);
        of_values.extend(*from..*to);
        match found {
            Some(place) => of_values[start + (place - from) as usize] = new,
            None => {
                of_keys.push(new);
                of_values.push(new);
            }
        }
        spans.push((counted_place(start)?, counted_place(of_keys.len())?));
    }
    let items = Column::Tuple(vec![keys.gather(&of_keys), values.gather(&of_values)]);
    Ok(Column::List(List { spans: Rc::new(spans), items: Rc::new(items) }))
}
