//! Pods as settings make them, as objects.

use super::*;
use crate::volumes::VolumeSetting;

fn names() -> Names {
    Names::new("work", "Word count", [7; 16])
}

fn settings() -> PodSettings {
    PodSettings { image: "app:1".into(), pull_policy: "IfNotPresent".into(), ..PodSettings::default() }
}

fn command() -> PodCommand {
    PodCommand {
        words: vec!["firesteel".into(), "executor".into()],
        variables: vec![("A".into(), "1".into())],
    }
}

const SIZE: PodSize = PodSize { cores: 2, memory_mib: 1408 };

fn executor(settings: PodSettings) -> Pod {
    let pods = ExecutorPods { names: names(), settings, command: command(), grace_s: 30 };
    pods.pod(3, SIZE, &owner("ConfigMap", "word-count-app", "uid-1"), &BTreeSet::new()).unwrap()
}

fn container(pod: &Pod) -> &Container {
    &pod.spec.as_ref().unwrap().containers[0]
}

fn variable<'a>(pod: &'a Pod, name: &str) -> &'a EnvVar {
    let mut found = container(pod).env.as_ref().unwrap().iter().filter(|one| one.name == name);
    let one = found.next().unwrap();
    assert!(found.next().is_none(), "{name} is there once");
    one
}

#[test]
fn an_executors_pod_has_what_sparks_has() {
    let pod = executor(settings());
    let meta = &pod.metadata;
    assert_eq!(meta.name.as_deref(), Some("word-count-070707070707-exec-3"));
    assert_eq!(meta.namespace.as_deref(), Some("work"));
    let labels = meta.labels.as_ref().unwrap();
    let label = |key: &str| labels[key].as_str();
    assert_eq!((label("spark-role"), label("spark-exec-id")), ("executor", "3"));
    assert_eq!((label("spark-app-name"), label("spark-exec-resourceprofile-id")), ("word-count", "0"));
    assert_eq!(label("spark-app-selector"), names().application);
    let owners = meta.owner_references.as_ref().unwrap();
    assert_eq!((owners.len(), owners[0].uid.as_str(), owners[0].controller), (1, "uid-1", Some(true)));
    let spec = pod.spec.as_ref().unwrap();
    assert_eq!(spec.restart_policy.as_deref(), Some("Never"));
    assert_eq!(spec.termination_grace_period_seconds, Some(30));
    assert_eq!(spec.automount_service_account_token, Some(false), "an executor asks for nothing");
    assert_eq!(container(&pod).name, "spark-kubernetes-executor");
    let security = container(&pod).security_context.as_ref().unwrap();
    assert_eq!(security.allow_privilege_escalation, Some(false));
    assert_eq!(container(&pod).command, Some(vec!["firesteel".to_string()]));
    let resources = container(&pod).resources.as_ref().unwrap();
    let (requests, limits) = (resources.requests.as_ref().unwrap(), resources.limits.as_ref().unwrap());
    assert_eq!((requests["cpu"].0.as_str(), requests["memory"].0.as_str()), ("2", "1408Mi"));
    assert_eq!((limits.get("cpu"), limits["memory"].0.as_str()), (None, "1408Mi"));
}

#[test]
fn an_agent_learns_its_name_and_address_when_it_runs_and_its_secret_from_a_file() {
    let pod = executor(settings());
    let field = |name: &str| variable(&pod, name).value_from.clone().unwrap().field_ref.unwrap().field_path;
    assert_eq!(
        (field(POD_NAME_VARIABLE), field(POD_ADDRESS_VARIABLE)),
        ("metadata.name".into(), "status.podIP".into())
    );
    assert_eq!(variable(&pod, AGENT_VARIABLE).value.as_deref(), Some("/etc/firesteel/agent.json"));
    let volumes = pod.spec.as_ref().unwrap().volumes.as_ref().unwrap();
    let secret = volumes.iter().find_map(|volume| volume.secret.as_ref()).unwrap();
    assert_eq!(secret.secret_name, Some(names().secret()));
    let mounts = container(&pod).volume_mounts.as_ref().unwrap();
    assert!(mounts.iter().any(|mount| mount.mount_path == "/etc/firesteel" && mount.read_only == Some(true)));
    assert!(mounts.iter().any(|mount| mount.mount_path == FILES_DIRECTORY));
}

#[test]
fn the_secret_is_in_the_secret_alone() {
    let owner = owner("ConfigMap", "a", "b");
    let secret = secret(&names(), names().secret(), AGENT_FILE, "{\"secret\":\"hush\"}".into(), &owner);
    assert_eq!(secret.data.as_ref().unwrap()[AGENT_FILE].0, b"{\"secret\":\"hush\"}");
    assert_eq!(secret.metadata.owner_references, Some(vec![owner]));
    let pod = driver_pod(&names(), "d", &settings(), &command(), SIZE).unwrap();
    let from = variable(&pod, "FIRESTEEL_SETTINGS").value_from.clone().unwrap().secret_key_ref.unwrap();
    assert_eq!((from.name, from.key), (names().driver_settings(), SETTINGS_KEY.into()));
}

