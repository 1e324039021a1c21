//! The Parquet serializer: appends values to the columns that grow for them.

use super::build::{Growing, Grown};
use crate::fault::Fault;
use arrow_schema::Fields;
use serde::ser::{self, Impossible, Serialize, Serializer};

/// Appends one value to its column.
pub(super) struct IntoColumn<'c> {
    pub(super) column: &'c mut Growing,
}

/// Makes the fault that the record's `Serialize` gives something else than its `Deserialize` asks for, so that
/// the column made for it does not fit.
#[cold]
fn mismatch(given: &str) -> Fault {
    Fault::new(format!("it is written as {given}, and read as something else: a column has one type"))
}

macro_rules! numbers {
    ($($method:ident $type:ty, $grown:ident;)*) => {
        $(#[inline]
        fn $method(self, value: $type) -> Result<(), Fault> {
            self.column.some();
            match &mut self.column.values {
                Grown::$grown(values) => values.push(value),
                _ => return Err(mismatch(stringify!($type))),
            }
            Ok(())
        })*
    };
}

impl<'c> IntoColumn<'c> {
    fn text(self, value: &str) -> Result<(), Fault> {
        self.column.some();
        match &mut self.column.values {
            Grown::Text(strings) | Grown::Bytes(strings) => strings.push(value.as_bytes()),
            _ => Err(mismatch("text")),
        }
    }

    fn parts(self) -> Result<Parts<'c>, Fault> {
        self.column.some();
        match &mut self.column.values {
            Grown::Struct(columns, fields) => {
                let rows = columns.first().map_or(0, Growing::len);
                Ok(Parts { columns, fields, next: 0, rows })
            }
            _ => Err(mismatch("a struct or tuple")),
        }
    }

    fn elements(self) -> Result<Elements<'c>, Fault> {
        match &self.column.values {
            Grown::List(_) | Grown::Bytes(_) => {}
            Grown::Struct(..) => return self.parts().map(Elements::Parts),
            _ => return Err(mismatch("a list")),
        }
        self.column.some();
        Ok(Elements::List(self.column))
    }
}

impl<'c> Serializer for IntoColumn<'c> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Elements<'c>;
    type SerializeTuple = Elements<'c>;
    type SerializeTupleStruct = Elements<'c>;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Entries<'c>;
    type SerializeStruct = Parts<'c>;
    type SerializeStructVariant = Impossible<(), Fault>;

    numbers! {
        serialize_bool bool, Bool;
        serialize_i8 i8, I8;
        serialize_i16 i16, I16;
        serialize_i32 i32, I32;
        serialize_i64 i64, I64;
        serialize_u8 u8, U8;
        serialize_u16 u16, U16;
        serialize_u32 u32, U32;
        serialize_u64 u64, U64;
        serialize_f32 f32, F32;
        serialize_f64 f64, F64;
    }

    fn serialize_i128(self, value: i128) -> Result<(), Fault> {
        const MOST: i128 = 10_i128.pow(super::schema::DECIMAL_DIGITS as u32) - 1;
        if !(-MOST..=MOST).contains(&value) {
            return Err(Fault::new(format!(
                "{value} has more than 38 digits, the most that a column can hold"
            )));
        }
        self.column.some();
        match &mut self.column.values {
            Grown::Decimal(values) => values.push(value),
            _ => return Err(mismatch("i128")),
        }
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Fault> {
        match i128::try_from(value) {
            Ok(value) => self.serialize_i128(value),
            Err(_) => {
                Err(Fault::new(format!("{value} has more than 38 digits, the most that a column can hold")))
            }
        }
    }

    fn serialize_char(self, value: char) -> Result<(), Fault> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        self.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Fault> {
        self.column.some();
        match &mut self.column.values {
            Grown::Bytes(strings) => strings.push(value),
            _ => Err(mismatch("bytes")),
        }
    }

    fn serialize_none(self) -> Result<(), Fault> {
        match self.column.is_nullable() {
            true => self.column.push_null(),
            false => Err(mismatch("nothing")),
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Fault> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Fault> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Fault> {
        Err(Fault::new(DATA_IN_VARIANT))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'c>, Fault> {
        self.elements()
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements<'c>, Fault> {
        self.elements()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements<'c>, Fault> {
        self.elements()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Fault> {
        Err(Fault::new(DATA_IN_VARIANT))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'c>, Fault> {
        self.column.some();
        match &self.column.values {
            Grown::Map(..) => Ok(Entries(self.column)),
            _ => Err(mismatch("a map")),
        }
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'c>, Fault> {
        self.parts()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Fault> {
        Err(Fault::new(DATA_IN_VARIANT))
    }
}

const DATA_IN_VARIANT: &str =
    "an enum's variant with data has no column; make the variants' data fields of the record";

/// The columns of a struct's fields or a tuple's values.
pub(super) struct Parts<'c> {
    columns: &'c mut [Growing],
    fields: &'c Fields,
    /// The index of the column that comes next, if fields come in the order of columns.
    next: usize,
    /// The number of values that each column had before.
    rows: usize,
}

impl Parts<'_> {
    #[inline]
    fn named<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        let index = match self.fields.get(self.next) {
            Some(field) if field.name() == name => self.next,
            _ => self.find(name)?,
        };
        self.next = index + 1;
        value
            .serialize(IntoColumn { column: &mut self.columns[index] })
            .map_err(|fault| fault.in_column(name, || None))
    }

    #[cold]
    fn find(&self, name: &'static str) -> Result<usize, Fault> {
        self.fields.iter().position(|field| field.name() == name).ok_or_else(|| {
            let names: Vec<_> = self.fields.iter().map(|field| field.name().as_str()).collect();
            Fault::new(format!(
                "the field is written as `{name}`, and reading knows {}: name it alike both ways",
                names.join(", ")
            ))
        })
    }

    fn numbered<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let index = self.next;
        self.next += 1;
        match self.columns.get_mut(index) {
            Some(column) => value.serialize(IntoColumn { column }),
            None => Err(mismatch("more values than it is read from")),
        }
    }

    /// Appends nulls for the fields that were left out.
    fn finish(self) -> Result<(), Fault> {
        for (column, field) in self.columns.iter_mut().zip(self.fields.iter()) {
            if column.len() == self.rows {
                match column.is_nullable() {
                    true => column.push_null()?,
                    false => {
                        return Err(Fault::new(format!(
                            "`{}` was left out; make it an `Option`",
                            field.name()
                        )));
                    }
                }
            }
        }
        Ok(())
    }
}

