//! Reads and writes SequenceFiles for tasks: on paths, cut into splits, with typed records.

use super::header::{SequenceCompression, SequenceHeader};
use super::reader::SequenceReader;
use super::value::Value;
use super::writable::{ReadValue, Writable, read_whole, type_for};
use super::writer::SequenceWriter;
use crate::error::{IoCause, IoError, IoOperation};
use crate::file::{Input, Output};
use crate::inputs::InputFile;
use crate::splits::{FileSplit, SplitOptions, cut_files};
use crate::stores::Stores;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::marker::PhantomData;

/// The least size of a split: the distance of the markers at which a split can begin.
const MIN_SPLIT_BYTES: u64 = 5 * 1024 * 20;

/// The most records of a batch, and the number of bytes at which a batch is full.
const BATCH_RECORDS: usize = 1024;
const BATCH_BYTES: usize = 256 << 10;

/// The options of a SequenceFile that is written.
///
/// ```
/// use firesteel_io::Codec;
/// use firesteel_io::hadoop::{SequenceCompression, SequenceOptions};
/// let options = SequenceOptions::block(Codec::Snappy).with_metadata("made by", "the example");
/// assert_eq!(options.compression, SequenceCompression::Block(Codec::Snappy));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceOptions {
    /// The parts that are compressed, and the codec.
    pub compression: SequenceCompression,
    /// The pairs of metadata in every file's header.
    pub metadata: BTreeMap<String, String>,
}

impl SequenceOptions {
    /// Returns options by which each value is compressed by itself.
    pub fn record(codec: crate::Codec) -> SequenceOptions {
        SequenceOptions { compression: SequenceCompression::Record(codec), ..SequenceOptions::default() }
    }

    /// Returns options by which blocks of many records are compressed together, which compresses best.
    pub fn block(codec: crate::Codec) -> SequenceOptions {
        SequenceOptions { compression: SequenceCompression::Block(codec), ..SequenceOptions::default() }
    }

    /// Returns the same options with one more pair of metadata.
    #[must_use]
    pub fn with_metadata(mut self, key: &str, value: &str) -> SequenceOptions {
        self.metadata.insert(key.into(), value.into());
        self
    }
}

/// Cuts SequenceFiles into splits, whatever their suffixes. None has less than 100 KiB, save a file's last.
pub fn sequence_splits(files: &[InputFile], options: &SplitOptions) -> Vec<FileSplit> {
    let options = SplitOptions { min_size: options.min_size.max(MIN_SPLIT_BYTES), ..*options };
    cut_files(files, &options, 1, |_| true)
}

/// The pairs of one split, in batches.
///
/// ```
/// use firesteel_io::hadoop::{SequenceOptions, SequencePairs, TypedSequenceWriter};
/// use firesteel_io::{FileSplit, Output, Stores};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("ages").to_str().unwrap().to_string();
/// let mut writer = TypedSequenceWriter::new(Output::create(&Stores::default(), &path)?, &SequenceOptions::default())?;
/// writer.append(&"Ada".to_string(), &36_i32)?;
/// let length = writer.into_output()?.finish()?;
///
/// let split = FileSplit { path, start: 0, length };
/// let batches = SequencePairs::<String, i32>::open(&Stores::default(), &split)?;
/// assert_eq!(batches.collect::<Result<Vec<_>, _>>()?, [[("Ada".to_string(), 36)]]);
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub struct SequencePairs<K, V> {
    reader: SequenceReader<Input>,
    path: String,
    key: ReadValue<K>,
    value: ReadValue<V>,
    done: bool,
}

impl<K: Writable, V: Writable> SequencePairs<K, V> {
    /// Opens the split's file, and finds the split's first record.
    ///
    /// # Errors
    /// [`IoCause::OtherTypes`] when the file's classes cannot be read as these types; [`IoCause::Malformed`] when it is no
    /// SequenceFile.
    pub fn open(stores: &Stores, split: &FileSplit) -> Result<Self, IoError> {
        let reader = open(stores, split)?;
        let (key, value) = (K::reader(&reader.header().key_class), V::reader(&reader.header().value_class));
        let (Some(key), Some(value)) = (key, value) else {
            let cause = other_types::<K, V>(reader.header());
            return Err(IoError::new(IoOperation::Read, &split.path, cause));
        };
        Ok(SequencePairs { reader, path: split.path.clone(), key, value, done: false })
    }

    /// Returns the position in the file of the record that was read last, or of the block that holds it.
    pub fn offset(&self) -> u64 {
        self.reader.offset()
    }

    fn next_batch(&mut self) -> Result<Vec<(K, V)>, IoCause> {
        batch(&mut self.reader, |key, value| {
            let key = read_whole(self.key, key).map_err(|what| format!("a key cannot be read: {what}"))?;
            let value =
                read_whole(self.value, value).map_err(|what| format!("a value cannot be read: {what}"))?;
            Ok((key, value))
        })
    }
}

impl<K: Writable, V: Writable> Iterator for SequencePairs<K, V> {
    type Item = Result<Vec<(K, V)>, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        give(self.next_batch(), &self.path, &mut self.done)
    }
}

