//! The settings of pods, read once: those with fixed names from the table of settings, families of names (labels,
//! volumes, variables) by their beginnings, and templates from their files.

use crate::error::{KubernetesError, setting};
use crate::names::RESERVED_LABELS;
use crate::volumes::{self, VolumeSetting};
use firesteel_conf as conf;
use firesteel_conf::{Conf, Setting};
use k8s_openapi::api::core::v1::Pod;
use std::collections::BTreeMap;
use std::path::Path;

/// The role of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The program itself.
    Driver,
    /// An executor.
    Executor,
}

impl Role {
    /// Returns its name in settings and labels.
    pub fn name(self) -> &'static str {
        match self {
            Role::Driver => "driver",
            Role::Executor => "executor",
        }
    }
}

/// The settings of the pods of one role.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PodSettings {
    /// The image.
    pub image: String,
    /// When nodes fetch it.
    pub pull_policy: String,
    /// The Secrets that open its registry.
    pub pull_secrets: Vec<String>,
    /// The service account; none is the namespace's default.
    pub account: Option<String>,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Labels that its node must have.
    pub node_selector: BTreeMap<String, String>,
    /// Variables.
    pub variables: BTreeMap<String, String>,
    /// Variables whose values Secrets hold: the Secret, and the key in it.
    pub secret_variables: BTreeMap<String, (String, String)>,
    /// The directories in which Secrets are mounted, by the Secrets' names.
    pub secrets: BTreeMap<String, String>,
    /// Volumes.
    pub volumes: Vec<VolumeSetting>,
    /// The cores that it requests, as Kubernetes writes them; none are as many as its program uses.
    pub request_cores: Option<String>,
    /// The most cores that it may use.
    pub limit_cores: Option<String>,
    /// The pod on which it is built.
    pub template: Option<Pod>,
    /// The container of the template that becomes its own; none is the first.
    pub container: Option<String>,
    /// The scheduler of Kubernetes.
    pub scheduler: Option<String>,
}

/// The memory that is asked for beyond that of executors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overhead {
    /// That very number of bytes.
    pub bytes: Option<u64>,
    /// The share.
    pub factor: f64,
}

/// The least memory beyond that of a program: what it is itself.
const LEAST_OVERHEAD: u64 = 384 << 20;

impl Overhead {
    /// Reads it. A Python program's workers take more.
    ///
    /// # Errors
    /// Never for values that were checked when they were set.
    pub fn of(conf: &Conf, is_python: bool) -> Result<Self, KubernetesError> {
        let factor = get(conf, &conf::EXECUTOR_MEMORY_OVERHEAD_FACTOR)?;
        Ok(Overhead {
            bytes: get(conf, &conf::EXECUTOR_OVERHEAD)?,
            factor: factor.unwrap_or(if is_python { 0.4 } else { 0.1 }),
        })
    }

    /// Returns the whole memory of a pod whose program has `memory` bytes, in MiB.
    pub fn whole_mib(self, memory: u64) -> u64 {
        let share = (memory as f64 * self.factor) as u64;
        (memory + self.bytes.unwrap_or_else(|| share.max(LEAST_OVERHEAD))).div_ceil(1 << 20)
    }
}

impl PodSettings {
    /// Reads the settings of pods of a role.
    ///
    /// # Errors
    /// When there is no image, a label is one of those that programs may not set, or a template cannot be read.
    pub fn of(conf: &Conf, role: Role) -> Result<Self, KubernetesError> {
        let is_driver = role == Role::Driver;
        let pick = |driver, executor| if is_driver { driver } else { executor };
        let text = |driver, executor| optional(conf, pick(driver, executor));
        let own_image = text(&conf::KUBERNETES_DRIVER_IMAGE, &conf::KUBERNETES_EXECUTOR_IMAGE)?;
        let template = text(&conf::KUBERNETES_DRIVER_TEMPLATE, &conf::KUBERNETES_TEMPLATE)?;
        let container = text(&conf::KUBERNETES_DRIVER_CONTAINER, &conf::KUBERNETES_CONTAINER)?;
        let template = template.map(|file| read_template(Path::new(&file))).transpose()?;
        let image = own_image.or(optional(conf, &conf::KUBERNETES_IMAGE)?);
        let of_template = template.as_ref().and_then(|pod| {
            let containers = &pod.spec.as_ref()?.containers;
            let named = containers.iter().find(|one| container.as_ref().is_none_or(|name| *name == one.name));
            named?.image.clone()
        });
        let image = image.or(of_template).ok_or_else(|| {
            setting("which image? Set `firesteel.kubernetes.container.image` to one that holds the program, or the command `firesteel`")
        })?;
        let family = |rest: &str| family(conf, &format!("spark.kubernetes.{}.{rest}.", role.name()));
        let mut node_selector = self::family(conf, "spark.kubernetes.node.selector.");
        node_selector.extend(family("node.selector"));
        let variables =
            self::family(conf, if is_driver { "spark.kubernetes.driverEnv." } else { "spark.executorEnv." });
        let labels = family("label");
        if let Some(label) = labels.keys().find(|label| RESERVED_LABELS.contains(&label.as_str())) {
            return Err(setting(&format!(
                "the label `{label}` is Firesteel's own: take `spark.kubernetes.{}.label.{label}` out",
                role.name()
            )));
        }
        Ok(PodSettings {
            image,
            pull_policy: get(conf, &conf::KUBERNETES_PULL_POLICY)?,
            pull_secrets: list(&get(conf, &conf::KUBERNETES_PULL_SECRETS)?),
            account: text(&conf::KUBERNETES_DRIVER_ACCOUNT, &conf::KUBERNETES_EXECUTOR_ACCOUNT)?,
            labels,
            annotations: family("annotation"),
            node_selector,
            variables,
            secret_variables: secret_variables(family("secretKeyRef"))?,
            secrets: family("secrets"),
            volumes: volumes::read(family("volumes"), role.name())?,
            request_cores: text(&conf::KUBERNETES_DRIVER_REQUEST_CORES, &conf::KUBERNETES_REQUEST_CORES)?,
            limit_cores: text(&conf::KUBERNETES_DRIVER_LIMIT_CORES, &conf::KUBERNETES_LIMIT_CORES)?,
            template,
            container,
            scheduler: optional(conf, &conf::KUBERNETES_SCHEDULER)?,
        })
    }
}

