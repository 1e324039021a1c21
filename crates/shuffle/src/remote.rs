//! Remote map outputs: the interface through which reducers read outputs of other hosts.

use firesteel_types::{ExecutorId, Partition, ShuffleId, TaskId};

/// The reason why map outputs of another host cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteReadError {
    /// The host, or the connection to it, is gone or broken: another try may help.
    #[error("{0}")]
    Unreachable(String),
    /// The host says that it does not have it, or cannot read it.
    #[error("{0}")]
    Refused(String),
}

/// The location of a map output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputAddress {
    /// Among this host's files.
    Here,
    /// At an address.
    There(String),
}

/// The way to map outputs on other hosts.
pub trait RemoteOutputs: Send + Sync {
    /// Returns the address that serves the outputs of an executor; `None` when they lie in this host's files.
    ///
    /// # Errors
    /// When no host serves them any more.
    fn address_of(&self, executor: ExecutorId) -> Result<Option<String>, RemoteReadError>;

    /// Asks the driver for the locations of map outputs that are not at their executor's address: they may have
    /// moved. `None` for those that no host has.
    ///
    /// # Errors
    /// When the driver cannot be asked.
    fn outputs_at(
        &self,
        shuffle: ShuffleId,
        maps: &[(Partition, TaskId)],
    ) -> Result<Vec<Option<OutputAddress>>, RemoteReadError>;

    /// Forgets the address of an executor's outputs, so that the next question goes to the driver.
    fn forget_address(&self, executor: ExecutorId);

    /// Asks an address for the blocks that these map tasks wrote for one reducer. They come in this order.
    ///
    /// # Errors
    /// When the address cannot be reached.
    fn open(
        &self,
        place: &str,
        shuffle: ShuffleId,
        reducer: u32,
        maps: &[(Partition, TaskId)],
    ) -> Result<Box<dyn RemoteStream>, RemoteReadError>;

    /// Returns how many times an address that cannot be reached is tried again.
    fn retries(&self) -> u32;

    /// Returns the pause before each of these tries, in milliseconds.
    fn retry_wait_ms(&self) -> u64;
}

/// The blocks that an address sends.
pub trait RemoteStream: Send {
    /// Returns the blocks of the next map task; `None` when its output is not there.
    ///
    /// # Errors
    /// When the connection broke, or the output is broken.
    fn next(&mut self) -> Result<Option<Vec<u8>>, RemoteReadError>;
}
