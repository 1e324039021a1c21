//! Parquet cells: one value of a column, deserialised as the type that is asked for.

use super::calendar;
use super::column::{Column, Values};
use crate::fault::Fault;
use crate::row::Cells;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use std::ops::Range;

/// One row of a batch.
#[derive(Clone, Copy)]
pub(super) struct BatchRow<'a> {
    pub(super) columns: &'a [Column<'a>],
    pub(super) row: usize,
}

/// One value.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    column: &'a Column<'a>,
    row: usize,
}

impl<'de, 'a> Cells<'de> for BatchRow<'a> {
    type Cell = Cell<'a>;

    #[inline]
    fn cell(self, column: usize) -> Cell<'a> {
        Cell { column: &self.columns[column], row: self.row }
    }

    fn show(self, column: usize) -> Option<String> {
        self.cell(column).show()
    }
}

impl<'a> Cell<'a> {
    #[inline]
    fn check(self) -> Result<(), Fault> {
        if self.column.is_null(self.row) { Err(null()) } else { Ok(()) }
    }

    /// Returns a date, time or decimal number as text; none for other types.
    #[cold]
    fn text(self) -> Option<String> {
        let row = self.row;
        Some(match &self.column.values {
            Values::Date(days) => calendar::date(i64::from(days[row])),
            Values::Time32(times, unit) => calendar::time(i64::from(times[row]) * (1_000_000_000 / unit)),
            Values::Time64(times, unit) => calendar::time(times[row] * (1_000_000_000 / unit)),
            Values::Timestamp(values, unit, is_point) => {
                let text = calendar::timestamp(values[row], *unit);
                if *is_point { text + "Z" } else { text }
            }
            Values::Decimal(digits, scale) => calendar::decimal(digits[row], *scale),
            _ => return None,
        })
    }

    fn show(self) -> Option<String> {
        if self.column.is_null(self.row) {
            return None;
        }
        let row = self.row;
        match &self.column.values {
            Values::I8(v) => Some(v[row].to_string()),
            Values::I16(v) => Some(v[row].to_string()),
            Values::I32(v) => Some(v[row].to_string()),
            Values::I64(v) => Some(v[row].to_string()),
            Values::U8(v) => Some(v[row].to_string()),
            Values::U16(v) => Some(v[row].to_string()),
            Values::U32(v) => Some(v[row].to_string()),
            Values::U64(v) => Some(v[row].to_string()),
            Values::F64(v) => Some(v[row].to_string()),
            Values::Text(v) => Some(v.value(row).to_string()),
            _ => self.text(),
        }
    }

    fn elements(self, offsets: &[i32]) -> Range<usize> {
        offsets[self.row] as usize..offsets[self.row + 1] as usize
    }
}

#[cold]
fn null() -> Fault {
    Fault::new("it is null; make the field an `Option`")
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.integer(visitor)
        })*
    };
}

macro_rules! texts {
    ($($method:ident)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.check()?;
            match &self.column.values {
                Values::Text(values) => visitor.visit_str(values.value(self.row)),
                _ => self.deserialize_any(visitor),
            }
        })*
    };
}

impl<'a> Cell<'a> {
    #[inline]
    fn integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check()?;
        let row = self.row;
        match &self.column.values {
            Values::I32(values) => visitor.visit_i32(values[row]),
            Values::I64(values) => visitor.visit_i64(values[row]),
            Values::Date(days) => visitor.visit_i32(days[row]),
            Values::Time32(times, unit) => visitor.visit_i64(i64::from(times[row]) * (1_000_000 / unit)),
            Values::Time64(times, unit) => visitor.visit_i64(micros(times[row], *unit)?),
            Values::Timestamp(values, unit, _) => visitor.visit_i64(micros(values[row], *unit)?),
            Values::Decimal(digits, 0) => visitor.visit_i128(digits[row]),
            _ => self.deserialize_any(visitor),
        }
    }

    #[inline]
    fn float<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check()?;
        match &self.column.values {
            Values::F64(values) => visitor.visit_f64(values[self.row]),
            Values::Decimal(digits, scale) => {
                // Parsed from text: a division would round twice.
                let text = calendar::decimal(digits[self.row], *scale);
                visitor.visit_f64(text.parse().map_err(|_| Fault::new("it is no number"))?)
            }
            _ => self.deserialize_any(visitor),
        }
    }
}

