//! The meaning of a pod's status for its executor, in the pod's own words.
//!
//! A pod may end by its program's fault (an exit code, too much memory), or be taken away (evicted, preempted, deleted,
//! gone with its node): the latter does not count against the application. One that cannot start says so while it waits.

use firesteel_cluster::Loss;
use firesteel_types::ExecutorLossReason;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateTerminated, ContainerStatus, Pod, PodCondition,
};

/// Reasons for which a container waits and that no time mends: of images, after the first attempts.
const STUCK: &[&str] = &["InvalidImageName", "ErrImageNeverPull", "ImagePullBackOff"];

/// Reasons for which a container waits that may pass, or become one of those.
const TROUBLED: &[&str] = &[
    "ErrImagePull",
    "ImageInspectError",
    "RegistryUnavailable",
    "CreateContainerConfigError",
    "CreateContainerError",
];

/// The number from which exit codes stand for signals.
const SIGNALS: i32 = 128;

/// Returns how a pod has ended, if its status says that it has.
pub fn end_of(pod: &Pod) -> Option<Loss> {
    let status = pod.status.as_ref()?;
    let has_ended = matches!(status.phase.as_deref(), Some("Failed" | "Succeeded"));
    let terminated = state(pod).and_then(|state| state.terminated.as_ref());
    let Some(terminated) = terminated else {
        return has_ended.then(|| ended_by_itself(pod));
    };
    // The kernel's verdict first: who needed too much memory may have been evicted for it, too.
    if terminated.reason.as_deref() == Some("OOMKilled") {
        return Some(Loss::own(reported(out_of_memory(pod, terminated))));
    }
    if let Some(words) = disruption(pod) {
        return Some(Loss::taken(words));
    }
    if pod.metadata.deletion_timestamp.is_some() {
        return Some(Loss::taken("its pod was deleted"));
    }
    Some(Loss::own(exit_reason(terminated)))
}

/// Returns how a pod has ended that was deleted, without its status saying how.
pub fn deleted(pod: &Pod) -> Loss {
    end_of(pod)
        .unwrap_or_else(|| Loss::taken(disruption(pod).unwrap_or_else(|| "its pod was deleted".into())))
}

/// Returns why a pod that still runs is taken away, in the cluster's words.
pub fn leaving(pod: &Pod) -> Option<String> {
    let is_deleted = || pod.metadata.deletion_timestamp.as_ref().map(|_| "its pod is being deleted".into());
    disruption(pod).or_else(is_deleted)
}

/// Why a pod does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It may start later.
    Waits(String),
    /// It will not.
    Stuck(String),
}

/// Returns why a pod that does not run does not start, if it says so.
pub fn trouble(pod: &Pod) -> Option<Trouble> {
    let waiting = state(pod).and_then(|state| state.waiting.as_ref());
    if let Some(reason) = waiting.and_then(|waiting| waiting.reason.as_deref()) {
        let message = waiting.and_then(|waiting| waiting.message.as_deref()).unwrap_or_default();
        let image = our_container(pod).and_then(|container| container.image.as_deref()).unwrap_or_default();
        let words = format!("{reason}: {message} (image {image})");
        if STUCK.contains(&reason) {
            return Some(Trouble::Stuck(words));
        }
        if TROUBLED.contains(&reason) {
            return Some(Trouble::Waits(words));
        }
    }
    let placed = condition(pod, "PodScheduled").filter(|condition| condition.status == "False")?;
    let message = placed.message.as_deref().unwrap_or("it says no more");
    Some(Trouble::Waits(format!("{}: {message}", placed.reason.as_deref().unwrap_or("not scheduled"))))
}

/// Returns the node of a pod whose program runs, or has run.
pub fn running_on(pod: &Pod) -> Option<String> {
    let state = state(pod)?;
    let began = state.running.is_some() || state.terminated.is_some();
    began.then(|| pod.spec.as_ref()?.node_name.clone()).flatten()
}

/// Returns the words of the disruption of a pod: eviction, preemption, a taint, the end of its node.
fn disruption(pod: &Pod) -> Option<String> {
    let condition = condition(pod, "DisruptionTarget").filter(|condition| condition.status == "True");
    if let Some(condition) = condition {
        let (reason, message) = (condition.reason.as_deref(), condition.message.as_deref());
        return Some(words("DisruptionTarget", reason, message));
    }
    let status = pod.status.as_ref()?;
    let reason = status.reason.as_deref()?;
    Some(words(reason, None, status.message.as_deref()))
}

