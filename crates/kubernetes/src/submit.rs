//! Cluster mode: the program itself runs in a pod, which owns its executors.
//!
//! The pod is made first and owns the Secret with the program's settings, for which it waits. A pod that has ended is
//! kept, as Spark's is: its log and its end can be looked at until it is removed.

use crate::cause::{Trouble, deleted, end_of, running_on, trouble};
use crate::client::{Access, Client};
use crate::config::names;
use crate::error::{KubernetesError, setting};
use crate::manager::KubernetesConfig;
use crate::names::{APPLICATION_VARIABLE, Names};
use crate::pods::{
    DRIVER_TEMPLATE_FILE, PodCommand, PodSize, SECRET_DIRECTORY, SETTINGS_KEY, driver_pod, owner, owner_map,
    secret,
};
use crate::settings::{Overhead, PodSettings, Role, optional};
use firesteel_cluster::Shape;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_types::ExecutorLossReason;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

/// The pause between two looks at a driver.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Settings of the submitter's machine, which mean nothing in the driver's pod: there its service account counts.
const OF_SUBMITTER: &[&str] = &[
    conf::KUBERNETES_CONTEXT.key,
    conf::KUBERNETES_TOKEN_FILE.key,
    conf::KUBERNETES_CA_FILE.key,
    conf::KUBERNETES_DRIVER_TEMPLATE.key,
    conf::KUBERNETES_WAIT.key,
];

/// A program that is to run in a pod.
#[derive(Clone, Debug)]
pub struct Submission {
    access: Access,
    names: Names,
    /// The name of the pod.
    pod: String,
    settings: PodSettings,
    command: PodCommand,
    size: PodSize,
    /// The files of its Secret.
    files: BTreeMap<String, String>,
}

impl Submission {
    /// Makes the submission of a program, a path in the image (`local:///opt/app`), which takes so many cores and MiB.
    ///
    /// # Errors
    /// When a setting is missing or wrong, or the program is no path in the image.
    pub fn of(
        conf: &Conf,
        master: &str,
        program: &str,
        arguments: &[String],
        (cores, memory_mib): (u32, u64),
    ) -> Result<Self, KubernetesError> {
        let program = program.strip_prefix("local://").unwrap_or(program);
        if !program.starts_with('/') {
            return Err(setting(&format!(
                "in cluster mode the image has the program: write its path there, local:///opt/app, not `{program}`"
            )));
        }
        let names = names(conf)?;
        let pod = optional(conf, &conf::KUBERNETES_DRIVER_POD)?.unwrap_or_else(|| names.driver());
        let words = std::iter::once(program.to_string()).chain(arguments.iter().cloned()).collect();
        let variables = [("FIRESTEEL_MASTER", "k8s://"), (APPLICATION_VARIABLE, &names.application)];
        let variables = variables.map(|(key, value)| (key.to_string(), value.to_string())).to_vec();
        let overhead = Overhead { bytes: None, ..Overhead::of(conf, false)? };
        Ok(Submission {
            access: Access::of(conf, master)?,
            files: files(conf, &names, &pod)?,
            pod,
            settings: PodSettings::of(conf, Role::Driver)?,
            command: PodCommand { words, variables },
            size: PodSize { cores, memory_mib: overhead.whole_mib(memory_mib << 20) },
            names,
        })
    }

    fn pod(&self) -> Result<Pod, KubernetesError> {
        driver_pod(&self.names, &self.pod, &self.settings, &self.command, self.size)
    }

    fn secret(&self, owner: &OwnerReference) -> Secret {
        let files =
            self.files.iter().map(|(name, text)| (name.clone(), ByteString(text.clone().into_bytes())));
        let empty = secret(&self.names, self.names.driver_settings(), "", String::new(), owner);
        Secret { data: Some(files.collect()), ..empty }
    }

    /// Makes the pod and its Secret.
    ///
    /// # Errors
    /// When the API server cannot be reached or refuses something: nothing is left then.
    pub fn submit(&self) -> Result<Drivers, KubernetesError> {
        let drivers = Drivers::new(&self.access)?;
        let pod = drivers.client.create(&self.pod()?)?;
        let owner = owner("Pod", &self.pod, pod.metadata.uid.as_deref().unwrap_or_default());
        if let Err(error) = drivers.client.create(&self.secret(&owner)) {
            drivers.kill(&self.pod)?;
            return Err(error);
        }
        Ok(drivers)
    }

    /// Returns the name of the pod.
    pub fn name(&self) -> &str {
        &self.pod
    }

