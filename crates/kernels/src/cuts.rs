//! Texts cut in other ways than by `split` and plain slices.

use crate::answer::{Answer, Mask, Refused};
use crate::column::{Column, List, Scalar, Text};
use crate::text;
use memchr::memmem;
use std::rc::Rc;

/// Returns whether a code point is a space to `str.split` and `str.strip`: those of Unicode, and four separators of ASCII.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// Splits all texts: `pieces` is called with each one, and where to put the spans of its pieces.
pub(crate) fn split(all: &Text, rows: usize, pieces: impl Fn(&Text, usize, &mut Vec<(u32, u32)>)) -> Column {
    let (mut items, mut spans) = (Vec::with_capacity(rows * 8), Vec::with_capacity(rows));
    for row in 0..rows {
        let from = items.len();
        pieces(all, row, &mut items);
        spans.push((from as u32, items.len() as u32));
    }
    Column::List(List { spans: Rc::new(spans), items: Rc::new(Column::Text(all.viewed(items))) })
}

/// `re.split` by one of some characters, or by as many of these as stand side by side: the characters, whether spaces are
/// among them, and whether they are taken together.
pub(crate) fn split_at(all: &Text, what: &[Scalar], rows: usize) -> Answer<Column> {
    let [Scalar::Str(characters), Scalar::Bool(has_spaces), Scalar::Bool(repeats)] = what else {
        return Err(Refused("a pattern of this kind"));
    };
    let cuts = |character: char| characters.contains(character) || *has_spaces && is_space(character);
    let of_ascii: Vec<bool> = (0..128_u8).map(|byte| cuts(byte.into())).collect();
    Ok(split(all, rows, |all, row, items| {
        let begin = all.spans[row].0;
        let (mut from, mut is_within) = (0, false);
        let mut take = |at: usize, length: usize, is_cut: bool| {
            if is_cut && !(*repeats && is_within) {
                items.push((begin + from as u32, begin + at as u32));
            }
            if is_cut {
                from = at + length;
            }
            is_within = is_cut;
        };
        if all.is_ascii {
            let bytes = all.bytes(row).iter().enumerate();
            bytes.for_each(|(at, byte)| take(at, 1, of_ascii[usize::from(*byte)]));
        } else {
            all.get(row).char_indices().for_each(|(at, one)| take(at, one.len_utf8(), cuts(one)));
        }
        items.push((begin + from as u32, all.spans[row].1));
    }))
}

/// `value.rsplit(by, most)`.
pub(crate) fn split_from_right(all: &Text, by: &str, most: u64, rows: usize) -> Answer<Column> {
    if by.is_empty() {
        return Err(Refused("an empty separator"));
    }
    let finder = memmem::FinderRev::new(by.as_bytes());
    Ok(split(all, rows, |all, row, items| {
        let (begin, mut end) = all.spans[row];
        let (first, mut left) = (items.len(), most);
        for found in finder.rfind_iter(all.bytes(row)) {
            if left == 0 {
                break;
            }
            items.push((begin + (found + by.len()) as u32, end));
            end = begin + found as u32;
            left -= 1;
        }
        items.push((begin, end));
        items[first..].reverse();
    }))
}

/// `value.splitlines()`; beyond ASCII there are more ends of lines, and rows with such letters are marked.
pub(crate) fn lines(all: &Text, mask: &mut Mask) -> Column {
    for row in 0..mask.rows() {
        if !all.bytes(row).is_ascii() {
            mask.set(row);
        }
    }
    split(all, mask.rows(), |all, row, items| {
        let (begin, bytes) = (all.spans[row].0, all.bytes(row));
        let is_end = |byte: u8| matches!(byte, b'\n'..=b'\r' | 0x1c..=0x1e);
        let mut from = 0;
        while from < bytes.len() {
            let end = bytes[from..].iter().position(|byte| is_end(*byte)).map_or(bytes.len(), |at| from + at);
            items.push((begin + from as u32, begin + end as u32));
            from = end + if bytes[end..].starts_with(b"\r\n") { 2 } else { 1 };
        }
    })
}

/// `value.partition(by)` and `value.rpartition(by)`.
pub(crate) fn partition(all: &Text, by: &Text, is_from_right: bool, mask: &mut Mask) -> Column {
    let mut parts: [Vec<(u32, u32)>; 3] = Default::default();
    for row in 0..mask.rows() {
        let ((begin, end), bytes, by) = (all.spans[row], all.bytes(row), by.bytes(row));
        if by.is_empty() {
            mask.set(row);
        }
        let found = if is_from_right { memmem::rfind(bytes, by) } else { memmem::find(bytes, by) };
        let spans = match found {
            Some(at) => {
                let (from, to) = (begin + at as u32, begin + (at + by.len()) as u32);
                [(begin, from), (from, to), (to, end)]
            }
            None if is_from_right => [(begin, begin), (begin, begin), (begin, end)],
            None => [(begin, end), (end, end), (end, end)],
        };
        parts.iter_mut().zip(spans).for_each(|(part, span)| part.push(span));
    }
    Column::Tuple(parts.into_iter().map(|spans| Column::Text(all.viewed(spans))).collect())
}