/// Converts a value to microseconds, given the number of its units in a second.
#[inline]
fn micros(value: i64, per_second: i64) -> Result<i64, Fault> {
    match per_second {
        1_000_000 => Ok(value),
        1_000_000_000 => Ok(value.div_euclid(1_000)),
        _ => value
            .checked_mul(1_000_000 / per_second)
            .ok_or_else(|| Fault::new("the time lies too far away for microseconds in an i64")),
    }
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = Fault;

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    texts! { deserialize_str deserialize_string deserialize_char deserialize_identifier }

    /// Not inlined, so that its callers stay small: the types that columns usually have were handled before.
    #[inline(never)]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check()?;
        let row = self.row;
        match &self.column.values {
            Values::Null => Err(null()),
            Values::Bool(values) => visitor.visit_bool(values.value(row)),
            Values::I8(values) => visitor.visit_i8(values[row]),
            Values::I16(values) => visitor.visit_i16(values[row]),
            Values::I32(values) => visitor.visit_i32(values[row]),
            Values::I64(values) => visitor.visit_i64(values[row]),
            Values::U8(values) => visitor.visit_u8(values[row]),
            Values::U16(values) => visitor.visit_u16(values[row]),
            Values::U32(values) => visitor.visit_u32(values[row]),
            Values::U64(values) => visitor.visit_u64(values[row]),
            Values::F16(values) => visitor.visit_f32(values[row].to_f32()),
            Values::F32(values) => visitor.visit_f32(values[row]),
            Values::F64(values) => visitor.visit_f64(values[row]),
            Values::Text(values) => visitor.visit_str(values.value(row)),
            Values::Bytes(values) => visitor.visit_bytes(values.value(row)),
            Values::FixedBytes(values) => visitor.visit_bytes(values.value(row)),
            Values::List(..) => self.deserialize_seq(visitor),
            Values::Struct(_) | Values::Map(..) => self.deserialize_map(visitor),
            Values::Other(kind) => Err(Fault::new(format!("columns of type {kind} are not supported"))),
            Values::Date(_)
            | Values::Time32(..)
            | Values::Time64(..)
            | Values::Timestamp(..)
            | Values::Decimal(..) => visitor.visit_string(self.text().unwrap_or_default()),
        }
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.float(visitor)
    }

    #[inline]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.float(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check()?;
        match &self.column.values {
            Values::Text(values) => visitor.visit_bytes(values.value(self.row).as_bytes()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.column.is_null(self.row) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.column.is_null(self.row) {
            true => visitor.visit_unit(),
            false => self.deserialize_any(visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check()?;
        match &self.column.values {
            Values::List(offsets, values) => {
                visitor.visit_seq(Elements { column: values, range: self.elements(offsets) })
            }
            Values::Bytes(values) => visitor.visit_seq(bytes(values.value(self.row))),
            Values::FixedBytes(values) => visitor.visit_seq(bytes(values.value(self.row))),
            Values::Struct(fields) => visitor.visit_seq(InOrder { fields, row: self.row, next: 0 }),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.check()?;
        let found = match &self.column.values {
            Values::List(offsets, _) => self.elements(offsets).len(),
            Values::Struct(fields) => fields.len(),
            _ => length,
        };
        match found == length {
            true => self.deserialize_seq(visitor),
            false => Err(Fault::new(format!("it has {found} values, and the field takes {length}"))),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check()?;
        match &self.column.values {
            Values::Map(offsets, columns) => visitor.visit_map(Entries {
                keys: &columns.0,
                values: &columns.1,
                range: self.elements(offsets),
            }),
            Values::Struct(fields) => {
                visitor.visit_map(Named { fields, wanted: None, row: self.row, next: 0 })
            }
            _ => Err(Fault::new("it is no map")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        wanted: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.check()?;
        match &self.column.values {
            Values::Struct(fields) => {
                visitor.visit_map(Named { fields, wanted: Some(wanted), row: self.row, next: 0 })
            }
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.check()?;
        match &self.column.values {
            Values::Text(values) => {
                let name: de::value::StrDeserializer<'_, Fault> = values.value(self.row).into_deserializer();
                visitor.visit_enum(name)
            }
            _ => Err(Fault::new("it is no text, and so no name of a variant")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

fn bytes<'b, 'de>(bytes: &'b [u8]) -> impl de::SeqAccess<'de, Error = Fault> + use<'b, 'de> {
    de::value::SeqDeserializer::new(bytes.iter().copied())
}

/// The elements of a list.
struct Elements<'a> {
    column: &'a Column<'a>,
    range: Range<usize>,
}

impl<'de> de::SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some(row) = self.range.next() else { return Ok(None) };
        let cell = Cell { column: self.column, row };
        seed.deserialize(cell).map(Some).map_err(|fault| fault.in_column("element", || cell.show()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.range.len())
    }
}

/// The entries of a map.
struct Entries<'a> {
    keys: &'a Column<'a>,
    values: &'a Column<'a>,
    range: Range<usize>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if self.range.is_empty() {
            return Ok(None);
        }
        let cell = Cell { column: self.keys, row: self.range.start };
        seed.deserialize(cell).map(Some).map_err(|fault| fault.in_column("key", || cell.show()))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let cell = Cell { column: self.values, row: self.range.start };
        self.range.start += 1;
        seed.deserialize(cell).map_err(|fault| fault.in_column("value", || cell.show()))
    }
}

/// The fields of a struct by their names, but only the requested ones.
struct Named<'a> {
    fields: &'a [(&'a str, Column<'a>)],
    wanted: Option<&'static [&'static str]>,
    row: usize,
    next: usize,
}

impl<'de> de::MapAccess<'de> for Named<'_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        while let Some((name, _)) = self.fields.get(self.next) {
            self.next += 1;
            if self.wanted.is_none_or(|wanted| wanted.contains(name)) {
                return seed.deserialize(name.into_deserializer()).map(Some);
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (name, column) = &self.fields[self.next - 1];
        let cell = Cell { column, row: self.row };
        seed.deserialize(cell).map_err(|fault| fault.in_column(name, || cell.show()))
    }
}

/// The fields of a struct in their order: a tuple.
struct InOrder<'a> {
    fields: &'a [(&'a str, Column<'a>)],
    row: usize,
    next: usize,
}

impl<'de> de::SeqAccess<'de> for InOrder<'_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some((name, column)) = self.fields.get(self.next) else { return Ok(None) };
        self.next += 1;
        let cell = Cell { column, row: self.row };
        seed.deserialize(cell).map(Some).map_err(|fault| fault.in_column(name, || cell.show()))
    }
}
