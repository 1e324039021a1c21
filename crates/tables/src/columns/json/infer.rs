//! [`JsonInference`]: the types of columns, observed in values, split by split.

use super::kind::{Fields, Kind, Seen, fields_to_json, join_fields};
use super::options::{JsonOptions, Mode};
use super::read::{Record, Records};
use super::scan::{Broken, Scanner};
use crate::columns::decimal::Decimal;
use crate::columns::options::Options;
use crate::error::TableError;
use crate::fault::Fault;
use crate::line_feed::is_blank;
use firesteel_io::{FileSplit, Stores};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The types that the values of records have, as Spark infers them: of one split, or of several, joined in
/// any order.
///
/// ```
/// use firesteel_io::{FileSplit, Stores};
/// use firesteel_tables::columns::{JsonInference, Options, schema_of_json};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.json").to_str().unwrap().to_string();
/// std::fs::write(&path, "{\"b\": 1}\n{\"a\": null, \"b\": 1.5}\n").unwrap();
/// let split = FileSplit { path, start: 0, length: 31 };
/// let seen = JsonInference::observe(&Stores::default(), &split, &Options::default())?;
/// let schema = schema_of_json(&seen.schema()).unwrap();
/// assert_eq!(schema.field(0).data_type(), &arrow_schema::DataType::Utf8);
/// assert_eq!(schema.field(1).data_type(), &arrow_schema::DataType::Float64);
/// # Ok::<(), firesteel_tables::TableError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JsonInference {
    fields: Fields,
    /// True if fields that are always null are left out.
    drop_null: bool,
}

impl JsonInference {
    /// Observes the values of one split.
    ///
    /// # Errors
    /// When the file cannot be read, an option has no such value, or a record is bad where the options let
    /// none be.
    pub fn observe(
        stores: &Stores,
        split: &FileSplit,
        options: &Options,
    ) -> Result<JsonInference, TableError> {
        let fail = |message| TableError::File { path: split.path.clone(), message };
        let options = JsonOptions::of(options).map_err(fail)?;
        let mut records = Records::open(stores, split, &options)?;
        let mut observer = Observer::new(options);
        while records.each(&mut |record| match record {
            Record::Text(text) => observer.take(text),
            Record::Bytes(bytes) => match simdutf8::basic::from_utf8(bytes) {
                Ok(text) => observer.take(text),
                Err(_) => observer.bad("it is not text in UTF-8"),
            },
        })? {}
        Ok(observer.finish())
    }

    /// Returns what both observed.
    #[must_use]
    pub fn merge(mut self, other: JsonInference) -> JsonInference {
        join_fields(&mut self.fields, other.fields);
        self.drop_null |= other.drop_null;
        self
    }

    /// Returns the schema, as Spark's in JSON.
    pub fn schema(&self) -> String {
        json!({"type": "struct", "fields": fields_to_json(&self.fields, self.drop_null)}).to_string()
    }
}

/// Observes records.
struct Observer {
    options: JsonOptions,
    fields: Fields,
    scratch: String,
    /// The number of objects that were observed.
    objects: u64,
    /// The number of records, and of those that were left out by sampling.
    records: u64,
}

impl Observer {
    fn new(mut options: JsonOptions) -> Observer {
        // Words such as NaN have no place among decimals: to Spark, records with them are bad then.
        options.dialect.non_numeric &= !options.prefers_decimal;
        Observer { options, fields: Fields::new(), scratch: String::new(), objects: 0, records: 0 }
    }

    fn finish(mut self) -> JsonInference {
        self.fields.values_mut().for_each(forget_objects);
        JsonInference { fields: self.fields, drop_null: self.options.drop_all_null }
    }

    fn take(&mut self, text: &str) -> Result<(), Fault> {
        if is_blank(text.as_bytes()) || self.left_out() {
            return Ok(());
        }
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let mut scan = Scanner::new(text, self.options.dialect);
        // A record that breaks off must leave no trace: it is tried first.
        match scan.peek_any().and_then(|byte| scan.clone().skip(&mut self.scratch).map(|()| byte)) {
            Ok(Some(b'{')) => {
                let mut fields = std::mem::take(&mut self.fields);
                let observed = self.object(&mut scan, &mut fields);
                self.fields = fields;
                observed.or_else(|_| self.bad("it is not JSON"))
            }
            Ok(Some(_)) => match self.kind_of(&mut scan) {
                Some(Kind::Object(fields)) => {
                    join_fields(&mut self.fields, fields);
                    Ok(())
                }
                Some(Kind::Null) => Ok(()),
                _ => self.bad("it is neither an object nor an array of objects"),
            },
            Err(_) if matches!(scan.peek_any(), Ok(None)) => Ok(()),
            Ok(None) => Ok(()),
            Err(broken) => self.bad(broken.reason),
        }
    }

