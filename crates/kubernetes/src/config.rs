//! An application's settings for Kubernetes as a whole: which pods, how they are started, and by whom they are owned.

use crate::client::Access;
use crate::error::KubernetesError;
use crate::manager::KubernetesConfig;
use crate::names::{APPLICATION_VARIABLE, Names};
use crate::pods::{AGENT_FILE, ExecutorPods, PodCommand, SECRET_DIRECTORY};
use crate::settings::{Overhead, PodSettings, Role, get, optional};
use firesteel_conf as conf;
use firesteel_conf::Conf;
use std::time::Duration;

/// The way in which executors are started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// They run the driver's own program, of Rust: the image has it, or its command `firesteel` fetches it.
    OwnProgram,
    /// They run a command that the image has: an interpreter.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// Variables to set for it.
        environment: Vec<(String, String)>,
    },
}

/// The facts about an application beside its settings.
#[derive(Clone, Debug)]
pub struct Application {
    /// The master, `k8s://https://HOST:PORT`.
    pub master: String,
    /// How executors are started.
    pub start: Start,
    /// The address of the driver.
    pub driver: String,
    /// The application's secret; none where nothing is kept secret.
    pub secret: Option<String>,
}

impl KubernetesConfig {
    /// Reads it from settings.
    ///
    /// # Errors
    /// When a setting is missing or wrong.
    pub fn of(conf: &Conf, application: Application) -> Result<Self, KubernetesError> {
        let access = Access::of(conf, &application.master)?;
        let names = names(conf)?;
        let is_python = application.start != Start::OwnProgram;
        Ok(KubernetesConfig {
            access,
            pods: ExecutorPods {
                names,
                settings: PodSettings::of(conf, Role::Executor)?,
                command: command(conf, application.start, &application.driver)?,
                grace_s: get(conf, &conf::KUBERNETES_GRACE_S)?,
            },
            overhead: Overhead::of(conf, is_python)?,
            driver: application.driver,
            secret: application.secret,
            driver_pod: optional(conf, &conf::KUBERNETES_DRIVER_POD)?,
            removes_ended: get(conf, &conf::KUBERNETES_DELETE)?,
            batch_delay: Duration::from_millis(get(conf, &conf::KUBERNETES_BATCH_DELAY_MS)?),
        })
    }
}

/// Makes the names of an application.
pub(crate) fn names(conf: &Conf) -> Result<Names, KubernetesError> {
    let (namespace, name) = (get(conf, &conf::KUBERNETES_NAMESPACE)?, get(conf, &conf::APP_NAME)?);
    let mut unique = [0; 16];
    getrandom::fill(&mut unique)
        .map_err(|error| KubernetesError::Setting(format!("the system has no random numbers: {error}")))?;
    let mut names = Names::new(&namespace, &name, unique);
    // The driver's pod has the id already.
    if let Some(id) = std::env::var(APPLICATION_VARIABLE).ok().filter(|id| !id.is_empty()) {
        names.application = id;
    }
    if let Some(prefix) = optional(conf, &conf::KUBERNETES_POD_PREFIX)? {
        names.prefix = prefix;
    }
    Ok(names)
}

fn command(conf: &Conf, start: Start, driver: &str) -> Result<PodCommand, KubernetesError> {
    Ok(match (start, optional(conf, &conf::KUBERNETES_PROGRAM)?) {
        (Start::OwnProgram, Some(program)) => PodCommand { words: vec![program], variables: vec![] },
        (Start::OwnProgram, None) => {
            let config = format!("{SECRET_DIRECTORY}/{AGENT_FILE}");
            let words = ["firesteel", "executor", "--driver", driver, "--config", &config];
            PodCommand { words: words.map(Into::into).to_vec(), variables: vec![] }
        }
        (Start::Command { program, arguments, environment }, _) => {
            let words = std::iter::once(program).chain(arguments).collect();
            PodCommand { words, variables: environment }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_cluster::Shape;

    fn config(pairs: &[(&str, &str)], start: Start) -> KubernetesConfig {
        let mut conf = Conf::default();
        conf.set("spark.kubernetes.container.image", "app:1").unwrap();
        pairs.iter().for_each(|(key, value)| conf.set(key, value).unwrap());
        let application = Application {
            master: "k8s://https://a:6443".into(),
            start,
            driver: "10.0.0.1:7000".into(),
            secret: Some("hush".into()),
        };
        KubernetesConfig::of(&conf, application).unwrap()
    }

    #[test]
    fn the_program_is_the_images_or_fetched() {
        let words = |pairs: &[(&str, &str)], start| config(pairs, start).pods.command.words;
        let fetched =
            ["firesteel", "executor", "--driver", "10.0.0.1:7000", "--config", "/etc/firesteel/agent.json"];
        assert_eq!(words(&[], Start::OwnProgram), fetched);
        let program = ("spark.kubernetes.executor.program", "/app");
        assert_eq!(
            words(&[("firesteel.kubernetes.executor.program", "/app")], Start::OwnProgram),
            ["/app"],
            "{program:?}"
        );
        let python = Start::Command {
            program: "python3".into(),
            arguments: vec!["-c".into(), "x".into()],
            environment: vec![],
        };
        assert_eq!(words(&[], python.clone()), ["python3", "-c", "x"]);
        let shape = Shape { cores: 1, memory: 4 << 30 };
        assert_eq!(config(&[], python).size(&shape).memory_mib, 4096 + 1639);
        assert_eq!(config(&[], Start::OwnProgram).size(&shape).memory_mib, 4096 + 410);
    }

    #[test]
    fn the_applications_secret_is_in_its_secret_and_in_no_pod() {
        let config = config(&[], Start::OwnProgram);
        let shape = Shape { cores: 2, memory: 1 << 30 };
        let owner = crate::pods::owner("ConfigMap", "a", "b");
        let secret = config.agent_secret(&shape, &owner);
        let content = String::from_utf8(secret.data.unwrap()["agent.json"].0.clone()).unwrap();
        assert!(content.contains("hush") && content.contains("10.0.0.1:7000") && content.ends_with('\n'));
        assert!(content.contains("${FIRESTEEL_POD_NAME}") && content.contains("30000"), "{content}");
        let pod = config.pods.pod(1, config.size(&shape), &owner, &Default::default()).unwrap();
        assert!(!serde_json::to_string(&pod).unwrap().contains("hush"));
    }

    #[test]
    fn a_prefix_of_ones_own_is_kept() {
        let config = config(&[("spark.kubernetes.executor.podNamePrefix", "mine")], Start::OwnProgram);
        assert_eq!(config.pods.names.executor(1), "mine-exec-1");
    }
}
