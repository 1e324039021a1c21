//! Merged outputs: the outputs of several map tasks of one shuffle in one object of the shuffle storage.
//!
//! All that the outputs have for a reducer lies together, so that reducers read one range of an object each, and
//! neighbours one behind the other:
//!
//! ```text
//! piece of each reducer   length of its table: u32 | table | segments: of each output, in order, of each of its runs
//! table                   for each output, for each of its runs: length of the segment: u64 | its checksum: u64
//! index                   the outputs with their attempts and numbers of runs | the offsets of the pieces
//! ```
//!
//! Segments are as they lie in files, encrypted if these are; tables and the index are encrypted then, too, and have
//! checksums in any case. A reader that names another attempt than the index finds nothing.

use crate::output::{MapOutput, RawRun, Words};
use firesteel_data::block::{decode_value, encode_value};
use firesteel_data::{Cipher, DataError};
use firesteel_types::{Partition, TaskId};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// The most runs that one object is made of: each is an open file meanwhile.
pub const MERGED_RUNS_AT_MOST: usize = 256;

/// The number under which the index is encrypted; tables have that of their reducer.
const INDEX: u64 = u64::MAX;

/// The length and the checksum of a segment, in a table.
const ENTRY_BYTES: usize = 16;

/// A map output to merge: its map task, the attempt that wrote it, and what it wrote.
pub type Mergeable = (Partition, TaskId, Arc<MapOutput>);

/// An object that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The position of its index.
    pub index_at: u64,
    /// The number of its bytes.
    pub length: u64,
}

/// The index of an object.
#[derive(Debug, Serialize, Deserialize)]
pub struct MergedIndex {
    outputs: Vec<MergedOutput>,
    /// The position of each reducer's piece; one more at the end.
    pieces: Words,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct MergedOutput {
    map: Partition,
    task: TaskId,
    /// The number of its first run in each table.
    first: u32,
    runs: u32,
}

/// The table of a reducer's piece: where each segment is, from the piece's begin on.
#[derive(Debug)]
pub struct PieceTable(Vec<(Range<u64>, u64)>);

/// Writes outputs of one shuffle as one object. What is read of them is checked.
///
/// # Errors
/// When a file of theirs cannot be read, or holds something else; or the object cannot be written.
pub fn merge(
    outputs: &[Mergeable],
    cipher: Option<&Cipher>,
    sink: &mut impl Write,
) -> Result<Merged, DataError> {
    let (mut runs, mut named): (Vec<RawRun>, _) = (vec![], vec![]);
    for (map, task, output) in outputs {
        let first = runs.len() as u32;
        runs.extend(output.open_raw()?);
        named.push(MergedOutput { map: *map, task: *task, first, runs: runs.len() as u32 - first });
    }
    let reducers = runs.iter().map(RawRun::reducers).max().unwrap_or(0);
    let (mut pieces, mut at, mut segment) = (vec![0], 0, vec![]);
    for reducer in 0..reducers {
        let (mut table, mut bytes) = (Vec::with_capacity(runs.len() * ENTRY_BYTES), 0);
        for (length, checksum) in runs.iter().map(|run| run.segment(reducer)) {
            table.extend_from_slice(&length.to_le_bytes());
            table.extend_from_slice(&checksum.to_le_bytes());
            bytes += length;
        }
        if bytes > 0 {
            let table = sealed(table, reducer as u64, cipher);
            write(sink, &(table.len() as u32).to_le_bytes())?;
            write(sink, &table)?;
            for run in &runs {
                run.read(reducer, &mut segment)?;
                write(sink, &segment)?;
            }
            at += 4 + table.len() as u64 + bytes;
        }
        pieces.push(at);
    }
    let index = MergedIndex { outputs: named, pieces: pieces.into() };
    let index = sealed(encode_value(&index)?, INDEX, cipher);
    write(sink, &index)?;
    Ok(Merged { index_at: at, length: at + index.len() as u64 })
}

impl MergedIndex {
    /// Reads the index of an object, which is all that lies behind its pieces.
    ///
    /// # Errors
    /// When the bytes are not what was written, or not by this application.
    pub fn decode(bytes: &[u8], cipher: Option<&Cipher>, object: &str) -> Result<Self, DataError> {
        let index: MergedIndex = decode_value(&opened(bytes, INDEX, cipher, object)?)?;
        let offsets: Option<Vec<u64>> = (0..index.pieces.len()).map(|at| index.pieces.get(at)).collect();
        match offsets.is_some_and(|offsets| offsets.is_sorted()) {
            true => Ok(index),
            false => Err(corrupt(object, "its index is out of order")),
        }
    }

    /// Returns the number of reducers.
    pub fn reducers(&self) -> usize {
        self.pieces.len().saturating_sub(1)
    }

