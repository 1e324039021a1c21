//! [`LiveStore`]: what the pages and the REST interface of the application that runs here show.

use firesteel_events::ListenerEvent;
use firesteel_status::explain;
use firesteel_status::store::{
    Access, ApplicationInfo, Applications, ApplicationsAsk, OpenError, Retained, Store,
};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the addresses of what an executor writes, by the names of its streams.
pub(crate) type LogLinks = dyn Fn(&str) -> BTreeMap<String, String> + Send + Sync;

/// Returns stacks of an executor's threads or processes, as JSON; `None` where there are none.
pub(crate) type Stacks = dyn Fn(&str) -> Option<serde_json::Value> + Send + Sync;

/// The store of one application. The listeners' thread changes it, and everybody may look.
pub(crate) struct LiveStore {
    store: RwLock<Store>,
    stacks: OnceLock<Box<Stacks>>,
    logs: OnceLock<Box<LogLinks>>,
}

impl LiveStore {
    /// Makes an empty store that remembers this much.
    pub(crate) fn new(retained: Retained) -> Arc<Self> {
        Arc::new(LiveStore {
            store: RwLock::new(Store::new(retained)),
            stacks: OnceLock::new(),
            logs: OnceLock::new(),
        })
    }

    /// Takes an event in.
    pub(crate) fn apply(&self, event: &ListenerEvent) {
        self.store.write().apply(event);
    }

    /// Explains the job that was submitted last.
    pub(crate) fn explain_last_job(&self) -> String {
        let store = self.store.read();
        match explain::last_job(&store) {
            Some(job) => explain::job_text(&store, job),
            None => "No job has run yet.\n".into(),
        }
    }

    /// Sets the way to the addresses of logs. Only the first call has an effect.
    pub(crate) fn set_logs(&self, logs: Box<LogLinks>) {
        let _ = self.logs.set(logs);
    }

    /// Sets the way to stacks. Only the first call has an effect.
    pub(crate) fn set_stacks(&self, stacks: Box<Stacks>) {
        let _ = self.stacks.set(stacks);
    }

    fn is(&self, id: &str) -> bool {
        self.store.read().at(now()).application().id == id
    }
}

/// Returns the time, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

impl Access for LiveStore {
    fn look(&self, look: &mut dyn FnMut(&Store, i64)) {
        look(&self.store.read(), now());
    }
}

/// The applications of a server that shows the one that it runs in.
pub(crate) struct OneApplication(pub(crate) Arc<LiveStore>);

impl Applications for OneApplication {
    fn list(&self, ask: &ApplicationsAsk) -> Vec<ApplicationInfo> {
        let application = self.0.store.read().at(now()).application();
        if ask.wants(&application) { vec![application] } else { vec![] }
    }

    fn info(&self, id: &str) -> Option<ApplicationInfo> {
        self.0.is(id).then(|| self.0.store.read().at(now()).application())
    }

    fn open(&self, id: &str, _: Option<&str>) -> Result<Arc<dyn Access>, OpenError> {
        match self.0.is(id) {
            true => Ok(self.0.clone()),
            false => Err(OpenError::Unknown),
        }
    }

    fn log_links(&self, _: &str, executor: &str) -> BTreeMap<String, String> {
        self.0.logs.get().map(|logs| logs(executor)).unwrap_or_default()
    }

    fn threads(&self, _: &str, executor: &str) -> Option<serde_json::Value> {
        self.0.stacks.get().and_then(|stacks| stacks(executor))
    }
}
