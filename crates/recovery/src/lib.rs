//! The journal of an application: what its driver has done, so that a driver that restarts need not do it again.
//!
//! A driver program is deterministic code: run again, it makes the same RDDs and submits the same jobs in the same order.
//! So a job is known by its number, and by a [`Fingerprint`] of all that its answer depends on: where the journal has a
//! job of this number and fingerprint with all its results, they are its answer. Where the fingerprint differs, the program
//! is another one or not deterministic, and nothing that comes later is believed ([`Found::Diverged`]).
//!
//! [`Record`] is what is written, [`frames`] how it lies in a file, [`Journal`] what a file that was read amounts to.
//!
//! ```
//! use firesteel_recovery::{Found, Journal, JobParts, Record, frames};
//! use firesteel_types::{JobId, JournalEntry};
//!
//! let (job, fingerprint) = (JobId(0), [7; 32]);
//! let mut disk = vec![];
//! for record in [
//!     Record::Job { job, fingerprint },
//!     Record::Result { job, output: 0, bytes: vec![1, 2, 3] },
//!     Record::Done(JournalEntry::JobEnded { job, updates: vec![] }),
//! ] {
//!     disk.extend(frames::encode(&record));
//! }
//! disk.extend([9, 9, 9]); // The driver was killed while it wrote.
//! let (mut journal, read) = Journal::read(&disk[..]).unwrap();
//! assert_eq!(read.whole, disk.len() as u64 - 3);
//! let parts = JobParts { rdds: &[], shuffles: &[] };
//! let Found::Ended { results, .. } = journal.job(job, fingerprint, &parts) else { panic!() };
//! let place = results[0];
//! let frame = &disk[place.offset as usize..][..place.length as usize];
//! assert_eq!(frames::decode(frame), Some(Record::Result { job, output: 0, bytes: vec![1, 2, 3] }));
//! ```
//!
//! **Architecture Invariant.** No file, clock or thread: a shell (the driver, or the simulator) reads and writes.

pub mod frames;
mod journal;
mod record;
mod shuffles;

pub use journal::{Found, FoundShuffle, JobParts, Journal, KnownShuffle, OutputState, Place, Read};
pub use record::{Fingerprint, Record};
