//! The table of an application's pods: what the API server tells of them, folded into what happens to executors.
//!
//! The server tells of a pod in lists and in a watch; either may come late, twice or not at all. The last status that a
//! pod was seen with is kept, since a pod that ends in time may be gone before a reader sees how it ended: that it is
//! gone is an end, too. A list that could not be had says nothing about pods.

use crate::cause::{Trouble, deleted, end_of, leaving, running_on, trouble};
use firesteel_cluster::Loss;
use k8s_openapi::api::core::v1::Pod;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The time from a pod's notice to its end, where it does not say.
const GRACE: Duration = Duration::from_secs(30);

/// An event in the life of an executor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its program runs on a node.
    Runs {
        /// The pod.
        name: String,
        /// The node.
        node: String,
    },
    /// It will be taken away.
    Leaves {
        /// The pod.
        name: String,
        /// The time until then.
        within: Duration,
        /// The cluster's words.
        why: String,
    },
    /// It has ended.
    Ended {
        /// The pod.
        name: String,
        /// How.
        loss: Loss,
    },
    /// It does not start, and may later.
    Waits {
        /// Why.
        why: String,
    },
    /// It does not start, and will not.
    Stuck {
        /// The pod.
        name: String,
        /// Why.
        why: String,
    },
}

/// The pods of an application that are known and have not ended.
#[derive(Debug, Default)]
pub struct Pods {
    known: BTreeMap<String, Known>,
    /// Those that have ended: what is said of them later is old.
    ended: BTreeSet<String>,
}

#[derive(Debug)]
struct Known {
    pod: Pod,
    runs: bool,
    leaves: bool,
    is_stuck: bool,
    said: Option<String>,
}

impl Pods {
    /// Returns the names of those that are known. A list that is asked for after this call has all of them that are
    /// still there.
    pub fn names(&self) -> BTreeSet<String> {
        self.known.keys().cloned().collect()
    }

    /// Handles a list of all pods. Of the `expected` ones, those that are not in it are gone.
    pub fn listed(&mut self, expected: &BTreeSet<String>, pods: Vec<Pod>) -> Vec<Change> {
        let there: BTreeSet<String> = pods.iter().filter_map(|pod| pod.metadata.name.clone()).collect();
        let mut changes = vec![];
        for name in expected.difference(&there) {
            if let Some(known) = self.known.remove(name) {
                self.end(name.clone(), deleted(&known.pod), &mut changes);
            }
        }
        pods.into_iter().for_each(|pod| changes.extend(self.seen(pod)));
        changes
    }

    /// Handles the state of a pod that is there.
    pub fn seen(&mut self, pod: Pod) -> Vec<Change> {
        let Some(name) = pod.metadata.name.clone() else { return vec![] };
        let mut changes = vec![];
        if self.ended.contains(&name) {
            return changes;
        }
        let (node, end) = (running_on(&pod), end_of(&pod));
        let known = self.known.entry(name.clone()).or_insert_with(|| Known::of(pod.clone()));
        if let Some(node) = node.filter(|_| !known.runs) {
            known.runs = true;
            changes.push(Change::Runs { name: name.clone(), node });
        }
        if let Some(loss) = end {
            self.known.remove(&name);
            self.end(name, loss, &mut changes);
            return changes;
        }
        known.note_leaving(&pod, &name, &mut changes);
        known.note_trouble(&pod, &name, &mut changes);
        known.pod = pod;
        changes
    }

    /// Handles that a pod is gone, in its last state.
    pub fn gone(&mut self, pod: Pod) -> Vec<Change> {
        let mut changes = vec![];
        if let Some(name) = pod.metadata.name.clone().filter(|name| !self.ended.contains(name)) {
            self.known.remove(&name);
            self.end(name, deleted(&pod), &mut changes);
        }
        changes
    }

    fn end(&mut self, name: String, loss: Loss, changes: &mut Vec<Change>) {
        self.ended.insert(name.clone());
        changes.push(Change::Ended { name, loss });
    }
}

impl Known {
    fn of(pod: Pod) -> Self {
        Known { pod, runs: false, leaves: false, is_stuck: false, said: None }
    }

    fn note_leaving(&mut self, pod: &Pod, name: &str, changes: &mut Vec<Change>) {
        if let Some(why) = leaving(pod).filter(|_| !self.leaves) {
            self.leaves = true;
            let own = pod.spec.as_ref().and_then(|spec| spec.termination_grace_period_seconds);
            let seconds = pod.metadata.deletion_grace_period_seconds.or(own);
            let within = seconds.map_or(GRACE, |seconds| Duration::from_secs(seconds.max(0) as u64));
            changes.push(Change::Leaves { name: name.into(), within, why });
        }
    }

