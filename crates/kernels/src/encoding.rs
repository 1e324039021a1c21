//! Typed blocks: the rows of a column as bytes, for shuffles, files and other processes.
//!
//! A block begins with a mark that no pickle begins with, and the version of the encoding; then come the number of rows and
//! the column. Whole numbers take as many bytes as their range needs: none, if all are one number. What is read is
//! checked: a block that was cut off, or is of another version, is an error and no column.

use crate::column::{Column, List, Scalar, Text};
use crate::numpy::{Arrays, Numpy};
use std::rc::Rc;

/// How a block begins. A pickle begins with 0x80, or a letter.
const MARK: [u8; 3] = [0xF1, b'F', b'S'];
const VERSION: u8 = 1;

/// The deepest that tuples and lists may stand in each other.
const DEEPEST: usize = 32;

const NONE: u8 = 0;
const BOOL: u8 = 1;
const INT: u8 = 2;
const FLOAT: u8 = 3;
const TEXT: u8 = 4;
const TUPLE: u8 = 5;
const LIST: u8 = 6;
const GROUP: u8 = 7;
const ARRAYS: u8 = 8;
const NUMPY_FLOATS: u8 = 9;
const NUMPY_BOOLS: u8 = 10;

/// Returns whether bytes are a typed block.
pub fn is_block(bytes: &[u8]) -> bool {
    bytes.starts_with(&MARK)
}

/// Returns the rows of a column as bytes; `None` for one that is nested too deeply, or holds instances of a class.
pub fn encode(column: &Column, rows: usize) -> Option<Vec<u8>> {
    let mut block = Vec::with_capacity(16 + rows * 16);
    block.extend(MARK);
    block.push(VERSION);
    block.extend((rows as u64).to_le_bytes());
    put(&column.spread(rows), rows, DEEPEST, &mut block)?;
    Some(block)
}

fn put(column: &Column, rows: usize, depth: usize, into: &mut Vec<u8>) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match column {
        Column::Const(Scalar::None) => into.push(NONE),
        Column::Const(_) => put(&column.spread(rows), rows, depth, into)?,
        Column::Bool(values) => {
            into.push(BOOL);
            put_bools(values, into);
        }
        Column::Numpy(Numpy::Truths(values)) => {
            into.push(NUMPY_BOOLS);
            put_bools(values, into);
        }
        Column::Int(values) => {
            into.push(INT);
            put_ints(values, into);
        }
        Column::Float(values) => {
            into.push(FLOAT);
            put_floats(values, into);
        }
        Column::Numpy(Numpy::Numbers(values)) => {
            into.push(NUMPY_FLOATS);
            put_floats(values, into);
        }
        Column::Numpy(Numpy::Arrays(arrays)) => {
            into.push(ARRAYS);
            put_ints(&arrays.lengths().map(|length| length as i64).collect::<Vec<_>>(), into);
            (0..rows).for_each(|row| put_floats(arrays.get(row), into));
        }
        Column::Text(text) => {
            into.push(TEXT);
            put_ints(&lengths(&text.spans), into);
            (0..rows).for_each(|row| into.extend_from_slice(text.bytes(row)));
        }
        Column::Tuple(parts) => {
            into.push(TUPLE);
            into.extend(u32::try_from(parts.len()).ok()?.to_le_bytes());
            parts.iter().try_for_each(|part| put(part, rows, depth, into))?;
        }
        Column::List(list) => {
            into.push(LIST);
            put_lists(list, depth, into)?;
        }
        Column::Group(list) => {
            into.push(GROUP);
            put_lists(list, depth, into)?;
        }
        // A class is known in one process.
        Column::Record(..) => return None,
    }
    Some(())
}

fn put_lists(list: &List, depth: usize, into: &mut Vec<u8>) -> Option<()> {
    put_ints(&lengths(&list.spans), into);
    let at: Vec<u32> = list.spans.iter().flat_map(|(from, to)| *from..*to).collect();
    into.extend((at.len() as u64).to_le_bytes());
    put(&list.items.gather(&at).spread(at.len()), at.len(), depth, into)
}

fn put_bools(values: &[bool], into: &mut Vec<u8>) {
    into.extend(values.iter().map(|value| u8::from(*value)));
}

fn put_floats(values: &[f64], into: &mut Vec<u8>) {
    into.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn lengths(spans: &[(u32, u32)]) -> Vec<i64> {
    spans.iter().map(|(from, to)| i64::from(to - from)).collect()
}

/// Writes numbers as the least of them, and how far each is from it, in as many bytes as the greatest needs.
fn put_ints(values: &[i64], into: &mut Vec<u8>) {
    let (least, most) =
        values.iter().fold((i64::MAX, i64::MIN), |(a, b), value| (a.min(*value), b.max(*value)));
    let least = if values.is_empty() { 0 } else { least };
    let width: u8 = match most.wrapping_sub(least) as u64 {
        _ if values.is_empty() => 0,
        0 => 0,
        1..=0xFF => 1,
        0x100..=0xFFFF => 2,
        0x1_0000..=0xFFFF_FFFF => 4,
        _ => 8,
    };
    into.push(width);
    into.extend(least.to_le_bytes());
    let apart = values.iter().map(|value| value.wrapping_sub(least) as u64);
    match width {
        0 => {}
        1 => into.extend(apart.map(|apart| apart as u8)),
        2 => into.extend(apart.flat_map(|apart| (apart as u16).to_le_bytes())),
        4 => into.extend(apart.flat_map(|apart| (apart as u32).to_le_bytes())),
        _ => into.extend(apart.flat_map(u64::to_le_bytes)),
    }
}

/// Reads a block: a column and the number of its rows.
///
/// # Errors
///
/// Says what is wrong with bytes that are no block.
pub fn decode(bytes: &[u8]) -> Result<(Column, usize), &'static str> {
    let mut left = Bytes(bytes);
    if left.take(MARK.len())? != MARK {
        return Err("does not begin as a block of typed records");
    }
    if left.take(1)? != [VERSION] {
        return Err(
            "is of another version of the encoding: all processes must have the same version of Firesteel",
        );
    }
    let rows = left.count()?;
    let column = left.column(rows, DEEPEST)?;
    if !left.0.is_empty() {
        return Err("goes on behind its last record");
    }
    Ok((column, rows))
}

