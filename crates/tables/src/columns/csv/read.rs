//! Reads a split as batches: the wanted columns of its records, and what becomes of bad ones.

use super::convert::{Column, Rules};
use super::dialect::{Dialect, check_locale};
use super::fields::Fields;
use super::header::check_names;
use super::records::{Place, Record, Records};
use super::tokens::{Kind, ParseError};
use crate::columns::options::Options;
use crate::columns::rows::{BATCH_ROWS, ReadColumns};
use crate::error::{TableError, shorten_value};
use crate::fault::Fault;
use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use firesteel_io::{FileSplit, Stores};
use std::collections::VecDeque;
use std::sync::Arc;

/// The name of the column of bad records, unless an option sets it.
const CORRUPT_RECORD: &str = "_corrupt_record";

/// Reads a split.
///
/// 187 to 320 MB/s on one of two shared cores of an EPYC, for lines of an `int`, a `long`, two `double`s and two
/// strings; types are found out at 188 MB/s and more, and 1,900 MB/s are counted.
pub(crate) struct CsvColumns {
    records: Records,
    rows: Rows,
    path: String,
    ready: VecDeque<RecordBatch>,
    done: bool,
}

/// The treatment of bad records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Their good fields are kept.
    Permissive,
    Drop,
    Fail,
}

/// Makes columns of records.
struct Rows {
    rules: Rules,
    mode: Mode,
    null: String,
    empty: String,
    /// The wanted columns of the file, with their names and positions among its fields.
    columns: Vec<(Column, String, usize)>,
    /// For each column of the batch, its place among those of the file; none for that of bad records.
    layout: Vec<Option<usize>>,
    corrupt: Option<StringBuilder>,
    /// The number of fields that a record must have, if its other columns are not left out.
    width: Option<usize>,
    schema: SchemaRef,
    count: usize,
    /// Which rows stay, once one does not.
    keep: Option<Vec<bool>>,
}

impl CsvColumns {
    pub(crate) fn open(
        stores: &Stores,
        split: &FileSplit,
        schema: &SchemaRef,
        options: &Options,
        wanted: &[usize],
    ) -> Result<CsvColumns, TableError> {
        let fail = |message| TableError::File { path: split.path.clone(), message };
        let dialect = Dialect::for_reading(options).map_err(fail)?;
        let rows = Rows::new(schema, wanted, options, &dialect).map_err(fail)?;
        let enforces = options.flag("enforceSchema", true).map_err(fail)?;
        if dialect.header && !enforces && split.start == 0 {
            check_names(stores, &split.path, &rows.names_to_check(schema, options), rows.width, options)?;
        }
        let splits = !rows.layout.is_empty();
        let records = Records::open(stores, split, &dialect, splits)?;
        Ok(CsvColumns { records, rows, path: split.path.clone(), ready: VecDeque::new(), done: false })
    }
}

impl ReadColumns for CsvColumns {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, TableError> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Ok(Some(batch));
            }
            if self.done {
                return Ok(None);
            }
            while !self.done && self.rows.count < BATCH_ROWS {
                let rows = &mut self.rows;
                self.done =
                    !self.records.next(&mut |record, fields, error| rows.take(record, fields, error))?;
            }
            let fail = |error: arrow_schema::ArrowError| TableError::File {
                path: self.path.clone(),
                message: error.to_string(),
            };
            let batch = self.rows.finish().map_err(fail)?;
            // A chunk of lines may hold more rows than a batch.
            let mut at = 0;
            while at < batch.num_rows() {
                let length = BATCH_ROWS.min(batch.num_rows() - at);
                self.ready.push_back(batch.slice(at, length));
                at += length;
            }
        }
    }
}

/// Returns the name of the column of bad records.
fn corrupt_name(options: &Options) -> &str {
    options.get("columnNameOfCorruptRecord").unwrap_or(CORRUPT_RECORD)
}

