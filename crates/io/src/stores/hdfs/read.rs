//! Reads a file of Hadoop's file system.

use super::cluster::{Cluster, bounded};
use crate::error::{IoCause, IoError, IoOperation};
use crate::stores::ranges::{RangeReader, Ranges};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use hdfs_native::file::FileReader;
use parking_lot::Mutex;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Opens a file.
pub(crate) fn open(cluster: &Arc<Cluster>, path: &str) -> Result<RangeReader, IoError> {
    let (operation, shown) = (IoOperation::Read, cluster.shown(path));
    match cluster.status(operation, path)? {
        None => return Err(IoError::new(operation, shown, IoCause::NotFound)),
        Some(status) if status.isdir => {
            return Err(IoError::from_io(operation, shown, io::ErrorKind::IsADirectory.into()));
        }
        Some(_) => {}
    }
    let reader =
        cluster.call(operation, path, |cluster, path| async move { cluster.client.read(&path).await })?;
    let length = reader.file_length() as u64;
    let blocks = Blocks { reader: Mutex::new(reader), path: shown.clone() };
    Ok(RangeReader::new(Arc::new(blocks), shown, length))
}

/// The blocks of a file, as they were when it was opened: bytes that are appended later are not read.
struct Blocks {
    reader: Mutex<FileReader>,
    path: String,
}

impl Ranges for Blocks {
    fn fetch(self: Arc<Self>, range: Range<u64>) -> BoxFuture<'static, Result<Bytes, IoError>> {
        let length = (range.end - range.start) as usize;
        async move {
            let stream = {
                let reader = self.reader.lock();
                reader.read_range_stream(range.start as usize, length).boxed()
            };
            let gathered = async move {
                let (mut stream, mut bytes) = (stream, BytesMut::with_capacity(length));
                while let Some(next) = stream.next().await {
                    bytes.extend_from_slice(&next?);
                }
                Ok(bytes.freeze())
            };
            let bytes = bounded(IoOperation::Read, self.path.clone(), gathered).await?;
            if bytes.len() == length {
                return Ok(bytes);
            }
            let cause = IoCause::Shrunk { expected: range.end, found: range.start + bytes.len() as u64 };
            Err(IoError::new(IoOperation::Read, &self.path, cause))
        }
        .boxed()
    }
}
