//! Kubernetes as a cluster manager: each executor is a pod.
//!
//! A pod counts as lent when its program runs; until then it is only asked for, and says why it waits. All objects belong
//! to one owner: the driver's pod, or a config map where the driver is in none. Whatever becomes of this process, who
//! removes the owner leaves nothing behind.

use crate::client::{Access, Client};
use crate::error::{KubernetesError, setting};
use crate::names::Names;
use crate::pods::{
    AGENT_FILE, ExecutorPods, POD_ADDRESS_VARIABLE, POD_NAME_VARIABLE, PodSize, owner, owner_map, secret,
};
use crate::settings::Overhead;
use crate::watch::{Change, Pods};
use firesteel_cluster::{Loss, Manager, ManagerListener, Shape, start_one_by_one};
use firesteel_protocol::handshake::AgentConfig;
use firesteel_types::ExecutorLossReason;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// The time that a pod has to end which is given back, in seconds: it holds nothing any more.
const RELEASE_WITHIN_S: u32 = 3;

/// All that the manager needs to know.
#[derive(Clone, Debug)]
pub struct KubernetesConfig {
    /// The way to the API server.
    pub access: Access,
    /// The pods.
    pub pods: ExecutorPods,
    /// Their memory beyond that of executors.
    pub overhead: Overhead,
    /// The address of the driver.
    pub driver: String,
    /// The application's secret; none where nothing is kept secret.
    pub secret: Option<String>,
    /// The pod of the driver, if it is in one: it owns the executors.
    pub driver_pod: Option<String>,
    /// True if pods that have ended are removed.
    pub removes_ended: bool,
    /// The least time between two batches.
    pub batch_delay: Duration,
}

impl KubernetesConfig {
    /// Returns the size of a pod with an executor of this shape.
    pub fn size(&self, shape: &Shape) -> PodSize {
        PodSize { cores: shape.cores, memory_mib: self.overhead.whole_mib(shape.memory) }
    }

    /// Makes the Secret from which executors learn how to reach the driver.
    pub(crate) fn agent_secret(&self, shape: &Shape, owner: &OwnerReference) -> Secret {
        let agent = AgentConfig {
            driver: self.driver.clone(),
            secret: self.secret.clone(),
            name: format!("${{{POD_NAME_VARIABLE}}}"),
            host: format!("${{{POD_ADDRESS_VARIABLE}}}"),
            bind: String::new(),
            cores: shape.cores,
            memory: shape.memory,
            directory: self.pods.files().into(),
            service: None,
            logs: None,
            notice_ms: Some(u64::from(self.pods.grace_s) * 1000),
        };
        let line = serde_json::to_string(&agent).expect("it is text and numbers");
        let names = &self.pods.names;
        secret(names, names.secret(), AGENT_FILE, line + "\n", owner)
    }
}

/// The executors of an application, as pods.
pub struct Kubernetes {
    config: KubernetesConfig,
    client: Client,
    owner: OwnerReference,
    pods: Arc<Mutex<Pods>>,
    state: Mutex<State>,
    listener: Arc<dyn ManagerListener>,
}

#[derive(Default)]
struct State {
    /// The number of the pod that was asked for last.
    last: u64,
    /// The pods that are asked for and do not run yet, by their numbers, so that the youngest is taken back first.
    waiting: BTreeMap<u64, String>,
    /// The pods that were given back, or taken back before they ran: their ends are no news.
    released: BTreeSet<String>,
    /// The nodes on which no pod is to run that is made from now on.
    avoided: BTreeSet<String>,
    /// The size of the executors that were asked for last.
    shape: Option<Shape>,
    last_batch: Option<Instant>,
    watch: Option<JoinHandle<()>>,
    is_stopped: bool,
}

impl State {
    /// Takes a pod out of those that wait; returns whether it was among them.
    fn stops_waiting(&mut self, name: &str) -> bool {
        let number = self.waiting.iter().find(|(_, waiting)| *waiting == name).map(|(number, _)| *number);
        number.is_some_and(|number| self.waiting.remove(&number).is_some())
    }
}

impl Kubernetes {
    /// Makes the owner and the Secret, and begins to watch. Executors have this shape.
    ///
    /// # Errors
    /// When the API server cannot be reached or refuses something: nothing is left then.
    pub fn start(
        config: KubernetesConfig,
        shape: &Shape,
        listener: Arc<dyn ManagerListener>,
    ) -> Result<Arc<Self>, KubernetesError> {
        let client = Client::new(&config.access)?;
        // Asked first: an account that may not list pods cannot follow them, and nothing was made yet.
        client.pods(&config.pods.names.selector())?;
        let owner = make_owner(&client, &config)?;
        let manager = Arc::new(Kubernetes {
            config,
            client,
            owner,
            pods: Arc::default(),
            state: Mutex::default(),
            listener,
        });
        if let Err(error) = manager.begin(shape) {
            manager.stop();
            return Err(error);
        }
        Ok(manager)
    }

    fn begin(self: &Arc<Self>, shape: &Shape) -> Result<(), KubernetesError> {
        self.client.create(&self.config.agent_secret(shape, &self.owner))?;
        let manager: Weak<Self> = Arc::downgrade(self);
        let changed = move |change| {
            if let Some(manager) = manager.upgrade() {
                manager.changed(change);
            }
        };
        let watch = self.client.watch(self.config.pods.names.selector(), self.pods.clone(), changed);
        self.state.lock().watch = Some(watch);
        Ok(())
    }

