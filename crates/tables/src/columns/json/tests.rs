//! What Spark 4.3.0 was seen to do, and what must hold for any file.

mod inferring;
mod properties;
mod reading;
mod writing;

use crate::columns::{JsonInference, Options, Table, TableFormat, TableSink, schema_of_json, schema_to_json};
use crate::error::TableError;
use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use firesteel_io::{FileSplit, Output, Stores, read_decoded};
use std::path::Path;

/// A field of a schema, with a type in Spark's JSON.
fn field(name: &str, kind: &str) -> String {
    let kind = if kind.starts_with('{') { kind.to_string() } else { format!("{kind:?}") };
    format!(r#"{{"name":{name:?},"type":{kind},"nullable":true,"metadata":{{}}}}"#)
}

/// A schema of columns with types.
fn schema(columns: &[(&str, &str)]) -> String {
    let fields: Vec<String> = columns.iter().map(|(name, kind)| field(name, kind)).collect();
    format!(r#"{{"type":"struct","fields":[{}]}}"#, fields.join(","))
}

fn object(columns: &[(&str, &str)]) -> String {
    schema(columns)
}

fn array(kind: &str) -> String {
    let kind = if kind.starts_with('{') { kind.to_string() } else { format!("{kind:?}") };
    format!(r#"{{"type":"array","elementType":{kind},"containsNull":true}}"#)
}

fn map(kind: &str) -> String {
    let kind = if kind.starts_with('{') { kind.to_string() } else { format!("{kind:?}") };
    format!(r#"{{"type":"map","keyType":"string","valueType":{kind},"valueContainsNull":true}}"#)
}

fn save(dir: &Path, content: &[u8]) -> String {
    let path = dir.join("a.json").to_str().unwrap().to_string();
    std::fs::write(&path, content).unwrap();
    path
}

fn read_split(table: &Table, split: &FileSplit) -> Result<Vec<RecordBatch>, TableError> {
    let mut columns = table.open(&Stores::default(), split)?;
    let mut batches = vec![];
    while let Some(batch) = columns.next_batch()? {
        batches.push(batch);
    }
    Ok(batches)
}

/// Reads a file as one batch; one that has no rows is none.
fn read(content: &[u8], schema: &str, options: &[(&str, &str)]) -> Result<Option<RecordBatch>, TableError> {
    let dir = tempfile::tempdir().unwrap();
    let path = save(dir.path(), content);
    let count = schema_of_json(schema).unwrap().fields().len();
    let table = Table {
        format: TableFormat::Json,
        options: options.iter().copied().collect(),
        schema: schema.into(),
        wanted: (0..count).collect(),
    };
    let split = FileSplit { path, start: 0, length: content.len() as u64 };
    let batches = read_split(&table, &split)?;
    Ok(batches.first().map(|first| concat_batches(&first.schema(), &batches).unwrap()))
}

/// Writes batches as a file, and returns its bytes.
fn write(batch: &RecordBatch, options: &[(&str, &str)]) -> Result<Vec<u8>, TableError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("part").to_str().unwrap().to_string();
    let schema = schema_to_json(&batch.schema()).unwrap();
    let sink = TableSink { format: TableFormat::Json, options: options.iter().copied().collect(), schema };
    let mut columns = sink.create(Output::create(&Stores::default(), &path)?)?;
    columns.write(batch)?;
    columns.finish()?.finish()?;
    Ok(read_decoded(&Stores::default(), &path)?)
}

/// Reads a file and shows its rows as the writer does, nulls included.
fn rows_with(content: &str, schema: &str, options: &[(&str, &str)]) -> Vec<String> {
    match read(content.as_bytes(), schema, options).unwrap() {
        None => vec![],
        Some(batch) => {
            let text = String::from_utf8(write(&batch, &[("ignoreNullFields", "false")]).unwrap()).unwrap();
            text.lines().map(str::to_string).collect()
        }
    }
}

fn infer(content: &str, options: &[(&str, &str)]) -> Result<JsonInference, TableError> {
    let dir = tempfile::tempdir().unwrap();
    let path = save(dir.path(), content.as_bytes());
    let split = FileSplit { path, start: 0, length: content.len() as u64 };
    JsonInference::observe(&Stores::default(), &split, &options.iter().copied().collect::<Options>())
}