impl Rows {
    fn new(schema: &Schema, wanted: &[usize], options: &Options, dialect: &Dialect) -> Result<Rows, String> {
        let rules = Rules::of(options)?;
        let name = corrupt_name(options);
        let corrupt = schema.index_of(name).ok();
        if let Some(index) = corrupt
            && schema.field(index).data_type() != &DataType::Utf8
        {
            return Err(format!(
                "INVALID_CORRUPT_RECORD_TYPE: the column {name:?} for bad records is a string, and not {}",
                schema.field(index).data_type()
            ));
        }
        let (mut columns, mut layout, mut fields) = (vec![], vec![], vec![]);
        for &index in wanted {
            let field = schema.fields().get(index).ok_or_else(|| format!("there is no column {index}"))?;
            fields.push(Field::clone(field).with_nullable(true));
            if Some(index) == corrupt {
                layout.push(None);
                continue;
            }
            // The column of bad records is none of the file's.
            let position = index - usize::from(corrupt.is_some_and(|corrupt| corrupt < index));
            layout.push(Some(columns.len()));
            columns.push((Column::of(field)?, field.name().clone(), position));
        }
        if !layout.is_empty() && columns.is_empty() {
            return Err(format!(
                "UNSUPPORTED_FEATURE.QUERY_ONLY_CORRUPT_RECORD_COLUMN: the column {name:?} alone cannot be read, \
                 since which records are bad depends on the other columns. Ask for one of these too"
            ));
        }
        let decimals = columns.iter().any(|(column, ..)| matches!(column, Column::Decimal(..)));
        check_locale(options, decimals || rules.times.has_words())?;
        let width = schema.fields().len() - usize::from(corrupt.is_some());
        let prunes = options.flag("columnPruning", true)? && columns.len() < width;
        Ok(Rows {
            rules,
            mode: mode(options),
            null: dialect.null.clone(),
            empty: dialect.empty.clone().unwrap_or_default(),
            corrupt: layout.contains(&None).then(StringBuilder::new),
            columns,
            layout,
            width: (!prunes).then_some(width),
            schema: Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())),
            count: 0,
            keep: None,
        })
    }

    /// Returns the names that a header must have, by position.
    fn names_to_check(&self, schema: &Schema, options: &Options) -> Vec<(usize, String)> {
        let name = corrupt_name(options);
        let all = schema.fields().iter().map(|field| field.name()).filter(|other| *other != name);
        match self.width {
            Some(_) => all.cloned().enumerate().collect(),
            None => self.columns.iter().map(|(_, name, position)| (*position, name.clone())).collect(),
        }
    }

    /// Takes a record as a row.
    fn take(
        &mut self,
        record: &Record<'_>,
        fields: &mut Fields,
        error: Option<ParseError>,
    ) -> Result<(), (Place, String, Fault)> {
        let refuse = |fault| Err((record.place, record.text.to_string(), fault));
        if let Some(error) = error {
            return refuse(Fault::new(error.sentence()));
        }
        self.count += 1;
        if self.layout.is_empty() {
            return Ok(());
        }
        let mut bad = self.width.is_some_and(|width| fields.len() != width);
        let mut blamed = None;
        for (index, (column, _, position)) in self.columns.iter_mut().enumerate() {
            let text = match fields.get(record.text, *position) {
                Some((text, Kind::Bare)) if !text.is_empty() => text,
                Some(("", Kind::Quoted)) => &self.empty,
                Some((text, Kind::Quoted)) => text,
                // An empty field without quotes, and one that is missing.
                _ => {
                    column.append_null();
                    continue;
                }
            };
            if text == self.null {
                column.append_null();
            } else if !column.append(text, &self.rules) {
                column.append_null();
                bad = true;
                blamed.get_or_insert(index);
            }
        }
        match self.mode {
            Mode::Fail if bad => return refuse(self.fault(record.text, fields, blamed)),
            Mode::Drop if bad || self.keep.is_some() => {
                let keep = self.keep.get_or_insert_with(|| vec![true; self.count - 1]);
                keep.push(!bad);
            }
            _ => {}
        }
        if let Some(corrupt) = &mut self.corrupt {
            let text = record.text.trim_end_matches(['\r', '\n']);
            corrupt.append_option(bad.then_some(text));
        }
        Ok(())
    }

    /// Returns the reason why a record is bad.
    #[cold]
    fn fault(&self, text: &str, fields: &Fields, blamed: Option<usize>) -> Fault {
        match blamed {
            Some(index) => {
                let (column, name, position) = &self.columns[index];
                let value = fields.get(text, *position).map(|(text, _)| shorten_value(text));
                let what = format!(
                    "{}. Make the column a string, or set the option mode to PERMISSIVE",
                    column.expectation()
                );
                Fault::new(what).in_column(name, || value)
            }
            None => Fault::new(format!(
                "the record has {} fields, and the schema {}. Correct the schema or the options sep and quote, or \
                 set the option mode to PERMISSIVE",
                fields.len(),
                self.width.unwrap_or(0)
            )),
        }
    }

    /// Makes a batch of the rows so far.
    fn finish(&mut self) -> Result<RecordBatch, arrow_schema::ArrowError> {
        let columns: Vec<ArrayRef> = self.columns.iter_mut().map(|(column, ..)| column.finish()).collect();
        let corrupt: Option<ArrayRef> =
            self.corrupt.as_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let of = |place: &Option<usize>| match place {
            Some(index) => Some(columns[*index].clone()),
            None => corrupt.clone(),
        };
        let arrays: Vec<ArrayRef> = self.layout.iter().filter_map(of).collect();
        let rows = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.count)));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &rows)?;
        match self.keep.take() {
            None => Ok(batch),
            Some(keep) => filter_record_batch(&batch, &BooleanArray::from(keep)),
        }
    }
}

/// Returns the mode. As in Spark, an unknown one is the most permissive.
fn mode(options: &Options) -> Mode {
    match options.get("mode").map(str::to_ascii_uppercase).as_deref() {
        Some("DROPMALFORMED") => Mode::Drop,
        Some("FAILFAST") => Mode::Fail,
        _ => Mode::Permissive,
    }
}