/// The pairs of one split as values of whichever classes the file names, in batches.
pub struct SequenceValues {
    reader: SequenceReader<Input>,
    path: String,
    done: bool,
}

impl SequenceValues {
    /// Opens the split's file, and finds the split's first record.
    ///
    /// # Errors
    /// When it is no SequenceFile.
    pub fn open(stores: &Stores, split: &FileSplit) -> Result<Self, IoError> {
        Ok(SequenceValues { reader: open(stores, split)?, path: split.path.clone(), done: false })
    }

    /// Returns the file's header.
    pub fn header(&self) -> &SequenceHeader {
        self.reader.header()
    }

    fn next_batch(&mut self) -> Result<Vec<(Value, Value)>, IoCause> {
        let header = self.reader.header();
        let (key_class, value_class) = (header.key_class.clone(), header.value_class.clone());
        batch(&mut self.reader, |key, value| {
            let key = Value::read(&key_class, key).map_err(|what| format!("a key cannot be read: {what}"))?;
            let value =
                Value::read(&value_class, value).map_err(|what| format!("a value cannot be read: {what}"))?;
            Ok((key, value))
        })
    }
}

impl Iterator for SequenceValues {
    type Item = Result<Vec<(Value, Value)>, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        give(self.next_batch(), &self.path, &mut self.done)
    }
}

/// Writes pairs as the classes that their types stand for.
pub struct TypedSequenceWriter<K, V> {
    writer: SequenceWriter<Output>,
    path: String,
    key: Vec<u8>,
    value: Vec<u8>,
    types: PhantomData<fn(K, V)>,
}

impl<K: Writable, V: Writable> TypedSequenceWriter<K, V> {
    /// Writes the header to a file that was begun.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn new(output: Output, options: &SequenceOptions) -> Result<Self, IoError> {
        let path = output.path().to_string();
        let mut header = SequenceHeader::new(K::CLASS, V::CLASS, options.compression);
        header.metadata.clone_from(&options.metadata);
        let writer = SequenceWriter::new(output, header)
            .map_err(|cause| IoError::new(IoOperation::Write, &path, cause))?;
        Ok(TypedSequenceWriter { writer, path, key: vec![], value: vec![], types: PhantomData })
    }

    /// Writes a pair.
    ///
    /// # Errors
    /// When it is larger than 2 GiB, or cannot be written.
    pub fn append(&mut self, key: &K, value: &V) -> Result<(), IoError> {
        self.key.clear();
        key.write(&mut self.key);
        self.value.clear();
        value.write(&mut self.value);
        let appended = self.writer.append(&self.key, &self.value);
        appended.map_err(|cause| IoError::new(IoOperation::Write, &self.path, cause))
    }

    /// Writes the rest, and returns the file, which is still to be finished.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn into_output(self) -> Result<Output, IoError> {
        self.writer.finish().map_err(|cause| IoError::new(IoOperation::Write, self.path, cause))
    }
}

/// Writes values of classes that are known only when the program runs. All keys are of one class, and all
/// values, as the file's header says: a value of another class is refused, since no reader could tell its
/// class.
///
/// ```
/// use firesteel_io::hadoop::{SequenceOptions, Value, ValueSequenceWriter};
/// use firesteel_io::{Output, Stores};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("pairs").to_str().unwrap().to_string();
/// let classes = (None, None);
/// let mut writer = ValueSequenceWriter::new(Output::create(&Stores::default(), &path)?, &SequenceOptions::default(), classes);
/// writer.append(&Value::Int(1), &Value::Long(1 << 40))?;
/// let error = writer.append(&Value::Int(2), &Value::Double(1.5)).unwrap_err().to_string();
/// assert!(error.contains("LongWritable") && error.contains("DoubleWritable"), "{error}");
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub struct ValueSequenceWriter {
    /// The file that is to be written, until the first pair tells the classes.
    output: Option<Output>,
    writer: Option<SequenceWriter<Output>>,
    options: SequenceOptions,
    /// The classes, as far as they were asked for or the first pair has told them.
    classes: (Option<String>, Option<String>),
    path: String,
    records: u64,
    bytes: (Vec<u8>, Vec<u8>),
}

impl ValueSequenceWriter {
    /// Takes a file that was begun. Classes that are not given are those of the first pair.
    pub fn new(
        output: Output,
        options: &SequenceOptions,
        classes: (Option<String>, Option<String>),
    ) -> ValueSequenceWriter {
        let path = output.path().to_string();
        let options = options.clone();
        let bytes = (vec![], vec![]);
        ValueSequenceWriter { output: Some(output), writer: None, options, classes, path, records: 0, bytes }
    }

