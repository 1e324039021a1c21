//! Writes a file of Hadoop's file system: under a hidden name, and renamed when it is whole.

use super::cluster::{Cluster, bounded};
use crate::error::{IoCause, IoError, IoOperation};
use crate::store::WriteFile;
use crate::stores::runtime::{self, Pending};
use bytes::Bytes;
use hdfs_native::WriteOptions;
use hdfs_native::file::FileWriter;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of bytes that are gathered before they are sent to the data nodes.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// A file that is being written, under a hidden name beside its own.
pub(crate) struct HdfsOutput {
    cluster: Arc<Cluster>,
    path: String,
    temporary: String,
    buffer: Vec<u8>,
    /// The write under way, which returns the writer when it is done.
    sending: Option<Pending<FileWriter>>,
    finished: bool,
}

impl HdfsOutput {
    pub(crate) fn create(cluster: Arc<Cluster>, path: &str) -> Result<HdfsOutput, IoError> {
        let temporary = hidden_sibling(path);
        let shown = cluster.shown(path);
        let (asked, name) = (cluster.clone(), temporary.clone());
        let opened = async move {
            let options = WriteOptions::default().create_parent(false);
            asked.client.create(&name, options).await
        };
        let opening = bounded(IoOperation::Create, shown.clone(), opened);
        let writer = runtime::wait(IoOperation::Create, &shown, opening)?;
        let sending = Some(runtime::start(IoOperation::Write, &shown, async move { Ok(writer) })?);
        Ok(HdfsOutput { cluster, path: path.into(), temporary, buffer: vec![], sending, finished: false })
    }

    fn gather(&mut self, bytes: &[u8]) -> Result<usize, IoError> {
        let count = bytes.len().min(WRITE_BUFFER_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        if self.buffer.len() == WRITE_BUFFER_BYTES {
            self.send()?;
        }
        Ok(count)
    }

    /// Starts to send the gathered bytes, once the write under way is done.
    fn send(&mut self) -> Result<(), IoError> {
        let mut writer = self.writer()?;
        let (bytes, shown) = (Bytes::from(std::mem::take(&mut self.buffer)), self.shown());
        let sent = async move {
            writer.write_bytes(bytes).await?;
            Ok(writer)
        };
        self.sending = Some(runtime::start(
            IoOperation::Write,
            &shown,
            bounded(IoOperation::Write, shown.clone(), sent),
        )?);
        Ok(())
    }

    fn writer(&mut self) -> Result<FileWriter, IoError> {
        let sending = self.sending.take();
        let lost = || {
            let message = "an earlier write to it failed".into();
            IoError::new(IoOperation::Write, self.shown(), IoCause::Store { message, transient: true })
        };
        sending.ok_or_else(lost)?.wait()
    }

    fn shown(&self) -> String {
        self.cluster.shown(&self.path)
    }
}

impl WriteFile for HdfsOutput {
    fn finish(mut self: Box<Self>) -> Result<(), IoError> {
        if !self.buffer.is_empty() {
            self.send()?;
        }
        let mut writer = self.writer()?;
        let shown = self.shown();
        let closed = bounded(IoOperation::Write, shown.clone(), async move { writer.close().await });
        runtime::wait(IoOperation::Write, &shown, closed)?;
        self.cluster.rename(IoOperation::Write, &self.temporary, &self.path)?;
        self.finished = true;
        Ok(())
    }
}

impl io::Write for HdfsOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.gather(bytes)?)
    }

    /// Does nothing: gathered bytes are sent when there are enough, and no reader could see them before.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for HdfsOutput {
    fn drop(&mut self) {
        self.sending = None;
        if !self.finished {
            let (cluster, path) = (self.cluster.clone(), std::mem::take(&mut self.temporary));
            runtime::clean_up(async move {
                // The file may be gone with its directory. One that stays is hidden, so no reader takes it
                // for data.
                let _ = cluster.client.delete(&path, false).await;
            });
        }
    }
}

impl fmt::Debug for HdfsOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.shown(), self.temporary)
    }
}

/// Returns a hidden name beside a path, which no other writer has.
pub(super) fn hidden_sibling(path: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let since = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    format!("{parent}/.{name}.{}-{since:x}-{number}.writing", std::process::id())
}
