//! An application to look at, whose events come from somewhere.

use firesteel_events::ListenerEvent;
use firesteel_status::store::{
    Access, ApplicationInfo, Applications, ApplicationsAsk, OpenError, Retained, Store,
};
use std::sync::{Arc, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// One application whose events come from somewhere.
pub(crate) struct Shown(pub(crate) RwLock<Store>);

impl Access for Shown {
    fn look(&self, look: &mut dyn FnMut(&Store, i64)) {
        let store = self.0.read().expect("no writer panics");
        let now = if store.has_ended() { store.last_event() } else { now() };
        look(&store, now);
    }
}

/// The applications of a server: one.
pub(crate) struct One(pub(crate) Arc<Shown>);

impl Applications for One {
    fn list(&self, ask: &ApplicationsAsk) -> Vec<ApplicationInfo> {
        self.info("").into_iter().filter(|application| ask.wants(application)).collect()
    }

    fn info(&self, _id: &str) -> Option<ApplicationInfo> {
        let mut info = None;
        self.0.look(&mut |store, now| info = Some(store.at(now).application()));
        info
    }

    fn open(&self, id: &str, _attempt: Option<&str>) -> Result<Arc<dyn Access>, OpenError> {
        match self.info("") {
            Some(info) if info.id == id => Ok(Arc::clone(&self.0) as Arc<dyn Access>),
            _ => Err(OpenError::Unknown),
        }
    }
}

/// Returns milliseconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// Makes a store of events, and keeps all of them.
pub(crate) fn fold(events: impl IntoIterator<Item = ListenerEvent>) -> Store {
    let many = Retained { tasks: 1 << 20, stages: 10_000, jobs: 10_000, ..Retained::default() };
    let mut store = Store::new(many);
    events.into_iter().for_each(|event| store.apply(&event));
    store
}
