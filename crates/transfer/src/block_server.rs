//! The block server: a host's files, served to other hosts. What its executors wrote is served whether they are still there or not. In an
//! executor's own process it serves what that has cached, too: what lies in memory is encoded when it is asked for.

use crate::result_name;
use firesteel_data::block::encode_value;
use firesteel_data::frames::FrameReader;
use firesteel_data::{Cipher, DataError};
use firesteel_net::bulk::{Answer, Serve};
use firesteel_protocol::BlockRequest;
use firesteel_protocol::handshake::SHARED_DIRECTORY;
use firesteel_shuffle::ShuffleStore;
use firesteel_storage::cached::Found;
use firesteel_storage::{CachedBlocks, LocalDirs, SharedFiles};
use firesteel_types::{BlockKey, BroadcastId, Generation, Partition, RddId, ShuffleId, TaskId};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A file is sent in stretches of this length.
const STRETCH: usize = 1 << 20;

/// Serves an application's files on one host.
pub struct BlockServer {
    files: Arc<SharedFiles>,
    shuffles: ShuffleStore,
    /// The cached partitions of this process's own executor.
    own_cached: OnceLock<Arc<CachedBlocks>>,
}

impl BlockServer {
    /// Serves the files that an application's processes leave each other in its directory on this host; `secret` is what they are
    /// encrypted with, if they are.
    ///
    /// # Errors
    /// When the directory cannot be made or opened.
    pub fn of_application(directory: PathBuf, secret: Option<&str>) -> Result<Self, DataError> {
        let dirs = Arc::new(LocalDirs::within(directory)?);
        let files = SharedFiles::open(dirs.path().join(SHARED_DIRECTORY))?;
        if let Some(secret) = secret {
            files.encrypt_with(&Cipher::of_secret(secret));
        }
        Ok(BlockServer::new(Arc::new(files), dirs))
    }

    /// Serves what is found among `files`; `dirs` is for nothing but the store's own sake.
    pub fn new(files: Arc<SharedFiles>, dirs: Arc<LocalDirs>) -> Self {
        BlockServer {
            shuffles: ShuffleStore::sharing(files.clone(), dirs),
            files,
            own_cached: OnceLock::new(),
        }
    }

    /// Serves the cached partitions of this process's executor as well. Only the first call has an effect.
    pub fn serve_own(&self, cached: Arc<CachedBlocks>) {
        let _ = self.own_cached.set(cached);
    }

    /// Answers a request that a host can answer.
    ///
    /// # Errors
    /// When what is there is broken, or nobody reads the answer.
    pub fn answer(&self, request: BlockRequest, answer: &mut Answer<'_>) -> io::Result<()> {
        match request {
            BlockRequest::MapOutputs { shuffle, reducer, maps } => {
                maps.into_iter().try_for_each(|map| self.map_output(shuffle, reducer, map, answer))
            }
            BlockRequest::WholeOutput { shuffle, map, task } => {
                self.whole_output((shuffle, map, task), answer)
            }
            BlockRequest::Cached { key } => self.cached(key, answer),
            BlockRequest::Broadcast { id } => self.broadcast(id, answer),
            BlockRequest::Result { task } => self.result(task, answer),
            BlockRequest::Plan { .. }
            | BlockRequest::Block { .. }
            | BlockRequest::AddressOf { .. }
            | BlockRequest::OutputsAt { .. }
            | BlockRequest::StoredAt { .. }
            | BlockRequest::CachedAt { .. }
            | BlockRequest::BroadcastFrom { .. }
            | BlockRequest::BroadcastHere { .. }
            | BlockRequest::Program
            | BlockRequest::File { .. } => Err(io::Error::other("that is for the driver to answer")),
        }
    }

    fn map_output(
        &self,
        shuffle: ShuffleId,
        reducer: u32,
        (map, task): (Partition, TaskId),
        answer: &mut Answer<'_>,
    ) -> io::Result<()> {
        let Some(output) = self.shuffles.get(shuffle, map, task).map_err(broken)? else {
            return answer.missing();
        };
        answer.begin_item()?;
        for segment in output.read(reducer) {
            answer.append(&segment.map_err(broken)?)?;
        }
        answer.end_item()
    }

