//! Decoders of users' files: codecs, lines, SequenceFiles, object files, patterns.

use firesteel_io::hadoop::{SequenceCompression, SequenceHeader, SequenceReader, SequenceWriter, Value};
use firesteel_io::{
    Codec, FileSplit, IoCause, LineOptions, LineReader, ObjectBatches, ObjectReader, ObjectWriter, Stores,
    glob_matches, path,
};
use std::io::{Cursor, Write};

/// The most bytes that a decompressed input may have: one that has more is a bomb.
const LIMIT: usize = 1 << 20;

/// Decompresses the input, and compresses it and decompresses the result.
pub(crate) fn codec(codec: Codec, data: &[u8]) {
    let mut out = vec![];
    let _ = codec.decompress(data, LIMIT, &mut out);
    assert!(out.len() <= LIMIT + 1, "the limit holds");
    let (mut packed, mut back) = (vec![], vec![]);
    codec.compress(data, &mut packed).expect("memory can be written to");
    codec.decompress(&packed, data.len(), &mut back).expect("what was compressed can be decompressed");
    assert!(back == data, "{codec} gives back what it took");
}

pub(crate) fn packed(codec: Codec) -> Vec<Vec<u8>> {
    let texts = [&b""[..], b"to be or not to be", &[7; 5000]];
    let pack = |text: &[u8]| {
        let mut out = vec![];
        codec.compress(text, &mut out).expect("memory can be written to");
        out
    };
    let mut seeds: Vec<Vec<u8>> = texts.map(pack).into();
    seeds.push(seeds.concat());
    seeds
}

/// Reads lines: the first byte chooses a delimiter, the second a cut. Two splits have the lines of the whole.
pub(crate) fn lines(data: &[u8]) {
    let [choice, cut, text @ ..] = data else { return };
    let delimiter = match choice % 4 {
        0 | 1 => None,
        2 => Some(b"|".to_vec()),
        _ => Some(text.iter().take(1 + usize::from(choice / 64)).copied().collect()),
    };
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(text).expect("a temporary file can be written");
    let name = file.path().to_str().expect("temporary names are ASCII").to_string();
    let read = |start: u64, end: u64| {
        let split = FileSplit { path: name.clone(), start, length: end - start };
        let options = LineOptions { delimiter: delimiter.clone(), chunk_bytes: 1 + usize::from(choice / 4) };
        let mut lines = vec![];
        let mut reader =
            LineReader::open(&Stores::default(), &split, options).expect("a plain file can be opened");
        reader.for_each_line(|line| lines.push(line.to_string())).expect("a plain file can be read");
        lines
    };
    let length = text.len() as u64;
    let cut = u64::from(*cut).min(length);
    assert_eq!([read(0, cut), read(cut, length)].concat(), read(0, length), "cut at {cut}");
}

pub(crate) fn line_seeds() -> Vec<Vec<u8>> {
    [&b"\x00\x05one\ntwo\r\nthree"[..], b"\x02\x03a|b||c", b"\xC3\x04aaa\xFFaaaa\n"]
        .map(<[u8]>::to_vec)
        .into()
}

/// Reads a SequenceFile of any bytes. If its two halves can be read, and the whole too, they have the same
/// records.
pub(crate) fn sequence_file(data: &[u8]) {
    let read = |start: u64, end: u64| {
        let mut reader = SequenceReader::open(Cursor::new(data), start, end)?;
        reader.set_limit(LIMIT);
        let mut records = vec![];
        while let Some((key, value)) = reader.next_pair()? {
            records.push((key.to_vec(), value.to_vec()));
            // Blocks that repeat one byte make very many records.
            if records.len() > 10_000 {
                return Err(IoCause::Unwritable("enough".into()));
            }
        }
        Ok(records)
    };
    let length = data.len() as u64;
    let cut = data.iter().map(|byte| u64::from(*byte)).sum::<u64>() % (length + 1);
    let whole = read(0, length);
    if let (Ok(left), Ok(right), Ok(whole)) = (read(0, cut), read(cut, length), whole) {
        assert!([left, right].concat() == whole, "cut at {cut} of {length}");
    }
}

