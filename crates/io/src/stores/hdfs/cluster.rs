//! [`Cluster`]: one of Hadoop's file systems through its client. It sends one request at a time, for a
//! bounded time, and turns the answers into causes with an instruction.

use crate::error::{IoCause, IoError, IoOperation};
use crate::scheme::Scheme;
use crate::settings::StoreSettings;
use crate::stores::runtime;
use hdfs_native::client::FileStatus;
use hdfs_native::{Client, ClientBuilder, HdfsError};
use std::future::Future;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

/// The longest time that one request may take, with all tries that the client makes by itself.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest time that the name node may take to accept the first connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The permissions of new directories: others may read them, as is usual.
const DIRECTORY_PERMISSION: u32 = 0o755;

/// A file system: one name node, or several that stand for one.
pub(crate) struct Cluster {
    pub(super) client: Client,
    pub(super) root: String,
}

impl Cluster {
    /// Opens the file system that a root names (`hdfs://host:port`, `hdfs://service`), or Hadoop's default
    /// one (`hdfs:`).
    pub(crate) fn open(
        operation: IoOperation,
        root: &str,
        settings: &StoreSettings,
    ) -> Result<Arc<Cluster>, IoError> {
        let mut builder = ClientBuilder::new();
        if let Some(dir) = settings.get("firesteel.hadoop.conf.dir") {
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
        Ok(Arc::new(Cluster { client, root: root.into() }))
    }

    pub(super) fn shown(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// Runs one request to its end, for a bounded time.
    pub(super) fn call<T, F>(
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

    pub(super) fn status(
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

    pub(super) fn rename(
        self: &Arc<Cluster>,
        operation: IoOperation,
        from: &str,
        to: &str,
    ) -> Result<(), IoError> {
        let to = to.to_string();
        self.call(
            operation,
            from,
            |cluster, from| async move { cluster.client.rename(&from, &to, false).await },
        )
    }

    /// Deletes a file or directory. Returns false if there was none.
    pub(super) fn delete(
        self: &Arc<Cluster>,
        operation: IoOperation,
        path: &str,
        whole_tree: bool,
    ) -> Result<bool, IoError> {
        self.call(operation, path, move |cluster, path| async move {
            cluster.client.delete(&path, whole_tree).await
        })
    }

    /// Sets permissions, to which no mask applies.
    pub(super) fn set_mode(self: &Arc<Cluster>, path: &str, mode: u32) -> Result<(), IoError> {
        self.call(IoOperation::Create, path, move |cluster, path| async move {
            cluster.client.set_permission(&path, mode).await
        })
    }

    pub(super) fn make_directories(
        self: &Arc<Cluster>,
        path: &str,
        with_parents: bool,
    ) -> Result<(), IoError> {
        self.call(IoOperation::Create, path, move |cluster, path| async move {
            cluster.client.mkdirs(&path, DIRECTORY_PERMISSION, with_parents).await
        })
    }
}

/// Checks that a server listens at the address of a root with a port: the client would try for a minute, and
/// not say why.
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

pub(super) async fn bounded<T>(
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

/// Returns the cause behind a client's error.
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

/// Returns the first line of an answer: name nodes send a stack trace with it.
fn first_line(said: &str) -> String {
    said.lines().next().unwrap_or_default().to_string()
}
