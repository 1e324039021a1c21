//! Equal items of each row's list: sets, what two of them share, dicts made of pairs, counts.

use crate::answer::{Answer, Mask, Refused};
use crate::column::{Column, List};
use crate::nans::mark_nan;
use crate::sequences::{SEVERAL_TYPES, counted_place, extent, is_empty};
use crate::sorting::{compare, is_ordered};
use std::rc::Rc;

/// Returns the items of all lists, if it is known which of them are equal. Rows with such as are not equal to themselves
/// are marked.
fn comparable(list: &List, mask: &mut Mask) -> Answer<Column> {
    let items = list.items.spread(extent(list));
    if !is_empty(list) && !is_ordered(&items) {
        return Err(Refused("a set of values of this type"));
    }
    mark_nan(&Column::List(list.clone()), mask);
    Ok(items)
}

/// Goes through the groups of equal items of each row, in the order of their first ones: `each` gets the places of a group.
fn groups(list: &List, keys: &Column, mut each: impl FnMut(&[u32])) -> Answer<Vec<(u32, u32)>> {
    let (mut spans, mut count) = (Vec::with_capacity(list.spans.len()), 0);
    for (from, to) in list.spans.iter() {
        let mut order: Vec<u32> = (*from..*to).collect();
        order.sort_by(|a, b| compare(keys, *a as usize, keys, *b as usize));
        let equal = |a: &u32, b: &u32| compare(keys, *a as usize, keys, *b as usize).is_eq();
        let mut found: Vec<&[u32]> = order.chunk_by(equal).collect();
        found.sort_by_key(|group| group[0]);
        let begin = counted_place(count)?;
        count += found.len();
        spans.push((begin, counted_place(count)?));
        found.into_iter().for_each(&mut each);
    }
    Ok(spans)
}

/// `set(list)`: of equal items the first.
pub(crate) fn distinct(list: &List, mask: &mut Mask) -> Answer<List> {
    let keys = comparable(list, mask)?;
    let mut at = vec![];
    let spans = groups(list, &keys, |group| at.push(group[0]))?;
    Ok(List { spans: Rc::new(spans), items: Rc::new(list.items.gather(&at)) })
}

/// `collections.Counter(list)`
pub(crate) fn counted(list: &List, mask: &mut Mask) -> Answer<List> {
    let keys = comparable(list, mask)?;
    let (mut at, mut counts) = (vec![], vec![]);
    let spans = groups(list, &keys, |group| {
        at.push(group[0]);
        counts.push(group.len() as i64);
    })?;
    let items = Column::Tuple(vec![list.items.gather(&at), Column::ints(counts)]);
    Ok(List { spans: Rc::new(spans), items: Rc::new(items) })
}

/// `dict(pairs)`: of equal keys the first, with the last value.
pub(crate) fn entries(pairs: &List, mask: &mut Mask) -> Answer<List> {
    if is_empty(pairs) {
        return Ok(pairs.clone());
    }
    let Some([keys, values]) = pairs.items.parts() else { return Err(SEVERAL_TYPES) };
    let of_keys = List { spans: pairs.spans.clone(), items: Rc::new(keys.clone()) };
    let compared = comparable(&of_keys, mask)?;
    let (mut first, mut last) = (vec![], vec![]);
    let spans = groups(&of_keys, &compared, |group| {
        first.push(group[0]);
        last.extend(group.last());
    })?;
    let items = Column::Tuple(vec![keys.gather(&first), values.gather(&last)]);
    Ok(List { spans: Rc::new(spans), items: Rc::new(items) })
}

/// Returns the items of a set that are in another, or those that are not.
pub(crate) fn apart(one: &List, two: &List, wanted: bool, mask: &mut Mask) -> Answer<List> {
    let nothing = || List { spans: Rc::new(vec![(0, 0); one.spans.len()]), items: one.items.clone() };
    if is_empty(one) || is_empty(two) {
        return Ok(if wanted { nothing() } else { one.clone() });
    }
    let (ours, theirs) = (comparable(one, mask)?, comparable(two, mask)?);
    // Of zeros with two signs it would be seen which set they are from.
    if !ours.is_like(&theirs) || has_floats(&ours) {
        return Err(SEVERAL_TYPES);
    }
    let (mut at, mut spans) = (vec![], Vec::with_capacity(one.spans.len()));
    for ((from, to), (first, last)) in one.spans.iter().zip(two.spans.iter()) {
        let mut order: Vec<u32> = (*first..*last).collect();
        order.sort_by(|a, b| compare(&theirs, *a as usize, &theirs, *b as usize));
        let begin = at.len();
        at.extend((*from..*to).filter(|item| {
            let found =
                order.binary_search_by(|other| compare(&theirs, *other as usize, &ours, *item as usize));
            found.is_ok() == wanted
        }));
        spans.push((counted_place(begin)?, counted_place(at.len())?));
    }
    Ok(List { spans: Rc::new(spans), items: Rc::new(one.items.gather(&at)) })
}

fn has_floats(column: &Column) -> bool {
    match column {
        Column::Float(_) => true,
        Column::Tuple(parts) => parts.iter().any(has_floats),
        Column::Const(_)
        | Column::Bool(_)
        | Column::Int(_)
        | Column::Text(_)
        | Column::List(_)
        | Column::Group(_)
        | Column::Record(..)
        | Column::Numpy(_) => false,
    }
}
