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
    /// The zone whose clocks points in time are written by; UTC if there is none.
    pub zone: Option<String>,
}

/// The values of one file's directories; none where a row has no value.
pub type DirectoryValues = Vec<Option<String>>;

impl DirectoryColumns {
    /// Chooses the types of columns by their values in all files. Without `infer`, all are text.
    pub fn of(names: &[String], files: &[DirectoryValues], infer: bool) -> DirectoryColumns {
        let kind = |at: usize| {
            let values = files.iter().filter_map(|values| values.get(at)?.as_deref());
            let kind = if infer { values.map(Kind::of).reduce(Kind::and) } else { None };
            kind.unwrap_or(Kind::Text).name()
        };
        let columns = names.iter().enumerate().map(|(at, name)| (name.clone(), kind(at))).collect();
        DirectoryColumns { columns, zone: None }
    }

    /// Returns a column of one value in all its rows.
    ///
    /// # Errors
    /// A sentence, when the value is none of the column's type.
    pub fn array(&self, at: usize, value: Option<&str>, rows: usize) -> Result<ArrayRef, String> {
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
                let given = self.zone.as_deref().unwrap_or("UTC");
                let times = Times::of(&[("timeZone", given)].into_iter().collect())?;
                let micros = match zone {
                    Some(_) => times.parse_timestamp(text),
                    None => times.parse_timestamp_ntz(text),
                };
                let array = TimestampMicrosecondArray::from_value(micros.ok_or_else(wrong)?, rows);
                Arc::new(array.with_timezone_opt(zone.clone()))
            }
            DataType::Decimal128(precision, 0) => {
                let array = Decimal128Array::from_value(whole(text).ok_or_else(wrong)?, rows);
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
            values.map(|value| value.map(|value| written(|out| write_double(value, out)))).collect()
        }
        DataType::Float32 => {
            let values = column.as_primitive::<Float32Type>().iter();
            values.map(|value| value.map(|value| written(|out| write_float(value, out)))).collect()
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

/// Returns what a function writes.
fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = vec![];
    write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Returns a time as a clock shows it, with as many digits of a second as it has.
fn clock(times: &Times, micros: i64, is_instant: bool) -> String {
    let mut text = written(|out| match is_instant {
        true => times.write_timestamp(micros, out),
        false => times.write_timestamp_ntz(micros, out),
    });
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
    /// Whole numbers of so many digits.
    Decimal(usize),
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
        } else if let Some(digits) = whole(text).map(|number| number.unsigned_abs().to_string().len()) {
            Kind::Decimal(digits)
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

    /// Returns the type that has the values of both. As in Spark, a double has whole numbers of 32 bits and no
    /// larger ones, since it could not tell all of these apart.
    fn and(self, other: Kind) -> Kind {
        match (self.min(other), self.max(other)) {
            (low, high) if low == high => low,
            (Kind::Int, high @ (Kind::Long | Kind::Double)) => high,
            (Kind::Int, Kind::Decimal(digits)) => Kind::Decimal(digits.max(10)),
            (Kind::Long, Kind::Decimal(digits)) => Kind::Decimal(digits.max(20)),
            (Kind::Decimal(_), high @ Kind::Decimal(_)) => high,
            (Kind::Date, Kind::Timestamp) => Kind::Timestamp,
            _ => Kind::Text,
        }
    }

    fn name(self) -> String {
        match self {
            Kind::Int => "integer".into(),
            Kind::Long => "long".into(),
            Kind::Decimal(digits) => format!("decimal({digits},0)"),
            Kind::Double => "double".into(),
            Kind::Date => "date".into(),
            Kind::Timestamp => "timestamp".into(),
            Kind::Text => "string".into(),
        }
    }
}

/// The most digits of a decimal number.
const MOST_DIGITS: usize = 38;

/// Reads a whole number of up to 38 digits, which may be written with an exponent: `1.5E20`.
fn whole(text: &str) -> Option<i128> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let zeros = exponent.parse::<i32>().ok()?.checked_sub(i32::try_from(after.len()).ok()?)?;
    let zeros = usize::try_from(zeros).ok().filter(|zeros| *zeros <= MOST_DIGITS)?;
    let has_digits =
        after.bytes().all(|byte| byte.is_ascii_digit()) && before.ends_with(|c: char| c.is_ascii_digit());
    let digits = format!("{before}{after}{}", "0".repeat(zeros));
    let number = digits.parse::<i128>().ok().filter(|_| has_digits)?;
    (number.unsigned_abs() < 10_u128.pow(MOST_DIGITS as u32)).then_some(number)
}

/// Returns whether a text is a time as directories have them: `2024-05-01 12:30:00.5`. A name with more digits is no
/// time to Spark, either, unless the program says so.
fn is_timestamp(text: &str) -> bool {
    let (seconds, fraction) =
        text.split_once('.').map_or((text, None), |(seconds, fraction)| (seconds, Some(fraction)));
    let pattern: Options = [("timestampNTZFormat", "yyyy-MM-dd HH:mm:ss")].into_iter().collect();
    fraction.is_none_or(|digits| digits.len() == 1 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        && Times::of(&pattern).is_ok_and(|times| times.parse_timestamp_ntz(seconds).is_some())
}

/// Returns whether a text is a number with a fraction or an exponent. `inf` and `nan`, which Rust reads, are
/// words.
fn is_double(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) && text.parse::<f64>().is_ok()
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
        assert_eq!(kinds(&[Some("3000000000"), Some("1.5")]), "string", "a double has not all of these");
        assert_eq!(kinds(&[Some("-1.0E20"), Some("1.5")]), "string");
        assert_eq!(kinds(&[Some("30000000000000000000")]), "decimal(20,0)");
        assert_eq!(kinds(&[Some("-1.0E20"), Some("7")]), "decimal(21,0)");
        assert_eq!(kinds(&[Some("2024-05-01 12:30:00"), Some("2024-05-01")]), "timestamp");
        assert_eq!(kinds(&[Some("2024-05-01 12:30:00.5")]), "timestamp");
        assert_eq!(kinds(&[Some("2024-05-01 12:30:00.25")]), "string");
        assert_eq!(kinds(&[Some("2024-05-01"), Some("2024-05-02")]), "date");
        assert_eq!(kinds(&[Some("2024-05-01"), Some("7")]), "string");
        assert_eq!(kinds(&[Some("nan"), Some("inf")]), "string", "words are no numbers");
        assert_eq!(kinds(&[None]), "string");
        let plain = DirectoryColumns::of(&["c".into()], &[vec![Some("1".into())]], false);
        assert_eq!(plain.columns[0].1, "string");
    }

