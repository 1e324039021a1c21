//! The CSV writer: writes records so that they read back equal. A text that could be taken for a null, or for
//! anything but one field, is quoted.

use super::CsvFormat;
use crate::fault::Fault;
use crate::shape::{Kind, Shape};
use serde::de::DeserializeOwned;
use serde::ser::{self, Impossible, Serialize, Serializer};
use std::io::{self, Write};

/// Writes records as rows of CSV, behind a header with the names of their fields if the format has one.
///
/// If there are no records, the header comes from their type.
///
/// ```
/// use firesteel_tables::{CsvFormat, CsvWriter};
/// # use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize)]
/// struct Flight {
///     carrier: String,
///     delay: Option<i32>,
/// }
/// let mut writer = CsvWriter::new(vec![], &CsvFormat::default());
/// writer.write(&Flight { carrier: "A,A".into(), delay: None })?;
/// assert_eq!(writer.finish::<Flight>()?, b"carrier,delay\n\"A,A\",\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct CsvWriter<W> {
    sink: W,
    format: CsvFormat,
    begun: bool,
    row: Row,
}

/// The row that is being written.
#[derive(Default)]
struct Row {
    text: Vec<u8>,
    cells: usize,
    /// The names of its cells, collected for the first row.
    names: Option<Vec<&'static str>>,
}

impl<W: Write> CsvWriter<W> {
    /// Makes a writer to a sink, which should be buffered.
    pub fn new(sink: W, format: &CsvFormat) -> Self {
        CsvWriter { sink, format: format.clone(), begun: false, row: Row::default() }
    }

    /// Writes one record.
    ///
    /// # Errors
    /// The sink's error, or one of kind `InvalidData` for a record that is no row: one with a list or a map in
    /// it.
    pub fn write<T: Serialize>(&mut self, record: &T) -> io::Result<()> {
        self.row.text.clear();
        self.row.cells = 0;
        self.row.names = (!self.begun && self.format.header).then(Vec::new);
        let encoder = Encoder { row: &mut self.row, format: &self.format, name: None, nested: false };
        record
            .serialize(encoder)
            .map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault.to_string()))?;
        self.row.text.push(b'\n');
        if !self.begun {
            self.begun = true;
            if let Some(names) = self.row.names.take() {
                let number = |i: usize| format!("_{}", i + 1);
                let name = |i: usize| names.get(i).map_or_else(|| number(i), |name| (*name).to_string());
                let names: Vec<String> = (0..self.row.cells).map(name).collect();
                self.write_header(&names)?;
            }
        }
        self.sink.write_all(&self.row.text)
    }

    /// Writes the header if no record was written, and returns the sink.
    ///
    /// # Errors
    /// The sink's error.
    pub fn finish<T: DeserializeOwned>(mut self) -> io::Result<W> {
        if !self.begun && self.format.header {
            let shape = Shape::of::<T>();
            let names = match shape.kind() {
                Some(Kind::Tuple(kinds)) => (1..=kinds.len()).map(|i| format!("_{i}")).collect(),
                Some(Kind::Seq(_) | Kind::Map(..) | Kind::Unit) | None if shape.fields().is_empty() => vec![],
                _ if shape.fields().is_empty() => vec!["_1".to_string()],
                _ => shape.names(),
            };
            self.write_header(&names)?;
        }
        Ok(self.sink)
    }

    fn write_header(&mut self, names: &[String]) -> io::Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let mut header = Row::default();
        for name in names {
            header.begin(&self.format, None);
            header
                .text(&self.format, name)
                .map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault.to_string()))?;
        }
        header.text.push(b'\n');
        self.sink.write_all(&header.text)
    }
}

impl Row {
    fn begin(&mut self, format: &CsvFormat, name: Option<&'static str>) {
        if self.cells > 0 {
            self.text.push(format.delimiter);
        }
        self.cells += 1;
        if let Some(names) = &mut self.names
            && let Some(name) = name
        {
            names.push(name);
        }
    }

    fn text(&mut self, format: &CsvFormat, text: &str) -> Result<(), Fault> {
        let is_special = text.bytes().any(|byte| format.is_mark(byte));
        // A byte order mark at a file's beginning would be dropped; only spaces could pass for a blank line.
        let is_odd = text.starts_with('\u{FEFF}') || text.bytes().all(|byte| byte == b' ');
        let Some(quote) = format.quote else {
            if is_special {
                return Err(Fault::new(format!(
                    "{text:?} holds a delimiter or line end, and the format has no quotes"
                )));
            }
            self.text.extend_from_slice(text.as_bytes());
            return Ok(());
        };
        if !is_special && !is_odd && !format.is_null(text) {
            self.text.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        self.text.push(quote);
        for byte in text.bytes() {
            if byte == quote || Some(byte) == format.escape {
                self.text.push(format.escape.unwrap_or(quote));
            }
            self.text.push(byte);
        }
        self.text.push(quote);
        Ok(())
    }
}

struct Encoder<'w> {
    row: &'w mut Row,
    format: &'w CsvFormat,
    /// The field that the value belongs to.
    name: Option<&'static str>,
    /// True inside a row.
    nested: bool,
}