impl ser::SerializeStruct for Parts<'_> {
    type Ok = ();
    type Error = Fault;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        self.named(name, value)
    }

    fn end(self) -> Result<(), Fault> {
        self.finish()
    }
}

/// The elements of a list, or the parts of a tuple.
pub(super) enum Elements<'c> {
    List(&'c mut Growing),
    Parts(Parts<'c>),
}

impl Elements<'_> {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        match self {
            Elements::Parts(parts) => parts.numbered(value),
            Elements::List(column) => match &mut column.values {
                Grown::List(lists) => value
                    .serialize(IntoColumn { column: &mut lists.elements })
                    .map_err(|fault| fault.in_column("element", || None)),
                Grown::Bytes(strings) => {
                    strings.append(value.serialize(OneByte)?);
                    Ok(())
                }
                _ => Err(mismatch("a list")),
            },
        }
    }

    fn finish(self) -> Result<(), Fault> {
        match self {
            Elements::Parts(parts) => parts.finish(),
            Elements::List(column) => match &mut column.values {
                Grown::List(lists) => lists.end(),
                Grown::Bytes(strings) => strings.end(),
                _ => Err(mismatch("a list")),
            },
        }
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident;)*) => {
        $(impl ser::$trait for Elements<'_> {
            type Ok = ();
            type Error = Fault;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.push(value)
            }

            fn end(self) -> Result<(), Fault> {
                self.finish()
            }
        })*
    };
}

elements! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
}

/// The entries of a map.
pub(super) struct Entries<'c>(&'c mut Growing);

impl Entries<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, index: usize, name: &str, value: &T) -> Result<(), Fault> {
        if let Grown::Map(lists, _) = &mut self.0.values
            && let Grown::Struct(columns, _) = &mut lists.elements.values
            && let Some(column) = columns.get_mut(index)
        {
            return value.serialize(IntoColumn { column }).map_err(|fault| fault.in_column(name, || None));
        }
        Err(mismatch("a map"))
    }
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        self.part(0, "key", key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.part(1, "value", value)
    }

    fn end(self) -> Result<(), Fault> {
        match &mut self.0.values {
            Grown::Map(lists, _) => lists.end(),
            _ => Err(mismatch("a map")),
        }
    }
}

/// A byte of a list of bytes, which becomes one value.
struct OneByte;

macro_rules! only_bytes {
    ($($method:ident $type:ty;)*) => {
        $(fn $method(self, _: $type) -> Result<u8, Fault> {
            Err(mismatch("a list of something else than bytes"))
        })*
    };
}

impl Serializer for OneByte {
    type Ok = u8;
    type Error = Fault;
    type SerializeSeq = Impossible<u8, Fault>;
    type SerializeTuple = Impossible<u8, Fault>;
    type SerializeTupleStruct = Impossible<u8, Fault>;
    type SerializeTupleVariant = Impossible<u8, Fault>;
    type SerializeMap = Impossible<u8, Fault>;
    type SerializeStruct = Impossible<u8, Fault>;
    type SerializeStructVariant = Impossible<u8, Fault>;

    fn serialize_u8(self, value: u8) -> Result<u8, Fault> {
        Ok(value)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<u8, Fault> {
        value.serialize(self)
    }

    only_bytes! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
        serialize_f32 f32;
        serialize_f64 f64;
        serialize_char char;
        serialize_str &str;
        serialize_bytes &[u8];
        serialize_unit_struct &'static str;
    }

    fn serialize_none(self) -> Result<u8, Fault> {
        Err(mismatch("a list with nulls"))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<u8, Fault> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<u8, Fault> {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<u8, Fault> {
        Err(mismatch("a list of names"))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<u8, Fault> {
        Err(Fault::new(DATA_IN_VARIANT))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Fault> {
        Err(mismatch("a list of lists"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Fault> {
        Err(mismatch("a list of tuples"))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Fault> {
        Err(mismatch("a list of tuples"))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Fault> {
        Err(Fault::new(DATA_IN_VARIANT))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Fault> {
        Err(mismatch("a list of maps"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Fault> {
        Err(mismatch("a list of structs"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Fault> {
        Err(Fault::new(DATA_IN_VARIANT))
    }
}