    #[test]
    fn a_directory_fills_a_column() {
        let columns = DirectoryColumns { columns: vec![("c".into(), "integer".into())], zone: None };
        let array = columns.array(0, Some("7"), 3).unwrap();
        assert_eq!(array.as_primitive::<Int32Type>().values(), &[7, 7, 7]);
        assert_eq!(columns.array(0, None, 2).unwrap().null_count(), 2);
        let wrong = columns.array(0, Some("x"), 1).unwrap_err();
        assert!(wrong.contains("c=x") && wrong.contains("integer"), "{wrong}");
    }

    #[test]
    fn points_in_time_are_read_by_the_clocks_that_they_were_written_by() {
        let columns = vec![("c".into(), "timestamp".into()), ("n".into(), "timestamp_ntz".into())];
        let columns = DirectoryColumns { columns, zone: Some("Europe/Berlin".into()) };
        let options = [("timeZone", "Europe/Berlin")].into_iter().collect();
        for (at, text) in [(0, "2024-05-01 12:30:00.25"), (1, "2024-05-01 12:30:00")] {
            let array = columns.array(at, Some(text), 1).unwrap();
            assert_eq!(directory_texts(&array, &options).unwrap(), [Some(text.to_string())]);
        }
        let instant = columns.array(0, Some("1970-01-01 01:00:00"), 1).unwrap();
        assert_eq!(instant.as_primitive::<TimestampMicrosecondType>().value(0), 0);
    }

    #[test]
    fn numbers_are_written_as_spark_writes_them() {
        let texts = |array: ArrayRef| directory_texts(&array, &Options::default()).unwrap();
        let doubles: ArrayRef = Arc::new(Float64Array::from(vec![Some(-1e20), Some(0.5), None]));
        assert_eq!(texts(doubles), [Some("-1.0E20".into()), Some("0.5".into()), None]);
    }

    #[test]
    fn whole_numbers_have_exponents() {
        assert_eq!(whole("-1.5E3"), Some(-1500));
        assert_eq!(whole("7"), Some(7));
        for other in ["1.5", "1e-1", "", "e5", ".e5", "1.-5e9", "1e39", "9".repeat(39).as_str()] {
            assert_eq!(whole(other), None, "{other}");
        }
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