    /// Returns the position of a reducer's piece, which may be empty.
    pub fn piece(&self, reducer: usize) -> Range<u64> {
        match (self.pieces.get(reducer), self.pieces.get(reducer + 1)) {
            (Some(start), Some(end)) => start..end,
            _ => 0..0,
        }
    }

    /// Returns the position of the table within a piece that begins with these bytes, of which four are enough.
    pub fn table(piece: [u8; 4]) -> Range<u64> {
        4..4 + u64::from(u32::from_le_bytes(piece))
    }

    /// Returns where the segments of an attempt's output lie in a reducer's piece, with their checksums; `None` if the
    /// object does not have the output.
    pub fn segments<'a>(
        &self,
        (map, task): (Partition, TaskId),
        table: &'a PieceTable,
    ) -> Option<&'a [(Range<u64>, u64)]> {
        let output = self.outputs.iter().find(|output| output.map == map && output.task == task)?;
        let first = output.first as usize;
        table.0.get(first..first + output.runs as usize)
    }
}

impl PieceTable {
    /// Reads the table of a reducer's piece.
    ///
    /// # Errors
    /// When the bytes are not what was written, or not by this application.
    pub fn decode(
        bytes: &[u8],
        reducer: usize,
        cipher: Option<&Cipher>,
        object: &str,
    ) -> Result<Self, DataError> {
        let mut at = 4 + bytes.len() as u64;
        let table = opened(bytes, reducer as u64, cipher, object)?;
        let number = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        let segment = |entry: &[u8]| {
            let start = at;
            at = at.saturating_add(number(&entry[..8]));
            (start..at, number(&entry[8..]))
        };
        Ok(PieceTable(table.chunks_exact(ENTRY_BYTES).map(segment).collect()))
    }
}

/// Checks a segment that was read, and decrypts it.
///
/// # Errors
/// When the bytes are not what was written, or not by this application.
pub fn open_segment(
    mut bytes: Vec<u8>,
    checksum: u64,
    reducer: usize,
    cipher: Option<&Cipher>,
    object: &str,
) -> Result<Vec<u8>, DataError> {
    if bytes.is_empty() {
        return Ok(bytes);
    }
    if xxh3_64(&bytes) != checksum {
        let message = format!("the checksum for reducer {reducer} does not match what was read");
        return Err(corrupt(object, &message));
    }
    match cipher.is_none_or(|cipher| cipher.open(reducer as u64, &mut bytes)) {
        true => Ok(bytes),
        false => Err(corrupt(object, "it was not sealed by this application, or was changed")),
    }
}

