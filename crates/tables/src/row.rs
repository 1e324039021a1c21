//! Rows to records: columns are matched with a type's fields once for each file ([`Plan`]), then each row's
//! cells are handed to the type's `Deserialize`, as a map from fields to cells. If the type was found to accept
//! numbers for names, it gets numbers, so that no name is compared for each cell.

use crate::error::TableError;
use crate::fault::Fault;
use crate::shape::{Kind, Shape};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

/// The cells of one row.
pub(crate) trait Cells<'de>: Copy {
    /// The type of a cell.
    type Cell: Deserializer<'de, Error = Fault>;

    fn cell(self, column: usize) -> Self::Cell;

    /// Returns a cell's contents for a message.
    fn show(self, column: usize) -> Option<String>;
}

/// The assignment of a file's columns to a type's fields.
pub(crate) struct Plan {
    /// For a struct: the columns that it has fields for.
    columns: Vec<Matched>,
    by_index: bool,
    /// True if every field has its one column, so that cells can be given in the order of fields, without
    /// naming the field. Records travel between tasks in that order too.
    complete: bool,
    /// The names of all columns.
    names: Vec<String>,
}

struct Matched {
    column: usize,
    /// The field's name, as the column has it.
    name: &'static str,
    /// The field's number.
    number: u64,
}

impl Plan {
    /// Matches columns by name.
    ///
    /// # Errors
    /// [`TableError::Columns`] when the type needs columns that the file lacks.
    pub(crate) fn by_name(path: &str, shape: &Shape, names: Vec<String>) -> Result<Plan, TableError> {
        let (mut columns, mut missing) = (vec![], vec![]);
        for (number, field) in shape.fields.iter().enumerate() {
            let answers: Vec<_> = [field.name].into_iter().chain(field.aliases.iter().copied()).collect();
            let before = columns.len();
            for name in answers {
                let found = names.iter().enumerate().filter(|(_, column)| *column == name);
                columns.extend(found.map(|(column, _)| Matched { column, name, number: number as u64 }));
            }
            if columns.len() == before && field.required {
                missing.push(field.name.to_string());
            }
        }
        if missing.is_empty() {
            return Ok(Plan::new(shape, columns, names));
        }
        let (record, wanted) = (shape.record.into(), shape.names());
        Err(TableError::Columns { path: path.into(), record, missing, found: names, wanted })
    }

    /// Takes the columns in the order of the fields, as a file without a header has them.
    pub(crate) fn by_position(shape: &Shape, columns: usize) -> Plan {
        let width = if shape.fields.is_empty() { columns } else { shape.fields.len() };
        let matched = shape.fields.iter().enumerate();
        let matched = matched.map(|(i, field)| Matched { column: i, name: field.name, number: i as u64 });
        let name = |i: usize| shape.fields.get(i).map_or(format!("{}", i + 1), |field| field.name.into());
        Plan::new(shape, matched.collect(), (0..width).map(name).collect())
    }

    fn new(shape: &Shape, columns: Vec<Matched>, names: Vec<String>) -> Plan {
        let in_order = columns.iter().enumerate().all(|(index, matched)| matched.number == index as u64);
        let complete = shape.by_index && in_order && columns.len() == shape.fields.len();
        Plan { columns, by_index: shape.by_index, complete, names }
    }

    /// Returns the names of all columns.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the columns that fields are made of, in the order of columns.
    #[cfg(feature = "parquet")]
    pub(crate) fn used(&self) -> Vec<usize> {
        let mut used: Vec<usize> = self.columns.iter().map(|matched| matched.column).collect();
        used.sort_unstable();
        used
    }

    /// Returns the number of cells of a row.
    pub(crate) fn width(&self) -> usize {
        self.names.len()
    }

    /// Makes a record of a row's cells.
    #[inline]
    pub(crate) fn record<'de, T: Deserialize<'de>, C: Cells<'de>>(&self, cells: C) -> Result<T, Fault> {
        T::deserialize(Row { plan: self, cells })
    }
}

