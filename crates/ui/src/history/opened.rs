//! Logs that were read: each into a store of its own, when it is asked for. Those that were asked for last are kept. Two
//! who ask for the same log wait for one reading of it; a log that has grown since is read again.

use firesteel_eventlog::{ApplicationLog, EventLogReader};
use firesteel_io::Stores;
use firesteel_status::store::{Access, OpenError, Retained, Store};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The lines of a log that are told of when they cannot be read; further ones are only counted.
const MOST_TOLD: u64 = 10;

/// An application of which the log was read.
pub(super) struct Application {
    store: Store,
    /// The time until which it is told: what runs has run until then.
    until: i64,
}

impl Access for Application {
    fn look(&self, look: &mut dyn FnMut(&Store, i64)) {
        look(&self.store, self.until);
    }
}

/// The state of a log's files when it was read.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified_ms: Option<u64>,
    is_complete: bool,
}

/// The place of one log.
#[derive(Default)]
struct Place {
    read: Mutex<Option<(Stamp, Arc<Application>)>>,
    used: AtomicU64,
}

/// By application and attempt.
type Places = HashMap<(String, Option<String>), Arc<Place>>;

/// The logs that were read.
pub(super) struct Opened {
    stores: Stores,
    most: usize,
    retained: Retained,
    places: Mutex<Places>,
    uses: AtomicU64,
}

impl Opened {
    pub(super) fn new(stores: Stores, most: usize, retained: Retained) -> Self {
        Opened { stores, most: most.max(1), retained, places: Mutex::default(), uses: AtomicU64::new(0) }
    }

    /// Returns an application, and reads its log if that was not done since it changed.
    pub(super) fn open(&self, log: &ApplicationLog) -> Result<Arc<Application>, OpenError> {
        let stamp = Stamp { bytes: log.bytes, modified_ms: log.modified_ms, is_complete: log.is_complete };
        let place = self.place(log);
        let mut read = place.read.lock();
        if let Some((_, application)) = read.as_ref().filter(|(known, _)| *known == stamp) {
            return Ok(Arc::clone(application));
        }
        // What was known goes first: two stores of a large log need not be in memory.
        *read = None;
        let application = Arc::new(self.read(log)?);
        *read = Some((stamp, Arc::clone(&application)));
        Ok(application)
    }

    /// Returns the place of a log, and gives up the place that was used longest ago if there are too many.
    fn place(&self, log: &ApplicationLog) -> Arc<Place> {
        let now = self.uses.fetch_add(1, Ordering::Relaxed);
        let mut places = self.places.lock();
        let place = Arc::clone(places.entry((log.id.clone(), log.attempt.clone())).or_default());
        place.used.store(now, Ordering::Relaxed);
        if places.len() > self.most {
            let used = |place: &Arc<Place>| place.used.load(Ordering::Relaxed);
            let oldest = places.iter().min_by_key(|(_, place)| used(place)).map(|(key, _)| key.clone());
            oldest.and_then(|key| places.remove(&key));
        }
        place
    }

    fn read(&self, log: &ApplicationLog) -> Result<Application, OpenError> {
        let unreadable = |error: firesteel_eventlog::EventLogError| OpenError::Unreadable(error.to_string());
        let mut store = Store::new(self.retained);
        let mut refused = 0;
        for event in EventLogReader::open(&self.stores, &log.path).map_err(unreadable)? {
            match event {
                Ok(event) => store.apply(&event),
                Err(bad) => {
                    refused += 1;
                    if refused <= MOST_TOLD {
                        tracing::warn!("a line of a log is passed over: {bad}");
                    }
                }
            }
        }
        if refused > MOST_TOLD {
            tracing::warn!("{refused} lines of {} are passed over", log.path);
        }
        let modified = log.modified_ms.map_or(0, |ms| ms as i64);
        let until = if log.is_complete { modified } else { modified.max(store.last_event()) };
        Ok(Application { store, until })
    }
}
