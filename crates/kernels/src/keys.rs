//! Keys of any type that can be in a column, each as bytes that are equal where the keys are.
//!
//! Within one type that is so for all but two floats: not-a-number is equal to nothing but the object itself, and -0.0 is
//! equal to 0.0. Keys with one of these are not taken.

use crate::column::{Column, Scalar, TextBuilder};
use crate::single::Single;

/// The type of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    None,
    Bool,
    Int,
    Float,
    Text,
    Tuple(Vec<Shape>),
}

impl Shape {
    /// Returns the type of a column whose constants were written out; `None` for lists, which cannot be keys, and
    /// groups, instances of a class and values of numpy's, whose equality is their own.
    pub(crate) fn of(column: &Column) -> Option<Shape> {
        match column {
            Column::Const(Scalar::None) => Some(Shape::None),
            Column::Bool(_) => Some(Shape::Bool),
            Column::Int(_) => Some(Shape::Int),
            Column::Float(_) => Some(Shape::Float),
            Column::Text(_) => Some(Shape::Text),
            Column::Tuple(parts) => parts.iter().map(Shape::of).collect::<Option<_>>().map(Shape::Tuple),
            Column::Const(_) | Column::List(_) | Column::Group(_) | Column::Record(..) | Column::Numpy(_) => {
                None
            }
        }
    }

    /// Returns bytes of some key of this type.
    pub(crate) fn blank(&self) -> Vec<u8> {
        match self {
            Shape::None => vec![],
            Shape::Bool => vec![0],
            Shape::Int | Shape::Float => vec![0; 8],
            Shape::Text => vec![0; 4],
            Shape::Tuple(parts) => parts.iter().flat_map(Shape::blank).collect(),
        }
    }

    /// Returns keys of this type, each of its bytes, as a column.
    pub(crate) fn column<'a>(&self, keys: impl ExactSizeIterator<Item = &'a [u8]>) -> Column {
        let mut reader = self.reader(keys.len());
        keys.for_each(|key| {
            reader.read(key);
        });
        reader.build()
    }

    fn reader(&self, rows: usize) -> Reader {
        match self {
            Shape::None => Reader::None,
            Shape::Bool => Reader::Bools(Vec::with_capacity(rows)),
            Shape::Int => Reader::Ints(Vec::with_capacity(rows)),
            Shape::Float => Reader::Floats(Vec::with_capacity(rows)),
            Shape::Text => Reader::Texts(TextBuilder::with_rows(rows)),
            Shape::Tuple(parts) => Reader::Tuples(parts.iter().map(|part| part.reader(rows)).collect()),
        }
    }
}

/// Appends a row's bytes; `false` if it cannot be a key here.
pub(crate) fn put(column: &Column, row: usize, into: &mut Vec<u8>) -> bool {
    match column {
        Column::Const(_) => true,
        Column::Bool(values) => {
            into.push(values[row].into());
            true
        }
        Column::Int(values) => {
            into.extend(values[row].to_le_bytes());
            true
        }
        Column::Float(values) => {
            let value = values[row];
            into.extend(value.to_le_bytes());
            !(value.is_nan() || value == 0.0 && value.is_sign_negative())
        }
        Column::Text(text) => {
            let text = text.bytes(row);
            into.extend((text.len() as u32).to_le_bytes());
            into.extend_from_slice(text);
            true
        }
        Column::List(_) | Column::Group(_) | Column::Record(..) | Column::Numpy(_) => false,
        Column::Tuple(parts) => parts.iter().all(|part| put(part, row, into)),
    }
}

