//! `firesteel submit` with the master `k8s://`: a program in a pod, and what would be made for one.

use firesteel_cluster::sizes::shape_of;
use firesteel_conf as conf;
use firesteel_conf::Conf;
use firesteel_kubernetes::{
    Access, Application, Drivers, KubernetesConfig, KubernetesError, Start, Submission,
};

/// Returns whether a master is Kubernetes.
pub(super) fn is_meant(master: &str) -> bool {
    master.starts_with("k8s://")
}

/// Returns the objects that a program in client mode would make, in YAML. The program chooses its address and secret when it runs.
pub(super) fn dry_run(conf: &Conf, master: &str) -> Result<String, String> {
    let application = Application {
        master: master.into(),
        start: Start::OwnProgram,
        driver: "DRIVER:PORT".into(),
        secret: None,
    };
    let shape = shape_of(conf, 1).map_err(|error| error.to_string())?;
    let config = KubernetesConfig::of(conf, application).map_err(text)?;
    config.dry_run(&shape).map_err(text)
}

/// Makes the submission of a program, a path in the image, which takes so many cores and MiB.
pub(super) fn submission(
    conf: &Conf,
    master: &str,
    program: &str,
    arguments: &[String],
    size: (u32, u64),
) -> Result<Submission, String> {
    Submission::of(conf, master, program, arguments, size).map_err(text)
}

/// Returns the objects that a submission makes, in YAML.
pub(super) fn shown(submission: &Submission) -> Result<String, String> {
    submission.dry_run().map_err(text)
}

/// Submits a program, and waits for its end if settings say so. `tell` hears what becomes of it. Returns false if it was waited for
/// and did not end well.
pub(super) fn submit(
    submission: &Submission,
    conf: &Conf,
    mut tell: impl FnMut(&str),
) -> Result<bool, String> {
    let drivers = submission.submit().map_err(text)?;
    tell(&format!("submitted: the driver is the pod {}", submission.name()));
    if !conf.get(&conf::KUBERNETES_WAIT).map_err(|error| error.to_string())? {
        return Ok(true);
    }
    drivers.wait(submission.name(), tell).map_err(text)
}

/// Ends a program that runs in a pod; returns what to say.
pub(super) fn kill(conf: &Conf, master: &str, name: &str) -> Result<String, String> {
    let (drivers, pod) = drivers(conf, master, name)?;
    match drivers.kill(&pod).map_err(text)? {
        true => Ok(format!("{pod} is told to end")),
        false => Err(format!("there is no pod {pod}")),
    }
}

/// Returns how a program is that runs in a pod.
pub(super) fn status(conf: &Conf, master: &str, name: &str) -> Result<String, String> {
    let (drivers, pod) = drivers(conf, master, name)?;
    drivers.status(&pod).map_err(text)?.ok_or_else(|| format!("there is no pod {pod}"))
}

/// Understands `POD`, or `NAMESPACE:POD` as Spark writes it.
fn drivers(conf: &Conf, master: &str, name: &str) -> Result<(Drivers, String), String> {
    let mut access = Access::of(conf, master).map_err(text)?;
    let pod = match name.split_once(':') {
        Some((namespace, pod)) => {
            access.namespace = namespace.into();
            pod
        }
        None => name,
    };
    Ok((Drivers::new(&access).map_err(text)?, pod.into()))
}

fn text(error: KubernetesError) -> String {
    error.to_string()
}
