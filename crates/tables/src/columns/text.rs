//! Text: a row for each line, with the line as its only column; whole files with the option `wholetext`. The
//! option `encoding` does not matter, as in Spark: bytes that are not UTF-8 become U+FFFD.

use super::options::Options;
use super::rows::{BATCH_ROWS, ReadColumns, WriteColumns};
use crate::error::TableError;
use crate::line_feed::{Chunk, LineFeed, first_line, first_line_ended_by};
use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Schema, SchemaRef};
use firesteel_io::{FileSplit, Output, Stores, TextWriter, read_text};
use std::sync::Arc;

/// Reads lines.
pub(super) struct TextColumns {
    lines: Lines,
    path: String,
    schema: SchemaRef,
    texts: StringBuilder,
    rows: usize,
}

enum Lines {
    /// The lines of a split, and the part of a chunk of them that is left.
    Feed { feed: Box<LineFeed>, end: Option<Vec<u8>>, left: Option<Chunk> },
    /// A whole file.
    Whole(Option<String>),
}

impl TextColumns {
    pub(super) fn open(
        stores: &Stores,
        split: &FileSplit,
        schema: &SchemaRef,
        options: &Options,
        wanted: &[usize],
    ) -> Result<Self, TableError> {
        let fail = |message| TableError::File { path: split.path.clone(), message };
        check_schema(schema).map_err(fail)?;
        let end = line_end(options).map_err(fail)?;
        let lines = match options.flag("wholetext", false).map_err(fail)? {
            true => Lines::Whole(Some(read_text(stores, &split.path)?).filter(|text| !text.is_empty())),
            false => {
                let feed = Box::new(LineFeed::open_ended_by(stores, split, end.as_deref())?);
                Lines::Feed { feed, end, left: None }
            }
        };
        let schema = Arc::new(schema.project(wanted).map_err(|error| fail(error.to_string()))?);
        Ok(TextColumns { lines, path: split.path.clone(), schema, texts: StringBuilder::new(), rows: 0 })
    }

    /// Takes lines up to the end of a batch. Returns false at the end of the split.
    fn fill(&mut self) -> Result<bool, TableError> {
        // Lines that nobody wants are counted.
        let wanted = !self.schema.fields().is_empty();
        let (feed, end, left) = match &mut self.lines {
            Lines::Whole(text) => {
                let Some(text) = text.take() else { return Ok(false) };
                self.rows += 1;
                if wanted {
                    self.texts.append_value(text);
                }
                return Ok(true);
            }
            Lines::Feed { feed, end, left } => (feed, end, left),
        };
        let chunk = match left.take() {
            Some(chunk) => chunk,
            None => match feed.next_chunk()? {
                Some(chunk) => chunk,
                None => return Ok(false),
            },
        };
        let bytes = &feed.bytes()[chunk.range.clone()];
        let mut at = 0;
        while at < bytes.len() && self.rows < BATCH_ROWS {
            let (line, length) = match end {
                None => first_line(&bytes[at..]),
                Some(end) => first_line_ended_by(&bytes[at..], end),
            };
            self.rows += 1;
            if wanted {
                match simdutf8::basic::from_utf8(line) {
                    Ok(line) => self.texts.append_value(line),
                    Err(_) => self.texts.append_value(String::from_utf8_lossy(line)),
                }
            }
            at += length;
        }
        if at < bytes.len() {
            *left = Some(Chunk { range: chunk.range.start + at..chunk.range.end, ..chunk });
        }
        Ok(true)
    }
}

impl ReadColumns for TextColumns {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, TableError> {
        while self.rows < BATCH_ROWS && self.fill()? {}
        if self.rows == 0 {
            return Ok(None);
        }
        let rows = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        // One array for each wanted column: the same one may be wanted twice.
        let texts: Arc<dyn Array> = Arc::new(self.texts.finish());
        let columns = self.schema.fields().iter().map(|_| texts.clone()).collect();
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &rows);
        let fail = |error: arrow_schema::ArrowError| TableError::File {
            path: self.path.clone(),
            message: error.to_string(),
        };
        batch.map(Some).map_err(fail)
    }
}

/// Checks that a table is one column of strings.
fn check_schema(schema: &Schema) -> Result<(), String> {
    let columns = schema.fields();
    match columns.len() {
        1 if columns[0].data_type() == &DataType::Utf8 => Ok(()),
        1 => Err(format!(
            "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE: text files hold a string, and column {:?} has the type {}. Cast it \
             to a string, or use CSV",
            columns[0].name(),
            columns[0].data_type()
        )),
        count => {
            let names: Vec<&str> = columns.iter().map(|field| field.name().as_str()).collect();
            Err(format!(
                "text files hold one column of strings, and this table has {count}: {}. Select one, or use CSV",
                names.join(", ")
            ))
        }
    }
}