    /// Returns the objects that would be made, in YAML, without what is secret.
    ///
    /// # Errors
    /// When a template has no container of the name that settings give.
    pub fn dry_run(&self) -> Result<String, KubernetesError> {
        let secret = self.secret(&owner("Pod", &self.pod, "UID"));
        Ok([yaml("Pod", &self.pod()?), yaml("Secret", &hidden(secret))].join("---\n"))
    }
}

/// Returns the files of a driver's Secret: its settings, and the template of its executors.
fn files(conf: &Conf, names: &Names, pod: &str) -> Result<BTreeMap<String, String>, KubernetesError> {
    let kept = conf.iter().filter(|(key, _)| !OF_SUBMITTER.contains(key));
    let mut pairs: BTreeMap<&str, String> = kept.map(|(key, value)| (key, value.to_string())).collect();
    pairs.insert(conf::KUBERNETES_DRIVER_POD.key, pod.into());
    pairs.insert(conf::KUBERNETES_POD_PREFIX.key, names.prefix.clone());
    let mut files = BTreeMap::new();
    if let Some(file) = optional(conf, &conf::KUBERNETES_TEMPLATE)? {
        let text = std::fs::read_to_string(&file).map_err(|error| setting(&format!("{file}: {error}")))?;
        files.insert(DRIVER_TEMPLATE_FILE.to_string(), text);
        pairs.insert(conf::KUBERNETES_TEMPLATE.key, format!("{SECRET_DIRECTORY}/{DRIVER_TEMPLATE_FILE}"));
    }
    let settings = serde_json::to_string(&pairs).expect("it is text");
    files.insert(SETTINGS_KEY.into(), settings);
    Ok(files)
}

impl KubernetesConfig {
    /// Returns the objects that an application makes for executors of this shape, in YAML, without what is secret: what
    /// owns them, their Secret, and the first of the pods.
    ///
    /// # Errors
    /// When a template has no container of the name that settings give.
    pub fn dry_run(&self, shape: &Shape) -> Result<String, KubernetesError> {
        let names = &self.pods.names;
        let owner = match &self.driver_pod {
            Some(pod) => owner("Pod", pod, "UID"),
            None => owner("ConfigMap", &names.owner(), "UID"),
        };
        let secret = hidden(self.agent_secret(shape, &owner));
        let pod = self.pods.pod(1, self.size(shape), &owner, &BTreeSet::new())?;
        let mut texts = vec![yaml("Secret", &secret), yaml("Pod", &pod)];
        if self.driver_pod.is_none() {
            texts.insert(0, yaml("ConfigMap", &owner_map(names, &self.driver)));
        }
        Ok(texts.join("---\n"))
    }
}

/// Returns a Secret with names in the place of contents.
fn hidden(secret: Secret) -> Secret {
    let names = secret.data.unwrap_or_default().into_keys();
    let string_data = Some(names.map(|name| (name, "(not shown)".into())).collect());
    Secret { data: None, string_data, ..secret }
}

fn yaml(kind: &str, object: &impl Serialize) -> String {
    serde_saphyr::to_string(object).unwrap_or_else(|error| format!("# the {kind} cannot be shown: {error}\n"))
}

/// The programs that run in pods.
pub struct Drivers {
    client: Client,
}

impl Drivers {
    /// Makes the way to them.
    ///
    /// # Errors
    /// When there are no credentials.
    pub fn new(access: &Access) -> Result<Self, KubernetesError> {
        Ok(Drivers { client: Client::new(access)? })
    }

    /// Ends a program, with all that it owns; returns whether there was one of this name.
    ///
    /// # Errors
    /// When the API server cannot be reached or refuses it.
    pub fn kill(&self, pod: &str) -> Result<bool, KubernetesError> {
        match self.client.find::<Pod>(pod)? {
            None => Ok(false),
            Some(_) => self.client.delete::<Pod>(pod, None).map(|()| true),
        }
    }

    /// Returns how a program is, as a sentence; none if there is none of this name.
    ///
    /// # Errors
    /// When the API server cannot be reached or refuses to say.
    pub fn status(&self, pod: &str) -> Result<Option<String>, KubernetesError> {
        Ok(self.client.find::<Pod>(pod)?.map(|found| format!("{pod}: {}", describe(&found))))
    }

