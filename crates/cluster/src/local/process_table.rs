//! The table of a local cluster's processes: their names, which of them run and are ready, and whether one
//! that ended is replaced.
//!
//! A plain value without threads, processes or waits; its owner, the parent module, has those.

use std::collections::BTreeMap;

/// The number of processes in a row that may end before they were ready. After that, no more are started:
/// they all would.
const FAILED_STARTS_AT_MOST: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct ProcessTable {
    /// Those that run, by name.
    running: BTreeMap<String, Running>,
    /// The number in the next name. None is used twice.
    next: u32,
    /// The number of processes that ended before they were ready, since one was ready.
    failed_starts: u32,
    stopped: bool,
}

#[derive(Debug)]
struct Running {
    process: u32,
    /// True once it is ready to run tasks.
    is_ready: bool,
}

/// The step after the end of a process.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Start another in its place.
    Replace,
    /// Start none: as many in a row ended before they were ready.
    GiveUp { failed_starts: u32 },
    /// Start none: the cluster stops.
    Stopped,
}

/// The processes that are left when one is not replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remaining {
    /// This many are ready, so jobs go on.
    Ready(usize),
    /// None is ready, but some run. Each of them becomes ready, or says at its end how many are left.
    Starting,
    /// None runs any more: the application cannot go on.
    None,
    /// The cluster stops, so none is needed.
    Stopped,
}

impl ProcessTable {
    /// Gives a name to a process that is to be started now; `None` when the cluster stops.
    pub(super) fn next_name(&mut self) -> Option<String> {
        if self.stopped {
            return None;
        }
        self.next += 1;
        Some(format!("local-{}", self.next - 1))
    }

    /// Notes that the process of this name was started.
    pub(super) fn started(&mut self, name: &str, process: u32) {
        self.running.insert(name.to_owned(), Running { process, is_ready: false });
    }

    /// Notes that a process is ready to run tasks.
    pub(super) fn ready(&mut self, name: &str) {
        self.failed_starts = 0;
        if let Some(running) = self.running.get_mut(name) {
            running.is_ready = true;
        }
    }

    /// Notes that a process has ended.
    pub(super) fn ended(&mut self, name: &str) -> Next {
        let was_ready = self.running.remove(name).is_some_and(|running| running.is_ready);
        self.failed_starts = if was_ready { 0 } else { self.failed_starts + 1 };
        match self.failed_starts {
            _ if self.stopped => Next::Stopped,
            failed_starts if failed_starts >= FAILED_STARTS_AT_MOST => Next::GiveUp { failed_starts },
            _ => Next::Replace,
        }
    }

    /// Returns the processes that are left when one is not replaced.
    pub(super) fn remaining(&self) -> Remaining {
        let ready = self.running.values().filter(|running| running.is_ready).count();
        match ready {
            _ if self.stopped => Remaining::Stopped,
            _ if self.running.is_empty() => Remaining::None,
            0 => Remaining::Starting,
            ready => Remaining::Ready(ready),
        }
    }

    /// Notes that the cluster stops: from now on nothing is started.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// Returns the process of this name if it is to be killed, unless it ends by itself in time. When the
    /// cluster stops, its owner kills [all that are left](Self::processes).
    pub(super) fn to_reap(&self, name: &str) -> Option<u32> {
        self.running.get(name).filter(|_| !self.stopped).map(|running| running.process)
    }

    /// Returns the processes that run.
    pub(super) fn processes(&self) -> impl Iterator<Item = u32> {
        self.running.values().map(|running| running.process)
    }

    /// Returns whether no process runs.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of two processes, one of which is ready.
    fn table() -> ProcessTable {
        let mut table = ProcessTable::default();
        for process in [100, 101] {
            let name = table.next_name().unwrap();
            table.started(&name, process);
        }
        table.ready("local-0");
        table
    }

    #[test]
    fn another_process_with_a_name_of_its_own_takes_the_place_of_one_that_ended() {
        let mut table = table();
        assert_eq!(table.ended("local-0"), Next::Replace);
        assert_eq!(table.next_name().as_deref(), Some("local-2"));
        assert_eq!(table.processes().collect::<Vec<_>>(), [101]);
    }

    #[test]
    fn after_three_processes_in_a_row_that_never_were_ready_no_more_are_started() {
        let mut table = table();
        assert_eq!(table.ended("local-1"), Next::Replace);
        table.ready("local-0");
        for _ in 0..2 {
            let name = table.next_name().unwrap();
            table.started(&name, 102);
            assert_eq!(table.ended(&name), Next::Replace, "one was ready, so the count began again");
        }
        table.started("local-4", 103);
        assert_eq!(table.ended("local-4"), Next::GiveUp { failed_starts: 3 });
    }

    #[test]
    fn the_application_goes_on_as_long_as_a_process_is_ready_or_may_become_so() {
        let mut table = table();
        assert_eq!(table.remaining(), Remaining::Ready(1));
        table.ended("local-0");
        assert_eq!(table.remaining(), Remaining::Starting);
        table.ended("local-1");
        assert_eq!(table.remaining(), Remaining::None);
    }

    #[test]
    fn a_process_that_runs_without_its_connection_is_killed_and_one_that_has_ended_is_not() {
        let mut table = table();
        assert_eq!(table.to_reap("local-1"), Some(101));
        table.ended("local-1");
        assert_eq!(table.to_reap("local-1"), None);
    }

    #[test]
    fn a_cluster_that_stops_starts_nothing_and_kills_all_that_is_left() {
        let mut table = table();
        table.stop();
        assert_eq!(table.next_name(), None);
        assert_eq!(table.to_reap("local-0"), None);
        assert_eq!(table.processes().collect::<Vec<_>>(), [100, 101]);
        assert_eq!(table.ended("local-0"), Next::Stopped);
        assert_eq!(table.remaining(), Remaining::Stopped);
        table.ended("local-1");
        assert!(table.is_empty());
    }
}