/// Returns the number of cells of a row of such a type, if a file without rows or header cannot tell.
pub(crate) fn width_of(kind: Option<&Kind>) -> Option<usize> {
    match kind? {
        Kind::Struct(fields) => Some(fields.len()),
        Kind::Tuple(kinds) => Some(kinds.len()),
        Kind::Seq(_) | Kind::Map(..) | Kind::Any => None,
        _ => Some(1),
    }
}

struct Row<'p, C> {
    plan: &'p Plan,
    cells: C,
}

impl<'de, C: Cells<'de>> Row<'_, C> {
    /// Returns the only cell, for a record that is a single value.
    fn single(&self) -> Result<C::Cell, Fault> {
        match self.plan.width() {
            1 => Ok(self.cells.cell(0)),
            width => Err(Fault::new(format!(
                "the record is a single value and the table has {width} columns; make it a struct or a tuple"
            ))),
        }
    }
}

macro_rules! single_values {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.single()?.$method(visitor).map_err(|fault| {
                fault.in_column(&self.plan.names[0], || self.cells.show(0))
            })
        })*
    };
}

impl<'de, C: Cells<'de>> Deserializer<'de> for Row<'_, C> {
    type Error = Fault;

    single_values! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_option
        deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_unit()
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
        visitor.visit_seq(InOrder { row: self, next: 0 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        match self.plan.width() {
            width if width == length => visitor.visit_seq(InOrder { row: self, next: 0 }),
            width => Err(Fault::new(format!("the record has {length} values and the row {width}"))),
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
        visitor.visit_map(Named { row: self, next: 0 })
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.plan.complete {
            true => visitor.visit_seq(Fields { row: self, next: 0 }),
            false => visitor.visit_map(Fields { row: self, next: 0 }),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.single()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

impl<'de, C: Cells<'de>> Row<'_, C> {
    #[inline]
    fn value<S: DeserializeSeed<'de>>(&self, seed: S, column: usize) -> Result<S::Value, Fault> {
        let (plan, cells) = (self.plan, self.cells);
        seed.deserialize(cells.cell(column))
            .map_err(|fault| fault.in_column(&plan.names[column], || cells.show(column)))
    }
}

/// Cells for the fields of a struct.
struct Fields<'p, C> {
    row: Row<'p, C>,
    next: usize,
}

impl<'de, C: Cells<'de>> de::MapAccess<'de> for Fields<'_, C> {
    type Error = Fault;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some(matched) = self.row.plan.columns.get(self.next) else { return Ok(None) };
        self.next += 1;
        match self.row.plan.by_index {
            true => seed.deserialize(de::value::U64Deserializer::new(matched.number)).map(Some),
            false => seed.deserialize(de::value::StrDeserializer::new(matched.name)).map(Some),
        }
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        self.row.value(seed, self.row.plan.columns[self.next - 1].column)
    }
}

impl<'de, C: Cells<'de>> de::SeqAccess<'de> for Fields<'_, C> {
    type Error = Fault;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some(matched) = self.row.plan.columns.get(self.next) else { return Ok(None) };
        self.next += 1;
        self.row.value(seed, matched.column).map(Some)
    }
}

/// All cells by the names of their columns.
struct Named<'p, C> {
    row: Row<'p, C>,
    next: usize,
}

impl<'de, C: Cells<'de>> de::MapAccess<'de> for Named<'_, C> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let Some(name) = self.row.plan.names.get(self.next) else { return Ok(None) };
        self.next += 1;
        seed.deserialize(name.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        self.row.value(seed, self.next - 1)
    }
}

/// All cells in their order.
struct InOrder<'p, C> {
    row: Row<'p, C>,
    next: usize,
}

impl<'de, C: Cells<'de>> de::SeqAccess<'de> for InOrder<'_, C> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if self.next == self.row.plan.width() {
            return Ok(None);
        }
        self.next += 1;
        self.row.value(seed, self.next - 1).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.row.plan.width() - self.next)
    }
}