    fn note_trouble(&mut self, pod: &Pod, name: &str, changes: &mut Vec<Change>) {
        if self.runs || self.is_stuck {
            return;
        }
        match trouble(pod) {
            Some(Trouble::Stuck(why)) => {
                self.is_stuck = true;
                changes.push(Change::Stuck { name: name.into(), why });
            }
            Some(Trouble::Waits(why)) if self.said.as_ref() != Some(&why) => {
                self.said = Some(why.clone());
                changes.push(Change::Waits { why });
            }
            Some(Trouble::Waits(_)) | None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::ExecutorLossReason;

    fn pod(name: &str, phase: &str, state: &str) -> Pod {
        let statuses = format!(
            r#"[{{"name":"main","image":"","imageID":"","ready":false,"restartCount":0,"state":{{{state}}}}}]"#
        );
        serde_json::from_str(&format!(
            r#"{{"metadata":{{"name":"{name}"}},"spec":{{"nodeName":"n1","containers":[{{"name":"main"}}]}},
                "status":{{"phase":"{phase}","containerStatuses":{statuses}}}}}"#
        ))
        .unwrap()
    }

    fn waiting(name: &str) -> Pod {
        pod(name, "Pending", r#""waiting":{"reason":"ContainerCreating"}"#)
    }

    fn running(name: &str) -> Pod {
        pod(name, "Running", r#""running":{}"#)
    }

    fn ended(name: &str, code: i32) -> Pod {
        pod(name, "Failed", &format!(r#""terminated":{{"exitCode":{code},"reason":"Error"}}"#))
    }

    fn runs(name: &str) -> Change {
        Change::Runs { name: name.into(), node: "n1".into() }
    }

    fn ends(name: &str, code: i32) -> Change {
        let loss = Loss::own(ExecutorLossReason::Exited { code: Some(code) });
        Change::Ended { name: name.into(), loss }
    }

    #[test]
    fn each_change_is_told_once() {
        let mut pods = Pods::default();
        assert_eq!(pods.seen(waiting("a")), []);
        assert_eq!(pods.seen(running("a")), [runs("a")]);
        assert_eq!(pods.seen(running("a")), []);
        assert_eq!(pods.seen(ended("a", 3)), [ends("a", 3)]);
        assert_eq!(pods.gone(ended("a", 3)), []);
        assert_eq!(pods.seen(running("a")), [], "old news");
    }

    #[test]
    fn a_pod_that_was_never_seen_running_is_told_with_its_node() {
        let mut pods = Pods::default();
        assert_eq!(pods.seen(ended("a", 1)), [runs("a"), ends("a", 1)]);
    }

    #[test]
    fn a_pod_that_is_gone_has_ended() {
        let mut pods = Pods::default();
        pods.seen(running("a"));
        let taken =
            |name: &str| Change::Ended { name: name.into(), loss: Loss::taken("its pod was deleted") };
        assert_eq!(pods.gone(running("a")), [taken("a")]);
        // Missed by the watch, and noticed by a list.
        pods.seen(running("b"));
        pods.seen(running("c"));
        let expected = pods.names();
        assert_eq!(pods.listed(&expected, vec![running("c")]), [taken("b")]);
        assert_eq!(pods.listed(&pods.names(), vec![ended("c", 4)]), [ends("c", 4)]);
    }

    #[test]
    fn a_pod_that_was_made_while_a_list_was_on_its_way_is_not_gone() {
        let mut pods = Pods::default();
        let expected = pods.names();
        pods.seen(waiting("new"));
        assert_eq!(pods.listed(&expected, vec![]), []);
        assert_eq!(pods.seen(running("new")), [runs("new")]);
    }

    #[test]
    fn who_leaves_is_told_once_with_the_time_that_is_left() {
        let mut pods = Pods::default();
        let mut leaves = running("a");
        pods.seen(running("a"));
        leaves.metadata = serde_json::from_str(
            r#"{"name":"a","deletionTimestamp":"2026-01-01T00:00:00Z","deletionGracePeriodSeconds":7}"#,
        )
        .unwrap();
        let (within, why) = (Duration::from_secs(7), "its pod is being deleted".to_string());
        assert_eq!(pods.seen(leaves.clone()), [Change::Leaves { name: "a".into(), within, why }]);
        assert_eq!(pods.seen(leaves), []);
    }

    #[test]
    fn why_pods_wait_is_told_until_they_run() {
        let mut pods = Pods::default();
        let stuck = pod("a", "Pending", r#""waiting":{"reason":"ErrImagePull","message":"no such image"}"#);
        assert!(
            matches!(&pods.seen(stuck.clone())[..], [Change::Waits { why }] if why.contains("no such image"))
        );
        assert_eq!(pods.seen(stuck), []);
        let stuck =
            pod("a", "Pending", r#""waiting":{"reason":"ImagePullBackOff","message":"no such image"}"#);
        assert!(matches!(&pods.seen(stuck.clone())[..], [Change::Stuck { name, .. }] if name == "a"));
        assert_eq!(pods.seen(stuck), []);
    }
}
