//! CSV cells: one field of a record, deserialised as the type that is asked for.

use super::CsvFormat;
use super::parse::Fields;
use crate::fault::Fault;
use crate::row::Cells;
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};

/// The fields of one record, as a row.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) text: &'a str,
    pub(super) fields: &'a Fields,
    pub(super) format: &'a CsvFormat,
}

/// A field.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    text: &'a str,
    quoted: bool,
    format: &'a CsvFormat,
}

impl<'de, 'a> Cells<'de> for Record<'a> {
    type Cell = Cell<'a>;

    #[inline]
    fn cell(self, column: usize) -> Cell<'a> {
        let (text, quoted) = self.fields.get(self.text, column);
        Cell { text, quoted, format: self.format }
    }

    fn show(self, column: usize) -> Option<String> {
        Some(self.fields.get(self.text, column).0.to_string())
    }
}

impl Cell<'_> {
    fn is_null(&self) -> bool {
        !self.quoted && self.format.is_null(self.text)
    }

    #[cold]
    fn is_not(&self, what: &str) -> Fault {
        let hint = if self.is_null() { ", and it is a null: make the field an `Option`" } else { "" };
        Fault::new(format!("it is not {what}{hint}"))
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty, $what:literal;)*) => {
        $(#[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match self.text.parse::<$type>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(self.is_not($what)),
            }
        })*
    };
}

macro_rules! refused {
    ($($method:ident($($name:ident: $type:ty),*) $what:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($name: $type,)* _: V) -> Result<V::Value, Fault> {
            $(let _ = $name;)*
            Err(Fault::new(concat!("a CSV field holds a single value and no ", $what, "; use JSON lines or Parquet")))
        })*
    };
}

impl<'de> Deserializer<'de> for Cell<'_> {
    type Error = Fault;

    numbers! {
        deserialize_i8 visit_i8 i8, "a whole number (i8)";
        deserialize_i16 visit_i16 i16, "a whole number (i16)";
        deserialize_i32 visit_i32 i32, "a whole number (i32)";
        deserialize_i64 visit_i64 i64, "a whole number (i64)";
        deserialize_i128 visit_i128 i128, "a whole number (i128)";
        deserialize_u8 visit_u8 u8, "a whole number (u8)";
        deserialize_u16 visit_u16 u16, "a whole number (u16)";
        deserialize_u32 visit_u32 u32, "a whole number (u32)";
        deserialize_u64 visit_u64 u64, "a whole number (u64)";
        deserialize_u128 visit_u128 u128, "a whole number (u128)";
        deserialize_f32 visit_f32 f32, "a number (f32)";
        deserialize_f64 visit_f64 f64, "a number (f64)";
        deserialize_char visit_char char, "one character";
    }

    refused! {
        deserialize_seq() "list";
        deserialize_tuple(length: usize) "tuple";
        deserialize_tuple_struct(name: &'static str, length: usize) "tuple";
        deserialize_map() "map";
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) "struct";
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.text {
            "true" | "True" | "TRUE" => visitor.visit_bool(true),
            "false" | "False" | "FALSE" => visitor.visit_bool(false),
            _ => Err(self.is_not("`true` or `false`")),
        }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.text)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.text)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.text)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.text)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bytes(self.text.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bytes(self.text.as_bytes())
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.text.is_empty() || self.is_null() { visitor.visit_unit() } else { Err(self.is_not("empty")) }
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

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let name: de::value::StrDeserializer<'_, Fault> = self.text.into_deserializer();
        visitor.visit_enum(name)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}
