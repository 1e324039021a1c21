//! Texts put together, cut and searched. Positions are those of code points, as in Python.

use crate::answer::{Answer, Mask, Refused, ints, placed, texts};
use crate::column::{Column, Scalar, Text, TextBuilder};
use crate::numpy::Numpy;
use crate::spelling;
use memchr::memmem;
use std::rc::Rc;

/// `a + b`.
pub(crate) fn joined_values(a: &Column, b: &Column, mask: &mut Mask) -> Answer<Column> {
    let (one, two) = (texts(a, mask.rows())?, texts(b, mask.rows())?);
    put_together(&[one, two], mask)
}

fn put_together(parts: &[Text], mask: &mut Mask) -> Answer<Column> {
    let mut made = TextBuilder::with_rows(mask.rows());
    for row in 0..mask.rows() {
        let write =
            |data: &mut Vec<u8>| parts.iter().for_each(|part| data.extend_from_slice(part.bytes(row)));
        if !made.push_with(write) {
            mask.set(row);
        }
    }
    Ok(Column::Text(made.build()))
}

/// The most bytes of one text that is filled up or repeated: what is longer is the interpreter's.
pub(crate) const MOST_BYTES: u64 = 1 << 24;

/// `text * times`.
pub(crate) fn repeated(value: &Column, times: &[i64], mask: &mut Mask) -> Answer<Column> {
    let all = texts(value, mask.rows())?;
    let mut made = TextBuilder::with_rows(mask.rows());
    for (row, times) in times.iter().enumerate() {
        let bytes = all.bytes(row);
        let times = u64::try_from(*times).unwrap_or(0);
        let fits = (bytes.len() as u64).saturating_mul(times) <= MOST_BYTES;
        let times = if fits && !bytes.is_empty() { times } else { 0 };
        if !made.push_with(|data| (0..times).for_each(|_| data.extend_from_slice(bytes))) || !fits {
            mask.set(row);
        }
    }
    Ok(Column::Text(made.build()))
}

/// The pieces of an f-string: each as `str` makes it.
pub(crate) fn joined(parts: &[Column], mask: &mut Mask) -> Answer<Column> {
    let parts: Vec<Text> = parts.iter().map(|part| text_of(part, mask)).collect::<Answer<_>>()?;
    put_together(&parts, mask)
}

/// `str(value)`.
pub(crate) fn text_of(value: &Column, mask: &mut Mask) -> Answer<Text> {
    let rows = mask.rows();
    let mut made = TextBuilder::with_rows(rows);
    let mut push = |row: usize, write: &dyn Fn(&mut Vec<u8>)| {
        if !made.push_with(write) {
            mask.set(row);
        }
    };
    match value.spread(rows) {
        Column::Text(text) => return Ok(text),
        Column::Const(Scalar::None) => {
            (0..rows).for_each(|row| push(row, &|data| data.extend_from_slice(b"None")))
        }
        Column::Bool(values) => {
            for (row, value) in values.iter().enumerate() {
                push(row, &|data| data.extend_from_slice(if *value { b"True" } else { b"False" }));
            }
        }
        Column::Int(values) => {
            for (row, value) in values.iter().enumerate() {
                push(row, &|data| spelling::write_int(data, *value));
            }
        }
        Column::Float(values) => {
            for (row, value) in values.iter().enumerate() {
                push(row, &|data| data.extend_from_slice(spelling::float(*value).as_bytes()));
            }
        }
        Column::Const(_)
        | Column::List(_)
        | Column::Group(_)
        | Column::Tuple(_)
        | Column::Record(..)
        | Column::Numpy(_) => {
            return Err(Refused("str of a value of this type"));
        }
    }
    Ok(made.build())
}

