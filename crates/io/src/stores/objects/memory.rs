//! Stores in memory, for tests: each lasts as long as the process, and belongs to all of it.

use object_store::memory::InMemory;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Returns the store of a name, the same at every call.
pub(crate) fn open(name: &str) -> Arc<InMemory> {
    static OPENED: Mutex<BTreeMap<String, Arc<InMemory>>> = Mutex::new(BTreeMap::new());
    let mut opened = OPENED.lock();
    opened.entry(name.into()).or_default().clone()
}