    fn make_one(&self, shape: &Shape) -> Result<(), KubernetesError> {
        let (number, name, avoided) = {
            let mut state = self.state.lock();
            state.last += 1;
            let (number, name) = (state.last, self.config.pods.names.executor(state.last));
            // Before it is there: the watch may be faster than the answer.
            state.waiting.insert(number, name.clone());
            (number, name, state.avoided.clone())
        };
        let pod = self.config.pods.pod(number, self.config.size(shape), &self.owner, &avoided);
        match pod.and_then(|pod| self.client.create(&pod)) {
            Ok(pod) => {
                let changes = self.pods.lock().seen(pod);
                changes.into_iter().for_each(|change| self.changed(change));
                Ok(())
            }
            Err(error) => {
                self.state.lock().stops_waiting(&name);
                Err(error)
            }
        }
    }

    fn make(&self, count: u32, shape: &Shape) -> Result<(), String> {
        start_one_by_one(count, &*self.listener, || self.make_one(shape).map_err(|error| error.to_string()))
    }

    fn changed(&self, change: Change) {
        match change {
            Change::Runs { name, node } => {
                if self.state.lock().stops_waiting(&name) {
                    self.listener.granted(&name, &node);
                }
            }
            Change::Leaves { name, within, why } => {
                if !self.state.lock().released.contains(&name) {
                    tracing::info!("{name} is taken away within {} s: {why}", within.as_secs());
                    self.listener.preempted(&name, within);
                }
            }
            Change::Ended { name, loss } => self.ended(&name, loss, self.config.removes_ended),
            Change::Stuck { name, why } => {
                let reason = ExecutorLossReason::Reported { words: format!("it does not start: {why}") };
                self.ended(&name, Loss::own(reason), true);
            }
            Change::Waits { why } => self.listener.waits(&why),
        }
    }

    fn ended(&self, name: &str, loss: Loss, remove: bool) {
        let (is_new, is_released) = {
            let mut state = self.state.lock();
            (state.stops_waiting(name), state.released.remove(name))
        };
        if !is_released {
            if is_new {
                self.listener.granted(name, "");
            }
            self.listener.lost(name, loss);
        }
        if remove {
            self.client.delete_later(name, None);
        }
    }

    /// Removes all objects. Those of a config map go with it, whatever else may not be removed; here they go sooner.
    fn remove_all(&self) -> Result<(), KubernetesError> {
        let names = &self.config.pods.names;
        let has_map = self.config.driver_pod.is_none();
        if has_map {
            self.client.delete::<ConfigMap>(&self.owner.name, None)?;
        }
        let pods = self.client.pods(&names.selector()).map(|pods| {
            let pods = pods.into_iter().filter_map(|pod| pod.metadata.name);
            self.client.delete_all(pods.collect(), RELEASE_WITHIN_S);
        });
        let secret = self.client.delete::<Secret>(&names.secret(), None);
        if has_map { Ok(()) } else { pods.and(secret) }
    }

    /// Waits until the next batch may be asked for.
    fn keep_distance(&self) {
        let last = self.state.lock().last_batch.replace(Instant::now());
        let passed = last.map_or(Duration::MAX, |last| last.elapsed());
        thread::sleep(self.config.batch_delay.saturating_sub(passed));
    }
}

impl Manager for Kubernetes {
    fn request(&self, count: u32, shape: &Shape) -> Result<(), String> {
        self.keep_distance();
        self.state.lock().shape = Some(*shape);
        self.make(count, shape)
    }

    fn withdraw(&self, count: u32) {
        for _ in 0..count {
            let Some((_, name)) = self.state.lock().waiting.pop_last() else { return };
            self.release(&name);
        }
    }

    fn release(&self, name: &str) {
        self.state.lock().released.insert(name.into());
        self.client.delete_later(name, Some(RELEASE_WITHIN_S));
    }

    /// Keeps pods from these nodes. Those that wait are made again: a pod's conditions cannot be changed.
    fn avoid(&self, machines: &BTreeSet<String>) {
        let (waiting, shape) = {
            let mut state = self.state.lock();
            state.avoided.clone_from(machines);
            (std::mem::take(&mut state.waiting), state.shape)
        };
        waiting.values().for_each(|name| self.release(name));
        if let (Some(shape), 1..) = (shape, waiting.len())
            && let Err(why) = self.make(waiting.len() as u32, &shape)
        {
            self.listener.refused(waiting.len() as u32, &why);
        }
    }

    fn application(&self, _within: Duration) -> Option<String> {
        Some(self.config.pods.names.application.clone())
    }

    fn stop(&self) {
        let watch = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.is_stopped, true) {
                return;
            }
            state.watch.take()
        };
        if let Some(watch) = watch {
            watch.abort();
        }
        let names = &self.config.pods.names;
        if let Err(error) = self.remove_all() {
            tracing::warn!(
                "objects of the application stay: {error}. `kubectl --namespace {} delete {} {}` removes them",
                names.namespace,
                self.owner.kind.to_lowercase(),
                self.owner.name
            );
        }
    }
}

/// Returns what owns the application's objects: the driver's pod, or a config map that is made for it.
fn make_owner(client: &Client, config: &KubernetesConfig) -> Result<OwnerReference, KubernetesError> {
    let names: &Names = &config.pods.names;
    let (kind, name, uid) = match &config.driver_pod {
        Some(name) => {
            let pod = client.find::<Pod>(name)?.ok_or_else(|| {
                setting(&format!(
                    "`firesteel.kubernetes.driver.pod.name` says `{name}`, and the namespace `{}` has no such pod",
                    names.namespace
                ))
            })?;
            ("Pod", name.clone(), pod.metadata.uid)
        }
        None => {
            let map = client.create(&owner_map(names, &config.driver))?;
            ("ConfigMap", names.owner(), map.metadata.uid)
        }
    };
    Ok(owner(kind, &name, &uid.unwrap_or_default()))
}