fn words(what: &str, reason: Option<&str>, message: Option<&str>) -> String {
    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let message = message.filter(|message| !message.is_empty());
    format!("{what}{reason}{}", message.map(|message| format!(": {message}")).unwrap_or_default())
}

/// Makes the end of a pod that no container tells: its node refused it, or has lost it.
fn ended_by_itself(pod: &Pod) -> Loss {
    Loss::taken(disruption(pod).unwrap_or_else(|| "its pod ended without a word".into()))
}

fn out_of_memory(pod: &Pod, terminated: &ContainerStateTerminated) -> String {
    let limits = our_container(pod).and_then(|container| container.resources.as_ref()?.limits.as_ref());
    let limit = limits.and_then(|limits| limits.get("memory")).map(|limit| format!(" of {}", limit.0));
    format!(
        "OOMKilled (exit code {}): it needed more memory than its pod's limit{}; raise `firesteel.executor.memory_overhead` (for Python's \
         workers and libraries) or `firesteel.executor.memory`",
        terminated.exit_code,
        limit.unwrap_or_default()
    )
}

fn exit_reason(terminated: &ContainerStateTerminated) -> ExecutorLossReason {
    let reason = terminated.reason.as_deref().unwrap_or_default();
    if !matches!(reason, "" | "Error" | "Completed") {
        let message = terminated.message.as_deref().unwrap_or_default().trim();
        return reported(format!("{reason} (exit code {}): {message}", terminated.exit_code));
    }
    match terminated.exit_code {
        code if code > SIGNALS => ExecutorLossReason::Killed { signal: code - SIGNALS, peak_bytes: 0 },
        code => ExecutorLossReason::Exited { code: Some(code) },
    }
}

fn reported(words: String) -> ExecutorLossReason {
    ExecutorLossReason::Reported { words }
}

fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|condition| condition.type_ == kind)
}

/// Returns our container: the first.
fn our_container(pod: &Pod) -> Option<&k8s_openapi::api::core::v1::Container> {
    pod.spec.as_ref()?.containers.first()
}