/// `value.removeprefix(part)`.
pub(crate) fn without_prefix(all: &Text, part: &Text, rows: usize) -> Column {
    let one = |row: usize| {
        let ((begin, end), part) = (all.spans[row], part.bytes(row));
        (if all.bytes(row).starts_with(part) { begin + part.len() as u32 } else { begin }, end)
    };
    Column::Text(all.viewed((0..rows).map(one).collect()))
}

/// `value.removesuffix(part)`.
pub(crate) fn without_suffix(all: &Text, part: &Text, rows: usize) -> Column {
    let one = |row: usize| {
        let ((begin, end), part) = (all.spans[row], part.bytes(row));
        (begin, if all.bytes(row).ends_with(part) { end - part.len() as u32 } else { end })
    };
    Column::Text(all.viewed((0..rows).map(one).collect()))
}

/// `value.find(part)` and its kin: a row without the part is marked if it `must` be there, and else has -1.
pub(crate) fn place(all: &Text, part: &Text, is_from_right: bool, must: bool, mask: &mut Mask) -> Column {
    let places = (0..mask.rows()).map(|row| {
        let (bytes, part) = (all.bytes(row), part.bytes(row));
        let found = if is_from_right { memmem::rfind(bytes, part) } else { memmem::find(bytes, part) };
        let place = found.map(|at| text::length(&bytes[..at]) as i64);
        if must { mask.or(row, place, -1) } else { place.unwrap_or(-1) }
    });
    Column::ints(places.collect())
}

/// `value[from:to:step]` of texts and lists.
pub(crate) fn stepped(value: &Column, from: &Column, to: &Column, step: i64, rows: usize) -> Answer<Column> {
    let (from, to) = (text::bound(from, rows)?, text::bound(to, rows)?);
    let places = |row: usize, length: usize| {
        let (from, to) = (from.as_ref().map(|all| all[row]), to.as_ref().map(|all| all[row]));
        positions(length as i64, from, to, step)
    };
    match value.spread(rows) {
        Column::List(list) => {
            let (mut at, mut spans) = (vec![], Vec::with_capacity(rows));
            for (row, (from, to)) in list.spans.iter().enumerate() {
                let begin = at.len() as u32;
                at.extend(places(row, (to - from) as usize).map(|place| from + place as u32));
                spans.push((begin, at.len() as u32));
            }
            Ok(Column::List(List { spans: Rc::new(spans), items: Rc::new(list.items.gather(&at)) }))
        }
        Column::Text(all) => {
            let (mut data, mut spans) =
                (Vec::with_capacity(all.data.len().min(rows * 16)), Vec::with_capacity(rows));
            for row in 0..rows {
                let begin = data.len() as u32;
                let bytes = all.bytes(row);
                if bytes.is_ascii() {
                    data.extend(places(row, bytes.len()).map(|place| bytes[place as usize]));
                } else {
                    let characters: Vec<char> = all.get(row).chars().collect();
                    let mut buffer = [0; 4];
                    for place in places(row, characters.len()) {
                        data.extend_from_slice(
                            characters[place as usize].encode_utf8(&mut buffer).as_bytes(),
                        );
                    }
                }
                let end =
                    u32::try_from(data.len()).map_err(|_| Refused("more text than a batch may have"))?;
                spans.push((begin, end));
            }
            Ok(Column::Text(Text::new(data, spans)))
        }
        _ => Err(Refused("a slice of a value of this type")),
    }
}

/// The positions of a slice, as CPython's `PySlice_AdjustIndices` bounds them.
fn positions(length: i64, from: Option<i64>, to: Option<i64>, step: i64) -> impl Iterator<Item = i64> {
    let (least, most) = if step < 0 { (-1, length - 1) } else { (0, length) };
    let clamp = |bound: i64| {
        let bound = if bound < 0 { bound.saturating_add(length) } else { bound };
        bound.clamp(least, most.max(least))
    };
    let first = from.map_or(if step < 0 { most } else { least }, clamp);
    let last = to.map_or(if step < 0 { least } else { most }, clamp);
    let goes_on = move |at: &i64| if step < 0 { *at > last } else { *at < last };
    std::iter::successors(Some(first), move |at| at.checked_add(step)).take_while(goes_on)
}
