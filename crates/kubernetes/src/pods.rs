//! The objects of an application, as data: pods of executors and of the driver, the Secret from which executors learn how
//! to reach the driver, and the config map that owns all of it.
//!
//! Labels, names of containers and owner references are those of Spark's pods. A pod is built on its template: what
//! settings say goes before what the template says, and lists of both are joined.

use crate::error::{KubernetesError, setting};
use crate::names::{EXECUTOR_LABEL, Names, PROFILE_LABEL, ROLE_LABEL};
use crate::settings::{PodSettings, Role};
use crate::volumes::LOCAL_DIR;
use firesteel_protocol::handshake::AGENT_VARIABLE;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{
    ConfigMap, Container, EmptyDirVolumeSource, EnvVar, EnvVarSource, LocalObjectReference, NodeSelector,
    NodeSelectorRequirement, NodeSelectorTerm, ObjectFieldSelector, Pod, PodSpec, ResourceRequirements,
    Secret, SecretKeySelector, SecretVolumeSource, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use std::collections::{BTreeMap, BTreeSet};

/// The directory in which a pod finds its Secret.
pub const SECRET_DIRECTORY: &str = "/etc/firesteel";

/// The key of an executor's configuration in the Secret, and the name of the file with it.
pub const AGENT_FILE: &str = "agent.json";

/// The key of the driver's settings in their Secret.
pub const SETTINGS_KEY: &str = "settings.json";

/// The name of the file with the template of a driver's executors, in the driver's Secret.
pub const DRIVER_TEMPLATE_FILE: &str = "executor.yaml";

/// The directory of an executor's own files, where no volume is meant for them.
pub const FILES_DIRECTORY: &str = "/var/data/firesteel";

/// The variable with the name of a pod.
pub const POD_NAME_VARIABLE: &str = "FIRESTEEL_POD_NAME";

/// The variable with the address of a pod.
pub const POD_ADDRESS_VARIABLE: &str = "FIRESTEEL_POD_IP";

/// The name of our container, where the template has no other.
fn container_name(role: Role) -> String {
    format!("spark-kubernetes-{}", role.name())
}

/// The program of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodCommand {
    /// The program and its arguments, as the image names them.
    pub words: Vec<String>,
    /// Variables to set for it.
    pub variables: Vec<(String, String)>,
}

/// The size of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodSize {
    /// The cores that its program uses.
    pub cores: u32,
    /// Its whole memory, in MiB.
    pub memory_mib: u64,
}

/// The parts of an executor's pod that are the same for all of an application.
#[derive(Clone, Debug)]
pub struct ExecutorPods {
    /// The application's names.
    pub names: Names,
    /// The settings.
    pub settings: PodSettings,
    /// Their program.
    pub command: PodCommand,
    /// The time from their notice to their end, in seconds.
    pub grace_s: u32,
}

impl ExecutorPods {
    /// Makes the pod of executor `number`, for any node but those to avoid.
    ///
    /// # Errors
    /// When the template has no container of the name that settings give.
    pub fn pod(
        &self,
        number: u64,
        size: PodSize,
        owner: &OwnerReference,
        avoided: &BTreeSet<String>,
    ) -> Result<Pod, KubernetesError> {
        let mut builder = Builder::new(&self.settings, Role::Executor, &self.names)?;
        builder.label(EXECUTOR_LABEL, &number.to_string());
        builder.label(PROFILE_LABEL, "0");
        builder.run(&self.command);
        builder.variable(AGENT_VARIABLE, &format!("{SECRET_DIRECTORY}/{AGENT_FILE}"));
        builder.field(POD_NAME_VARIABLE, "metadata.name");
        builder.field(POD_ADDRESS_VARIABLE, "status.podIP");
        builder.variable("SPARK_APPLICATION_ID", &self.names.application);
        builder.variable("SPARK_EXECUTOR_ID", &number.to_string());
        builder.mount_secret(&self.names.secret());
        builder.files_directory();
        builder.size(size);
        builder.avoid(avoided);
        builder.spec.termination_grace_period_seconds = Some(i64::from(self.grace_s));
        // An executor asks Kubernetes for nothing.
        builder.spec.automount_service_account_token.get_or_insert(false);
        Ok(builder.build(self.names.executor(number), Some(owner)))
    }