/// Puts a checksum behind the bytes, and encrypts them if that is asked for.
fn sealed(mut bytes: Vec<u8>, number: u64, cipher: Option<&Cipher>) -> Vec<u8> {
    if let Some(cipher) = cipher {
        bytes = cipher.encrypt(number, &bytes);
    }
    let checksum = xxh3_64(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

fn opened(bytes: &[u8], number: u64, cipher: Option<&Cipher>, object: &str) -> Result<Vec<u8>, DataError> {
    let Some((bytes, checksum)) = bytes.split_last_chunk::<8>() else {
        return Err(corrupt(object, "it was cut short"));
    };
    if xxh3_64(bytes) != u64::from_le_bytes(*checksum) {
        return Err(corrupt(object, "a checksum does not match what was read"));
    }
    let mut bytes = bytes.to_vec();
    match cipher.is_none_or(|cipher| cipher.open(number, &mut bytes)) {
        true => Ok(bytes),
        false => Err(corrupt(object, "it was not sealed by this application, or was changed")),
    }
}

fn write(sink: &mut impl Write, bytes: &[u8]) -> Result<(), DataError> {
    sink.write_all(bytes).map_err(|error| DataError::io("write", std::path::Path::new("the object"), error))
}

fn corrupt(object: &str, message: &str) -> DataError {
    DataError::Corrupt { source_name: object.into(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MapOutputWriter, ShuffleStore};
    use firesteel_data::block::KeyRef;
    use firesteel_storage::{LocalDirs, MemoryPool, SharedFiles, TaskWorkspace};
    use firesteel_types::ShuffleId;

    const REDUCERS: u32 = 5;

    fn store(dir: &std::path::Path, cipher: Option<&Cipher>) -> ShuffleStore {
        let files = Arc::new(SharedFiles::open(dir.join("shared")).unwrap());
        let dirs = Arc::new(LocalDirs::within(dir.join("own")).unwrap());
        if let Some(cipher) = cipher {
            files.encrypt_with(cipher);
            dirs.encrypt_with(cipher);
        }
        ShuffleStore::sharing(files, dirs)
    }

    /// Writes the outputs of some map tasks, in one run or in many; nothing for reducer 2.
    fn outputs(store: &ShuffleStore, memory: usize) -> Vec<Mergeable> {
        let (_, dirs) = store.shared().unwrap();
        let output = |map: u32| {
            let task = TaskId(100 - u64::from(map));
            let pool = Arc::new(MemoryPool::new(memory));
            let workspace = Arc::new(TaskWorkspace::new(task, pool.clone(), dirs.clone()));
            let mut writer = MapOutputWriter::<u32, String>::new(REDUCERS, workspace, pool, dirs.clone());
            for i in 0..500 {
                let reducer = [0, 1, 3, 4][i as usize % 4];
                writer.push(reducer, u64::from(i), KeyRef::Owned(i), format!("secret {map}.{i}")).unwrap();
                writer.check_memory().unwrap();
            }
            store.put(ShuffleId(1), Partition(map), task, writer.finish().unwrap().output).unwrap();
            (Partition(map), task, store.get(ShuffleId(1), Partition(map), task).unwrap().unwrap())
        };
        (0..4).map(output).collect()
    }

    fn part(bytes: &[u8], range: Range<u64>) -> Result<&[u8], DataError> {
        bytes.get(range.start as usize..range.end as usize).ok_or_else(|| corrupt("o", "it is too short"))
    }

    /// Reads an output's segments for a reducer, in the way of a reader with ranges.
    fn read(
        object: &[u8],
        merged: Merged,
        (map, task): (Partition, TaskId),
        reducer: usize,
        cipher: Option<&Cipher>,
    ) -> Result<Option<Vec<u8>>, DataError> {
        let index = MergedIndex::decode(&object[merged.index_at as usize..], cipher, "o")?;
        let piece = index.piece(reducer);
        if piece.is_empty() {
            return Ok(Some(vec![]));
        }
        let piece = part(object, piece)?;
        let table = MergedIndex::table(piece[..4].try_into().unwrap());
        let table = PieceTable::decode(part(piece, table)?, reducer, cipher, "o")?;
        let Some(segments) = index.segments((map, task), &table) else { return Ok(None) };
        let mut all = vec![];
        for (range, checksum) in segments {
            let bytes = part(piece, range.clone())?.to_vec();
            all.extend(open_segment(bytes, *checksum, reducer, cipher, "o")?);
        }
        Ok(Some(all))
    }

    #[test]
    fn reducers_find_in_one_range_what_each_output_has_for_them() {
        for (memory, cipher) in [(0, None), (1 << 30, None), (0, Some(Cipher::by_chance()))] {
            let dir = tempfile::tempdir().unwrap();
            let outputs = outputs(&store(dir.path(), cipher.as_ref()), memory);
            let mut object = vec![];
            let merged = merge(&outputs, cipher.as_ref(), &mut object).unwrap();
            assert_eq!(merged.length, object.len() as u64);
            for (map, task, output) in &outputs {
                for reducer in 0..REDUCERS {
                    let expected: Vec<u8> =
                        output.read(reducer).flat_map(|bytes| bytes.unwrap().to_vec()).collect();
                    let found = read(&object, merged, (*map, *task), reducer as usize, cipher.as_ref());
                    assert_eq!(found.unwrap(), Some(expected));
                }
                let other = read(&object, merged, (*map, TaskId(1)), 0, cipher.as_ref());
                assert_eq!(other.unwrap(), None, "another attempt's is another one");
            }
            if cipher.is_some() {
                assert!(!object.windows(6).any(|window| window == b"secret"));
                assert!(read(&object, merged, (Partition(0), TaskId(100)), 0, None).is_err());
                let wrong = Cipher::by_chance();
                assert!(read(&object, merged, (Partition(0), TaskId(100)), 0, Some(&wrong)).is_err());
            }
        }
    }

    #[test]
    fn a_byte_that_was_changed_is_noticed_and_a_broken_file_makes_no_object() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), None);
        let outputs = outputs(&store, 0);
        let mut object = vec![];
        let merged = merge(&outputs, None, &mut object).unwrap();
        for at in (0..object.len()).step_by(97) {
            let mut changed = object.clone();
            changed[at] ^= 1;
            let reads = outputs.iter().flat_map(|(map, task, _)| (0..REDUCERS).map(|r| (*map, *task, r)));
            let fails = |(map, task, r)| read(&changed, merged, (map, task), r as usize, None).is_err();
            assert!(reads.into_iter().any(fails), "byte {at} of {}", object.len());
        }
        let file = store.whole(ShuffleId(1), Partition(2), TaskId(98)).unwrap().unwrap();
        let run = file.runs().next().unwrap();
        let mut bytes = std::fs::read(run).unwrap();
        bytes[0] ^= 1;
        std::fs::write(run, bytes).unwrap();
        merge(&outputs, None, &mut vec![]).unwrap_err();
    }
}
