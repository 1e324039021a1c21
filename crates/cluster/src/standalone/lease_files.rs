//! The masters' shared storage: leases and snapshots as files of a directory, one of each for an epoch.
//!
//! A lease of a new epoch is made by one process only, since its file is created exclusively. All other
//! writes become visible by a rename, so that no reader finds half a file. Files are readable by their owner
//! alone: a snapshot contains the applications' secrets, which workers need to start executors.

use firesteel_data::block::{decode_value, encode_value};
use firesteel_standalone::{Epoch, LeaseRecord, Snapshot};
use firesteel_types::Millis;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const LEASE: &str = "lease-";
const SNAPSHOT: &str = "snapshot-";

/// The number of epochs before the present one whose files are kept.
const KEPT_EPOCHS: u64 = 4;

/// The directory that the masters share.
#[derive(Debug)]
pub(crate) struct LeaseFiles {
    dir: PathBuf,
    host: String,
}

impl LeaseFiles {
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).recursive(true).create(dir)?;
        Ok(LeaseFiles { dir: dir.to_owned(), host: host_name() })
    }

    /// Returns the name of this process for leases. No other process has it, and masters on the same machine
    /// see by it whether the process still runs.
    pub(crate) fn holder(&self) -> String {
        format!("{}/{}/{}", self.host, std::process::id(), started(std::process::id()).unwrap_or(0))
    }

    /// Returns the lease, which is the record of the highest epoch. It has expired if its holder was a
    /// process of this machine that is gone, so that a restarted master need not wait for its own lease.
    pub(crate) fn lease(&self) -> io::Result<Option<LeaseRecord>> {
        let Some(epoch) = self.highest(LEASE)? else { return Ok(None) };
        let read = self.read::<LeaseRecord>(&format!("{LEASE}{epoch}"))?;
        Ok(read.map(|record| {
            if self.is_gone(&record.holder) { LeaseRecord { expires: Millis(0), ..record } } else { record }
        }))
    }

    /// Creates the record of a new epoch, unless another master has created it.
    pub(crate) fn acquire(&self, record: &LeaseRecord) -> io::Result<()> {
        let path = self.dir.join(format!("{LEASE}{}", record.epoch));
        let mut file = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            Err(error) => return Err(error),
        };
        file.write_all(&encode(record)?)?;
        file.sync_all()
    }

    /// Replaces the record of its epoch.
    pub(crate) fn renew(&self, record: &LeaseRecord) -> io::Result<()> {
        self.write(&format!("{LEASE}{}", record.epoch), record)
    }

    /// Returns the last snapshot of an earlier epoch; an empty one if there is none.
    pub(crate) fn snapshot(&self, before: Epoch) -> io::Result<Snapshot> {
        let epochs = self.epochs(SNAPSHOT)?.into_iter().filter(|epoch| *epoch < before.0);
        let Some(epoch) = epochs.max() else { return Ok(Snapshot::default()) };
        Ok(self.read(&format!("{SNAPSHOT}{epoch}"))?.unwrap_or_default())
    }

    /// Writes the snapshot of its epoch.
    pub(crate) fn persist(&self, snapshot: &Snapshot) -> io::Result<()> {
        self.write(&format!("{SNAPSHOT}{}", snapshot.epoch), snapshot)
    }

    /// Removes the files of epochs long before this one.
    pub(crate) fn forget_before(&self, epoch: Epoch) {
        for kind in [LEASE, SNAPSHOT] {
            let old = self.epochs(kind).unwrap_or_default().into_iter();
            for old in old.filter(|old| old + KEPT_EPOCHS < epoch.0) {
                let _ = fs::remove_file(self.dir.join(format!("{kind}{old}")));
            }
        }
    }

    fn is_gone(&self, holder: &str) -> bool {
        let mut parts = holder.split('/');
        let (host, process, began) = (parts.next(), parts.next(), parts.next());
        let Some(process) = process.and_then(|process| process.parse::<u32>().ok()) else { return false };
        let began = began.and_then(|began| began.parse::<u64>().ok());
        host == Some(&self.host) && process != std::process::id() && started(process) != began
    }

    fn highest(&self, kind: &str) -> io::Result<Option<u64>> {
        Ok(self.epochs(kind)?.into_iter().max())
    }

    fn epochs(&self, kind: &str) -> io::Result<Vec<u64>> {
        let names =
            fs::read_dir(&self.dir)?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter_map(|name| name.strip_prefix(kind)?.parse().ok()).collect())
    }

    /// Returns a record; `None` while its file is being written.
    fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match fs::read(self.dir.join(name)) {
            Ok(bytes) => Ok(decode_value(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let unfinished = self.dir.join(format!(".{name}.{}", std::process::id()));
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&encode(value)?)?;
        file.sync_all()?;
        fs::rename(unfinished, self.dir.join(name))
    }
}

fn encode(value: &impl Serialize) -> io::Result<Vec<u8>> {
    encode_value(value).map_err(|error| io::Error::other(error.to_string()))
}

/// Returns the time at which a process of this machine was started, in the kernel's ticks; `None` when it is
/// gone. With it, a process is not mistaken for an earlier one of the same id.
fn started(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in parentheses, may contain blanks and parentheses; the start is the 20th word behind it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Returns the host name of this machine.
pub(crate) fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(holder: &str, epoch: u64) -> LeaseRecord {
        LeaseRecord {
            holder: holder.into(),
            address: "a:1".into(),
            epoch: Epoch(epoch),
            expires: Millis(u64::MAX),
        }
    }

    #[test]
    fn one_process_makes_the_record_of_an_epoch_and_what_is_read_is_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let files = LeaseFiles::open(dir.path()).unwrap();
        assert_eq!(files.lease().unwrap(), None);
        files.acquire(&record("elsewhere/1/1", 1)).unwrap();
        files.acquire(&record("elsewhere/2/2", 1)).unwrap();
        assert_eq!(files.lease().unwrap(), Some(record("elsewhere/1/1", 1)));
        files.persist(&Snapshot { epoch: Epoch(1), next_driver: 7, ..Snapshot::default() }).unwrap();
        assert_eq!(files.snapshot(Epoch(2)).unwrap().next_driver, 7);
        assert_eq!(files.snapshot(Epoch(1)).unwrap().next_driver, 0, "its own is not an earlier one's");
    }

    #[test]
    fn the_lease_of_a_process_of_this_machine_that_is_gone_has_run_out() {
        let dir = tempfile::tempdir().unwrap();
        let files = LeaseFiles::open(dir.path()).unwrap();
        // No process has this number.
        files.acquire(&record(&format!("{}/4194305/1", host_name()), 1)).unwrap();
        assert_eq!(files.lease().unwrap().unwrap().expires, Millis(0));
        files.acquire(&record(&files.holder(), 2)).unwrap();
        assert_eq!(files.lease().unwrap().unwrap().expires, Millis(u64::MAX), "we live");
    }

    #[test]
    fn files_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let files = LeaseFiles::open(&dir.path().join("state")).unwrap();
        files.acquire(&record("a", 1)).unwrap();
        files.persist(&Snapshot::default()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("state")), 0o700);
        for entry in fs::read_dir(dir.path().join("state")).unwrap() {
            assert_eq!(mode(&entry.unwrap().path()), 0o600);
        }
    }
}