#[test]
fn settings_become_parts_of_the_pod() {
    let map = |key: &str, value: &str| BTreeMap::from([(key.to_string(), value.to_string())]);
    let scratch = VolumeSetting {
        volume: Volume { name: "spark-local-dir-9".into(), ..Volume::default() },
        mount: VolumeMount {
            name: "spark-local-dir-9".into(),
            mount_path: "/scratch".into(),
            ..VolumeMount::default()
        },
    };
    let settings = PodSettings {
        account: Some("runner".into()),
        labels: map("team", "blue"),
        annotations: map("why", "test"),
        node_selector: map("disk", "ssd"),
        variables: map("TZ", "UTC"),
        secret_variables: BTreeMap::from([("PASSWORD".into(), ("store".into(), "pw".into()))]),
        secrets: map("store", "/etc/store"),
        volumes: vec![scratch],
        request_cores: Some("500m".into()),
        limit_cores: Some("2".into()),
        pull_secrets: vec!["registry".into()],
        scheduler: Some("other".into()),
        ..settings()
    };
    let pods = ExecutorPods { names: names(), settings: settings.clone(), command: command(), grace_s: 30 };
    assert_eq!(pods.files(), "/scratch");
    let pod = executor(settings);
    let spec = pod.spec.as_ref().unwrap();
    assert_eq!(spec.service_account_name.as_deref(), Some("runner"));
    assert_eq!(spec.scheduler_name.as_deref(), Some("other"));
    assert_eq!(spec.node_selector, Some(map("disk", "ssd")));
    assert_eq!(spec.image_pull_secrets.as_ref().unwrap()[0].name, "registry");
    assert_eq!(pod.metadata.labels.as_ref().unwrap()["team"], "blue");
    assert_eq!(pod.metadata.annotations, Some(map("why", "test")));
    assert_eq!(variable(&pod, "TZ").value.as_deref(), Some("UTC"));
    assert_eq!(variable(&pod, "PASSWORD").value_from.clone().unwrap().secret_key_ref.unwrap().key, "pw");
    let resources = container(&pod).resources.as_ref().unwrap();
    assert_eq!(resources.requests.as_ref().unwrap()["cpu"].0, "500m");
    assert_eq!(resources.limits.as_ref().unwrap()["cpu"].0, "2");
    let mounts = container(&pod).volume_mounts.as_ref().unwrap();
    let paths: Vec<&str> = mounts.iter().map(|mount| mount.mount_path.as_str()).collect();
    assert_eq!(paths, ["/etc/store", "/scratch", "/etc/firesteel"], "and no other directory for files");
}

const TEMPLATE: &str = "
apiVersion: v1
kind: Pod
metadata:
  labels: {spark-role: other, cost: research}
spec:
  hostNetwork: true
  tolerations: [{key: spot, operator: Exists}]
  automountServiceAccountToken: true
  containers:
    - name: logs
      image: logs:1
    - name: main
      env: [{name: A, value: '9'}, {name: B, value: '2'}]
      resources: {limits: {example.com/gpu: '1'}}
";

#[test]
fn nodes_to_avoid_are_conditions_of_each_term_of_the_template() {
    let avoided: BTreeSet<String> = ["n1".to_string(), "n2".to_string()].into();
    let fields = |settings: PodSettings| {
        let pods = ExecutorPods { names: names(), settings, command: command(), grace_s: 30 };
        let pod = pods.pod(3, SIZE, &owner("ConfigMap", "a", "b"), &avoided).unwrap();
        let affinity = pod.spec.unwrap().affinity.unwrap().node_affinity.unwrap();
        let terms = affinity.required_during_scheduling_ignored_during_execution.unwrap().node_selector_terms;
        let named = |term: NodeSelectorTerm| {
            let conditions = term.match_fields.unwrap().into_iter();
            let not = conditions.map(|one| format!("{} {} {:?}", one.key, one.operator, one.values.unwrap()));
            (term.match_expressions.map_or(0, |own| own.len()), not.collect::<Vec<_>>())
        };
        terms.into_iter().map(named).collect::<Vec<_>>()
    };
    let not =
        ["metadata.name NotIn [\"n1\"]".to_string(), "metadata.name NotIn [\"n2\"]".to_string()].to_vec();
    assert_eq!(fields(settings()), [(0, not.clone())]);
    let text = "spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [\
                {matchExpressions: [{key: a, operator: Exists}]}, {matchExpressions: [{key: b, operator: Exists}]}]}}}}";
    let template: Pod = serde_saphyr::from_str(text).unwrap();
    let both = fields(PodSettings { template: Some(template), ..settings() });
    assert_eq!(both, [(1, not.clone()), (1, not)]);
    assert_eq!(executor(settings()).spec.unwrap().affinity, None);
}

#[test]
fn a_pod_is_built_on_its_template() {
    let template: Pod = serde_saphyr::from_str(TEMPLATE).unwrap();
    let with = |container: &str| PodSettings {
        template: Some(template.clone()),
        container: Some(container.into()),
        ..settings()
    };
    let pod = executor(with("main"));
    let spec = pod.spec.as_ref().unwrap();
    let labels = pod.metadata.labels.as_ref().unwrap();
    assert_eq!((labels["spark-role"].as_str(), labels["cost"].as_str()), ("executor", "research"));
    assert_eq!((spec.host_network, spec.automount_service_account_token), (Some(true), Some(true)));
    assert_eq!(spec.tolerations.as_ref().unwrap()[0].key.as_deref(), Some("spot"));
    let containers: Vec<&str> = spec.containers.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(containers, ["main", "logs"]);
    assert_eq!(container(&pod).image.as_deref(), Some("app:1"));
    assert_eq!(variable(&pod, "A").value.as_deref(), Some("1"), "what the program needs goes first");
    assert_eq!(variable(&pod, "B").value.as_deref(), Some("2"));
    let limits = container(&pod).resources.as_ref().unwrap().limits.as_ref().unwrap();
    assert_eq!((limits["example.com/gpu"].0.as_str(), limits["memory"].0.as_str()), ("1", "1408Mi"));
    let pods = ExecutorPods { names: names(), settings: with("none"), command: command(), grace_s: 1 };
    let error = pods.pod(1, SIZE, &owner("ConfigMap", "a", "b"), &BTreeSet::new()).unwrap_err().to_string();
    assert!(error.contains("no container `none`"), "{error}");
}