/// Returns the state of our container.
fn state(pod: &Pod) -> Option<&ContainerState> {
    let name = our_container(pod)?.name.as_str();
    let statuses: &Vec<ContainerStatus> = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find(|status| status.name == name)?.state.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a pod with a status, both as the API server writes them.
    fn pod(status: &str) -> Pod {
        let spec = r#"{"nodeName":"n1","containers":[{"name":"main","image":"app:1","resources":{"limits":{"memory":"1408Mi"}}}]}"#;
        serde_json::from_str(&format!(r#"{{"metadata":{{"name":"a"}},"spec":{spec},"status":{status}}}"#))
            .unwrap()
    }

    fn ended(phase: &str, state: &str) -> Pod {
        let container = format!(
            r#"[{{"name":"side","image":"","imageID":"","ready":false,"restartCount":0,"state":{{"running":{{}}}}}},
            {{"name":"main","image":"","imageID":"","ready":false,"restartCount":0,"state":{{{state}}}}}]"#
        );
        pod(&format!(r#"{{"phase":"{phase}","containerStatuses":{container}}}"#))
    }

    fn said(loss: &Loss) -> String {
        loss.reason.to_string()
    }

    #[test]
    fn exit_codes_and_signals_are_the_executors_own() {
        let loss = end_of(&ended("Failed", r#""terminated":{"exitCode":3,"reason":"Error"}"#)).unwrap();
        assert_eq!(loss, Loss::own(ExecutorLossReason::Exited { code: Some(3) }));
        let loss = end_of(&ended("Failed", r#""terminated":{"exitCode":139,"reason":"Error"}"#)).unwrap();
        assert_eq!(loss, Loss::own(ExecutorLossReason::Killed { signal: 11, peak_bytes: 0 }));
        let loss =
            end_of(&ended("Succeeded", r#""terminated":{"exitCode":0,"reason":"Completed"}"#)).unwrap();
        assert_eq!(loss, Loss::own(ExecutorLossReason::Exited { code: Some(0) }));
        let start =
            r#""terminated":{"exitCode":128,"reason":"StartError","message":"exec: \"/app\": no such file"}"#;
        let loss = end_of(&ended("Failed", start)).unwrap();
        assert!(
            loss.is_own_fault && said(&loss).contains("StartError") && said(&loss).contains("no such file")
        );
        assert_eq!(end_of(&ended("Running", r#""running":{}"#)), None);
    }

    #[test]
    fn too_much_memory_comes_with_the_remedy_even_when_the_pod_was_evicted_for_it() {
        let mut killed = ended("Failed", r#""terminated":{"exitCode":137,"reason":"OOMKilled"}"#);
        let said = |pod: &Pod| said(&end_of(pod).unwrap());
        assert!(said(&killed).contains("OOMKilled") && said(&killed).contains("1408Mi"));
        assert!(said(&killed).contains("firesteel.executor.memory_overhead"));
        killed.status.as_mut().unwrap().reason = Some("Evicted".into());
        let loss = end_of(&killed).unwrap();
        assert!(loss.is_own_fault && loss.reason.to_string().contains("OOMKilled"));
    }

    #[test]
    fn what_the_cluster_takes_is_nobodys_fault() {
        let mut evicted = ended("Failed", r#""terminated":{"exitCode":137,"reason":"Error"}"#);
        let condition = r#"[{"type":"DisruptionTarget","status":"True","reason":"EvictionByEvictionAPI","message":"Eviction API: evicting"}]"#;
        evicted.status.as_mut().unwrap().conditions = Some(serde_json::from_str(condition).unwrap());
        let loss = end_of(&evicted).unwrap();
        assert!(
            !loss.is_own_fault
                && said(&loss).contains("EvictionByEvictionAPI")
                && said(&loss).contains("evicting")
        );
        let loss = end_of(&pod(
            r#"{"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory."}"#,
        ))
        .unwrap();
        assert!(!loss.is_own_fault && said(&loss).contains("Evicted: The node was low"), "{loss:?}");
        let loss = end_of(&pod(r#"{"phase":"Failed"}"#)).unwrap();
        assert!(!loss.is_own_fault);
        let loss = deleted(&ended("Running", r#""running":{}"#));
        assert!(!loss.is_own_fault && said(&loss).contains("deleted"));
        // A pod that is deleted ends with the code of its signal: not a failure of its own.
        let mut removed = ended("Failed", r#""terminated":{"exitCode":137,"reason":"Error"}"#);
        removed.metadata =
            serde_json::from_str(r#"{"name":"a","deletionTimestamp":"2026-01-01T00:00:00Z"}"#).unwrap();
        assert!(!end_of(&removed).unwrap().is_own_fault);
        assert_eq!(leaving(&removed).unwrap(), "its pod is being deleted");
        assert_eq!(leaving(&ended("Running", r#""running":{}"#)), None);
    }

    #[test]
    fn pods_that_do_not_start_say_why() {
        let waiting = |reason: &str, message: &str| {
            ended("Pending", &format!(r#""waiting":{{"reason":"{reason}","message":"{message}"}}"#))
        };
        let stuck = trouble(&waiting("ImagePullBackOff", "Back-off pulling image")).unwrap();
        assert_eq!(stuck, Trouble::Stuck("ImagePullBackOff: Back-off pulling image (image app:1)".into()));
        assert!(
            matches!(trouble(&waiting("ErrImagePull", "not found")), Some(Trouble::Waits(why)) if why.contains("not found"))
        );
        assert_eq!(trouble(&waiting("ContainerCreating", "")), None);
        let unschedulable = r#"{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable",
            "message":"0/1 nodes are available: 1 Insufficient memory."}]}"#;
        let why = Trouble::Waits("Unschedulable: 0/1 nodes are available: 1 Insufficient memory.".into());
        assert_eq!(trouble(&pod(unschedulable)), Some(why));
    }

    #[test]
    fn a_pod_runs_when_its_container_does() {
        assert_eq!(running_on(&ended("Running", r#""running":{}"#)).as_deref(), Some("n1"));
        assert_eq!(running_on(&ended("Pending", r#""waiting":{"reason":"ContainerCreating"}"#)), None);
        assert_eq!(running_on(&pod(r#"{"phase":"Pending"}"#)), None);
    }
}
