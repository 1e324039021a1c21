//! Files that are not on this machine's disks: which client speaks to which place, and how bytes are fetched and sent.
//!
//! The rest of the crate is synchronous, since tasks are plain threads; the clients are not. `runtime` lies between. A
//! `Bucket` is an object store that was opened, `ranges` reads one file of it ahead of its consumer, `upload` sends one
//! while it is made, `failure` says in a person's words what a client answers.

#[cfg(feature = "s3")]
pub(crate) mod aws_profile;
pub(crate) mod bucket;
pub(crate) mod failure;
#[cfg(feature = "hdfs")]
pub(crate) mod hdfs;
pub(crate) mod objects;
pub(crate) mod open;
#[cfg(feature = "http")]
pub(crate) mod queries;
pub(crate) mod ranges;
pub(crate) mod runtime;
pub(crate) mod upload;
