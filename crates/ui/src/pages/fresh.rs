//! Pages that were made a moment ago, and the wait for news.

use firesteel_status::store::Access;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time for which a page of something that runs is handed out again.
const FRESH: Duration = Duration::from_millis(500);

/// The most bytes of pages that are kept.
const MAX_BYTES: usize = 8 << 20;

/// The pause between looks at the revision, and the longest wait: durations on a page grow also when nothing happens,
/// and a connection of which nothing is heard is cut by someone on the way.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Waits until the store has another revision. False if the application has ended and nothing can change.
pub(super) async fn is_news(access: &dyn Access, since: u64) -> bool {
    let mut has_ended = false;
    access.look(&mut |store, _| has_ended = store.has_ended());
    has_changed(|| access.revision(), since).await || !has_ended
}

/// Waits until a revision is another than `since`. False if it still was the same after a while.
pub(super) async fn has_changed(revision: impl Fn() -> u64, since: u64) -> bool {
    let start = Instant::now();
    while revision() == since {
        if start.elapsed() >= LONGEST_WAIT {
            return false;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    true
}

struct Made {
    key: String,
    revision: u64,
    has_ended: bool,
    at: Instant,
    text: Arc<str>,
}

/// Pages that were made, the oldest first.
#[derive(Default)]
pub(super) struct Fresh {
    made: Mutex<VecDeque<Made>>,
}

impl Fresh {
    /// Returns a page that is as good as a new one.
    pub(super) fn get(&self, key: &str, revision: u64) -> Option<Arc<str>> {
        let made = self.made.lock();
        let page = made.iter().find(|page| page.key == key)?;
        let is_good = if page.has_ended { page.revision == revision } else { page.at.elapsed() < FRESH };
        is_good.then(|| Arc::clone(&page.text))
    }

    /// Returns a page that was made a moment ago, and since when nothing has happened.
    pub(super) fn get_same(&self, key: &str, revision: u64) -> Option<Arc<str>> {
        let made = self.made.lock();
        let page = made.iter().find(|page| page.key == key)?;
        let is_good = page.revision == revision && page.at.elapsed() < FRESH;
        is_good.then(|| Arc::clone(&page.text))
    }

    /// Keeps a page, and returns it.
    pub(super) fn put(&self, key: String, revision: u64, has_ended: bool, text: String) -> Arc<str> {
        let text: Arc<str> = text.into();
        let mut made = self.made.lock();
        made.retain(|page| page.key != key);
        made.push_back(Made { key, revision, has_ended, at: Instant::now(), text: Arc::clone(&text) });
        let mut bytes: usize = made.iter().map(|page| page.text.len() + page.key.len()).sum();
        while bytes > MAX_BYTES
            && let Some(oldest) = made.pop_front()
        {
            bytes -= oldest.text.len() + oldest.key.len();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_stays_fresh_and_memory_is_bounded() {
        let fresh = Fresh::default();
        fresh.put("/a".into(), 3, true, "page".into());
        assert_eq!(fresh.get("/a", 3).as_deref(), Some("page"));
        assert_eq!(fresh.get("/a", 4), None);
        assert_eq!(fresh.get("/b", 3), None);
        for at in 0..20 {
            fresh.put(format!("/{at}"), 3, true, "x".repeat(1 << 20));
        }
        assert_eq!(fresh.made.lock().len(), 7);
        assert_eq!(fresh.get("/a", 3), None);
        assert!(fresh.get("/19", 3).is_some());
    }
}