/// Returns the value of a setting.
pub(crate) fn get<T>(conf: &Conf, key: &Setting<T>) -> Result<T, KubernetesError> {
    conf.get(key).map_err(|error| KubernetesError::Setting(error.to_string()))
}

/// Returns the text of a setting, if it was set.
pub(crate) fn optional(conf: &Conf, key: &Setting<String>) -> Result<Option<String>, KubernetesError> {
    Ok(Some(get(conf, key)?).filter(|text| !text.is_empty()))
}

/// Returns the settings whose keys begin with this, by what follows.
fn family(conf: &Conf, beginning: &str) -> BTreeMap<String, String> {
    let of_family = conf.iter().filter_map(|(key, value)| Some((key.strip_prefix(beginning)?, value)));
    of_family.filter(|(name, _)| !name.is_empty()).map(|(name, value)| (name.into(), value.into())).collect()
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(Into::into).collect()
}

fn secret_variables(
    family: BTreeMap<String, String>,
) -> Result<BTreeMap<String, (String, String)>, KubernetesError> {
    let each = family.into_iter().map(|(variable, place)| match place.split_once(':') {
        Some((secret, key)) => Ok((variable, (secret.into(), key.into()))),
        None => Err(setting(&format!("the variable {variable} is taken from `{place}`: write SECRET:KEY"))),
    });
    each.collect()
}

fn read_template(file: &Path) -> Result<Pod, KubernetesError> {
    let wrong =
        |why: String| setting(&format!("{} cannot be used as the template of a pod: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    serde_saphyr::from_str(&text).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(pairs: &[(&str, &str)]) -> Conf {
        let mut conf = Conf::default();
        pairs.iter().for_each(|(key, value)| conf.set(key, value).unwrap());
        conf
    }

    #[test]
    fn settings_are_read_by_sparks_names() {
        let conf = conf(&[
            ("spark.kubernetes.container.image", "both:1"),
            ("spark.kubernetes.executor.container.image", "own:2"),
            ("spark.kubernetes.container.image.pullSecrets", "a, b"),
            ("spark.kubernetes.authenticate.driver.serviceAccountName", "starter"),
            ("spark.kubernetes.executor.label.team", "blue"),
            ("spark.kubernetes.driver.annotation.example.com/why", "test"),
            ("spark.kubernetes.node.selector.disk", "ssd"),
            ("spark.kubernetes.executor.node.selector.zone", "a"),
            ("spark.kubernetes.driverEnv.LANG", "C"),
            ("spark.kubernetes.executor.secretKeyRef.PASSWORD", "store:password"),
            ("spark.kubernetes.executor.request.cores", "500m"),
        ]);
        let executor = PodSettings::of(&conf, Role::Executor).unwrap();
        assert_eq!((executor.image.as_str(), executor.account), ("own:2", None));
        assert_eq!(executor.labels, BTreeMap::from([("team".into(), "blue".into())]));
        assert_eq!(executor.node_selector.len(), 2);
        assert_eq!(executor.secret_variables["PASSWORD"], ("store".into(), "password".into()));
        assert_eq!((executor.request_cores.as_deref(), executor.pull_secrets.len()), (Some("500m"), 2));
        let driver = PodSettings::of(&conf, Role::Driver).unwrap();
        assert_eq!((driver.image.as_str(), driver.account.as_deref()), ("both:1", Some("starter")));
        assert_eq!(driver.annotations["example.com/why"], "test");
        assert_eq!((driver.labels.len(), driver.node_selector.len()), (0, 1));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_key() {
        let said =
            |pairs: &[(&str, &str)]| PodSettings::of(&conf(pairs), Role::Executor).unwrap_err().to_string();
        assert!(said(&[]).contains("firesteel.kubernetes.container.image"));
        let image = ("spark.kubernetes.container.image", "a");
        let label = ("spark.kubernetes.executor.label.spark-role", "driver");
        assert!(said(&[image, label]).contains("spark.kubernetes.executor.label.spark-role"));
        let variable = ("spark.kubernetes.executor.secretKeyRef.A", "b");
        assert!(said(&[image, variable]).contains("SECRET:KEY"));
        let template = ("spark.kubernetes.executor.podTemplateFile", "/nowhere/pod.yaml");
        assert!(said(&[image, template]).contains("/nowhere/pod.yaml"));
    }

    #[test]
    fn pods_have_more_memory_than_their_program() {
        let whole = |pairs: &[(&str, &str)], is_python| {
            Overhead::of(&conf(pairs), is_python).unwrap().whole_mib(8 << 30)
        };
        assert_eq!(whole(&[], false), 8192 + 820);
        assert_eq!(whole(&[], true), 8192 + 3277);
        assert_eq!(whole(&[("spark.executor.memoryOverhead", "512")], true), 8192 + 512);
        assert_eq!(whole(&[("spark.executor.memoryOverheadFactor", "0.01")], false), 8192 + 384);
    }
}