pub(crate) fn sequence_seeds() -> Vec<Vec<u8>> {
    let forms = [
        SequenceCompression::None,
        SequenceCompression::Record(Codec::Snappy),
        SequenceCompression::Record(Codec::Gzip),
        SequenceCompression::Block(Codec::Deflate),
        SequenceCompression::Block(Codec::Lz4),
    ];
    let write = |form| {
        let mut header = SequenceHeader::new("org.apache.hadoop.io.Text", "org.apache.hadoop.io.Text", form);
        header.sync = *b"0123456789abcdef";
        header.metadata.insert("made by".into(), "seeds".into());
        let mut writer = SequenceWriter::new(vec![], header).expect("memory can be written to");
        for word in ["to", "be", "or", ""] {
            writer.append(word.as_bytes(), b"value").expect("memory can be written to");
        }
        writer.finish().expect("memory can be written to")
    };
    forms.map(write).into()
}

const CLASSES: [&str; 13] = [
    "NullWritable",
    "BooleanWritable",
    "ByteWritable",
    "ShortWritable",
    "IntWritable",
    "LongWritable",
    "VIntWritable",
    "VLongWritable",
    "FloatWritable",
    "DoubleWritable",
    "Text",
    "BytesWritable",
    "MapWritable",
];

/// Reads a value and writes it: the first byte chooses a class, the rest is the value. A value that can be read
/// is written and read back the same.
pub(crate) fn writable_value(data: &[u8]) {
    let [class, bytes @ ..] = data else { return };
    let class = format!("org.apache.hadoop.io.{}", CLASSES[usize::from(*class) % CLASSES.len()]);
    let Ok(value) = Value::read(&class, bytes) else { return };
    let mut out = vec![];
    value.write(&mut out);
    let back = Value::read(&class, &out).expect("what was written can be read");
    // NaN differs from itself.
    assert_eq!(format!("{back:?}"), format!("{value:?}"));
}

pub(crate) fn value_seeds() -> Vec<Vec<u8>> {
    let values = [
        Value::Text("text".into()),
        Value::VLong(1 << 40),
        Value::Bytes(vec![1, 2, 3]),
        Value::Map(vec![(Value::Text("a".into()), Value::Map(vec![(Value::VInt(3), Value::Null)]))]),
        Value::Map(vec![
            (Value::Map(vec![]), Value::Map(vec![(Value::Double(2.5), Value::Map(vec![]))])),
            (Value::Byte(1), Value::Short(2)),
        ]),
    ];
    let seed = |value: Value| {
        let class = CLASSES.iter().position(|class| value.class().ends_with(&format!(".{class}")));
        let mut out = vec![class.unwrap_or(0) as u8];
        value.write(&mut out);
        out
    };
    values.map(seed).into()
}

/// Reads the lines of two parts of a bzip2 file: the first byte chooses the cut. They are those of the whole, unless data
/// that looks like the beginning of a block misleads the second part, which then fails.
pub(crate) fn bzip2_parts(data: &[u8]) {
    let [cut, packed @ ..] = data else { return };
    let mut file = tempfile::Builder::new().suffix(".bz2").tempfile().expect("a temporary file can be made");
    file.write_all(packed).expect("a temporary file can be written");
    let path = file.path().to_str().expect("temporary names are ASCII").to_string();
    let read = |start: u64, end: u64| {
        let split = FileSplit { path: path.clone(), start, length: end - start };
        let mut lines = vec![];
        let mut reader = LineReader::open(&Stores::default(), &split, LineOptions::default())?;
        reader.for_each_line(|line| lines.push(line.to_string())).map(|_| lines)
    };
    let length = packed.len() as u64;
    let cut = u64::from(*cut) * length / 256;
    if cut == 0 {
        return;
    }
    let (first, second, whole) = (read(0, cut), read(cut, length), read(0, length));
    if let (Ok(first), Ok(second), Ok(whole)) = (&first, &second, &whole) {
        assert_eq!(&[&first[..], &second[..]].concat(), whole, "cut at {cut}");
    }
    assert!(first.is_ok() || whole.is_err(), "what can be read whole can be read from its beginning");
}

/// Returns a cut before each file.
pub(crate) fn bzip2_seeds() -> Vec<Vec<u8>> {
    let mut streams = vec![];
    for text in ["to be or\nnot", " to be\n", "", "that\nis"] {
        Codec::Bzip2.compress(text.as_bytes(), &mut streams).expect("memory can be written to");
    }
    [1, 70, 128, 250].map(|cut| [&[cut], &streams[..]].concat()).into()
}