impl Shape {
    /// Appends the bytes of the key of this type to which another one is equal; `false`, and bytes of no use, if there is none.
    pub(crate) fn put(&self, key: &Single, into: &mut Vec<u8>) -> bool {
        match (self, key) {
            (Shape::None, Single::None) => true,
            (Shape::Bool, _) => {
                let Some(value @ 0..=1) = key.as_int() else { return false };
                into.push(value as u8);
                true
            }
            (Shape::Int, _) => {
                let Some(value) = key.as_int().and_then(|value| i64::try_from(value).ok()) else {
                    return false;
                };
                into.extend(value.to_le_bytes());
                true
            }
            (Shape::Float, _) => {
                let Some(value) = key.as_float() else { return false };
                into.extend(value.to_le_bytes());
                true
            }
            (Shape::Text, Single::Text(text)) => {
                let Ok(length) = u32::try_from(text.len()) else { return false };
                into.extend(length.to_le_bytes());
                into.extend_from_slice(text.as_bytes());
                true
            }
            (Shape::Tuple(shapes), Single::Tuple(parts)) => {
                shapes.len() == parts.len()
                    && shapes.iter().zip(parts).all(|(shape, part)| shape.put(part, into))
            }
            (Shape::None | Shape::Text | Shape::Tuple(_), _) => false,
        }
    }
}

impl Single {
    /// Returns the type of columns that hold such values; `None` of a whole number beyond 64 bits.
    pub(crate) fn shape(&self) -> Option<Shape> {
        Some(match self {
            Single::None => Shape::None,
            Single::Bool(_) => Shape::Bool,
            Single::Int(value) => i64::try_from(*value).ok().map(|_| Shape::Int)?,
            Single::Float(_) => Shape::Float,
            Single::Text(_) => Shape::Text,
            Single::Tuple(parts) => Shape::Tuple(parts.iter().map(Single::shape).collect::<Option<_>>()?),
        })
    }
}

/// Returns whether a key is what a column of its own type gives back for it.
pub(crate) fn is_plain(shape: &Shape, key: &Single) -> bool {
    match (shape, key) {
        (Shape::Float, Single::Float(value)) => !(*value == 0.0 && value.is_sign_negative()),
        (Shape::Tuple(shapes), Single::Tuple(parts)) => {
            shapes.iter().zip(parts).all(|(shape, part)| is_plain(shape, part))
        }
        (shape, key) => key.shape().as_ref() == Some(shape),
    }
}

/// A column that is being made of keys.
enum Reader {
    None,
    Bools(Vec<bool>),
    Ints(Vec<i64>),
    Floats(Vec<f64>),
    Texts(TextBuilder),
    Tuples(Vec<Reader>),
}

impl Reader {
    /// Reads a key, and returns the bytes behind it.
    fn read<'a>(&mut self, key: &'a [u8]) -> &'a [u8] {
        fn first<const N: usize>(key: &[u8]) -> ([u8; N], &[u8]) {
            key.split_first_chunk().map_or(([0; N], &[]), |(first, rest)| (*first, rest))
        }
        match self {
            Reader::None => key,
            Reader::Bools(values) => {
                let ([value], rest) = first(key);
                values.push(value == 1);
                rest
            }
            Reader::Ints(values) => {
                let (value, rest) = first(key);
                values.push(i64::from_le_bytes(value));
                rest
            }
            Reader::Floats(values) => {
                let (value, rest) = first(key);
                values.push(f64::from_le_bytes(value));
                rest
            }
            Reader::Texts(texts) => {
                let (length, rest) = first(key);
                let (text, rest) = rest.split_at(u32::from_le_bytes(length) as usize);
                texts.push_with(|data| data.extend_from_slice(text));
                rest
            }
            Reader::Tuples(parts) => parts.iter_mut().fold(key, |left, part| part.read(left)),
        }
    }

    fn build(self) -> Column {
        match self {
            Reader::None => Column::Const(Scalar::None),
            Reader::Bools(values) => Column::of_bools(values),
            Reader::Ints(values) => Column::ints(values),
            Reader::Floats(values) => Column::floats(values),
            Reader::Texts(texts) => Column::Text(texts.build()),
            Reader::Tuples(parts) => Column::Tuple(parts.into_iter().map(Reader::build).collect()),
        }
    }
}
