//! Columns that are in the names of directories: `city=Ulm/day=2024-05-01/part-00000.parquet`. Every row of
//! such a file has these values; a type is chosen that all values of a column have.

use super::java_numbers::{write_double, write_float};
use super::options::Options;
use super::schema::schema_of_json;
use super::times::Times;
use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float32Type, Float64Type, TimestampMicrosecondType};
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow_cast::parse::Parser;
use arrow_schema::{DataType, Field};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The name of a directory whose rows have no value.
const NO_VALUE: &str = "__HIVE_DEFAULT_PARTITION__";

/// A table's columns that are in the names of directories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryColumns {
    /// Their names and Spark's names of their types, from the outermost directory inwards.
    pub columns: Vec<(String, String)>,
}

/// The values of one file's directories; none where a row has no value.
pub type DirectoryValues = Vec<Option<String>>;

impl DirectoryColumns {
    /// Chooses the types of columns by their values in all files. Without `infer`, all are text.
    pub fn of(names: &[String], files: &[DirectoryValues], infer: bool) -> DirectoryColumns {
        let kind = |at: usize| {
            let values = files.iter().filter_map(|values| values.get(at)?.as_deref());
            let kind = if infer { values.map(Kind::of).reduce(Kind::and) } else { None };
            kind.unwrap_or(Kind::Text).name().to_string()
        };
        let columns = names.iter().enumerate().map(|(at, name)| (name.clone(), kind(at))).collect();
        DirectoryColumns { columns }
    }

    /// Returns a column of one value in all its rows; points in time are those of the options' time zone, as they
    /// are written.
    ///
    /// # Errors
    /// A sentence, when the value is none of the column's type.
    pub fn array(
        &self,
        at: usize,
        value: Option<&str>,
        rows: usize,
        options: &Options,
    ) -> Result<ArrayRef, String> {
        let (name, kind) = &self.columns[at];
        let field = self.field(at)?;
        let Some(text) = value else { return Ok(new_null_array(field.data_type(), rows)) };
        let wrong = || format!("the directory {name}={text} does not hold a value of the type {kind}");
        Ok(match field.data_type() {
            DataType::Int32 => Arc::new(Int32Array::from_value(text.parse().map_err(|_| wrong())?, rows)),
            DataType::Int64 => Arc::new(Int64Array::from_value(text.parse().map_err(|_| wrong())?, rows)),
            DataType::Float64 => Arc::new(Float64Array::from_value(text.parse().map_err(|_| wrong())?, rows)),
            DataType::Date32 => Arc::new(Date32Array::from_value(civil_date(text).ok_or_else(wrong)?, rows)),
            DataType::Utf8 => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows))),
            DataType::Timestamp(_, zone) => {
                let place = [("timeZone", options.get("timeZone").unwrap_or("UTC"))];
                let times = Times::of(&place.into_iter().collect())?;
                let micros = match zone {
                    Some(_) => times.parse_timestamp(text),
                    None => times.parse_timestamp_ntz(text),
                };
                let array = TimestampMicrosecondArray::from_value(micros.ok_or_else(wrong)?, rows);
                Arc::new(array.with_timezone_opt(zone.clone()))
            }
            DataType::Decimal128(precision, 0) => {
                let array = Decimal128Array::from_value(text.parse().map_err(|_| wrong())?, rows);
                let array = array.with_precision_and_scale(*precision, 0).map_err(|_| wrong())?;
                Arc::new(array)
            }
            other => {
                let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
                let options = arrow_cast::CastOptions { safe: false, ..Default::default() };
                let cast = arrow_cast::cast_with_options(&array, other, &options).map_err(|_| wrong())?;
                let indices = arrow_array::UInt32Array::from_value(0, rows);
                arrow_select::take::take(&cast, &indices, None).map_err(|_| wrong())?
            }
        })
    }

    /// Returns a column as a field of Arrow's.
    ///
    /// # Errors
    /// A sentence, when its type is unknown.
    pub fn field(&self, at: usize) -> Result<Field, String> {
        let (name, kind) = &self.columns[at];
        let json = serde_json::json!({"fields": [{"name": name, "type": kind, "nullable": true}]});
        Ok(schema_of_json(&json.to_string())?.field(0).clone())
    }
}

