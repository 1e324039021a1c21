//! The grants to make output visible: of all attempts at one partition, the first that asks has it, as long
//! as it lives.
//!
//! A grant is taken back only when its attempt failed, was killed or lost its executor. An attempt without
//! the grant cannot succeed where another has it, so the attempt that a result names is the one that
//! committed.

use firesteel_types::{StageId, TaskId};
use std::collections::BTreeMap;

/// The grants of all stages. A partition is named by its index within its stage.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    granted: BTreeMap<(StageId, u32), TaskId>,
}

impl Commits {
    /// Decides about an attempt that is running, at a partition that is not done. A repeated request gets the
    /// same answer.
    pub(crate) fn request(&mut self, stage: StageId, index: u32, task: TaskId) -> bool {
        *self.granted.entry((stage, index)).or_insert(task) == task
    }

    /// Returns whether an attempt at this partition was allowed to commit.
    pub(crate) fn is_granted(&self, stage: StageId, index: u32) -> bool {
        self.granted.contains_key(&(stage, index))
    }

    /// Returns whether this attempt's success can count, since no other attempt was allowed to commit.
    pub(crate) fn may_succeed(&self, stage: StageId, index: u32, task: TaskId) -> bool {
        self.granted.get(&(stage, index)).is_none_or(|&winner| winner == task)
    }

    /// Takes back the grant of an attempt that failed, if it has it, so that another attempt may have it.
    pub(crate) fn release(&mut self, stage: StageId, index: u32, task: TaskId) {
        if self.granted.get(&(stage, index)) == Some(&task) {
            self.granted.remove(&(stage, index));
        }
    }

    /// Takes back all grants of a stage that has ended or begins anew.
    pub(crate) fn forget(&mut self, stage: StageId) {
        let rest = self.granted.split_off(&(stage, 0));
        self.granted.extend(rest.into_iter().filter(|((other, _), _)| *other != stage));
    }

    /// Returns whether there is no grant.
    pub(crate) fn is_empty(&self) -> bool {
        self.granted.is_empty()
    }
}