    /// Returns the kind of an array's elements, however deep they lie, or of what is no array.
    fn kind_of(&mut self, scan: &mut Scanner<'_>) -> Option<Kind> {
        let mut kind = Kind::Null;
        self.value(scan, &mut kind).ok()?;
        while let Kind::Array(element) = kind {
            kind = *element;
        }
        Some(kind)
    }

    /// Decides whether the next record is left out: evenly, and always the same ones of a split.
    fn left_out(&mut self) -> bool {
        if self.options.sampling >= 1.0 {
            return false;
        }
        self.records += 1;
        let mut hash = self.records.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash = (hash ^ (hash >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        ((hash ^ (hash >> 32)) >> 11) as f64 / (1_u64 << 53) as f64 >= self.options.sampling
    }

    #[cold]
    fn bad(&mut self, reason: &str) -> Result<(), Fault> {
        match self.options.mode {
            Mode::Permissive => {
                let field = self.fields.entry(self.options.corrupt.clone()).or_default();
                field.kind.join(Kind::String);
                Ok(())
            }
            Mode::DropMalformed => Ok(()),
            Mode::FailFast => Err(Fault::new(reason)),
        }
    }

    fn object(&mut self, scan: &mut Scanner<'_>, fields: &mut Fields) -> Result<(), Broken> {
        scan.enter()?;
        self.objects += 1;
        let (object, mut first) = (self.objects, true);
        loop {
            let Some(name) = scan.next_name(&mut first, &mut self.scratch)? else { return Ok(()) };
            if !fields.contains_key(name) {
                fields.insert(name.into(), Seen::default());
            }
            let Some(field) = fields.get_mut(name) else { return Ok(()) };
            field.twice |= field.object == object;
            field.object = object;
            self.value(scan, &mut field.kind)?;
        }
    }

    /// Takes a value into a kind.
    fn value(&mut self, scan: &mut Scanner<'_>, kind: &mut Kind) -> Result<(), Broken> {
        let byte = scan.peek()?;
        let simple = match byte {
            b'{' => {
                if let Kind::Object(fields) = kind {
                    return self.object(scan, fields);
                }
                let mut fields = Fields::new();
                self.object(scan, &mut fields)?;
                kind.join(Kind::Object(fields));
                return Ok(());
            }
            b'[' => {
                let mut element = match kind {
                    Kind::Array(element) => std::mem::take(element),
                    _ => Box::default(),
                };
                scan.enter()?;
                let mut first = true;
                while scan.next_element(&mut first)? {
                    self.value(scan, &mut element)?;
                }
                match kind {
                    Kind::Array(place) => *place = element,
                    _ => kind.join(Kind::Array(element)),
                }
                return Ok(());
            }
            b'n' => {
                scan.word("null")?;
                Kind::Null
            }
            b't' | b'f' => {
                scan.word(if byte == b't' { "true" } else { "false" })?;
                self.primitive(Kind::Boolean)
            }
            byte if Scanner::counts(byte) => {
                let number = scan.number()?;
                let kind = self.number(number.text, number.whole);
                self.primitive(kind)
            }
            _ => {
                let text = scan.string(&mut self.scratch)?;
                string_kind(text, &self.options)
            }
        };
        kind.join(simple);
        Ok(())
    }

    fn primitive(&self, kind: Kind) -> Kind {
        if self.options.primitives_as_string { Kind::String } else { kind }
    }

    fn number(&self, text: &str, whole: bool) -> Kind {
        if whole && text.parse::<i64>().is_ok() {
            return Kind::Long;
        }
        if !whole && !self.options.prefers_decimal {
            return Kind::Double;
        }
        let known = Decimal::of(text).map(|decimal| decimal.digits_and_scale());
        known.map_or(Kind::Double, |(digits, behind)| Kind::decimal(digits, behind))
    }
}

/// Returns the kind of a string, which may stand for something else. An empty one says nothing.
fn string_kind(text: &str, options: &JsonOptions) -> Kind {
    if text.is_empty() {
        return Kind::Null;
    }
    if options.prefers_decimal
        && let Some((digits, behind)) = Decimal::of(text).map(|decimal| decimal.digits_and_scale())
        && let kind @ Kind::Decimal(..) = Kind::decimal(digits, behind)
    {
        return kind;
    }
    let is_time = |text| {
        let times = &options.times;
        times.parse_timestamp(text).is_some() || times.parse_timestamp_ntz(text).is_some()
    };
    if options.infer_timestamp && is_time(text) { Kind::Timestamp } else { Kind::String }
}

fn forget_objects(seen: &mut Seen) {
    seen.object = 0;
    let mut kind = &mut seen.kind;
    while let Kind::Array(element) = kind {
        kind = element;
    }
    if let Kind::Object(fields) = kind {
        fields.values_mut().for_each(forget_objects);
    }
}