/// Splits the directories between a table's path and a file into names and values; none if one of them is no
/// `name=value`.
///
/// ```
/// use firesteel_tables::columns::directory_values;
/// let found = directory_values("city=Ulm/street=A%2FB").unwrap();
/// assert_eq!(found[1], ("street".to_string(), Some("A/B".to_string())));
/// assert_eq!(directory_values("2024/city=Ulm"), None);
/// ```
pub fn directory_values(directories: &str) -> Option<Vec<(String, Option<String>)>> {
    let parts = directories.split('/').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').filter(|(name, _)| !name.is_empty())?;
            let value = (value != NO_VALUE).then(|| unescaped(value));
            Some((unescaped(name), value))
        })
        .collect()
}

/// Returns the name of the directory of a value, with the characters escaped that names cannot have.
pub fn directory_name(name: &str, value: Option<&str>) -> String {
    // An empty text cannot be told from a missing one in a name.
    let value = value.filter(|value| !value.is_empty()).map_or_else(|| NO_VALUE.into(), escaped);
    format!("{}={value}", escaped(name))
}

/// Returns the values of a column as the names of directories have them; none where it is null.
///
/// # Errors
/// A sentence, when directories cannot have values of the column's type.
pub fn directory_texts(column: &ArrayRef, options: &Options) -> Result<Vec<Option<String>>, String> {
    let zone = [("timeZone", options.get("timeZone").unwrap_or("UTC"))];
    let pattern = "yyyy-MM-dd HH:mm:ss";
    let patterns = [("timestampFormat", pattern), ("timestampNTZFormat", pattern)];
    let times = Times::of(&zone.into_iter().chain(patterns).collect())?;
    Ok(match column.data_type() {
        DataType::Struct(_) | DataType::List(_) | DataType::Map(..) => {
            return Err(format!("a column of {} cannot be in the names of directories", column.data_type()));
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>().iter();
            values.map(|value| value.map(|value| java(|out| write_double(value, out)))).collect()
        }
        DataType::Float32 => {
            let values = column.as_primitive::<Float32Type>().iter();
            values.map(|value| value.map(|value| java(|out| write_float(value, out)))).collect()
        }
        DataType::Timestamp(_, zone) => {
            let values = column.as_primitive::<TimestampMicrosecondType>().iter();
            let is_instant = zone.is_some();
            values.map(|value| value.map(|value| clock(&times, value, is_instant))).collect()
        }
        _ => {
            let texts = arrow_cast::cast(column, &DataType::Utf8).map_err(|error| error.to_string())?;
            texts.as_string::<i32>().iter().map(|text| text.map(String::from)).collect()
        }
    })
}

/// Returns a number as Java prints it.
fn java(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = vec![];
    write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Returns a time as a clock shows it, with as many digits of a second as it has.
fn clock(times: &Times, micros: i64, is_instant: bool) -> String {
    let mut out = vec![];
    match is_instant {
        true => times.write_timestamp(micros, &mut out),
        false => times.write_timestamp_ntz(micros, &mut out),
    }
    let mut text = String::from_utf8_lossy(&out).into_owned();
    let fraction = micros.rem_euclid(1_000_000);
    if fraction != 0 {
        text.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
    text
}

/// The characters that are written as `%` and two digits, beside control characters, as Hive does.
const ESCAPED: &str = "\"#%'*/:=?\\\u{7f}{[]^";

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_ascii_control() || ESCAPED.contains(c) {
            true => out.push_str(&format!("%{:02X}", c as u32)),
            false => out.push(c),
        }
    }
    out
}

fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], code) {
            (b'%', Some(code)) => {
                out.push(code);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The types that values of directories have, from the narrowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Int,
    Long,
    Decimal,
    Double,
    Date,
    Timestamp,
    Text,
}

impl Kind {
    fn of(text: &str) -> Kind {
        if text.parse::<i32>().is_ok() {
            Kind::Int
        } else if text.parse::<i64>().is_ok() {
            Kind::Long
        } else if text.len() <= 38 && text.parse::<i128>().is_ok() {
            Kind::Decimal
        } else if is_double(text) {
            Kind::Double
        } else if civil_date(text).is_some() {
            Kind::Date
        } else if is_timestamp(text) {
            Kind::Timestamp
        } else {
            Kind::Text
        }
    }

    /// Returns the type that has the values of both.
    fn and(self, other: Kind) -> Kind {
        match (self.min(other), self.max(other)) {
            (low, high) if low == high => low,
            (Kind::Int | Kind::Long | Kind::Decimal, high @ (Kind::Long | Kind::Decimal | Kind::Double)) => {
                high
            }
            (Kind::Date, Kind::Timestamp) => Kind::Timestamp,
            _ => Kind::Text,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Int => "integer",
            Kind::Long => "long",
            Kind::Decimal => "decimal(38,0)",
            Kind::Double => "double",
            Kind::Date => "date",
            Kind::Timestamp => "timestamp",
            Kind::Text => "string",
        }
    }
}

/// Returns whether a text is a number with a fraction or an exponent. `inf` and `nan`, which Rust reads, are
/// words.
fn is_double(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && text.parse::<f64>().is_ok()
}

/// Returns whether a text is a point in time as names of directories have it: `2024-05-01 06:07:08`, perhaps with a
/// tenth of a second.
fn is_timestamp(text: &str) -> bool {
    let (Some(date), Some(time)) = (text.get(..10), text.get(10..)) else { return false };
    let form: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let is_form = matches!(form.as_str(), " 00:00:00" | " 00:00:00.0");
    is_form
        && civil_date(date).is_some()
        && Times::of(&Options::default()).is_ok_and(|times| times.parse_timestamp(text).is_some())
}

/// Reads a date as `2024-05-01`, in days since 1970.
fn civil_date(text: &str) -> Option<i32> {
    let is_form = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    Date32Type::parse(text).filter(|_| is_form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;
    use arrow_array::types::Int32Type;
    use proptest::prelude::*;

    fn kinds(values: &[Option<&str>]) -> String {
        let files: Vec<DirectoryValues> = values.iter().map(|value| vec![value.map(String::from)]).collect();
        DirectoryColumns::of(&["c".into()], &files, true).columns[0].1.clone()
    }

    #[test]
    fn all_values_of_a_column_fit_its_type() {
        assert_eq!(kinds(&[Some("1"), None, Some("-20")]), "integer");
        assert_eq!(kinds(&[Some("1"), Some("3000000000")]), "long");
        assert_eq!(kinds(&[Some("1"), Some("1.5")]), "double");
        assert_eq!(kinds(&[Some("30000000000000000000")]), "decimal(38,0)");
        assert_eq!(kinds(&[Some("2024-05-01"), Some("2024-05-02")]), "date");
        assert_eq!(kinds(&[Some("2024-05-01"), Some("7")]), "string");
        assert_eq!(kinds(&[Some("nan"), Some("inf")]), "string", "words are no numbers");
        assert_eq!(kinds(&[None]), "string");
        let plain = DirectoryColumns::of(&["c".into()], &[vec![Some("1".into())]], false);
        assert_eq!(plain.columns[0].1, "string");
    }

    #[test]
    fn a_directory_fills_a_column() {
        let columns = DirectoryColumns { columns: vec![("c".into(), "integer".into())] };
        let array = columns.array(0, Some("7"), 3, &Options::default()).unwrap();
        assert_eq!(array.as_primitive::<Int32Type>().values(), &[7, 7, 7]);
        assert_eq!(columns.array(0, None, 2, &Options::default()).unwrap().null_count(), 2);
        let wrong = columns.array(0, Some("x"), 1, &Options::default()).unwrap_err();
        assert!(wrong.contains("c=x") && wrong.contains("integer"), "{wrong}");
    }

    #[test]
    fn points_in_time_are_those_of_the_zone() {
        assert_eq!(kinds(&[Some("2024-05-01 06:07:08"), Some("2024-05-02")]), "timestamp");
        assert_eq!(kinds(&[Some("2024-05-01 06:07:08.123456")]), "string");
        assert_eq!(kinds(&[Some("2024-05-01 26:07:08")]), "string");
        let columns = DirectoryColumns { columns: vec![("c".into(), "timestamp".into())] };
        let options: Options = [("timeZone", "+01:00")].into_iter().collect();
        let array = columns.array(0, Some("1970-01-01 01:00:02"), 1, &options).unwrap();
        assert_eq!(array.as_primitive::<TimestampMicrosecondType>().value(0), 2_000_000);
    }

    #[test]
    fn names_are_those_of_hive() {
        assert_eq!(directory_name("a b", Some("x/y=z%")), "a b=x%2Fy%3Dz%25");
        assert_eq!(directory_name("c", None), "c=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(directory_name("c", Some("")), "c=__HIVE_DEFAULT_PARTITION__");
    }

    proptest! {
        #[test]
        fn names_are_read_back(name in "[^/]{1,8}", value in ".{1,12}") {
            let found = directory_values(&directory_name(&name, Some(&value)));
            if value != NO_VALUE {
                prop_assert_eq!(found, Some(vec![(name, Some(value))]));
            }
        }
    }
}
