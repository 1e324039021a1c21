//! Decoders of users' tables whose columns are known only when programs run: CSV in Spark's dialect.

use arrow_array::RecordBatch;
use firesteel_io::{FileSplit, Output, Stores};
use firesteel_tables::columns::{CsvHeader, CsvInference, Options, Table, TableFormat, TableSink};
use std::io::Write;

/// The columns that a table is read with, and the last of which is that of bad records.
const SCHEMA: &str = r#"{"type":"struct","fields":[
    {"name":"a","type":"string","nullable":true,"metadata":{}},
    {"name":"b","type":"decimal(9,2)","nullable":true,"metadata":{}},
    {"name":"c","type":"timestamp","nullable":true,"metadata":{}},
    {"name":"_corrupt_record","type":"string","nullable":true,"metadata":{}}]}"#;

/// Reads a table: the first byte chooses a dialect, the second a cut. Two splits have the rows of the whole, whose types
/// can be found out, and which can be written.
pub(crate) fn csv(data: &[u8]) {
    let [choice, cut, text @ ..] = data else { return };
    let has = |bit: u8| if choice & bit > 0 { "true" } else { "false" };
    let options = Options::from_iter([
        ("sep", [",", ";", "||", "\\t"][usize::from(choice % 4)]),
        ("multiLine", has(4)),
        ("escape", if choice & 8 > 0 { "\"" } else { "\\" }),
        ("ignoreLeadingWhiteSpace", has(16)),
        ("ignoreTrailingWhiteSpace", has(32)),
        ("unescapedQuoteHandling", if choice & 64 > 0 { "STOP_AT_CLOSING_QUOTE" } else { "SKIP_VALUE" }),
        ("maxColumns", "100000"),
    ]);
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(text).expect("a temporary file can be written");
    let path = file.path().to_str().expect("temporary names are ASCII").to_string();
    let length = text.len() as u64;
    let whole = read(&path, &[(0, length)], &options);
    if choice & 4 == 0 {
        let cut = u64::from(*cut).min(length);
        let rows = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        let parts = read(&path, &[(0, cut), (cut, length)], &options);
        assert_eq!(rows(&whole), rows(&parts), "cut at {cut}");
    }
    let stores = Stores::default();
    if let Some(header) = CsvHeader::read(&stores, &path, &options).expect("a plain file can be read") {
        let split = FileSplit { path: path.clone(), start: 0, length };
        CsvInference::observe(&stores, &split, &header, &options).expect("a plain file can be read");
    }
    let target = format!("{path}.out");
    let sink = TableSink { format: TableFormat::Csv, options, schema: SCHEMA.into() };
    let output = Output::create(&stores, &target).expect("a file can be made");
    let mut writer = sink.create(output).expect("these columns can be written");
    whole.iter().for_each(|batch| writer.write(batch).expect("rows can be written"));
}

fn read(path: &str, splits: &[(u64, u64)], options: &Options) -> Vec<RecordBatch> {
    let table = Table {
        format: TableFormat::Csv,
        options: options.clone(),
        schema: SCHEMA.into(),
        wanted: vec![0, 1, 2, 3],
    };
    let mut batches = vec![];
    for (start, end) in splits {
        let split = FileSplit { path: path.into(), start: *start, length: end - start };
        let mut reader = table.open(&Stores::default(), &split).expect("a plain file can be opened");
        while let Some(batch) = reader.next_batch().expect("a plain file can be read") {
            batches.push(batch);
        }
    }
    batches
}

pub(crate) fn csv_seeds() -> Vec<Vec<u8>> {
    let texts = [
        "a,1.5,2020-01-02\n\"x,\"\"y\"\"\",2,\n\n\"\",2",
        "a;b\r\n\"c;\";d\r",
        "\"a\\\"b\"|| 'c'\n\"\"\\\"b\"||,",
        "\"line\nend\"\tb\n\"open",
    ];
    let seeds = texts.iter().enumerate();
    seeds.map(|(i, text)| [&[i as u8 + 4 * (i as u8 % 3), 9][..], text.as_bytes()].concat()).collect()
}
