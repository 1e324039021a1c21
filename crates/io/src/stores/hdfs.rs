//! Hadoop's file system, through a client that speaks its protocols by itself, without Java. It has directories and renames
//! as local disks do, so files are written under a hidden name and renamed, and jobs commit by renaming.

use crate::commit::Files;
use crate::error::{IoCause, IoError, IoOperation};
use crate::file::Output;
use crate::listing::{Entry, Kind, Tree};
use crate::path::Scheme;
use crate::settings::StoreSettings;
use crate::stores::ranges::{RangeReader, Ranges};
use crate::stores::runtime::{self, Pending};
use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use hdfs_native::client::FileStatus;
use hdfs_native::file::{FileReader, FileWriter};
use hdfs_native::{Client, ClientBuilder, HdfsError, WriteOptions};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long one request may take, with all tries that the client makes by itself.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the name node may take to accept the first connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How much is gathered before it is sent to the data nodes.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// What others may do with directories made here: read them, as is usual.
const DIRECTORY_PERMISSION: u32 = 0o755;

/// A file system: one name node, or several that stand for one.
pub(crate) struct Cluster {
    client: Client,
    root: String,
}

/// A file or directory in it.
#[derive(Clone)]
pub(crate) struct HdfsFile {
    cluster: Arc<Cluster>,
    path: String,
}

type Opened = HashMap<(StoreSettings, String), Arc<Cluster>>;

impl Cluster {
    /// The file system that a root names (`hdfs://host:port`, `hdfs://service`), or Hadoop's default one (`hdfs:`).
    pub(crate) fn open(operation: IoOperation, root: &str) -> Result<Arc<Cluster>, IoError> {
        static OPENED: Mutex<Option<Opened>> = Mutex::new(None);
        let name = (StoreSettings::in_use(), root.to_string());
        let mut opened = OPENED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let opened = opened.get_or_insert_default();
        if let Some(cluster) = opened.get(&name) {
            return Ok(cluster.clone());
        }
        let mut builder = ClientBuilder::new();
        if let Some(dir) = name.0.get("firesteel.hadoop.conf.dir") {
            builder = builder.with_config_dir(dir);
        }
        let is_default = matches!(root, "hdfs:" | "hdfs://");
        if !is_default {
            reach(operation, root)?;
            builder = builder.with_url(root);
        }
        let client = runtime::wait(operation, root, async move { Ok(builder.build()) })?;
        let client = client.map_err(|error| {
            let set = match is_default {
                true => "write hdfs://host:port/path, or set HADOOP_CONF_DIR to a directory whose core-site.xml has fs.defaultFS",
                false => "set HADOOP_CONF_DIR to the directory of core-site.xml and hdfs-site.xml, if the name is a service's",
            };
            IoError::new(operation, root, IoCause::NotConfigured { what: error.to_string(), set: set.into() })
        })?;
        let cluster = Arc::new(Cluster { client, root: root.into() });
        opened.insert(name, cluster.clone());
        Ok(cluster)
    }

    fn shown(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// Runs one request to its end, for a bounded time.
    fn call<T, F>(
        self: &Arc<Cluster>,
        operation: IoOperation,
        path: &str,
        request: impl FnOnce(Arc<Cluster>, String) -> F,
    ) -> Result<T, IoError>
    where
        T: Send + 'static,
        F: Future<Output = hdfs_native::Result<T>> + Send + 'static,
    {
        let shown = self.shown(path);
        let answer = request(self.clone(), path.to_string());
        runtime::wait(operation, &shown.clone(), bounded(operation, shown, answer))
    }

    fn status(
        self: &Arc<Cluster>,
        operation: IoOperation,
        path: &str,
    ) -> Result<Option<FileStatus>, IoError> {
        let status = self
            .call(operation, path, |cluster, path| async move { cluster.client.get_file_info(&path).await });
        match status {
            Err(absent) if absent.cause == IoCause::NotFound => Ok(None),
            status => status.map(Some),
        }
    }

    fn rename(self: &Arc<Cluster>, operation: IoOperation, from: &str, to: &str) -> Result<(), IoError> {
        let to = to.to_string();
        self.call(
            operation,
            from,
            |cluster, from| async move { cluster.client.rename(&from, &to, false).await },
        )
    }

    /// False if there was nothing.
    fn delete(
        self: &Arc<Cluster>,
        operation: IoOperation,
        path: &str,
        whole_tree: bool,
    ) -> Result<bool, IoError> {
        self.call(operation, path, move |cluster, path| async move {
            cluster.client.delete(&path, whole_tree).await
        })
    }

    fn make_directories(self: &Arc<Cluster>, path: &str, with_parents: bool) -> Result<(), IoError> {
        self.call(IoOperation::Create, path, move |cluster, path| async move {
            cluster.client.mkdirs(&path, DIRECTORY_PERMISSION, with_parents).await
        })
    }
}

/// Finds out whether anybody listens where a root with a port leads: the client would try for a minute, and not say why.
fn reach(operation: IoOperation, root: &str) -> Result<(), IoError> {
    let Some(address) = root.strip_prefix("hdfs://").filter(|address| address.contains(':')) else {
        return Ok(());
    };
    let mut tried = Err(io::ErrorKind::AddrNotAvailable.into());
    for address in address.to_socket_addrs().map_err(|error| unreached(operation, root, &error))? {
        tried = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT);
        if tried.is_ok() {
            break;
        }
    }
    tried.map(drop).map_err(|error| unreached(operation, root, &error))
}

