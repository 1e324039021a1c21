//! Runs asynchronous clients for synchronous tasks: one small runtime for the whole process, started when the
//! first store is used. A task hands it a future and sleeps until it is done; nothing that runs inside it
//! ever waits for a thread.

use crate::error::{IoCause, IoError, IoOperation};
use parking_lot::Mutex;
use std::future::Future;
use std::io;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

/// Threads that move bytes between sockets and memory; two keep a fast network busy, while the cores belong to the tasks.
const THREADS: usize = 2;

/// The longest time for which cleaning up behind an unfinished file may hold up the task that drops it.
const CLEANING_SECONDS: u64 = 10;

/// A future that runs while its owner does something else. Dropped unfinished, it is cancelled.
pub(crate) struct Pending<T> {
    /// The lock is there only so that readers may be shared between threads.
    answer: Mutex<Receiver<Result<T, IoError>>>,
    abort: AbortHandle,
    operation: IoOperation,
    path: String,
}

impl<T> Pending<T> {
    /// Waits for the answer.
    pub(crate) fn wait(self) -> Result<T, IoError> {
        let answer = self.answer.lock().recv();
        answer.unwrap_or_else(|_| Err(self.lost()))
    }

    /// Returns the error of a future that ended without an answer, which only a panic inside the client can
    /// bring about.
    fn lost(&self) -> IoError {
        let message = "the store's client broke off without an answer".into();
        IoError::new(self.operation, &self.path, IoCause::Store { message, transient: true })
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// Starts a future. The operation and path are for the message if it is lost.
pub(crate) fn start<T: Send + 'static>(
    operation: IoOperation,
    path: &str,
    future: impl Future<Output = Result<T, IoError>> + Send + 'static,
) -> Result<Pending<T>, IoError> {
    let runtime = runtime().map_err(|error| IoError::from_io(operation, path, error))?;
    let (sender, answer) = sync_channel(1);
    let task = runtime.spawn(async move {
        // The receiver is gone if the owner was dropped.
        let _ = sender.send(future.await);
    });
    Ok(Pending { answer: Mutex::new(answer), abort: task.abort_handle(), operation, path: path.into() })
}

/// Runs a future to its end.
pub(crate) fn wait<T: Send + 'static>(
    operation: IoOperation,
    path: &str,
    future: impl Future<Output = Result<T, IoError>> + Send + 'static,
) -> Result<T, IoError> {
    start(operation, path, future)?.wait()
}

/// Runs a future that cleans up, for a bounded time. The job's own cleaning removes what is left.
pub(crate) fn clean_up(future: impl Future<Output = ()> + Send + 'static) {
    let Ok(runtime) = runtime() else { return };
    let (sender, answer) = sync_channel(1);
    runtime.spawn(async move {
        future.await;
        let _ = sender.send(());
    });
    let _ = answer.recv_timeout(Duration::from_secs(CLEANING_SECONDS));
}

fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let started = RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(THREADS).thread_name("firesteel-stores").enable_all();
        builder.build().map_err(|error| error.to_string())
    });
    started.as_ref().map_err(|message| io::Error::other(message.clone()))
}
