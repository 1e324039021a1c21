//! Map outputs that another host has.

use firesteel_types::{ExecutorId, Partition, ShuffleId, TaskId};

/// Why map outputs of another host cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteReadError {
    /// The host, or the way to it, is gone or broken: another try may help.
    #[error("{0}")]
    Unreachable(String),
    /// The host says that it cannot.
    #[error("{0}")]
    Refused(String),
}

/// Where a map output is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputAddress {
    /// Among this host's files.
    Here,
    /// At an address.
    There(String),
}

/// The way to map outputs on other hosts.
pub trait RemoteOutputs: Send + Sync {
    /// Where the outputs of an executor are served; `None` when they lie in this host's files.
    ///
    /// # Errors
    /// When nobody serves them any more.
    fn address_of(&self, executor: ExecutorId) -> Result<Option<String>, RemoteReadError>;

    /// Where map outputs are that are not where their executor's were: they may have moved. `None` for those that nobody has.
    ///
    /// # Errors
    /// When nobody can say.
    fn outputs_at(
        &self,
        shuffle: ShuffleId,
        maps: &[(Partition, TaskId)],
    ) -> Result<Vec<Option<OutputAddress>>, RemoteReadError>;

    /// Forgets where the outputs of an executor were: it is asked anew.
    fn forget_address(&self, executor: ExecutorId);

    /// Asks a place for what these map tasks wrote for one reducer. It comes in this order.
    ///
    /// # Errors
    /// When the place cannot be reached.
    fn open(
        &self,
        place: &str,
        shuffle: ShuffleId,
        reducer: u32,
        maps: &[(Partition, TaskId)],
    ) -> Result<Box<dyn RemoteStream>, RemoteReadError>;

    /// How often a place that cannot be reached is tried again.
    fn retries(&self) -> u32;

    /// The pause before that, in milliseconds.
    fn retry_wait_ms(&self) -> u64;
}

/// What a place sends.
pub trait RemoteStream: Send {
    /// The blocks of the next map task; `None` when its output is not there.
    ///
    /// # Errors
    /// When the way to the place broke, or what it has is broken.
    fn next(&mut self) -> Result<Option<Vec<u8>>, RemoteReadError>;
}