fn unreached(operation: IoOperation, root: &str, error: &io::Error) -> IoError {
    let message = format!("no name node takes connections there: {error}");
    IoError::new(operation, root, IoCause::Store { message, transient: true })
}

async fn bounded<T>(
    operation: IoOperation,
    path: String,
    answer: impl Future<Output = hdfs_native::Result<T>>,
) -> Result<T, IoError> {
    match tokio::time::timeout(REQUEST_TIMEOUT, answer).await {
        Ok(answer) => answer.map_err(|error| IoError::new(operation, path, cause(error))),
        Err(_) => {
            let message = format!("there was no answer in {} s", REQUEST_TIMEOUT.as_secs());
            Err(IoError::new(operation, path, IoCause::Store { message, transient: true }))
        }
    }
}

impl Tree for Arc<Cluster> {
    fn root(&self) -> &str {
        &self.root
    }

    fn kind(&self, path: &str) -> Result<Option<Kind>, IoError> {
        Ok(self.status(IoOperation::List, path)?.map(|status| kind(&status)))
    }

    fn entries(&self, directory: &str) -> Result<Option<Vec<Entry>>, IoError> {
        let directory = if directory.is_empty() { "/" } else { directory };
        match self.kind(directory)? {
            Some(Kind::Directory) => {}
            Some(Kind::File { .. }) | None => return Ok(None),
        }
        let listed = self.call(IoOperation::List, directory, |cluster, path| async move {
            cluster.client.list_status(&path, false).await
        })?;
        let mut entries: Vec<Entry> =
            listed.iter().map(|status| Entry::new(name_of(&status.path).to_string(), kind(status))).collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(entries))
    }
}