    /// Returns the directory in which executors keep their files.
    pub fn files(&self) -> String {
        local_directory(&self.settings).unwrap_or_else(|| FILES_DIRECTORY.into())
    }
}

/// Makes the pod of a driver. Its settings come from a Secret, since there may be secrets among them.
///
/// # Errors
/// When the template has no container of the name that settings give.
pub fn driver_pod(
    names: &Names,
    name: &str,
    settings: &PodSettings,
    command: &PodCommand,
    size: PodSize,
) -> Result<Pod, KubernetesError> {
    let mut builder = Builder::new(settings, Role::Driver, names)?;
    builder.run(command);
    builder.field(POD_ADDRESS_VARIABLE, "status.podIP");
    builder.secret_variable("FIRESTEEL_SETTINGS", &names.driver_settings(), SETTINGS_KEY);
    builder.variable("SPARK_APPLICATION_ID", &names.application);
    builder.mount_secret(&names.driver_settings());
    builder.size(size);
    Ok(builder.build(name.into(), None))
}

/// Makes a Secret with one file.
pub fn secret(names: &Names, name: String, key: &str, content: String, owner: &OwnerReference) -> Secret {
    Secret {
        metadata: metadata(names, name, Some(owner)),
        type_: Some("Opaque".into()),
        immutable: Some(true),
        data: Some(BTreeMap::from([(key.to_string(), ByteString(content.into_bytes()))])),
        ..Secret::default()
    }
}

/// Makes the config map that owns the objects of an application whose driver is in no pod. It says who made it.
pub fn owner_map(names: &Names, driver: &str) -> ConfigMap {
    let about = [("driver", driver), ("about", "its removal ends the application's executors")];
    ConfigMap {
        metadata: metadata(names, names.owner(), None),
        data: Some(about.into_iter().map(|(key, value)| (key.into(), value.into())).collect()),
        ..ConfigMap::default()
    }
}

/// Makes the reference to an owner: what it owns goes with it.
pub fn owner(kind: &str, name: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: "v1".into(),
        kind: kind.into(),
        name: name.into(),
        uid: uid.into(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

fn metadata(names: &Names, name: String, owner: Option<&OwnerReference>) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(names.namespace.clone()),
        labels: Some(names.labels()),
        owner_references: owner.map(|owner| vec![owner.clone()]),
        ..ObjectMeta::default()
    }
}

/// Returns the place of the volume that is meant for executors' own files.
fn local_directory(settings: &PodSettings) -> Option<String> {
    let volume = settings.volumes.iter().find(|volume| volume.mount.name.starts_with(LOCAL_DIR))?;
    Some(volume.mount.mount_path.clone())
}

/// A pod that is being built on its template.
struct Builder<'a> {
    settings: &'a PodSettings,
    namespace: &'a str,
    meta: ObjectMeta,
    spec: PodSpec,
    /// Our container, taken out of the others.
    container: Container,
}

impl<'a> Builder<'a> {
    fn new(settings: &'a PodSettings, role: Role, names: &'a Names) -> Result<Self, KubernetesError> {
        let template = settings.template.clone().unwrap_or_default();
        let mut spec = template.spec.unwrap_or_default();
        let container = take_container(&mut spec, settings.container.as_deref())?;
        let mut builder =
            Builder { settings, namespace: &names.namespace, meta: template.metadata, spec, container };
        builder.meta.labels.get_or_insert_default().extend(settings.labels.clone());
        builder.meta.annotations.get_or_insert_default().extend(settings.annotations.clone());
        builder.meta.labels.get_or_insert_default().extend(names.labels());
        builder.label(ROLE_LABEL, role.name());
        builder.place();
        builder.fill_container(role);
        Ok(builder)
    }

