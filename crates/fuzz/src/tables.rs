//! Decoders of users' tables: CSV and JSON lines.

use firesteel_io::{FileSplit, Stores};
use firesteel_tables::{BadRow, CsvFormat, CsvReader, CsvWriter, JsonReader};
use std::io::Write;

type Rows = Vec<Vec<String>>;

/// Reads a table: the first byte chooses a dialect, the second a cut. Two splits have the rows of the whole,
/// good and bad; and the good ones can be written and are read back equal.
pub(crate) fn csv(data: &[u8]) {
    let [choice, cut, text @ ..] = data else { return };
    let format = CsvFormat {
        header: false,
        delimiter: [b',', b';', b'\t', b' '][usize::from(choice % 4)],
        escape: (choice & 4 > 0).then_some(b'\\'),
        multi_line: choice & 8 > 0,
        ..CsvFormat::default()
    };
    let (length, file) = (text.len() as u64, file(text));
    let cut = if format.multi_line { 0 } else { u64::from(*cut).min(length) };
    let whole = read(&file, &[(0, length)], &format);
    assert!(read(&file, &[(0, cut), (cut, length)], &format) == whole, "cut at {cut}");
    let mut writer = CsvWriter::new(vec![], &CsvFormat { multi_line: true, ..format.clone() });
    whole.0.iter().for_each(|row| writer.write(row).expect("text can be written"));
    let written = writer.finish::<Vec<String>>().expect("memory can be written to");
    let again = self::file(&written);
    let format = CsvFormat { multi_line: true, ..format };
    assert!(
        read(&again, &[(0, written.len() as u64)], &format) == (whole.0, vec![]),
        "rows change in writing"
    );
}

fn file(contents: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(contents).expect("a temporary file can be written");
    file
}

fn name(file: &tempfile::NamedTempFile) -> String {
    file.path().to_str().expect("temporary names are ASCII").to_string()
}

fn read(file: &tempfile::NamedTempFile, splits: &[(u64, u64)], format: &CsvFormat) -> (Rows, Vec<BadRow>) {
    let (mut rows, mut bad) = (vec![], vec![]);
    for (start, end) in splits {
        let split = FileSplit { path: name(file), start: *start, length: end - start };
        let mut reader =
            CsvReader::open(&Stores::default(), &split, format).expect("a plain file can be opened");
        let mut keep = |row| {
            bad.push(row);
            Ok(())
        };
        while reader.read_batch(&mut rows, &mut keep).expect("a plain file can be read") {}
    }
    (rows, bad)
}

pub(crate) fn csv_seeds() -> Vec<Vec<u8>> {
    let texts = [
        "a,b\n1,\"x,\"\"y\"\"\"\n\n\"\",2",
        "a;b\r\n\"c;\";d\r",
        "\"a\\\"b\", 'c'\n",
        "\"line\nend\",b\n\"open",
    ];
    texts.iter().enumerate().map(|(i, text)| [&[i as u8 * 5, 9][..], text.as_bytes()].concat()).collect()
}

/// Reads lines of any contents: each is a record or a bad row, with the number of its line.
pub(crate) fn json_lines(data: &[u8]) {
    type Record = (Option<String>, Vec<f64>);
    let file = file(data);
    let split = FileSplit { path: name(&file), start: 0, length: data.len() as u64 };
    let mut reader =
        JsonReader::<Record>::open(&Stores::default(), &split).expect("a plain file can be opened");
    let (mut records, mut last) = (vec![], 0);
    let mut check = |row: BadRow| {
        assert!(row.line > last && row.offset <= data.len() as u64, "{row}");
        last = row.line;
        Ok(())
    };
    while reader.read_batch(&mut records, &mut check).expect("a plain file can be read") {}
}

pub(crate) fn json_seeds() -> Vec<Vec<u8>> {
    vec![b"[\"a\",[1,2.5e3]]\n[null,[]]\n\n{\"no\":1}\r\n[\"\\u00e4\",[-0]]".to_vec()]
}