    fn whole_output(
        &self,
        (shuffle, map, task): (ShuffleId, Partition, TaskId),
        answer: &mut Answer<'_>,
    ) -> io::Result<()> {
        let Some(output) = self.shuffles.whole(shuffle, map, task).map_err(broken)? else {
            return answer.missing();
        };
        answer.item(output.index())?;
        output.runs().try_for_each(|run| whole_file(run, answer))
    }

    fn cached(&self, key: BlockKey, answer: &mut Answer<'_>) -> io::Result<()> {
        if let Some((found, updates)) = self.own_cached.get().and_then(|cached| cached.get_own(key)) {
            answer.item(&encode_value(&updates.to_vec()).map_err(broken)?)?;
            return match found {
                Found::Disk(file) => each_frame(file.read().map_err(broken)?, |frame| answer.item(frame)),
                Found::Memory(block) => {
                    let mut sent = Ok(());
                    let encoded = block.encode(&mut |chunk| {
                        answer.item(chunk).map_err(|error| {
                            let failed = not_sent(&error);
                            sent = Err(error);
                            failed
                        })
                    });
                    // What the reader's end says is nearer to the cause.
                    sent.and(encoded.map_err(broken))
                }
            };
        }
        let Some((file, updates)) = CachedBlocks::find_shared(&self.files, key).map_err(broken)? else {
            return answer.missing();
        };
        answer.item(&encode_value(&updates).map_err(broken)?)?;
        each_frame(file.read().map_err(broken)?, |frame| answer.item(frame))
    }

    fn broadcast(&self, id: BroadcastId, answer: &mut Answer<'_>) -> io::Result<()> {
        let name = firesteel_storage::broadcasts::name(id);
        let Some((length, reader)) = self.files.find::<u64>(&name).map_err(broken)? else {
            return answer.missing();
        };
        answer.item(&length.to_le_bytes())?;
        each_frame(reader, |chunk| answer.item(chunk))
    }

    fn result(&self, task: TaskId, answer: &mut Answer<'_>) -> io::Result<()> {
        let Some((_, reader)) = self.files.find::<u64>(&result_name(task)).map_err(broken)? else {
            return answer.missing();
        };
        answer.begin_item()?;
        each_frame(reader, |segment| answer.append(segment))?;
        answer.end_item()
    }
}

/// Removals for executors that are not there any more to do them.
impl BlockServer {
    /// Removes a map output.
    pub fn remove_output(&self, shuffle: ShuffleId, map: Partition, task: TaskId) {
        self.shuffles.remove(shuffle, map, task);
    }

    /// Removes what is cached of an RDD, of this generation and all before it.
    pub fn remove_rdd(&self, rdd: RddId, until: Generation) {
        CachedBlocks::remove_shared_rdd(&self.files, rdd, until);
    }

    /// Removes a broadcast value.
    pub fn remove_broadcast(&self, id: BroadcastId) {
        self.files.remove(&firesteel_storage::broadcasts::name(id));
    }

    /// Removes a result that was fetched.
    pub fn remove_result(&self, task: TaskId) {
        self.files.remove(&result_name(task));
    }
}

impl Serve for BlockServer {
    fn serve(&self, request: &[u8], answer: &mut Answer<'_>) -> io::Result<()> {
        self.answer(BlockRequest::decode(request)?, answer)
    }
}

fn each_frame(mut reader: FrameReader, mut send: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut frame = vec![];
    while reader.next(&mut frame).map_err(broken)? {
        send(&frame)?;
    }
    Ok(())
}

fn whole_file(path: &Path, answer: &mut Answer<'_>) -> io::Result<()> {
    let (mut file, mut segment) = (File::open(path)?, vec![0; STRETCH]);
    answer.begin_item()?;
    loop {
        match file.read(&mut segment)? {
            0 => return answer.end_item(),
            read => answer.append(&segment[..read])?,
        }
    }
}

fn not_sent(error: &io::Error) -> DataError {
    DataError::Remote { address: "the reader".into(), message: error.to_string() }
}

fn broken(error: DataError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
