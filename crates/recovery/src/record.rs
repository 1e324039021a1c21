//! [`Record`]: one thing that the journal says.

use firesteel_types::{JobId, JournalEntry, ShuffleId};
use serde::{Deserialize, Serialize};

/// A hash of all that an answer depends on.
pub type Fingerprint = [u8; 32];

/// One thing that the journal says. Later records take precedence over earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// A driver has begun, or begun again.
    Began {
        /// The number of drivers before it.
        life: u32,
    },
    /// A job is submitted. Results that an earlier driver has of it do not count.
    Job {
        /// The job.
        job: JobId,
        /// The hash of its stages.
        fingerprint: Fingerprint,
    },
    /// A job has one of its results.
    Result {
        /// The job.
        job: JobId,
        /// The position of the partition among those asked for.
        output: u32,
        /// The encoded result.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// A stage that writes a shuffle is submitted.
    Shuffle {
        /// The shuffle.
        shuffle: ShuffleId,
        /// The hash of all that its map outputs depend on.
        fingerprint: Fingerprint,
        /// The shuffles that it reads.
        inputs: Vec<ShuffleId>,
    },
    /// The application has a directory in a shuffle storage from now on.
    StorageDir {
        /// The directory that a setting names.
        parent: String,
        /// The application's own in it.
        own: String,
    },
    /// The scheduler has done something.
    Done(JournalEntry),
    /// Nothing that was recorded of this job and of later ones is to be believed: the program has changed.
    Diverged {
        /// The first job that is another one.
        job: JobId,
    },
    /// The program has named a directory for checkpoints.
    CheckpointDir {
        /// The number of times that it had done so before.
        number: u32,
        /// The directory that it named.
        parent: String,
        /// The application's own directory in it.
        own: String,
    },
    /// An output directory is about to be made.
    OutputBegun {
        /// The number of outputs before it.
        number: u32,
        /// The directory.
        path: String,
        /// The word that names the job's files until they are committed.
        token: String,
    },
    /// The job that writes an output begins.
    OutputJob {
        /// The number of outputs before it.
        number: u32,
        /// The job.
        job: JobId,
    },
    /// All files of an output are in their place.
    OutputCommitted {
        /// The number of outputs before it.
        number: u32,
    },
    /// An output has failed, and what was there of it is removed.
    OutputAborted {
        /// The number of outputs before it.
        number: u32,
    },
}