    /// Says where the pod may run, and as whom.
    fn place(&mut self) {
        let (spec, settings) = (&mut self.spec, self.settings);
        spec.restart_policy = Some("Never".into());
        if !settings.node_selector.is_empty() {
            spec.node_selector.get_or_insert_default().extend(settings.node_selector.clone());
        }
        if settings.account.is_some() {
            spec.service_account_name = settings.account.clone();
        }
        if settings.scheduler.is_some() {
            spec.scheduler_name = settings.scheduler.clone();
        }
        let pull_secrets =
            settings.pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() });
        if !settings.pull_secrets.is_empty() {
            spec.image_pull_secrets.get_or_insert_default().extend(pull_secrets);
        }
    }

    fn fill_container(&mut self, role: Role) {
        let settings = self.settings;
        if self.container.name.is_empty() {
            self.container.name = container_name(role);
        }
        self.container.image = Some(settings.image.clone());
        self.container.image_pull_policy = Some(settings.pull_policy.clone());
        // As Spark's containers have it: no policy of a namespace minds it, and some demand it.
        let security = self.container.security_context.get_or_insert_default();
        security.allow_privilege_escalation.get_or_insert(false);
        for (name, value) in &settings.variables {
            self.variable(name, value);
        }
        for (name, (secret, key)) in &settings.secret_variables {
            self.secret_variable(name, secret, key);
        }
        for (name, path) in &settings.secrets {
            self.mount(secret_volume(&format!("{name}-volume"), name), path);
        }
        for volume in &settings.volumes {
            self.spec.volumes.get_or_insert_default().push(volume.volume.clone());
            self.container.volume_mounts.get_or_insert_default().push(volume.mount.clone());
        }
    }

    fn label(&mut self, key: &str, value: &str) {
        self.meta.labels.get_or_insert_default().insert(key.into(), value.into());
    }

    fn run(&mut self, command: &PodCommand) {
        let (program, arguments) = command.words.split_first().map_or((None, &[][..]), |(p, a)| (Some(p), a));
        self.container.command = program.map(|program| vec![program.clone()]);
        self.container.args = Some(arguments.to_vec());
        for (name, value) in &command.variables {
            self.variable(name, value);
        }
    }

    /// Sets a variable, in the place of one of that name.
    fn variable(&mut self, name: &str, value: &str) {
        self.set(EnvVar { name: name.into(), value: Some(value.into()), value_from: None });
    }

    /// Sets a variable to what is known of the pod when it runs.
    fn field(&mut self, name: &str, path: &str) {
        let field_ref = Some(ObjectFieldSelector { field_path: path.into(), api_version: None });
        let value_from = Some(EnvVarSource { field_ref, ..EnvVarSource::default() });
        self.set(EnvVar { name: name.into(), value: None, value_from });
    }

    fn secret_variable(&mut self, name: &str, secret: &str, key: &str) {
        let secret_key_ref =
            Some(SecretKeySelector { name: secret.into(), key: key.into(), optional: Some(false) });
        let value_from = Some(EnvVarSource { secret_key_ref, ..EnvVarSource::default() });
        self.set(EnvVar { name: name.into(), value: None, value_from });
    }

    fn set(&mut self, variable: EnvVar) {
        let variables = self.container.env.get_or_insert_default();
        variables.retain(|other| other.name != variable.name);
        variables.push(variable);
    }

    fn mount(&mut self, volume: Volume, path: &str) {
        let mount = VolumeMount {
            name: volume.name.clone(),
            mount_path: path.into(),
            read_only: volume.secret.is_some().then_some(true),
            ..VolumeMount::default()
        };
        self.spec.volumes.get_or_insert_default().push(volume);
        self.container.volume_mounts.get_or_insert_default().push(mount);
    }

    fn mount_secret(&mut self, secret: &str) {
        self.mount(secret_volume("firesteel-secret", secret), SECRET_DIRECTORY);
    }

    /// Gives the pod a directory for its files, unless a volume is meant for them.
    fn files_directory(&mut self) {
        if local_directory(self.settings).is_none() {
            let empty_dir = Some(EmptyDirVolumeSource::default());
            let name = format!("{LOCAL_DIR}1");
            self.mount(Volume { name, empty_dir, ..Volume::default() }, FILES_DIRECTORY);
        }
    }

    /// Requests cores and memory. The memory is a limit, too: what is over it is ended, and not its neighbours.
    fn size(&mut self, size: PodSize) {
        let resources: &mut ResourceRequirements = self.container.resources.get_or_insert_default();
        let (requests, limits) = (&mut resources.requests, &mut resources.limits);
        let cores = self.settings.request_cores.clone().unwrap_or_else(|| size.cores.to_string());
        let memory = Quantity(format!("{}Mi", size.memory_mib));
        requests.get_or_insert_default().insert("cpu".into(), Quantity(cores));
        requests.get_or_insert_default().insert("memory".into(), memory.clone());
        limits.get_or_insert_default().insert("memory".into(), memory);
        if let Some(cores) = &self.settings.limit_cores {
            limits.get_or_insert_default().insert("cpu".into(), Quantity(cores.clone()));
        }
    }

    /// Keeps the pod from nodes, by their names. A template's own terms each stay, since one of them has to hold.
    fn avoid(&mut self, nodes: &BTreeSet<String>) {
        if nodes.is_empty() {
            return;
        }
        let affinity = self.spec.affinity.get_or_insert_default().node_affinity.get_or_insert_default();
        let selector: &mut NodeSelector =
            affinity.required_during_scheduling_ignored_during_execution.get_or_insert_default();
        if selector.node_selector_terms.is_empty() {
            selector.node_selector_terms.push(NodeSelectorTerm::default());
        }
        for term in &mut selector.node_selector_terms {
            // A field takes one value, so each node is a condition of its own.
            term.match_fields.get_or_insert_default().extend(nodes.iter().map(|node| {
                NodeSelectorRequirement {
                    key: "metadata.name".into(),
                    operator: "NotIn".into(),
                    values: Some(vec![node.clone()]),
                }
            }));
        }
    }

    fn build(mut self, name: String, owner: Option<&OwnerReference>) -> Pod {
        self.meta.name = Some(name);
        self.meta.generate_name = None;
        self.meta.namespace = Some(self.namespace.into());
        self.meta.owner_references = owner.map(|owner| vec![owner.clone()]);
        self.meta.annotations = self.meta.annotations.filter(|annotations| !annotations.is_empty());
        // Ours comes first: tools that ask for no container show that.
        self.spec.containers.insert(0, self.container);
        Pod { metadata: self.meta, spec: Some(self.spec), status: None }
    }
}

/// Takes our container out of a template: the named one, the first, or a new one.
fn take_container(spec: &mut PodSpec, name: Option<&str>) -> Result<Container, KubernetesError> {
    match name {
        None if spec.containers.is_empty() => Ok(Container::default()),
        None => Ok(spec.containers.remove(0)),
        Some(name) => {
            let at = spec.containers.iter().position(|container| container.name == name);
            let at =
                at.ok_or_else(|| setting(&format!("the template of a pod has no container `{name}`")))?;
            Ok(spec.containers.remove(at))
        }
    }
}

fn secret_volume(name: &str, secret: &str) -> Volume {
    // Any user of the image may read it: the pod is ours alone.
    let secret = SecretVolumeSource {
        secret_name: Some(secret.into()),
        default_mode: Some(0o444),
        ..SecretVolumeSource::default()
    };
    Volume { name: name.into(), secret: Some(secret), ..Volume::default() }
}

#[cfg(test)]
mod tests;