const CUT: &str = "ends before its last record";

/// Bytes that are not read yet.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], &'static str> {
        let (taken, left) = self.0.split_at_checked(count).ok_or(CUT)?;
        self.0 = left;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        self.take(N)?.try_into().map_err(|_| CUT)
    }

    /// Reads a number of rows: no more than spans can count.
    fn count(&mut self) -> Result<usize, &'static str> {
        let count = u64::from_le_bytes(self.fixed()?);
        u32::try_from(count).map(|count| count as usize).map_err(|_| "has more records than a block may have")
    }

    fn column(&mut self, rows: usize, depth: usize) -> Result<Column, &'static str> {
        let depth = depth.checked_sub(1).ok_or("is nested too deeply")?;
        let [kind] = self.fixed()?;
        Ok(match kind {
            NONE => Column::Const(Scalar::None),
            BOOL => Column::of_bools(self.bools(rows)?),
            NUMPY_BOOLS => Column::Numpy(Numpy::Truths(Rc::new(self.bools(rows)?))),
            INT => Column::ints(self.ints(rows)?),
            FLOAT => Column::floats(self.floats(rows)?),
            NUMPY_FLOATS => Column::Numpy(Numpy::Numbers(Rc::new(self.floats(rows)?))),
            ARRAYS => {
                let (spans, total) = spans(&self.ints(rows)?)?;
                let lengths = spans.iter().map(|(from, to)| (to - from) as usize);
                let arrays = Arrays::new(self.floats(total)?, lengths);
                Column::Numpy(Numpy::Arrays(arrays.ok_or("has arrays of other lengths than it says")?))
            }
            TEXT => {
                let (spans, total) = spans(&self.ints(rows)?)?;
                let data = self.take(total)?;
                let text = std::str::from_utf8(data).map_err(|_| "has a text that is no UTF-8")?;
                if spans.iter().any(|(from, _)| !text.is_char_boundary(*from as usize)) {
                    return Err("has a text that is no UTF-8");
                }
                Column::Text(Text::new(data.to_vec(), spans))
            }
            TUPLE => {
                let parts = u32::from_le_bytes(self.fixed()?);
                Column::Tuple((0..parts).map(|_| self.column(rows, depth)).collect::<Result<_, _>>()?)
            }
            LIST => Column::List(self.lists(rows, depth)?),
            GROUP => Column::Group(self.lists(rows, depth)?),
            _ => return Err("has values of an unknown type"),
        })
    }

    fn lists(&mut self, rows: usize, depth: usize) -> Result<List, &'static str> {
        let (spans, total) = spans(&self.ints(rows)?)?;
        let count = self.count()?;
        if count != total {
            return Err("has lists of other lengths than it says");
        }
        Ok(List { spans: Rc::new(spans), items: Rc::new(self.column(count, depth)?) })
    }

    fn bools(&mut self, rows: usize) -> Result<Vec<bool>, &'static str> {
        let values = self.take(rows)?;
        if values.iter().any(|value| *value > 1) {
            return Err("has a truth value that is none");
        }
        Ok(values.iter().map(|value| *value == 1).collect())
    }

    fn floats(&mut self, count: usize) -> Result<Vec<f64>, &'static str> {
        let (values, _) = self.take(count.checked_mul(8).ok_or(CUT)?)?.as_chunks::<8>();
        Ok(values.iter().map(|value| f64::from_le_bytes(*value)).collect())
    }

    fn ints(&mut self, rows: usize) -> Result<Vec<i64>, &'static str> {
        let [width] = self.fixed()?;
        let least = i64::from_le_bytes(self.fixed()?);
        if !matches!(width, 0 | 1 | 2 | 4 | 8) {
            return Err("has numbers of an unknown width");
        }
        let bytes = self.take(rows.checked_mul(width.into()).ok_or(CUT)?)?;
        let add = |apart: u64| least.wrapping_add(apart as i64);
        Ok(match width {
            0 => vec![least; rows],
            1 => bytes.iter().map(|apart| add((*apart).into())).collect(),
            2 => bytes.as_chunks().0.iter().map(|apart| add(u16::from_le_bytes(*apart).into())).collect(),
            4 => bytes.as_chunks().0.iter().map(|apart| add(u32::from_le_bytes(*apart).into())).collect(),
            _ => bytes.as_chunks().0.iter().map(|apart| add(u64::from_le_bytes(*apart))).collect(),
        })
    }
}

/// Where each row's part begins and ends.
type Spans = Vec<(u32, u32)>;

/// Returns spans of these lengths, one behind the other, and where the last ends.
fn spans(lengths: &[i64]) -> Result<(Spans, usize), &'static str> {
    let mut end = 0_u32;
    let spans = lengths.iter().map(|length| {
        let from = end;
        end = u32::try_from(*length)
            .ok()
            .and_then(|length| from.checked_add(length))
            .ok_or("has lengths that are none")?;
        Ok((from, end))
    });
    let spans = spans.collect::<Result<_, &'static str>>()?;
    Ok((spans, end as usize))
}