    /// Waits for the end of a program; `tell` hears what becomes of it meanwhile. Returns whether it ended well.
    ///
    /// # Errors
    /// When its pod cannot start, or the API server refuses to say.
    pub fn wait(&self, pod: &str, mut tell: impl FnMut(&str)) -> Result<bool, KubernetesError> {
        let mut last: Option<(Pod, String)> = None;
        loop {
            let found = match self.client.find::<Pod>(pod) {
                // It goes on without us: what cannot be asked now is asked later.
                Err(error) if error.is_passing() => {
                    tell(&error.to_string());
                    thread::sleep(LOOK_EVERY);
                    continue;
                }
                found => found?,
            };
            let Some(found) = found else {
                let loss = last.map(|(pod, _)| deleted(&pod).reason.to_string());
                tell(&format!(
                    "the driver is gone: {}",
                    loss.unwrap_or_else(|| "its pod was deleted".into())
                ));
                return Ok(false);
            };
            let said = describe(&found);
            if last.as_ref().is_none_or(|(_, last)| *last != said) {
                tell(&format!("the driver {said}"));
            }
            if let Some(loss) = end_of(&found) {
                return Ok(loss.reason == ExecutorLossReason::Exited { code: Some(0) });
            }
            if let Some(Trouble::Stuck(why)) = trouble(&found) {
                return Err(setting(&format!("the driver's pod {pod} does not start: {why}")));
            }
            last = Some((found, said));
            thread::sleep(LOOK_EVERY);
        }
    }
}

/// Returns how a driver is: `runs on n1`.
fn describe(pod: &Pod) -> String {
    if let Some(loss) = end_of(pod) {
        return match loss.reason {
            ExecutorLossReason::Exited { code: Some(0) } => "has ended well".into(),
            reason => format!("has ended: {reason}"),
        };
    }
    match (running_on(pod), trouble(pod)) {
        (Some(node), _) => format!("runs on {node}"),
        (None, Some(Trouble::Waits(why) | Trouble::Stuck(why))) => format!("waits: {why}"),
        (None, None) => "waits for its node".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(pairs: &[(&str, &str)]) -> Conf {
        let mut conf = Conf::default();
        conf.set("spark.kubernetes.container.image", "app:1").unwrap();
        pairs.iter().for_each(|(key, value)| conf.set(key, value).unwrap());
        conf
    }

    fn submission(pairs: &[(&str, &str)]) -> Result<Submission, KubernetesError> {
        let arguments = ["in".to_string(), "out".to_string()];
        Submission::of(&conf(pairs), "k8s://https://a:6443", "local:///opt/app", &arguments, (2, 4096))
    }

    #[test]
    fn the_drivers_pod_runs_the_program_and_knows_what_it_is_called() {
        let submission = submission(&[
            ("spark.hadoop.fs.s3a.secret.key", "hush"),
            ("spark.kubernetes.authenticate.oauthTokenFile", "/my/token"),
        ])
        .unwrap();
        let pod = submission.pod().unwrap();
        let container = &pod.spec.as_ref().unwrap().containers[0];
        assert_eq!(container.command, Some(vec!["/opt/app".to_string()]));
        assert_eq!(container.args, Some(vec!["in".to_string(), "out".to_string()]));
        assert_eq!(container.name, "spark-kubernetes-driver");
        assert_eq!(pod.metadata.labels.as_ref().unwrap()["spark-role"], "driver");
        assert!(!serde_json::to_string(&pod).unwrap().contains("hush"), "settings are in the Secret");
        let settings = &submission.files[SETTINGS_KEY];
        assert!(settings.contains("hush") && settings.contains(submission.name()), "{settings}");
        assert!(!settings.contains("/my/token"), "the driver has a service account");
    }

    #[test]
    fn a_dry_run_shows_all_but_secrets() {
        let shown = submission(&[("spark.hadoop.fs.s3a.secret.key", "hush")]).unwrap().dry_run().unwrap();
        assert!(
            shown.contains("kind: Pod") && shown.contains("---\n") && shown.contains("kind: Secret"),
            "{shown}"
        );
        assert!(
            shown.contains("(not shown)") && !shown.contains("hush") && !shown.contains("aHVzaA"),
            "{shown}"
        );
    }

    #[test]
    fn a_program_that_is_not_in_the_image_is_refused() {
        let error = Submission::of(&conf(&[]), "k8s://a", "target/release/app", &[], (1, 1024));
        assert!(error.unwrap_err().to_string().contains("local:///opt/app"));
    }

    #[test]
    fn the_template_of_executors_goes_along() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pod.yaml");
        std::fs::write(&file, "spec: {containers: [], hostNetwork: true}").unwrap();
        let submission =
            submission(&[("spark.kubernetes.executor.podTemplateFile", file.to_str().unwrap())]).unwrap();
        assert!(submission.files[DRIVER_TEMPLATE_FILE].contains("hostNetwork"));
        assert!(submission.files[SETTINGS_KEY].contains("/etc/firesteel/executor.yaml"));
    }
}