/// Returns what ends a line, if an option says so.
fn line_end(options: &Options) -> Result<Option<Vec<u8>>, String> {
    match options.get("lineSep") {
        Some("") => Err("the option lineSep is at least one character, and not empty".into()),
        end => Ok(end.map(|end| end.as_bytes().to_vec())),
    }
}

/// Writes lines.
pub(super) struct TextSink {
    writer: TextWriter,
    separator: Vec<u8>,
}

impl TextSink {
    pub(super) fn create(output: Output, schema: &SchemaRef, options: &Options) -> Result<Self, TableError> {
        let path = output.path().to_string();
        let fail = |message| TableError::File { path: path.clone(), message };
        check_schema(schema).map_err(fail)?;
        let separator = line_end(options).map_err(fail)?.unwrap_or_else(|| b"\n".to_vec());
        let writer = TextWriter::new(output, options.codec().map_err(fail)?)?;
        Ok(TextSink { writer, separator })
    }
}

impl WriteColumns for TextSink {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        let mut out = vec![];
        for text in batch.column(0).as_string::<i32>() {
            // Spark writes a null as an empty line.
            out.extend_from_slice(text.unwrap_or("").as_bytes());
            out.extend_from_slice(&self.separator);
        }
        Ok(self.writer.write_bytes(&out)?)
    }

    fn finish(self: Box<Self>) -> Result<Output, TableError> {
        Ok(self.writer.into_output()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Table, TableFormat, TableSink};
    use arrow_array::StringArray;

    const SCHEMA: &str =
        r#"{"type":"struct","fields":[{"name":"v","type":"string","nullable":true,"metadata":{}}]}"#;

    fn table(options: &[(&str, &str)], wanted: Vec<usize>) -> Table {
        let options = Options::from_iter(options.iter().copied());
        Table { format: TableFormat::Text, options, schema: SCHEMA.into(), wanted }
    }

    fn read(contents: &[u8], options: &[(&str, &str)]) -> Vec<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), contents).unwrap();
        let path = file.path().to_str().unwrap().to_string();
        let split = FileSplit { path, start: 0, length: contents.len() as u64 };
        let mut reader = table(options, vec![0]).open(&Stores::default(), &split).unwrap();
        let mut counter = table(options, vec![]).open(&Stores::default(), &split).unwrap();
        let (mut texts, mut counted) = (vec![], 0);
        while let Some(batch) = reader.next_batch().unwrap() {
            texts.extend(batch.column(0).as_string::<i32>().iter().map(|text| text.unwrap().to_string()));
        }
        while let Some(batch) = counter.next_batch().unwrap() {
            counted += batch.num_rows();
        }
        assert_eq!(counted, texts.len());
        texts
    }

    #[test]
    fn lines_end_as_in_spark() {
        let text = b"a\r\nb\rc\n\n d\xe4\nlast";
        assert_eq!(read(text, &[]), ["a", "b", "c", "", " d\u{fffd}", "last"]);
        assert_eq!(read(text, &[("lineSep", "\n")]), ["a\r", "b\rc", "", " d\u{fffd}", "last"]);
        assert_eq!(read(text, &[("lineSep", "c")]), ["a\r\nb\r", "\n\n d\u{fffd}\nlast"]);
        assert_eq!(read(text, &[("wholetext", "true")]), ["a\r\nb\rc\n\n d\u{fffd}\nlast"]);
        assert_eq!(read(b"\xef\xbb\xbfa\nb", &[]), ["a", "b"]);
        assert_eq!(read(b"\xef\xbb\xbfa\nb", &[("wholetext", "true")]), ["\u{feff}a\nb"]);
        assert_eq!(read(b"", &[("wholetext", "true")]), [""; 0]);
        assert_eq!(read(b"\n", &[]), [""]);
        let many = "x\n".repeat(3 * BATCH_ROWS + 7);
        assert_eq!(read(many.as_bytes(), &[]).len(), 3 * BATCH_ROWS + 7);
    }

    #[test]
    fn nulls_are_empty_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt").to_str().unwrap().to_string();
        let options = Options::from_iter([("lineSep", "xyz")]);
        let sink = TableSink { format: TableFormat::Text, options, schema: SCHEMA.into() };
        let mut writer = sink.create(Output::create(&Stores::default(), &path).unwrap()).unwrap();
        let texts = StringArray::from(vec![Some("a"), None, Some("b\nc")]);
        writer.write(&RecordBatch::try_from_iter([("v", Arc::new(texts) as _)]).unwrap()).unwrap();
        writer.finish().unwrap().finish().unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "axyzxyzb\ncxyz");
    }

    #[test]
    fn other_columns_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt").to_str().unwrap().to_string();
        let schema = SCHEMA.replace("string", "integer");
        let sink = TableSink { format: TableFormat::Text, options: Options::default(), schema };
        let error = sink.create(Output::create(&Stores::default(), &path).unwrap()).err().unwrap();
        assert!(error.to_string().contains("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE"), "{error}");
    }
}
