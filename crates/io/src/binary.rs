//! Files of records that all have one length and nothing between them, as `binaryRecords` reads them.

use crate::codec::Codec;
use crate::error::{IoCause, IoError, IoOperation::Read as Reading};
use crate::file::Input;
use crate::inputs::InputFile;
use crate::splits::{FileSplit, SplitOptions, cut_files};
use crate::stores::Stores;
use bytes::Bytes;
use std::io::{Read, Seek, SeekFrom};

/// The number of bytes read at once, unless a record is longer. Records of one read share their memory.
const READ_BYTES: u64 = 64 << 10;

/// Checks by their lengths alone that files are whole records. Compressed files are checked when they are
/// read.
///
/// # Errors
/// [`IoCause::NotRecords`] names the first file that is not, its length, and the record's.
pub fn check_records(files: &[InputFile], record: u64) -> Result<(), IoError> {
    let plain = |file: &&InputFile| Codec::of_path(&file.path) == Codec::Plain;
    match files.iter().filter(plain).find(|file| file.length.checked_rem(record) != Some(0)) {
        None => Ok(()),
        Some(file) => {
            let cause = IoCause::NotRecords { length: file.length, record };
            Err(IoError::new(Reading, &file.path, cause))
        }
    }
}

/// Cuts files into splits between records. A compressed file is one split.
pub fn record_splits(files: &[InputFile], record: u64, options: &SplitOptions) -> Vec<FileSplit> {
    cut_files(files, options, record.max(1), |file| Codec::of_path(&file.path) == Codec::Plain)
}

/// Reads the records of one split, in batches.
///
/// ```
/// use firesteel_io::{FileSplit, RecordReader};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("records").to_str().unwrap().to_string();
/// std::fs::write(&path, "aaabbbccc").unwrap();
/// let split = FileSplit { path, start: 3, length: 6 };
/// let batches: Vec<_> = RecordReader::open(&firesteel_io::Stores::default(), &split, 3)?.collect::<Result<_, _>>()?;
/// assert_eq!(batches.concat(), ["bbb", "ccc"]);
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
pub struct RecordReader {
    data: Box<dyn Read + Send>,
    path: String,
    codec: Codec,
    record: u64,
    /// The number of bytes of a plain split that are still to come; none in a compressed file, which is read
    /// to its end.
    left: Option<u64>,
    /// The position in the file, decompressed, at which the next read begins.
    position: u64,
    done: bool,
}

impl RecordReader {
    /// Opens the split's file. `record` is the length of a record in bytes, at least 1.
    ///
    /// # Errors
    /// When it cannot be opened, or a split of a compressed file does not begin at its beginning.
    pub fn open(stores: &Stores, split: &FileSplit, record: u64) -> Result<RecordReader, IoError> {
        let codec = Codec::of_path(&split.path);
        let fail = |cause| IoError::new(Reading, &split.path, cause);
        let mut input = Input::open(stores, &split.path)?;
        if split.start > 0 {
            if codec != Codec::Plain {
                return Err(fail(IoCause::NotSplittable(codec)));
            }
            let seek = input.seek(SeekFrom::Start(split.start));
            seek.map_err(|error| IoError::from_io(Reading, &split.path, error))?;
        }
        let left = (codec == Codec::Plain).then_some(split.length);
        if codec == Codec::Plain {
            input.expect_end(split.end());
        }
        let data = codec.decoder(input).map_err(fail)?;
        let (path, position) = (split.path.clone(), split.start);
        Ok(RecordReader { data, path, codec, record: record.max(1), left, position, done: false })
    }

    /// Returns the next records; none at the end.
    fn next_batch(&mut self) -> Result<Vec<Bytes>, IoError> {
        let whole = (READ_BYTES / self.record).max(1).saturating_mul(self.record);
        let want = whole.min(self.left.unwrap_or(u64::MAX));
        let mut bytes = vec![];
        let read = (&mut self.data).take(want).read_to_end(&mut bytes);
        let read = read.map_err(|error| self.codec.read_error(&self.path, error))? as u64;
        self.position += read;
        let fail = |cause| Err(IoError::new(Reading, &self.path, cause));
        if let Some(left) = &mut self.left {
            *left -= read;
            // A plain file that ends before its split has lost records since it was listed.
            if read < want {
                return fail(IoCause::Shrunk { expected: self.position + *left, found: self.position });
            }
        }
        if !read.is_multiple_of(self.record) {
            return fail(IoCause::NotRecords { length: self.position, record: self.record });
        }
        let (bytes, record) = (Bytes::from(bytes), self.record as usize);
        Ok((0..bytes.len() / record).map(|i| bytes.slice(i * record..(i + 1) * record)).collect())
    }
}

impl Iterator for RecordReader {
    type Item = Result<Vec<Bytes>, IoError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let batch = self.next_batch();
        self.done = !matches!(&batch, Ok(records) if !records.is_empty());
        // Without records and without an error the split is over.
        batch.map(|records| (!records.is_empty()).then_some(records)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TextWriter;
    use proptest::prelude::*;

    fn read(split: &FileSplit, record: u64) -> Result<Vec<Bytes>, IoError> {
        RecordReader::open(&Stores::default(), split, record)?
            .collect::<Result<Vec<_>, _>>()
            .map(|batches| batches.concat())
    }

    proptest! {
        #[test]
        fn every_record_is_read_once(
            records in 0..3000_usize, record in 1..200_usize, min_partitions in 0..20_u64, compressed: bool,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let codec = if compressed { Codec::Gzip } else { Codec::Plain };
            let path = format!("{}/a{}", dir.path().display(), codec.suffix());
            let data: Vec<u8> = (0..records * record).map(|i| (i % 251) as u8).collect();
            let mut writer = TextWriter::create(&Stores::default(), &path, codec).unwrap();
            writer.write_bytes(&data).unwrap();
            writer.finish().unwrap();
            let file = InputFile { length: std::fs::metadata(&path).unwrap().len(), path };
            check_records(std::slice::from_ref(&file), record as u64).unwrap();
            let splits = record_splits(&[file], record as u64, &SplitOptions::new(min_partitions));
            let read: Vec<Bytes> = splits.iter().flat_map(|split| read(split, record as u64).unwrap()).collect();
            prop_assert!(read.iter().eq(data.chunks(record)));
        }
    }

    #[test]
    fn what_is_not_whole_records_is_an_error_with_both_lengths() {
        let dir = tempfile::tempdir().unwrap();
        let path = format!("{}/a", dir.path().display());
        std::fs::write(&path, [0; 103]).unwrap();
        let file = InputFile { path: path.clone(), length: 103 };
        let error = check_records(&[file], 10).unwrap_err().to_string();
        assert!(
            error.ends_with("/a: its 103 bytes are not whole records of 10 bytes: 3 are left over"),
            "{error}"
        );
        let split = FileSplit { path: path.clone(), start: 0, length: 103 };
        assert_eq!(read(&split, 10).unwrap_err().cause, IoCause::NotRecords { length: 103, record: 10 });
        let longer = FileSplit { path, start: 50, length: 60 };
        assert_eq!(read(&longer, 10).unwrap_err().cause, IoCause::Shrunk { expected: 110, found: 103 });
    }
}