/// `item in text`.
pub(crate) fn contains(item: &Column, container: &Column, rows: usize) -> Answer<Column> {
    let all = texts(container, rows)?;
    if let Column::Const(Scalar::Str(wanted)) = item {
        let finder = memmem::Finder::new(wanted.as_bytes());
        return Ok(Column::bools((0..rows).map(|row| finder.find(all.bytes(row)).is_some()).collect()));
    }
    let wanted = texts(item, rows)?;
    let found = (0..rows).map(|row| memmem::find(all.bytes(row), wanted.bytes(row)).is_some());
    Ok(Column::bools(found.collect()))
}

/// Returns the number of code points.
pub(crate) fn length(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| is_first(**byte)).count()
}

/// Returns whether a byte begins a code point.
fn is_first(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

/// Returns where in the bytes a code point begins; their end for the one after the last.
fn offset(bytes: &[u8], at: usize, is_ascii: bool) -> usize {
    if is_ascii {
        return at.min(bytes.len());
    }
    let starts = bytes.iter().enumerate().filter(|(_, byte)| is_first(**byte));
    starts.map(|(offset, _)| offset).nth(at).unwrap_or(bytes.len())
}

/// `text[index]`.
pub(crate) fn characters(text: &Text, indices: &[i64], mask: &mut Mask) -> Text {
    let one = |row: usize| {
        let bytes = text.bytes(row);
        let is_ascii = text.is_ascii || bytes.is_ascii();
        let at = placed(indices[row], if is_ascii { bytes.len() } else { length(bytes) })?;
        let begin = text.spans[row].0;
        let (from, to) = (offset(bytes, at, is_ascii), offset(bytes, at + 1, is_ascii));
        Some((begin + from as u32, begin + to as u32))
    };
    let spans = (0..mask.rows()).map(|row| mask.or(row, one(row), (0, 0))).collect();
    text.viewed(spans)
}

/// Returns a bound of slices; nothing for one that is left out.
pub(crate) fn bound(column: &Column, rows: usize) -> Answer<Option<Rc<Vec<i64>>>> {
    match column {
        Column::Const(Scalar::None) => Ok(None),
        others => ints(others, rows, "a bound that is no int").map(Some),
    }
}

/// `value[from:to]`.
pub(crate) fn slice(value: &Column, from: &Column, to: &Column, rows: usize) -> Answer<Column> {
    let (from, to) = (bound(from, rows)?, bound(to, rows)?);
    let within = |row: usize, length: usize| {
        let clamp = |bound: i64| {
            let bound = if bound < 0 { bound.saturating_add(length as i64).max(0) } else { bound };
            (bound as u64).min(length as u64) as usize
        };
        let first = from.as_ref().map_or(0, |from| clamp(from[row]));
        let last = to.as_ref().map_or(length, |to| clamp(to[row]));
        (first, last.max(first))
    };
    match value {
        Column::List(list) => {
            let spans = list.spans.iter().enumerate().map(|(row, (begin, end))| {
                let (first, last) = within(row, (end - begin) as usize);
                (begin + first as u32, begin + last as u32)
            });
            let mut list = list.clone();
            list.spans = Rc::new(spans.collect());
            Ok(Column::List(list))
        }
        Column::Numpy(Numpy::Arrays(arrays)) => Ok(Column::Numpy(Numpy::Arrays(arrays.cut(within)))),
        Column::Group(_)
        | Column::Tuple(_)
        | Column::Record(..)
        | Column::Numpy(Numpy::Numbers(_) | Numpy::Truths(_))
        | Column::Bool(_)
        | Column::Int(_)
        | Column::Float(_) => Err(Refused("a slice of a value of this type")),
        Column::Text(_) | Column::Const(_) => {
            let text = texts(value, rows)?;
            let spans = (0..rows).map(|row| {
                let bytes = text.bytes(row);
                let is_ascii = text.is_ascii || bytes.is_ascii();
                let (first, last) = within(row, if is_ascii { bytes.len() } else { length(bytes) });
                let begin = text.spans[row].0;
                let place = |at| begin + offset(bytes, at, is_ascii) as u32;
                (place(first), place(last))
            });
            let spans = spans.collect();
            Ok(Column::Text(text.viewed(spans)))
        }
    }
}
