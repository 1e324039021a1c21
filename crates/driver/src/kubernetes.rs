//! Kubernetes as an application's master: how its settings become pods.

use crate::error::{Error, Result};
use firesteel_cluster::{AgentCommand, PoolSettings};
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_kubernetes::{Access, Application, KubernetesConfig, POD_ADDRESS_VARIABLE, Start};
use firesteel_net::Secret;

/// Where people find what an executor has written.
const LOOK_AT: &str = "`kubectl logs POD` shows what they wrote; with `firesteel.kubernetes.executor.delete_on_termination=false` pods \
                       that have ended are kept for that";

/// Returns the rules of a pool of pods.
pub(crate) fn rules(conf: &Conf, rules: PoolSettings) -> Result<PoolSettings> {
    let batch = conf.get(&conf::KUBERNETES_BATCH_SIZE)?;
    Ok(PoolSettings { batch, look_at: LOOK_AT.into(), ..rules })
}

/// Returns all that Kubernetes has to be told for the driver at an address: its executors are started by a command.
pub(crate) fn config(
    conf: &Conf,
    master: &str,
    command: &AgentCommand,
    driver: &str,
    secret: Option<&Secret>,
) -> Result<KubernetesConfig> {
    let start = match command.program == AgentCommand::own_program().program {
        true => Start::OwnProgram,
        false => Start::Command {
            program: command.program.to_string_lossy().into_owned(),
            arguments: command.arguments.clone(),
            environment: command.environment.clone(),
        },
    };
    let (master, driver, secret) = (master.into(), driver.into(), secret.map(Secret::to_text));
    let application = Application { master, start, driver, secret };
    KubernetesConfig::of(conf, application).map_err(|error| Error::Start(error.to_string()))
}

/// Returns an address towards which this machine's own is the one that pods reach: in a pod, that of the pod.
pub(crate) fn towards(master: &str) -> Option<String> {
    match std::env::var(POD_ADDRESS_VARIABLE) {
        Ok(own) if own.contains(':') => Some(format!("[{own}]:1")),
        Ok(own) => Some(format!("{own}:1")),
        Err(_) => Access::address(master),
    }
}
