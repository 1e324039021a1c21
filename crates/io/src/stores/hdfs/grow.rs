//! A file of Hadoop's file system that readers see while it grows: a flush brings what was written to the data
//! nodes' disks.

use super::cluster::{Cluster, bounded};
use crate::error::{IoCause, IoError, IoOperation};
use crate::store::GrowingFile;
use crate::stores::runtime;
use bytes::Bytes;
use hdfs_native::WriteOptions;
use hdfs_native::file::FileWriter;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The number of bytes that are gathered before they are sent to the data nodes.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// A file that grows in its place.
pub(super) struct HdfsGrowing {
    shown: String,
    /// None after a request that failed, of which nobody knows how far it came.
    writer: Option<FileWriter>,
    buffer: Vec<u8>,
    any_unsynced: bool,
}

impl HdfsGrowing {
    pub(super) fn create(cluster: Arc<Cluster>, path: &str, mode: u32) -> Result<HdfsGrowing, IoError> {
        let shown = cluster.shown(path);
        let writer = cluster.call(IoOperation::Create, path, |cluster, path| async move {
            let options = WriteOptions::default().create_parent(false).overwrite(true);
            cluster.client.create(&path, options).await
        })?;
        cluster.set_mode(path, mode)?;
        Ok(HdfsGrowing { shown, writer: Some(writer), buffer: vec![], any_unsynced: false })
    }

    /// Runs one request with the writer, which the request returns.
    fn request<F>(&mut self, request: impl FnOnce(FileWriter) -> F) -> Result<(), IoError>
    where
        F: Future<Output = hdfs_native::Result<FileWriter>> + Send + 'static,
    {
        let lost = || {
            let message = "an earlier write to it failed".into();
            IoError::new(IoOperation::Write, &self.shown, IoCause::Store { message, transient: true })
        };
        let writer = self.writer.take().ok_or_else(lost)?;
        let answer = bounded(IoOperation::Write, self.shown.clone(), request(writer));
        self.writer = Some(runtime::wait(IoOperation::Write, &self.shown, answer)?);
        Ok(())
    }

    fn send(&mut self) -> Result<(), IoError> {
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        if bytes.is_empty() {
            return Ok(());
        }
        self.any_unsynced = true;
        self.request(|mut writer| async move {
            writer.write_bytes(bytes).await?;
            Ok(writer)
        })
    }
}

impl io::Write for HdfsGrowing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= WRITE_BUFFER_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()?;
        if std::mem::take(&mut self.any_unsynced) {
            self.request(|mut writer| async move {
                writer.hsync().await?;
                Ok(writer)
            })?;
        }
        Ok(())
    }
}

impl GrowingFile for HdfsGrowing {
    fn close(mut self: Box<Self>) -> Result<(), IoError> {
        self.send()?;
        self.request(|mut writer| async move {
            writer.close().await?;
            Ok(writer)
        })
    }
}

impl fmt::Debug for HdfsGrowing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
