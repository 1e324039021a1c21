//! Finds out the types of columns from their text.

use super::convert::boolean;
use super::dialect::{Dialect, check_locale};
use super::header::{CsvHeader, value};
use super::numbers::{Words, parse_f64};
use super::records::Records;
use crate::columns::decimal::{Decimal, MAX_PRECISION};
use crate::columns::options::Options;
use crate::columns::schema::schema_to_json;
use crate::columns::times::Times;
use crate::error::TableError;
use crate::fault::Fault;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use firesteel_io::{FileSplit, Stores};
use serde::{Deserialize, Serialize};

/// The types of columns, as far as the text of a split tells them. Those of all splits are merged, in any order.
///
/// A column has the narrowest of these types that all its values have: int, long, decimal (whole numbers beyond a
/// long), double; date, timestamp; boolean; string. Unlike in Spark, the order of rows does not matter: there a number
/// of four digits is a year behind a date, and a number before one.
///
/// ```
/// use firesteel_io::{FileSplit, Stores};
/// use firesteel_tables::columns::{CsvHeader, CsvInference, Options};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.csv").to_str().unwrap().to_string();
/// std::fs::write(&path, "n,day\n1,2020-01-02\n2.5,\n").unwrap();
/// let (stores, options) = (Stores::default(), Options::from_iter([("header", "true")]));
/// let header = CsvHeader::read(&stores, &path, &options)?.unwrap();
/// let split = FileSplit { path, start: 0, length: 24 };
/// let inference = CsvInference::observe(&stores, &split, &header, &options)?;
/// let schema = inference.schema(&header);
/// assert!(schema.contains(r#""type":"double""#) && schema.contains(r#""type":"date""#));
/// # Ok::<(), firesteel_tables::TableError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvInference {
    kinds: Vec<ColumnKind>,
}

/// The type of a column so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum ColumnKind {
    /// There was no value.
    #[default]
    Empty,
    Int,
    Long,
    /// With so many digits.
    Decimal(u8),
    Double,
    /// True if the text of dates is that of times too.
    Date(bool),
    Timestamp,
    Boolean,
    String,
}

/// The digits of the largest numbers of these types, in decimals that hold all of them.
const INT_DIGITS: u8 = 10;
const LONG_DIGITS: u8 = 20;

impl ColumnKind {
    /// Returns the narrowest type of both.
    fn join(self, other: ColumnKind) -> ColumnKind {
        use ColumnKind::{Date, Decimal, Double, Empty, Int, Long, String, Timestamp};
        match (self, other) {
            (one, other) if one == other => one,
            (Empty, one) | (one, Empty) => one,
            (Int, Long) | (Long, Int) => Long,
            (Decimal(digits), Decimal(others)) => Decimal(digits.max(others)),
            (Decimal(digits), Int) | (Int, Decimal(digits)) => Decimal(digits.max(INT_DIGITS)),
            (Decimal(digits), Long) | (Long, Decimal(digits)) => Decimal(digits.max(LONG_DIGITS)),
            (Double, Int | Long | Decimal(_)) | (Int | Long | Decimal(_), Double) => Double,
            (Date(true), Timestamp) | (Timestamp, Date(true)) => Timestamp,
            _ => String,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            ColumnKind::Int => DataType::Int32,
            ColumnKind::Long => DataType::Int64,
            ColumnKind::Decimal(digits) => DataType::Decimal128(digits, 0),
            ColumnKind::Double => DataType::Float64,
            ColumnKind::Date(_) => DataType::Date32,
            ColumnKind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ColumnKind::Boolean => DataType::Boolean,
            ColumnKind::Empty | ColumnKind::String => DataType::Utf8,
        }
    }
}

/// The rules by which text has a type.
struct Rules {
    words: Words,
    times: Times,
    prefer_date: bool,
    dates_are_times: bool,
}

impl Rules {
    fn of(options: &Options) -> Result<Rules, String> {
        let word = |name, default: &str| options.get(name).unwrap_or(default).to_string();
        let times = Times::of(options)?;
        times.check_reading()?;
        check_locale(options, true)?;
        Ok(Rules {
            words: Words {
                nan: word("nanValue", "NaN"),
                positive: word("positiveInf", "Inf"),
                negative: word("negativeInf", "-Inf"),
            },
            prefer_date: options.flag("preferDate", true)?,
            dates_are_times: times.dates_are_timestamps(),
            times,
        })
    }