    /// Writes a pair.
    ///
    /// # Errors
    /// [`IoCause::Unwritable`] when key or value is not of the file's class; or when it cannot be written.
    pub fn append(&mut self, key: &Value, value: &Value) -> Result<(), IoError> {
        let failed = |cause| IoError::new(IoOperation::Write, &self.path, cause);
        let key_class = self.classes.0.get_or_insert_with(|| key.class().to_string());
        check_class("key", self.records, key, key_class).map_err(failed)?;
        let value_class = self.classes.1.get_or_insert_with(|| value.class().to_string());
        check_class("value", self.records, value, value_class).map_err(failed)?;
        self.records += 1;
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.0.clear();
        bytes.1.clear();
        key.write(&mut bytes.0);
        value.write(&mut bytes.1);
        let appended = self.writer()?.append(&bytes.0, &bytes.1);
        self.bytes = bytes;
        appended.map_err(|cause| IoError::new(IoOperation::Write, &self.path, cause))
    }

    /// Returns the writer. Its header is written at the first call, when the classes are known.
    fn writer(&mut self) -> Result<&mut SequenceWriter<Output>, IoError> {
        if let Some(output) = self.output.take() {
            let class = |class: &Option<String>| class.clone().unwrap_or_else(|| Value::Null.class().into());
            let (key, value) = (class(&self.classes.0), class(&self.classes.1));
            let mut header = SequenceHeader::new(&key, &value, self.options.compression);
            header.metadata.clone_from(&self.options.metadata);
            let writer = SequenceWriter::new(output, header);
            self.writer = Some(writer.map_err(|cause| IoError::new(IoOperation::Write, &self.path, cause))?);
        }
        let broken = || {
            IoError::new(
                IoOperation::Write,
                &self.path,
                IoCause::Unwritable("its header could not be written".into()),
            )
        };
        self.writer.as_mut().ok_or_else(broken)
    }

    /// Returns the classes of keys and values, if any pair was written or they were asked for.
    pub fn classes(&self) -> (Option<String>, Option<String>) {
        self.classes.clone()
    }

    /// Writes the rest, and returns the file, which is still to be finished. Without a pair the header names
    /// `NullWritable` where no class was asked for.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn into_output(mut self) -> Result<Output, IoError> {
        self.writer()?;
        let path = self.path;
        let Some(writer) = self.writer else {
            return Err(IoError::new(
                IoOperation::Write,
                path,
                IoCause::Unwritable("it was not begun".into()),
            ));
        };
        writer.finish().map_err(|cause| IoError::new(IoOperation::Write, path, cause))
    }
}

/// Checks that a value is of the class that its file holds.
fn check_class(part: &str, record: u64, value: &Value, class: &str) -> Result<(), IoCause> {
    if value.class() == class {
        return Ok(());
    }
    let shown: String = format!("{value:?}").chars().take(200).collect();
    Err(IoCause::Unwritable(format!(
        "wrong {part} class: record {record} of the partition has the {part} {shown}, a {}, and the file's {part}s are of class \
         {class}, which the first record or the call has set. All {part}s of a SequenceFile have one class: make them alike first, \
         such as by mapValues(float) or mapValues(str), or save them with saveAsPickleFile, which takes any",
        value.class()
    )))
}

fn open(stores: &Stores, split: &FileSplit) -> Result<SequenceReader<Input>, IoError> {
    let input = Input::open(stores, &split.path)?;
    SequenceReader::open(input, split.start, split.end())
        .map_err(|cause| IoError::new(IoOperation::Read, &split.path, cause))
}

/// Reads the next records, each made from its bytes; none at the end.
fn batch<T>(
    reader: &mut SequenceReader<Input>,
    make: impl Fn(&[u8], &[u8]) -> Result<T, String>,
) -> Result<Vec<T>, IoCause> {
    let (mut records, mut bytes) = (vec![], 0);
    while records.len() < BATCH_RECORDS && bytes < BATCH_BYTES {
        let made = match reader.next_pair()? {
            None => break,
            Some((key, value)) => {
                bytes += key.len() + value.len();
                make(key, value)
            }
        };
        records.push(made.map_err(|what| IoCause::Malformed { offset: reader.offset(), what })?);
    }
    Ok(records)
}

/// Makes one step of an iterator, which ends with its first error.
pub(crate) fn give<T>(
    batch: Result<Vec<T>, IoCause>,
    path: &str,
    done: &mut bool,
) -> Option<Result<Vec<T>, IoError>> {
    match batch {
        Ok(records) if records.is_empty() => {
            *done = true;
            None
        }
        Ok(records) => Some(Ok(records)),
        Err(cause) => {
            *done = true;
            Some(Err(IoError::new(IoOperation::Read, path, cause)))
        }
    }
}

fn other_types<K: Writable, V: Writable>(header: &SequenceHeader) -> IoCause {
    let (key, value) = (&header.key_class, &header.value_class);
    let instead = match (type_for(key), type_for(value)) {
        (Some(key), Some(value)) => format!("write sequence_file::<{key}, {value}>"),
        _ => "implement Writable for types of your own that read these classes".into(),
    };
    IoCause::OtherTypes {
        found: format!("keys of class {key} and values of class {value}"),
        asked: format!("{} and {}", std::any::type_name::<K>(), std::any::type_name::<V>()),
        instead,
    }
}
