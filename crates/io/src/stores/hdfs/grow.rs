//! A file of Hadoop's file system that readers see while it grows. Its length is that of its complete blocks, to the
//! client by which we read, and a block is complete when its writer has closed the file. So the file is opened for what
//! was gathered, and closed at once: everyone can read it at any time, and a writer that is killed leaves no lease.

use super::cluster::{Cluster, bounded};
use crate::error::{IoCause, IoError, IoOperation};
use crate::store::GrowingFile;
use crate::stores::runtime;
use bytes::Bytes;
use hdfs_native::WriteOptions;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The number of bytes that are gathered before they are sent to the data nodes.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// The shortest time between two flushes that are obeyed: each is five requests.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);

/// A file that grows in its place.
pub(super) struct HdfsGrowing {
    cluster: Arc<Cluster>,
    path: String,
    buffer: Vec<u8>,
    /// The time at which something was appended last.
    appended: Option<Instant>,
    /// True after a request that failed, of which nobody knows how far it came.
    is_lost: bool,
}

impl HdfsGrowing {
    pub(super) fn create(cluster: Arc<Cluster>, path: &str, mode: u32) -> Result<HdfsGrowing, IoError> {
        cluster.call(IoOperation::Create, path, |cluster, path| async move {
            let options = WriteOptions::default().create_parent(false).overwrite(true);
            cluster.client.create(&path, options).await?.close().await
        })?;
        cluster.set_mode(path, mode)?;
        Ok(HdfsGrowing { cluster, path: path.into(), buffer: vec![], appended: None, is_lost: false })
    }

    /// Appends what was gathered.
    fn append(&mut self) -> Result<(), IoError> {
        let shown = self.cluster.shown(&self.path);
        if self.is_lost {
            let message = "an earlier write to it failed".into();
            return Err(IoError::new(IoOperation::Write, shown, IoCause::Store { message, transient: true }));
        }
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        if bytes.is_empty() {
            return Ok(());
        }
        let (cluster, path) = (self.cluster.clone(), self.path.clone());
        let appended = bounded(IoOperation::Write, shown.clone(), async move {
            let mut writer = cluster.client.append(&path).await?;
            writer.write_bytes(bytes).await?;
            writer.close().await
        });
        let appended = runtime::wait(IoOperation::Write, &shown, appended);
        self.is_lost = appended.is_err();
        self.appended = Some(Instant::now());
        appended
    }
}

impl io::Write for HdfsGrowing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= WRITE_BUFFER_BYTES {
            self.append()?;
        }
        Ok(bytes.len())
    }

    /// Appends what was gathered, unless something was a short time ago.
    fn flush(&mut self) -> io::Result<()> {
        match self.appended {
            Some(at) if at.elapsed() < FLUSH_INTERVAL => Ok(()),
            _ => Ok(self.append()?),
        }
    }
}

impl GrowingFile for HdfsGrowing {
    fn show(&mut self) -> Result<(), IoError> {
        self.append()
    }
}

impl fmt::Debug for HdfsGrowing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cluster.shown(&self.path))
    }
}
