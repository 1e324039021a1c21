//! Functions of all items of a list: `sum`, `min`, `max`, `any`, `all`, `in`.

use crate::answer::{Answer, Mask, Refused};
use crate::collections::extreme_by;
use crate::column::{Column, List};
use crate::numbers;
use crate::numpy::Numpy;
use crate::program::{Builtin, Comparison};
use crate::sequences::list_of;
use std::cmp::Ordering;
use std::rc::Rc;

/// Reduces the list of each row to one value.
pub(crate) fn reduced(builtin: Builtin, value: &Column, mask: &mut Mask) -> Answer<Column> {
    let list = &list_of(value, mask.rows())?;
    let items = list.spans.iter().map(|(_, to)| *to as usize).max().unwrap_or(0);
    match builtin {
        Builtin::Any | Builtin::All => {
            let truths = match items {
                0 => vec![].into(),
                _ => numbers::truths(&list.items, items)?,
            };
            let one = |(from, to): &(u32, u32)| {
                let mut some = truths[*from as usize..*to as usize].iter();
                if builtin == Builtin::Any { some.any(|truth| *truth) } else { some.all(|truth| *truth) }
            };
            Ok(Column::bools(list.spans.iter().map(one).collect()))
        }
        Builtin::Sum => sum(list, items, true, mask),
        Builtin::SumPlainly => sum(list, items, false, mask),
        Builtin::Max => extreme(list, items, Ordering::Greater, mask),
        Builtin::Min => extreme(list, items, Ordering::Less, mask),
        Builtin::Abs
        | Builtin::Bool
        | Builtin::Float
        | Builtin::Int
        | Builtin::Len
        | Builtin::Round
        | Builtin::Sorted
        | Builtin::Ord
        | Builtin::Chr
        | Builtin::Repr
        | Builtin::Str => Err(Refused("a call with these arguments")),
    }
}

fn sum(list: &List, items: usize, compensates: bool, mask: &mut Mask) -> Answer<Column> {
    if items == 0 {
        return Ok(Column::ints(vec![0; list.spans.len()]));
    }
    let spans = list.spans.iter().enumerate();
    if let Column::Numpy(Numpy::Numbers(values)) = &*list.items {
        // Not quite Python's floats, so that they are added one by one in each version. The sum of nothing is an int.
        let one = |(row, (from, to)): (usize, &(u32, u32))| {
            let total = values[*from as usize..*to as usize].iter().fold(0.0, |sum, value| sum + value);
            mask.or(row, (from < to && total.is_finite()).then_some(total), 0.0)
        };
        return Ok(Column::Numpy(Numpy::Numbers(Rc::new(spans.map(one).collect()))));
    }
    let numbers =
        numbers::Numbers::of(&list.items, items).ok_or(Refused("a sum of values that are no numbers"))?;
    if let Some(values) = numbers.ints() {
        let one = |(row, (from, to)): (usize, &(u32, u32))| {
            let some = values[*from as usize..*to as usize].iter();
            mask.or(row, some.copied().try_fold(0i64, i64::checked_add), 0)
        };
        return Ok(Column::ints(spans.map(one).collect()));
    }
    let values = numbers.floats();
    let one = |(row, (from, to)): (usize, &(u32, u32))| {
        // The sum of nothing is an int.
        let some = &values[*from as usize..*to as usize];
        mask.or(row, (!some.is_empty()).then(|| added(some, compensates)), 0.0)
    };
    Ok(Column::floats(spans.map(one).collect()))
}

/// Adds floats up as CPython does: one by one, and from 3.12 on with Neumaier's compensation, step by step as in
/// `builtin_sum_impl`.
fn added(values: &[f64], compensates: bool) -> f64 {
    let (mut sum, mut lost) = (0.0 + values[0], 0.0);
    for value in &values[1..] {
        let next = sum + value;
        if compensates {
            lost += if f64::abs(sum) >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        }
        sum = next;
    }
    if lost != 0.0 && f64::is_finite(lost) { sum + lost } else { sum }
}

/// The greatest or least of all items; the first of equal ones, and of those without an order.
fn extreme(list: &List, items: usize, wanted: Ordering, mask: &mut Mask) -> Answer<Column> {
    if items == 0 {
        mask.set_all();
        return Ok(Column::ints(vec![0; mask.rows()]));
    }
    let all = list.items.spread(items);
    if let Column::Tuple(_) = &all {
        return extreme_by(list, list, wanted, mask);
    }
    let compare: Box<dyn Fn(usize, usize) -> Option<Ordering>> = match &all {
        Column::Bool(values) => Box::new(|a, b| Some(values[a].cmp(&values[b]))),
        Column::Int(values) => Box::new(|a, b| Some(values[a].cmp(&values[b]))),
        Column::Float(values) => Box::new(|a, b| values[a].partial_cmp(&values[b])),
        Column::Text(text) => Box::new(|a, b| Some(text.bytes(a).cmp(text.bytes(b)))),
        Column::Const(_)
        | Column::List(_)
        | Column::Group(_)
        | Column::Tuple(_)
        | Column::Record(..)
        | Column::Numpy(_) => {
            return Err(Refused("the greatest or least of values of this type"));
        }
    };
    let one = |(row, (from, to)): (usize, &(u32, u32))| {
        let best = (*from..*to).reduce(|best, next| {
            let is_better = compare(next as usize, best as usize) == Some(wanted);
            if is_better { next } else { best }
        });
        mask.or(row, best, 0)
    };
    let at: Vec<u32> = list.spans.iter().enumerate().map(one).collect();
    Ok(all.gather(&at))
}

/// `item in list`.
pub(crate) fn contains(item: &Column, list: &List, mask: &mut Mask) -> Answer<Column> {
    if let Column::Numpy(_) = item {
        return Err(Refused("a value of numpy's in a list"));
    }
    // What is no number is in a list that holds the same object.
    if let Column::Float(values) = item.spread(mask.rows()) {
        for row in (0..mask.rows()).filter(|row| values[*row].is_nan()) {
            mask.set(row);
        }
    }
    let owners: Vec<u32> =
        (0..).zip(list.spans.iter()).flat_map(|(row, (from, to))| (*from..*to).map(move |_| row)).collect();
    let at: Vec<u32> = list.spans.iter().flat_map(|(from, to)| *from..*to).collect();
    let mut marked = Mask::new(at.len());
    let mut found = vec![false; mask.rows()];
    if at.is_empty() {
        return Ok(Column::bools(found));
    }
    let equal =
        numbers::compare(Comparison::Equal, &item.gather(&owners), &list.items.gather(&at), &mut marked)?;
    let equal = numbers::truths(&equal, at.len())?;
    for (owner, equal) in owners.iter().zip(equal.iter()) {
        found[*owner as usize] |= equal;
    }
    mask.set_rows(&owners, &marked);
    Ok(Column::bools(found))
}
