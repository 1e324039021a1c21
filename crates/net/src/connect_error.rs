//! Why a connection to a listener cannot be made.

use std::io;

/// Why there is no connection. None of these shows the secret.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No listener is there, or nothing came in time, or there are too many connections already.
    #[error("cannot reach it: {0}")]
    Unreachable(#[from] io::Error),
    /// The two sides do not have the same secret, or only one of them has one.
    #[error("{0}")]
    Refused(String),
    /// The other side is a Firesteel of another version.
    #[error(
        "it speaks version {theirs} of Firesteel's protocol and we speak {ours}: run the same version on all machines"
    )]
    OtherVersion {
        /// Our version of the protocol.
        ours: u32,
        /// Theirs.
        theirs: u32,
    },
    /// Something else listens there.
    #[error("{0}")]
    NotFiresteel(String),
}