    /// Returns the narrowest type of a text.
    fn kind(&self, text: &str) -> ColumnKind {
        if text.parse::<i32>().is_ok() {
            ColumnKind::Int
        } else if text.parse::<i64>().is_ok() {
            ColumnKind::Long
        } else if let Some(digits) = decimal_digits(text) {
            ColumnKind::Decimal(digits)
        } else if parse_f64(text, &self.words).is_some() {
            ColumnKind::Double
        } else if self.prefer_date && self.times.parse_strict_date(text).is_some() {
            ColumnKind::Date(self.dates_are_times)
        } else if self.times.parse_timestamp(text).is_some() {
            ColumnKind::Timestamp
        } else if boolean(text).is_some() {
            ColumnKind::Boolean
        } else {
            ColumnKind::String
        }
    }

    /// Returns the narrowest type of a text and of those before.
    fn add(&self, kind: ColumnKind, text: &str) -> ColumnKind {
        match kind {
            ColumnKind::String => kind,
            // What most columns hold, so that no other type is tried.
            ColumnKind::Double if text.parse::<f64>().is_ok() => kind.join(self.kind_of_number(text)),
            _ => kind.join(self.kind(text)),
        }
    }

    /// The type of a text that Rust reads as a number, which it does with some words that are none in Java.
    fn kind_of_number(&self, text: &str) -> ColumnKind {
        if parse_f64(text, &self.words).is_some() { ColumnKind::Double } else { self.kind(text) }
    }
}

fn decimal_digits(text: &str) -> Option<u8> {
    // The point of most numbers has digits behind it, so that they are no whole ones.
    let digits = Decimal::of(text)?.whole_digits().filter(|digits| *digits <= MAX_PRECISION)?;
    u8::try_from(digits).ok()
}

impl CsvInference {
    /// Looks at all records of a split, or at the part of them that `samplingRatio` asks for: always the same part.
    ///
    /// # Errors
    /// When the file cannot be read, or an option is bad.
    pub fn observe(
        stores: &Stores,
        split: &FileSplit,
        header: &CsvHeader,
        options: &Options,
    ) -> Result<CsvInference, TableError> {
        let fail = |message| TableError::File { path: split.path.clone(), message };
        let dialect = Dialect::for_reading(options).map_err(fail)?;
        let ratio = options.number("samplingRatio", 1.0_f64).map_err(fail)?;
        if ratio.is_nan() || ratio <= 0.0 {
            return Err(fail(format!("the option samplingRatio is greater than 0, and not {ratio}")));
        }
        let rules = Rules::of(options).map_err(fail)?;
        let mut records = Records::open(stores, split, &dialect, true)?;
        let mut inference = CsvInference::default();
        while records.next(&mut |record, fields, error| {
            if header.line() == Some(record.text) || !record.place.is_sampled(ratio) {
                return Ok(());
            }
            if let Some(error) = error {
                return Err((record.place, record.text.to_string(), Fault::new(error.sentence())));
            }
            let width = fields.len().min(header.names().len());
            if inference.kinds.len() < width {
                inference.kinds.resize(width, ColumnKind::Empty);
            }
            for (index, kind) in inference.kinds.iter_mut().enumerate().take(width) {
                if *kind != ColumnKind::String
                    && let Some(text) = value(record.text, fields, index, &dialect)
                {
                    *kind = rules.add(*kind, text);
                }
            }
            Ok(())
        })? {}
        Ok(inference)
    }

    /// Returns what both tell together.
    pub fn merge(mut self, other: CsvInference) -> CsvInference {
        let width = self.kinds.len().max(other.kinds.len());
        self.kinds.resize(width, ColumnKind::Empty);
        for (kind, other) in self.kinds.iter_mut().zip(other.kinds) {
            *kind = kind.join(other);
        }
        self
    }

    /// Returns Spark's schema, in JSON, of a table with this header. Columns without a value, and all columns of an
    /// inference that has observed nothing, are strings.
    pub fn schema(&self, header: &CsvHeader) -> String {
        let kind = |index: usize| self.kinds.get(index).copied().unwrap_or_default();
        let field = |(index, name): (usize, &String)| Field::new(name, kind(index).data_type(), true);
        let fields: Vec<Field> = header.names().iter().enumerate().map(field).collect();
        // All these types have names.
        schema_to_json(&Schema::new(fields)).unwrap_or_default()
    }
}