/// Reads an object file of any bytes. Its checksums leave nothing but what was written.
pub(crate) fn object_file(data: &[u8]) {
    let length = data.len() as u64;
    let read = |start, end| {
        let mut reader = ObjectReader::<_, (u32, String)>::new(Cursor::new(data), start, end)?;
        let mut records = vec![];
        while let Some(block) = reader.next_block()? {
            records.extend(block);
        }
        Ok::<_, IoCause>(records)
    };
    let cut = data.iter().map(|byte| u64::from(*byte)).sum::<u64>() % (length + 1);
    if let (Ok(left), Ok(right), Ok(whole)) = (read(0, cut), read(cut, length), read(0, length)) {
        assert_eq!([left, right].concat(), whole, "cut at {cut} of {length}");
    }
}

pub(crate) fn object_seeds() -> Vec<Vec<u8>> {
    let write = |count: u32| {
        let mut writer = ObjectWriter::<_, (u32, String)>::new(vec![]).expect("memory can be written to");
        let records: Vec<_> = (0..count).map(|i| (i, format!("record {i}"))).collect();
        writer.append(&records).expect("memory can be written to");
        writer.finish().expect("memory can be written to")
    };
    [0, 3].map(write).into()
}

/// Reads Java's serialised objects, as a record of one of Spark's object files.
pub(crate) fn java_objects(data: &[u8]) {
    let header = SequenceHeader::new(
        "org.apache.hadoop.io.NullWritable",
        "org.apache.hadoop.io.BytesWritable",
        SequenceCompression::None,
    );
    let mut writer = SequenceWriter::new(vec![], header).expect("memory can be written to");
    let value = [&(data.len() as u32).to_be_bytes()[..], data].concat();
    writer.append(b"", &value).expect("memory can be written to");
    let bytes = writer.finish().expect("memory can be written to");
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(&bytes).expect("a temporary file can be written");
    let path = file.path().to_str().expect("temporary names are ASCII").to_string();
    let split = FileSplit { path, start: 0, length: bytes.len() as u64 };
    let read = ObjectBatches::<Vec<(Option<String>, i64)>>::open(&Stores::default(), &split)
        .expect("the file is a SequenceFile");
    let _ = read.collect::<Result<Vec<_>, _>>();
    let read = ObjectBatches::<i32>::open(&Stores::default(), &split).expect("the file is a SequenceFile");
    let _ = read.collect::<Result<Vec<_>, _>>();
}

pub(crate) fn java_seeds() -> Vec<Vec<u8>> {
    let ints = b"\xAC\xED\0\x05ur\0\x02[IM\xBA`&v\xEA\xB2\xA5\x02\0\0xp\0\0\0\x02\0\0\0\x07\xFF\xFF\xFF\xFF"
        .to_vec();
    let mut tuples = b"\xAC\xED\0\x05ur\0\x0F[Lscala.Tuple2;\0\0\0\0\0\0\0\0\x02\0\0xp\0\0\0\x02".to_vec();
    tuples.extend(b"sr\0\x0Cscala.Tuple2\0\0\0\0\0\0\0\0\x02\0\x02L\0\x02_1t\0\x12Ljava/lang/Object;L\0\x02_2q\0\x7E\0\x03xp");
    tuples.extend(b"t\0\x01asr\0\x11java.lang.Integer\0\0\0\0\0\0\0\0\x02\0\x01I\0\x05valuexp\0\0\0\x05");
    tuples.extend(b"sq\0\x7E\0\x02q\0\x7E\0\x05q\0\x7E\0\x07");
    vec![ints, tuples]
}

/// Matches a pattern and a name, with a zero byte between. A pattern without wildcards matches itself.
pub(crate) fn glob(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pattern, name) = text.split_once('\0').unwrap_or((&text, "a/b"));
    let _ = glob_matches(pattern, name);
    if !name.contains(['*', '?', '[', ']', '{', '}', '\\']) {
        assert_eq!(glob_matches(name, name), Ok(true), "{name:?}");
    }
    for part in path::split_list(&text) {
        let _ = path::is_remote(part);
    }
}

pub(crate) fn glob_seeds() -> Vec<Vec<u8>> {
    [&b"{a,b}/c[a-c]?*\0a/cbxyz"[..], b"[^a]\\*\0b*", b"a,{b,c/d},file:/e\0a"].map(<[u8]>::to_vec).into()
}