const NESTED: &str = "a CSV field holds a single value and no list, map or struct; use JSON lines or Parquet";

impl<'w> Encoder<'w> {
    fn plain(self, text: std::fmt::Arguments<'_>) -> Result<(), Fault> {
        self.row.begin(self.format, self.name);
        // Writing to a vector cannot fail.
        let _ = self.row.text.write_fmt(text);
        Ok(())
    }

    fn quoted(self, text: &str) -> Result<(), Fault> {
        self.row.begin(self.format, self.name);
        self.row.text(self.format, text)
    }

    fn cells(self) -> Result<Cells<'w>, Fault> {
        if self.nested {
            return Err(Fault::new(NESTED));
        }
        Ok(Cells { row: self.row, format: self.format })
    }
}

macro_rules! plain {
    ($($method:ident $type:ty, $format:literal;)*) => {
        $(fn $method(self, value: $type) -> Result<(), Fault> {
            self.plain(format_args!($format, value))
        })*
    };
}

impl<'w> Serializer for Encoder<'w> {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Cells<'w>;
    type SerializeTuple = Cells<'w>;
    type SerializeTupleStruct = Cells<'w>;
    type SerializeTupleVariant = Impossible<(), Fault>;
    type SerializeMap = Impossible<(), Fault>;
    type SerializeStruct = Cells<'w>;
    type SerializeStructVariant = Impossible<(), Fault>;

    plain! {
        serialize_bool bool, "{}";
        serialize_i8 i8, "{}";
        serialize_i16 i16, "{}";
        serialize_i32 i32, "{}";
        serialize_i64 i64, "{}";
        serialize_i128 i128, "{}";
        serialize_u8 u8, "{}";
        serialize_u16 u16, "{}";
        serialize_u32 u32, "{}";
        serialize_u64 u64, "{}";
        serialize_u128 u128, "{}";
        // With an exponent if that is shorter, and always enough digits to read the same number back.
        serialize_f32 f32, "{:?}";
        serialize_f64 f64, "{:?}";
    }

    fn serialize_char(self, value: char) -> Result<(), Fault> {
        self.quoted(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Fault> {
        self.quoted(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Fault> {
        match std::str::from_utf8(value) {
            Ok(text) => self.quoted(text),
            Err(_) => Err(Fault::new("bytes that are no text cannot stand in CSV; use Parquet")),
        }
    }

    fn serialize_none(self) -> Result<(), Fault> {
        let null = self.format.nulls.first().cloned();
        self.row.begin(self.format, self.name);
        self.row.text.extend_from_slice(null.unwrap_or_default().as_bytes());
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Fault> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Fault> {
        self.plain(format_args!(""))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Fault> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Fault> {
        self.quoted(variant)
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
        Err(Fault::new(NESTED))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Cells<'w>, Fault> {
        self.cells()
    }

    fn serialize_tuple(self, _: usize) -> Result<Cells<'w>, Fault> {
        self.cells()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Cells<'w>, Fault> {
        self.cells()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Fault> {
        Err(Fault::new(NESTED))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Fault> {
        Err(Fault::new("a map has no fixed columns; make the record a struct"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Cells<'w>, Fault> {
        self.cells()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Fault> {
        Err(Fault::new(NESTED))
    }
}

/// Values that become the cells of a row.
struct Cells<'w> {
    row: &'w mut Row,
    format: &'w CsvFormat,
}

impl Cells<'_> {
    fn cell<T: Serialize + ?Sized>(&mut self, name: Option<&'static str>, value: &T) -> Result<(), Fault> {
        let before = self.row.cells;
        value.serialize(Encoder { row: self.row, format: self.format, name, nested: true })?;
        debug_assert_eq!(self.row.cells, before + 1);
        Ok(())
    }

    fn unnamed<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.cell(None, value)
    }
}

impl ser::SerializeSeq for Cells<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.unnamed(value)
    }

    fn end(self) -> Result<(), Fault> {
        Ok(())
    }
}

impl ser::SerializeTuple for Cells<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.unnamed(value)
    }

    fn end(self) -> Result<(), Fault> {
        Ok(())
    }
}

impl ser::SerializeTupleStruct for Cells<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        self.unnamed(value)
    }

    fn end(self) -> Result<(), Fault> {
        Ok(())
    }
}

impl ser::SerializeStruct for Cells<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Fault> {
        self.cell(Some(key), value).map_err(|fault| fault.in_column(key, || None))
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), Fault> {
        self.cell(Some(key), &())
    }

    fn end(self) -> Result<(), Fault> {
        Ok(())
    }
}
