//! The driver's side of the commit by uploads: decides which attempts count and completes their uploads, or
//! removes all that the job made. Every call begins with what the last one has noted.

use super::{Attempt, Decision, File, Uploads, attempt_of};
use crate::commit::existing::{Existing, TEMPORARY};
use crate::error::{IoCause, IoError, IoOperation};
use crate::store::Over;
use firesteel_types::{Partition, TaskId};
use std::collections::{BTreeMap, BTreeSet};

impl Uploads {
    pub(crate) fn commit_job(&self, partitions: u32) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        let refuses = self.existing == Existing::Refuse;
        let ended = || Err(self.error(operation, &self.dir, IoCause::JobEnded));
        if !self.is_ours(operation)? {
            let succeeded = refuses && self.store.exists(operation, &self.success())?;
            return if succeeded { Ok(()) } else { ended() };
        }
        // 1. Once all partitions are there, the winners are decided, and tasks can change nothing any more.
        if self.decision(operation)?.is_none() {
            let winners = self.winners(partitions)?;
            self.check_names(&winners)?;
            match self.write(operation, &self.decided(), &Decision::Commit(winners), Over::Nothing) {
                Err(error) if error.cause == IoCause::OutputExists => {}
                written => written?,
            }
        }
        let winners = match self.decision(operation)? {
            Some(Decision::Commit(winners)) => winners,
            Some(Decision::Done) => {
                self.remove_claim(operation);
                return Ok(());
            }
            Some(Decision::Abort(_)) | None => return ended(),
        };
        let files: Vec<File> = winners.into_iter().flat_map(|winner| winner.files).collect();
        // 2. What the output replaces goes, before there is anything new to be taken for it.
        if self.existing == Existing::Overwrite && !self.store.exists(operation, &self.cleared())? {
            self.clear()?;
            self.store.put(operation, &self.cleared(), vec![], Over::Anything)?;
        }
        // 3. Every winner's upload becomes a file.
        self.store.complete(operation, self.uploaded(files.clone()))?;
        // 4. All records but the job's own are removed, `_SUCCESS` appears, and the decision says that the job
        // is over, whether or not its last records can be removed.
        self.remove_staging(operation, &files)?;
        if refuses || self.marks_success {
            self.store.put(operation, &self.success(), vec![], Over::Anything)?;
        }
        self.write(operation, &self.decided(), &Decision::Done, Over::Anything)?;
        self.remove_claim(operation);
        Ok(())
    }

    /// Removes the last records of a job that is over. They are hidden: if they stay they do no harm, while an
    /// error would call a whole output broken. The decision stays if the claim may have stayed, since late
    /// tasks, and an abort, would take the job for one that goes on.
    fn remove_claim(&self, operation: IoOperation) {
        if self.store.remove(operation, vec![self.owner()]).is_ok() {
            let _ = self.store.remove(operation, vec![self.decided(), self.cleared()]);
        }
    }

    /// Removes `_SUCCESS`.
    pub(crate) fn unmark_success(&self) -> Result<(), IoError> {
        self.store.remove(IoOperation::Commit, vec![self.success()])
    }

    pub(crate) fn abort_job(&self) -> Result<(), IoError> {
        let operation = IoOperation::Abort;
        let noted = vec![self.decided(), self.cleared()];
        if !self.is_ours(operation)? {
            // An earlier call may have come so far. Until the claim was gone, they kept late tasks out.
            return self.store.remove(operation, noted);
        }
        if self.existing == Existing::Refuse && self.store.exists(operation, &self.success())? {
            return Ok(());
        }
        let winners = match self.decision(operation)? {
            Some(Decision::Commit(winners) | Decision::Abort(winners)) => winners,
            Some(Decision::Done) => return Ok(()),
            None => vec![],
        };
        let winners = match self.existing {
            Existing::Refuse | Existing::Append => winners,
            Existing::Overwrite if self.store.exists(operation, &self.cleared())? => {
                // The mark may be this job's own, and would call an empty output whole.
                self.store.remove(operation, vec![self.success()])?;
                winners
            }
            // Before the old objects are gone, nothing new is there: one of the same name is an old one.
            Existing::Overwrite => vec![],
        };
        self.write(operation, &self.decided(), &Decision::Abort(winners.clone()), Over::Anything)?;
        let names = winners.iter().flat_map(|winner| &winner.files).map(|file| self.child(&file.name));
        self.store.remove(operation, names.collect())?;
        self.remove_staging(operation, &[])?;
        self.store.remove(operation, vec![self.owner()])?;
        self.store.remove(operation, noted)
    }

    /// Returns the winners of the first `partitions` partitions.
    fn winners(&self, partitions: u32) -> Result<Vec<Attempt>, IoError> {
        let operation = IoOperation::Commit;
        let mut winners = BTreeMap::<String, TaskId>::new();
        for path in self.store.below(operation, &format!("{}/committed", self.staging()))? {
            let mut names = path.rsplit('/');
            if let (Some(attempt), Some(_), Some(partition)) = (attempt_of(&path), names.next(), names.next())
            {
                let winner = winners.entry(partition.into()).or_insert(attempt);
                *winner = attempt.max(*winner);
            }
        }
        let committed = |p: u32| {
            let winner = winners.get(&Partition(p).to_string());
            winner.map(|winner| self.committed(Partition(p), *winner)).ok_or(Partition(p))
        };
        let missing = |partition| self.error(operation, &self.dir, IoCause::Uncommitted(partition));
        let paths: Result<Vec<String>, Partition> = (0..partitions).map(committed).collect();
        let found = self.read_all(operation, paths.map_err(missing)?)?;
        if let Some(gone) = found.iter().position(Option::is_none) {
            return Err(missing(Partition(gone as u32)));
        }
        Ok(found.into_iter().flatten().collect())
    }

    /// Refuses names that would replace a file: one of the job itself, or one that is to stay.
    fn check_names(&self, winners: &[Attempt]) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        let taken = |path: &str| Err(self.error(operation, path, IoCause::OutputExists));
        let files = winners.iter().flat_map(|winner| &winner.files);
        let paths: Vec<String> = files.map(|file| self.child(&file.name)).collect();
        let mut names = BTreeSet::new();
        if let Some(twice) = paths.iter().find(|path| !names.insert(*path)) {
            return taken(twice);
        }
        match self.existing {
            Existing::Append => match self.store.found(operation, paths.clone())?.first() {
                Some(found) => taken(found),
                None => Ok(()),
            },
            Existing::Refuse | Existing::Overwrite => Ok(()),
        }
    }

    /// Removes what was there before. The first to go is what calls it whole.
    fn clear(&self) -> Result<(), IoError> {
        let operation = IoOperation::Commit;
        self.store.remove(operation, vec![self.success()])?;
        let temporary = format!("{}/", self.child(TEMPORARY));
        let mut old = self.store.below(operation, &self.dir)?;
        old.retain(|path| !path.starts_with(&temporary));
        // The output's path may be that of a file.
        old.extend((!self.dir.is_empty()).then(|| self.dir.clone()));
        self.store.remove(operation, old)
    }

    /// Forgets all uploads but those that are kept, and removes all records but those of the job itself.
    fn remove_staging(&self, operation: IoOperation, kept: &[File]) -> Result<(), IoError> {
        let own = [self.decided(), self.cleared()];
        let mut records = self.store.below(operation, &self.staging())?;
        records.retain(|path| !own.contains(path));
        let attempts: Vec<Option<Attempt>> = self.read_all(operation, records.clone())?;
        let kept: BTreeMap<&str, &File> = kept.iter().map(|file| (file.name.as_str(), file)).collect();
        let is_kept =
            |file: &File| kept.get(file.name.as_str()).is_some_and(|kept| kept.is_same_upload(file));
        let files = attempts.into_iter().flatten().flat_map(|attempt| attempt.files);
        self.forget(operation, files.filter(|file| !is_kept(file)).collect())?;
        self.store.remove(operation, records)
    }
}
