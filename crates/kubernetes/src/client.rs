//! The blocking face of the API server: requests on a runtime of their own, with one thread, and the watch of pods.

use crate::error::{KubernetesError, chain};
use crate::settings::{get, optional};
use crate::watch::{Change, Pods};
use firesteel_conf as conf;
use firesteel_conf::Conf;
use futures_util::StreamExt;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Config, Resource};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::{Debug, Display};
use std::future::Future;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, JoinSet};

/// The most time for one request. A watch takes longer.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);

/// The most time for the removal of an object.
const REMOVE_WITHIN: Duration = Duration::from_secs(8);

/// The number of times that a request is made which does not reach the server, and the first pause between two.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);

/// The longest pause between two attempts to watch.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The time after which the server ends a watch, so that one whose connection was lost without a word is begun anew.
const WATCH_S: u32 = 240;

/// How the API server is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Its address, `https://HOST:PORT`; none is the kubeconfig's.
    pub server: Option<String>,
    /// The context of the kubeconfig.
    pub context: Option<String>,
    /// A file with a token.
    pub token_file: Option<PathBuf>,
    /// A file with the certificate that has signed the server's.
    pub ca_file: Option<PathBuf>,
    /// The namespace.
    pub namespace: String,
}

impl Access {
    /// Reads it from settings and the master, `k8s://https://HOST:PORT`.
    ///
    /// # Errors
    /// When the master is another.
    pub fn of(conf: &Conf, master: &str) -> Result<Self, KubernetesError> {
        Ok(Access {
            server: server_of(master)?,
            context: optional(conf, &conf::KUBERNETES_CONTEXT)?,
            token_file: optional(conf, &conf::KUBERNETES_TOKEN_FILE)?.map(Into::into),
            ca_file: optional(conf, &conf::KUBERNETES_CA_FILE)?.map(Into::into),
            namespace: get(conf, &conf::KUBERNETES_NAMESPACE)?,
        })
    }

    /// Returns the API server's `host:port`, as the master or the kubeconfig says it.
    pub fn address(master: &str) -> Option<String> {
        let server = match server_of(master).ok()? {
            Some(server) => server,
            None => {
                let kubeconfig = Kubeconfig::read().ok()?;
                let context = kubeconfig.current_context.as_deref()?;
                let context = kubeconfig.contexts.iter().find(|one| one.name == context)?.context.as_ref()?;
                let cluster = kubeconfig.clusters.iter().find(|one| one.name == context.cluster)?;
                cluster.cluster.as_ref()?.server.clone()?
            }
        };
        let place = server.split_once("://").map_or(server.as_str(), |(_, place)| place);
        let place = place.split('/').next()?;
        let has_port = place.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Some(if has_port { place.into() } else { format!("{place}:443") })
    }

    async fn config(&self) -> Result<Config, KubernetesError> {
        let wrong = |why: String| KubernetesError::Credentials(why);
        let is_in_pod = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
            && std::env::var_os("KUBECONFIG").is_none()
            && self.context.is_none();
        let mut config = match (is_in_pod, &self.server, &self.token_file) {
            (true, ..) => Config::incluster().map_err(|error| wrong(chain(&error)))?,
            // A token and an address are enough.
            (false, Some(server), Some(_)) if self.context.is_none() => Config::new(uri(server)?),
            (false, ..) => self.of_kubeconfig().await?,
        };
        if let Some(server) = &self.server {
            config.cluster_url = uri(server)?;
        }
        if let Some(file) = &self.token_file {
            std::fs::metadata(file).map_err(|error| wrong(format!("{}: {error}", file.display())))?;
            config.auth_info = Default::default();
            config.auth_info.token_file = Some(file.to_string_lossy().into_owned());
        }
        if let Some(file) = &self.ca_file {
            std::fs::metadata(file).map_err(|error| wrong(format!("{}: {error}", file.display())))?;
            config.root_cert = None;
            config.root_cert_file = Some(file.clone());
        }
        config.connect_timeout = Some(Duration::from_secs(10));
        Ok(config)
    }

    async fn of_kubeconfig(&self) -> Result<Config, KubernetesError> {
        let wrong = |error: kube::config::KubeconfigError| KubernetesError::Credentials(chain(&error));
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let kubeconfig = Kubeconfig::read().map_err(wrong)?;
        Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(wrong)
    }
}

/// Returns the address in `k8s://https://HOST:PORT`; none for `k8s://` alone, which leaves it to the kubeconfig.
fn server_of(master: &str) -> Result<Option<String>, KubernetesError> {
    let address = master.strip_prefix("k8s://").map(str::trim);
    match address {
        Some("") => Ok(None),
        Some(address) if address.starts_with("https://") => Ok(Some(address.into())),
        // As Spark, which takes an address without a scheme for one with TLS.
        Some(address) if !address.contains("://") => Ok(Some(format!("https://{address}"))),
        Some(address) => Err(KubernetesError::Setting(format!(
            "the API server at {address} would see tokens in plain text: write k8s://https://HOST:PORT"
        ))),
        None => Err(KubernetesError::Setting(format!(
            "`{master}` is no master of Kubernetes: write k8s://https://HOST:PORT"
        ))),
    }
}

