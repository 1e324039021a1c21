//! The shuffle storage, as reducers read it.
//!
//! A request to a store takes long, and costs money, so few are made: the index of an object is read once for a host,
//! and with the piece of a reducer those of its neighbours come, a few MiB in all, into a file of the host's shared
//! directory. Reducers that run there next, in whatever process, find theirs in it.

use firesteel_data::DataError;
use firesteel_io::{Input, IoCause, IoError, Stores};
use firesteel_shuffle::{MergedIndex, PieceTable, StoredShuffle, open_segment};
use firesteel_storage::SharedFiles;
use firesteel_types::{Partition, ShuffleId, StoredObject, TaskId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Pieces of neighbours are read along until there is so much.
const READ_AHEAD_BYTES: u64 = 4 << 20;

/// The size of all files together in which parts of objects stay; the oldest make room.
const LOCAL_BYTES: u64 = 4 << 30;

/// The most objects whose indices a process remembers, and whose inputs it has open.
const OBJECTS_AT_MOST: usize = 256;

/// The most tables of pieces that a process remembers: a reducer reads each for all outputs of an object.
const TABLES_AT_MOST: usize = 4096;

/// The number of locks under which hosts' processes read an object's parts: two readers of the same part wait for one
/// request.
const LOCKS: u64 = 64;

const PREFIX: &str = "stored-";

/// Reads map outputs from the shuffle storage.
pub(crate) struct StoredReader {
    stores: Stores,
    /// The application's directory in the storage.
    directory: String,
    files: Arc<SharedFiles>,
    objects: Mutex<HashMap<(ShuffleId, StoredObject), Arc<Opened>>>,
    tables: Mutex<HashMap<TableKey, Arc<PieceTable>>>,
}

/// The piece of a reducer in an object.
type TableKey = (ShuffleId, StoredObject, usize);

/// An object whose index was read.
struct Opened {
    path: String,
    /// The beginning of the names of local files with parts of it.
    name: String,
    index: MergedIndex,
    /// The first reducers of the parts that are read at once; one more at the end.
    parts: Vec<usize>,
}

/// A part of an object.
enum Part {
    Local(LocalPart),
    /// In the storage itself: this host cannot have a local file of it.
    Stored(Input),
}

impl Part {
    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, DataError> {
        match self {
            Part::Local(local) => local.read(range),
            Part::Stored(input) => {
                let length = range.end.saturating_sub(range.start);
                // A changed length must not make a reader ask for more memory than there is.
                if range.start.saturating_add(length) > input.len() {
                    let message = "it is shorter than it says".into();
                    return Err(DataError::Corrupt { source_name: input.path().into(), message });
                }
                input.read_at(range.start, length as usize).map_err(|error| remote(input.path(), &error))
            }
        }
    }
}

/// A place in a local file that has a part of an object.
struct LocalPart {
    file: File,
    path: PathBuf,
    /// The position in the object at which the file begins.
    begin: u64,
}

impl LocalPart {
    fn read(&self, range: Range<u64>) -> Result<Vec<u8>, DataError> {
        let failed = |error| DataError::io("read", &self.path, error);
        // A changed length must not make a reader ask for more memory than there is.
        let length = self.file.metadata().map_err(failed)?.len();
        let start = range.start.saturating_sub(self.begin);
        let bytes = range.end.saturating_sub(range.start);
        if start.saturating_add(bytes) > length {
            return Err(failed(io::ErrorKind::UnexpectedEof.into()));
        }
        let mut bytes = vec![0; bytes as usize];
        self.file.read_exact_at(&mut bytes, start).map_err(failed)?;
        Ok(bytes)
    }
}

impl StoredShuffle for StoredReader {
    fn read(
        &self,
        shuffle: ShuffleId,
        object: StoredObject,
        written: (Partition, TaskId),
        reducer: Partition,
    ) -> Result<Vec<u8>, DataError> {
        let opened = self.open(shuffle, object)?;
        let piece = opened.index.piece(reducer.index());
        if piece.is_empty() {
            return Ok(vec![]);
        }
        let part = opened.parts.partition_point(|first| *first <= reducer.index()) - 1;
        let key = (shuffle, object, reducer.index());
        let range =
            opened.index.piece(opened.parts[part]).start..opened.index.piece(opened.parts[part + 1] - 1).end;
        self.read_part(&opened.path, &opened.part_name(part), range, |part| {
            self.read_piece(&opened, piece.clone(), part, written, key)
        })
    }
}

impl StoredReader {
    /// Makes a reader of an application's directory in the storage, for a host with these shared files.
    pub(crate) fn new(stores: Stores, directory: &str, files: Arc<SharedFiles>) -> Self {
        let (objects, tables) = (Mutex::default(), Mutex::default());
        StoredReader { stores, directory: directory.into(), files, objects, tables }
    }

    /// Removes what was read of a shuffle from a host.
    pub(crate) fn forget(files: &SharedFiles, shuffle: ShuffleId) {
        files.names(&format!("{PREFIX}{shuffle}-")).iter().for_each(|name| files.remove(name));
    }

    fn open(&self, shuffle: ShuffleId, object: StoredObject) -> Result<Arc<Opened>, DataError> {
        if let Some(opened) = self.objects.lock().get(&(shuffle, object)) {
            return Ok(opened.clone());
        }
        let path = object_path(&self.directory, shuffle, object);
        let name = format!("{PREFIX}{shuffle}-{}", object.name());
        let range = object.index_at..object.length;
        let index = self.read_part(&path, &format!("{name}-index"), range.clone(), |part| {
            MergedIndex::decode(&part.read(range.clone())?, self.files.cipher(), &path)
        })?;
        let parts = parts(&index);
        let opened = Arc::new(Opened { path, name, index, parts });
        let mut objects = self.objects.lock();
        if objects.len() >= OBJECTS_AT_MOST {
            objects.clear();
        }
        objects.insert((shuffle, object), opened.clone());
        Ok(opened)
    }

    /// Reads something from a part of an object: from its local file, from another one if that is broken, and from the
    /// storage if this host cannot have one, since its disk is full, say.
    fn read_part<T>(
        &self,
        object: &str,
        name: &str,
        range: Range<u64>,
        read: impl Fn(&Part) -> Result<T, DataError>,
    ) -> Result<T, DataError> {
        let read_local = || read(&Part::Local(self.part(object, name, range.clone())?));
        let done = match read_local() {
            // The local file may have been changed or cut short.
            Err(_) if fs::remove_file(self.local_path(name)).is_ok() => read_local(),
            done => done,
        };
        let Err(own @ DataError::Io { .. }) = done else { return done };
        let input = Input::open(&self.stores, object).map_err(|error| remote(object, &error));
        match input.and_then(|input| read(&Part::Stored(input))) {
            // What made the local file fail may be the reason here, too: too few descriptors.
            Err(DataError::Remote { .. }) => Err(own),
            done => done,
        }
    }

    fn read_piece(
        &self,
        opened: &Opened,
        piece: Range<u64>,
        part: &Part,
        written: (Partition, TaskId),
        key: TableKey,
    ) -> Result<Vec<u8>, DataError> {
        let (cipher, object, reducer) = (self.files.cipher(), &*opened.path, key.2);
        let corrupt =
            |message: &str| DataError::Corrupt { source_name: object.into(), message: message.into() };
        let within = |range: &Range<u64>| {
            let (start, end) =
                (piece.start.saturating_add(range.start), piece.start.saturating_add(range.end));
            if end > piece.end { Err(corrupt("a piece is shorter than it says")) } else { Ok(start..end) }
        };
        let known = self.tables.lock().get(&key).cloned();
        let table = match known {
            Some(table) => table,
            None => {
                let length = part.read(within(&(0..4))?)?;
                let table = MergedIndex::table(length.try_into().expect("four bytes were read"));
                let table = PieceTable::decode(&part.read(within(&table)?)?, reducer, cipher, object)?;
                let (table, mut tables) = (Arc::new(table), self.tables.lock());
                if tables.len() >= TABLES_AT_MOST {
                    tables.clear();
                }
                tables.insert(key, table.clone());
                table
            }
        };
        let segments = opened.index.segments(written, &table);
        let segments = segments.ok_or_else(|| corrupt("it does not have the output of this attempt"))?;
        let mut all = vec![];
        for (range, checksum) in segments {
            let bytes = part.read(within(range)?)?;
            let blocks = open_segment(bytes, *checksum, reducer, cipher, object)?;
            if all.is_empty() { all = blocks } else { all.extend(blocks) }
        }
        Ok(all)
    }

    /// Returns a part of an object as a local file, which is fetched if it is not there.
    fn part(&self, object: &str, name: &str, range: Range<u64>) -> Result<LocalPart, DataError> {
        let path = self.local_path(name);
        let open = || match File::open(&path) {
            Ok(file) => Ok(Some(LocalPart { file, path: path.clone(), begin: range.start })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(DataError::io("open", &path, error)),
        };
        if let Some(part) = open()? {
            return Ok(part);
        }
        let lock =
            name.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % LOCKS;
        let _lock = self.files.lock(&format!("{PREFIX}{lock}"))?;
        if let Some(part) = open()? {
            return Ok(part);
        }
        self.make_room(range.end - range.start);
        self.fetch(object, &path, range.clone())?;
        open()?.ok_or_else(|| DataError::io("open", &path, io::ErrorKind::NotFound.into()))
    }

    fn fetch(&self, object: &str, to: &Path, range: Range<u64>) -> Result<(), DataError> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let failed = |error: IoError| remote(object, &error);
        let input = Input::open(&self.stores, object).map_err(failed)?;
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let unfinished = to.with_file_name(format!(".{PREFIX}{}-{serial}", std::process::id()));
        let written = (|| {
            let mut options = OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(&unfinished);
            let mut file = file.map_err(|error| DataError::io("create", &unfinished, error))?;
            let mut at = range.start;
            while at < range.end {
                let length = (range.end - at).min(READ_AHEAD_BYTES);
                let bytes = input.read_at(at, length as usize).map_err(failed)?;
                file.write_all(&bytes).map_err(|error| DataError::io("write", &unfinished, error))?;
                at += length;
            }
            fs::rename(&unfinished, to).map_err(|error| DataError::io("rename", &unfinished, error))
        })();
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Removes the files that were read first, so that there is room for more. Who reads them, goes on reading.
    fn make_room(&self, bytes: u64) {
        let file = |name: String| {
            let metadata = fs::metadata(self.local_path(&name)).ok()?;
            Some((metadata.modified().ok()?, metadata.len(), name))
        };
        let mut files: Vec<_> = self.files.names(PREFIX).into_iter().filter_map(file).collect();
        let mut all: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        if all + bytes <= LOCAL_BYTES {
            return;
        }
        files.sort();
        for (_, length, name) in files {
            if all + bytes <= LOCAL_BYTES {
                return;
            }
            self.files.remove(&name);
            all -= length;
        }
    }

    fn local_path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }
}

impl Opened {
    fn part_name(&self, part: usize) -> String {
        format!("{}-{part}", self.name)
    }
}

/// Returns the failure to read an object. One that is not there is broken, whatever becomes of the others.
fn remote(object: &str, error: &IoError) -> DataError {
    if error.cause == IoCause::NotFound {
        return DataError::Corrupt { source_name: object.into(), message: "it is not there".into() };
    }
    DataError::Remote { address: object.into(), message: error.to_string() }
}

/// Returns the path of an object.
pub(crate) fn object_path(directory: &str, shuffle: ShuffleId, object: StoredObject) -> String {
    format!("{directory}/shuffle-{shuffle}/{}", object.name())
}

/// Cuts the pieces of an object into parts that are read at once.
fn parts(index: &MergedIndex) -> Vec<usize> {
    let mut parts = vec![0];
    for reducer in 0..index.reducers() {
        let begin = index.piece(*parts.last().expect("there is a first")).start;
        if index.piece(reducer).end - begin > READ_AHEAD_BYTES && reducer > *parts.last().unwrap_or(&0) {
            parts.push(reducer);
        }
    }
    parts.push(index.reducers());
    parts
}