fn kind(status: &FileStatus) -> Kind {
    if status.isdir { Kind::Directory } else { Kind::File { length: status.length as u64 } }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

impl HdfsFile {
    pub(crate) fn new(cluster: Arc<Cluster>, path: &str) -> HdfsFile {
        let path = path.trim_end_matches('/');
        HdfsFile { cluster, path: if path.is_empty() { "/".into() } else { path.into() } }
    }

    /// The whole path.
    pub(crate) fn path(&self) -> String {
        self.cluster.shown(&self.path)
    }

    pub(crate) fn exists(&self, operation: IoOperation) -> Result<bool, IoError> {
        Ok(self.cluster.status(operation, &self.path)?.is_some())
    }

    /// Removes it, and all that is in it, if it is there.
    pub(crate) fn remove_tree(&self, operation: IoOperation) -> Result<(), IoError> {
        self.cluster.delete(operation, &self.path, true).map(drop)
    }

    /// Opens it to be read.
    pub(crate) fn open(&self) -> Result<RangeReader, IoError> {
        let operation = IoOperation::Read;
        match self.cluster.status(operation, &self.path)? {
            None => return Err(IoError::new(operation, self.path(), IoCause::NotFound)),
            Some(status) if status.isdir => {
                return Err(IoError::from_io(operation, self.path(), io::ErrorKind::IsADirectory.into()));
            }
            Some(_) => {}
        }
        let reader = self
            .cluster
            .call(operation, &self.path, |cluster, path| async move { cluster.client.read(&path).await })?;
        let length = reader.file_length() as u64;
        let blocks = Blocks { reader: Mutex::new(reader), path: self.path() };
        Ok(RangeReader::new(Arc::new(blocks), self.path(), length))
    }

    /// The file system, as jobs commit to it, and the path in it.
    pub(crate) fn into_files(self) -> (HdfsFiles, PathBuf) {
        (HdfsFiles { cluster: self.cluster }, self.path.into())
    }
}

impl fmt::Debug for HdfsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

/// The blocks of a file, as they were when it was opened: what is appended later is not seen.
struct Blocks {
    reader: Mutex<FileReader>,
    path: String,
}

impl Ranges for Blocks {
    fn fetch(self: Arc<Self>, range: Range<u64>) -> BoxFuture<'static, Result<Bytes, IoError>> {
        let length = (range.end - range.start) as usize;
        async move {
            let stream = {
                let reader = self.reader.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
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

/// A file that is being written, under a hidden name beside its own.
pub(crate) struct HdfsOutput {
    file: HdfsFile,
    temporary: String,
    buffer: Vec<u8>,
    /// What is being sent; gives the writer back when it was.
    sending: Option<Pending<FileWriter>>,
    finished: bool,
}

impl HdfsOutput {
    pub(crate) fn create(file: HdfsFile) -> Result<HdfsOutput, IoError> {
        let temporary = hidden_sibling(&file.path);
        let (cluster, path) = (file.cluster.clone(), temporary.clone());
        let shown = file.path();
        let opened = async move {
            let options = WriteOptions::default().create_parent(false);
            cluster.client.create(&path, options).await
        };
        let opening = bounded(IoOperation::Create, shown.clone(), opened);
        let writer = runtime::wait(IoOperation::Create, &shown, opening)?;
        let sending = Some(runtime::start(IoOperation::Write, &shown, async move { Ok(writer) })?);
        Ok(HdfsOutput { file, temporary, buffer: vec![], sending, finished: false })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<usize, IoError> {
        let count = bytes.len().min(WRITE_BUFFER_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        if self.buffer.len() == WRITE_BUFFER_BYTES {
            self.send()?;
        }
        Ok(count)
    }

    /// Sends what was gathered, after what is being sent.
    fn send(&mut self) -> Result<(), IoError> {
        let mut writer = self.writer()?;
        let (bytes, shown) = (Bytes::from(std::mem::take(&mut self.buffer)), self.file.path());
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
        let lost = || {
            let message = "an earlier write to it failed".into();
            IoError::new(IoOperation::Write, self.file.path(), IoCause::Store { message, transient: true })
        };
        self.sending.take().ok_or_else(lost)?.wait()
    }

    pub(crate) fn finish(mut self) -> Result<(), IoError> {
        if !self.buffer.is_empty() {
            self.send()?;
        }
        let mut writer = self.writer()?;
        let shown = self.file.path();
        let closed = bounded(IoOperation::Write, shown.clone(), async move { writer.close().await });
        runtime::wait(IoOperation::Write, &shown, closed)?;
        self.file.cluster.rename(IoOperation::Write, &self.temporary, &self.file.path)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for HdfsOutput {
    fn drop(&mut self) {
        self.sending = None;
        if !self.finished {
            let (cluster, path) = (self.file.cluster.clone(), std::mem::take(&mut self.temporary));
            runtime::clean_up(async move {
                // Gone already, or for whoever cleans the directory: nobody is left to be told.
                let _ = cluster.client.delete(&path, false).await;
            });
        }
    }
}

impl fmt::Debug for HdfsOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} as {}", self.file, self.temporary)
    }
}

/// A hidden name beside a path, which nobody else has.
fn hidden_sibling(path: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let since = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    format!("{parent}/.{name}.{}-{since:x}-{number}.writing", std::process::id())
}

/// Hadoop's file system, as jobs commit to it.
pub(crate) struct HdfsFiles {
    cluster: Arc<Cluster>,
}

impl HdfsFiles {
    fn require(&self, path: &Path, found: Result<bool, IoError>) -> io::Result<()> {
        match found {
            Ok(true) => Ok(()),
            Ok(false) => {
                let absent = IoError::new(IoOperation::Abort, self.shown(path), IoCause::NotFound);
                Err(io_error(absent))
            }
            Err(error) => Err(io_error(error)),
        }
    }
}

impl Files for HdfsFiles {
    /// Of several that make the same directory, the one whose rename comes first made it.
    fn make_directory(&self, path: &Path) -> io::Result<()> {
        let path = text(path)?;
        if self.cluster.status(IoOperation::Create, path).map_err(io_error)?.is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let own = hidden_sibling(path);
        self.cluster.make_directories(&own, false).map_err(io_error)?;
        self.cluster.rename(IoOperation::Create, &own, path).map_err(|error| {
            let _ = self.cluster.delete(IoOperation::Create, &own, false);
            io_error(error)
        })
    }

    fn make_directories(&self, path: &Path) -> io::Result<()> {
        self.cluster.make_directories(text(path)?, true).map_err(io_error)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.cluster.rename(IoOperation::Commit, text(from)?, text(to)?).map_err(io_error)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.require(path, self.cluster.delete(IoOperation::Abort, text(path)?, false))
    }

    fn remove_empty_directory(&self, path: &Path) -> io::Result<()> {
        self.require(path, self.cluster.delete(IoOperation::Abort, text(path)?, false))
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.require(path, self.cluster.delete(IoOperation::Abort, text(path)?, true))
    }

    fn names(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        match self.cluster.entries(text(directory)?).map_err(io_error)? {
            Some(entries) => Ok(entries.into_iter().map(|entry| entry.name.into()).collect()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(self.cluster.status(IoOperation::Commit, text(path)?).map_err(io_error)?.is_some())
    }

    fn write_text(&self, path: &Path, text_: &str) -> io::Result<()> {
        let (path, bytes) = (text(path)?, Bytes::from(text_.to_string()));
        let written = self.cluster.call(IoOperation::Write, path, |cluster, path| async move {
            let options = WriteOptions::default().create_parent(false).overwrite(true);
            let mut writer = cluster.client.create(&path, options).await?;
            if !bytes.is_empty() {
                writer.write_bytes(bytes).await?;
            }
            writer.close().await
        });
        written.map_err(io_error)
    }

    fn create(&self, path: PathBuf) -> io::Result<Output> {
        Output::create_hdfs(HdfsFile::new(self.cluster.clone(), text(&path)?)).map_err(io_error)
    }

    fn shown(&self, path: &Path) -> String {
        self.cluster.shown(&path.to_string_lossy())
    }
}

/// Paths here came from text.
fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// An error of the kind that the local file system would have given, with ours inside.
fn io_error(error: IoError) -> io::Error {
    let kind = match &error.cause {
        IoCause::NotFound => io::ErrorKind::NotFound,
        IoCause::OutputExists => io::ErrorKind::AlreadyExists,
        IoCause::Store { message, .. } if message.contains("non empty") => io::ErrorKind::DirectoryNotEmpty,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// What the client says, as causes that a person can act on.
fn cause(error: HdfsError) -> IoCause {
    let said = error.to_string();
    let refused = |said: String| IoCause::Refused { said, set: Scheme::Hdfs.credentials().into() };
    match &error {
        HdfsError::FileNotFound(_) => IoCause::NotFound,
        HdfsError::AlreadyExists(_) => IoCause::OutputExists,
        HdfsError::SASLError(_) | HdfsError::NoSASLMechanism | HdfsError::GSSAPIError(..) => refused(said),
        HdfsError::RPCError(class, message) | HdfsError::FatalRPCError(class, message) => {
            match class.rsplit('.').next().unwrap_or_default() {
                "FileNotFoundException" | "ParentNotDirectoryException" | "PathIsNotDirectoryException" => {
                    IoCause::NotFound
                }
                "FileAlreadyExistsException" => IoCause::OutputExists,
                "AccessControlException" => refused(message.lines().next().unwrap_or_default().into()),
                "NSQuotaExceededException" | "DSQuotaExceededException" => IoCause::DiskFull,
                _ => IoCause::Store { message: first_line(&said), transient: true },
            }
        }
        HdfsError::InvalidPath(_) | HdfsError::InvalidArgument(_) | HdfsError::UrlParseError(_) => {
            IoCause::BadPath(said)
        }
        HdfsError::UnsupportedFeature(_) | HdfsError::UnsupportedErasureCodingPolicy(_) => {
            IoCause::Store { message: said, transient: false }
        }
        HdfsError::IsADirectoryError(_) => IoCause::Os { code: None, message: "it is a directory".into() },
        _ => IoCause::Store { message: first_line(&said), transient: true },
    }
}

/// Name nodes send their stack along.
fn first_line(said: &str) -> String {
    said.lines().next().unwrap_or_default().to_string()
}