fn uri<T: FromStr<Err: Display>>(server: &str) -> Result<T, KubernetesError> {
    server.parse().map_err(|error| KubernetesError::Setting(format!("the address {server} is none: {error}")))
}

/// Objects that the API server has in namespaces.
pub trait Namespaced:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()>
    + k8s_openapi::Resource
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl<K> Namespaced for K where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + k8s_openapi::Resource
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

/// Requests to an API server, about objects of one namespace.
pub struct Client {
    /// None once it is being dropped, which a runtime must not be inside another.
    runtime: Option<Runtime>,
    client: kube::Client,
    namespace: String,
}

impl Client {
    /// Makes a client. Nothing is asked yet.
    ///
    /// # Errors
    /// When there are no credentials, or they cannot be read.
    pub fn new(access: &Access) -> Result<Self, KubernetesError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("firesteel-kube")
            .enable_all()
            .build()
            .map_err(KubernetesError::Thread)?;
        let client = runtime.block_on(async {
            let config = access.config().await?;
            kube::Client::try_from(config).map_err(|error| KubernetesError::Credentials(chain(&error)))
        })?;
        Ok(Client { runtime: Some(runtime), client, namespace: access.namespace.clone() })
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is taken when the client is dropped")
    }

    fn api<K: Namespaced>(&self) -> Api<K> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Makes an object, and returns it as the server has it. One of this name that is there already is ours: a request
    /// whose answer was lost is made again.
    ///
    /// # Errors
    /// When the server refuses it, or cannot be reached.
    pub fn create<K: Namespaced>(&self, object: &K) -> Result<K, KubernetesError> {
        let api = self.api::<K>();
        let name = object.meta().name.clone().unwrap_or_default();
        let what = format!("make the {} {name}", <K as k8s_openapi::Resource>::KIND);
        self.runtime().block_on(async {
            let mut attempt = 0;
            loop {
                attempt += 1;
                let parameters = PostParams::default();
                match within(&what, api.create(&parameters, object)).await {
                    Err(error) if error.code() == Some(409) && attempt > 1 => {
                        // Secrets are made by applications that may read none.
                        return match <K as k8s_openapi::Resource>::KIND {
                            "Secret" => Ok(object.clone()),
                            _ => within(&what, api.get(&name)).await,
                        };
                    }
                    Err(error) if error.is_passing() && attempt < ATTEMPTS => {
                        tokio::time::sleep(PAUSE * (1 << (attempt - 1))).await;
                    }
                    result => return result,
                }
            }
        })
    }

    /// Returns an object; none if there is none of this name.
    ///
    /// # Errors
    /// When the server refuses to say, or cannot be reached.
    pub fn find<K: Namespaced>(&self, name: &str) -> Result<Option<K>, KubernetesError> {
        let (api, what) =
            (self.api::<K>(), format!("show the {} {name}", <K as k8s_openapi::Resource>::KIND));
        self.runtime().block_on(within(&what, api.get_opt(name)))
    }

    /// Removes an object, if it is there. `grace` is the time that a pod has to end; none is its own.
    ///
    /// # Errors
    /// When the server refuses to, or cannot be reached.
    pub fn delete<K: Namespaced>(&self, name: &str, grace: Option<u32>) -> Result<(), KubernetesError> {
        self.runtime().block_on(delete(self.api::<K>(), name.into(), grace))
    }

    /// Removes a pod in the background.
    pub(crate) fn delete_later(&self, name: &str, grace: Option<u32>) {
        let deleted = delete(self.api::<Pod>(), name.to_string(), grace);
        self.runtime().spawn(async move {
            if let Err(error) = deleted.await {
                tracing::warn!("a pod stays: {error}");
            }
        });
    }

    /// Removes pods, all at once.
    pub(crate) fn delete_all(&self, names: Vec<String>, grace: u32) {
        let mut deleted = JoinSet::new();
        let api = self.api::<Pod>();
        self.runtime().block_on(async {
            for name in names {
                deleted.spawn(delete(api.clone(), name, Some(grace)));
            }
            while let Some(result) = deleted.join_next().await {
                if let Ok(Err(error)) = result {
                    tracing::warn!("a pod stays: {error}");
                }
            }
        });
    }

    /// Returns the pods that a selector of labels finds.
    ///
    /// # Errors
    /// When the server refuses to say, or cannot be reached.
    pub fn pods(&self, selector: &str) -> Result<Vec<Pod>, KubernetesError> {
        let (api, parameters) = (self.api::<Pod>(), ListParams::default().labels(selector));
        let listed = self.runtime().block_on(within("list its pods", api.list(&parameters)))?;
        Ok(listed.items)
    }

    /// Follows the pods that a selector finds, until the handle is aborted. `changed` is called with what changes.
    pub(crate) fn watch(
        &self,
        selector: String,
        pods: Arc<Mutex<Pods>>,
        changed: impl Fn(Change) + Send + Sync + 'static,
    ) -> JoinHandle<()> {
        let api = self.api::<Pod>();
        self.runtime().spawn(async move {
            let mut pause = PAUSE;
            loop {
                match follow(&api, &selector, &pods, &changed).await {
                    // The server ends a watch after a while.
                    Ok(()) => {
                        pause = PAUSE;
                        tokio::time::sleep(pause).await;
                    }
                    Err(error) => {
                        if pause > PAUSE {
                            tracing::warn!("nothing is known of pods at present: {error}");
                        }
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
            }
        })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Not waited for: the last owner may be a task of its own.
            runtime.shutdown_background();
        }
    }
}

/// Removes an object. It is not tried for long: an application that ends does not wait for a server that is gone.
async fn delete<K: Namespaced>(api: Api<K>, name: String, grace: Option<u32>) -> Result<(), KubernetesError> {
    let what = format!("remove the {} {name}", <K as k8s_openapi::Resource>::KIND);
    let parameters = DeleteParams { grace_period_seconds: grace, ..DeleteParams::default() };
    let removed = async {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match within(&what, api.delete(&name, &parameters)).await {
                Err(error) if error.code() == Some(404) => return Ok(()),
                Err(error) if error.is_passing() && attempt < ATTEMPTS => {
                    tokio::time::sleep(PAUSE * (1 << (attempt - 1))).await;
                }
                result => return result.map(drop),
            }
        }
    };
    match tokio::time::timeout(REMOVE_WITHIN, removed).await {
        Ok(result) => result,
        Err(_) => {
            let why = format!("no answer within {} s", REMOVE_WITHIN.as_secs());
            Err(KubernetesError::Unreachable { what: what.clone(), why })
        }
    }
}

/// Lists the pods and watches them from there on, until the server ends the watch.
async fn follow(
    api: &Api<Pod>,
    selector: &str,
    pods: &Mutex<Pods>,
    changed: &impl Fn(Change),
) -> Result<(), KubernetesError> {
    const WHAT: &str = "watch its pods";
    let expected = pods.lock().names();
    let listed = within(WHAT, api.list(&ListParams::default().labels(selector))).await?;
    let mut version = listed.metadata.resource_version.clone().unwrap_or_default();
    let changes = pods.lock().listed(&expected, listed.items);
    changes.into_iter().for_each(changed);
    let parameters = WatchParams::default().labels(selector).timeout(WATCH_S);
    loop {
        let mut events = Box::pin(within(WHAT, api.watch(&parameters, &version)).await?);
        let mut heard = false;
        while let Some(event) = events.next().await {
            heard = true;
            let changes = match event.map_err(|error| KubernetesError::of(WHAT, error))? {
                WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                    version = pod.metadata.resource_version.clone().unwrap_or(version);
                    pods.lock().seen(pod)
                }
                WatchEvent::Deleted(pod) => {
                    version = pod.metadata.resource_version.clone().unwrap_or(version);
                    pods.lock().gone(pod)
                }
                WatchEvent::Bookmark(bookmark) => {
                    version = bookmark.metadata.resource_version;
                    vec![]
                }
                // The version is too old: all is listed anew.
                WatchEvent::Error(_) => return Ok(()),
            };
            changes.into_iter().for_each(changed);
        }
        if !heard {
            // Nothing came, not even a bookmark: whether anything was missed is told by a list.
            return Ok(());
        }
    }
}

async fn within<T>(what: &str, request: impl Future<Output = kube::Result<T>>) -> Result<T, KubernetesError> {
    match tokio::time::timeout(REQUEST_WITHIN, request).await {
        Ok(result) => result.map_err(|error| KubernetesError::of(what, error)),
        Err(_) => {
            let why = format!("no answer within {} s", REQUEST_WITHIN.as_secs());
            Err(KubernetesError::Unreachable { what: what.into(), why })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_of_kubernetes_name_an_address_with_tls() {
        let server = |master| server_of(master).map_err(|error| error.to_string());
        assert_eq!(server("k8s://https://a:6443"), Ok(Some("https://a:6443".into())));
        assert_eq!(server("k8s://a:6443"), Ok(Some("https://a:6443".into())));
        assert_eq!(server("k8s://"), Ok(None));
        assert!(server("k8s://http://a").unwrap_err().contains("plain text"));
        assert!(server("yarn").unwrap_err().contains("k8s://https://"));
    }

    #[test]
    fn the_servers_address_has_a_port() {
        let address = |master| Access::address(master).unwrap();
        assert_eq!(address("k8s://https://a:6443/x"), "a:6443");
        assert_eq!(address("k8s://https://[fd00::1]"), "[fd00::1]:443");
        assert_eq!(address("k8s://b"), "b:443");
    }

    #[test]
    fn files_that_are_missing_are_named() {
        let access = Access {
            server: Some("https://127.0.0.1:1".into()),
            token_file: Some("/nowhere/token".into()),
            ..Access::default()
        };
        let error = Client::new(&access).err().unwrap().to_string();
        assert!(error.contains("/nowhere/token"), "{error}");
    }
}
