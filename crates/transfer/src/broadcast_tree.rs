//! From whom a host gets a broadcast value: from the driver or from a host that has it, each of which serves few at a time. So the
//! number of those who have it grows by a factor with each round, and the driver sends it a few times only.

use firesteel_types::BroadcastId;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// So many hosts get a value from one place at the same time.
const AT_ONCE: usize = 2;

/// The hosts that have each value, and those that are getting it from each of them.
///
/// ```
/// use firesteel_transfer::BroadcastTree;
/// use firesteel_types::BroadcastId;
///
/// let (mut broadcast_tree, value) = (BroadcastTree::default(), BroadcastId(7));
/// assert_eq!(broadcast_tree.take(value, "a:1").as_deref(), Some(""), "the driver's own");
/// assert_eq!(broadcast_tree.take(value, "b:1").as_deref(), Some(""));
/// assert_eq!(broadcast_tree.take(value, "c:1"), None, "the driver serves two; wait");
/// broadcast_tree.came(value, "", "a:1", true);
/// assert_eq!(broadcast_tree.take(value, "c:1").as_deref(), Some("a:1"));
/// ```
#[derive(Debug, Default)]
pub struct BroadcastTree {
    /// By address, the addresses of those who are getting the value there; the driver's is empty.
    sources: HashMap<BroadcastId, BTreeMap<String, BTreeSet<String>>>,
}

impl BroadcastTree {
    /// Returns the address from which the host at `asker` gets a value; `None` when all hosts that have it are busy.
    pub fn take(&mut self, id: BroadcastId, asker: &str) -> Option<String> {
        let sources =
            self.sources.entry(id).or_insert_with(|| BTreeMap::from([(String::new(), BTreeSet::new())]));
        // One process of a host asks at a time: the one that asked before died.
        leave(sources, asker);
        let free = sources.iter_mut().filter(|(at, getting)| getting.len() < AT_ONCE && *at != asker);
        // Of equals, one that is not the driver.
        let (at, getting) = free.min_by_key(|(at, getting)| (getting.len(), at.is_empty()))?;
        getting.insert(asker.into());
        Some(at.clone())
    }

    /// A value came from one place to another, or did not come.
    pub fn came(&mut self, id: BroadcastId, from: &str, to: &str, came: bool) {
        let Some(sources) = self.sources.get_mut(&id) else { return };
        if let Some(getting) = sources.get_mut(from) {
            getting.remove(to);
        }
        if came {
            sources.entry(to.into()).or_default();
        }
    }

    /// Forgets an address at which no process serves any more.
    pub fn gone(&mut self, at: &str) {
        for sources in self.sources.values_mut() {
            sources.remove(at);
            leave(sources, at);
        }
    }

    /// A value is gone.
    pub fn forget(&mut self, id: BroadcastId) {
        self.sources.remove(&id);
    }
}

/// Takes a host out of those that are getting the value.
fn leave(sources: &mut BTreeMap<String, BTreeSet<String>>, asker: &str) {
    for getting in sources.values_mut() {
        getting.remove(asker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_serves_few_and_all_get_it_in_as_many_rounds_as_it_takes_to_multiply() {
        let (mut broadcast_tree, id) = (BroadcastTree::default(), BroadcastId(1));
        let mut waiting: Vec<String> = (0..80).map(|host| format!("host-{host}:1")).collect();
        let (mut rounds, mut from_driver) = (0, 0);
        while !waiting.is_empty() {
            rounds += 1;
            let mut getting = vec![];
            waiting.retain(|host| match broadcast_tree.take(id, host) {
                Some(from) => {
                    getting.push((from, host.clone()));
                    false
                }
                None => true,
            });
            assert!(!getting.is_empty(), "somebody always gets it");
            from_driver += getting.iter().filter(|(from, _)| from.is_empty()).count();
            getting.iter().for_each(|(from, host)| broadcast_tree.came(id, from, host, true));
        }
        assert_eq!(rounds, 4, "1, 3, 9, 27, 81 have it");
        assert_eq!(from_driver, 8);
    }

    #[test]
    fn who_is_gone_or_did_not_get_it_gives_it_to_nobody() {
        let (mut broadcast_tree, id) = (BroadcastTree::default(), BroadcastId(1));
        assert_eq!(broadcast_tree.take(id, "a").as_deref(), Some(""));
        broadcast_tree.came(id, "", "a", false);
        assert_eq!(broadcast_tree.take(id, "b").as_deref(), Some(""));
        broadcast_tree.came(id, "", "b", true);
        broadcast_tree.gone("b");
        assert_eq!(broadcast_tree.take(id, "a").as_deref(), Some(""));
        assert_eq!(broadcast_tree.take(id, "c").as_deref(), Some(""));
        assert_eq!(broadcast_tree.take(id, "d"), None);
    }

    #[test]
    fn who_dies_while_it_gets_a_value_does_not_keep_others_from_it() {
        let (mut broadcast_tree, id) = (BroadcastTree::default(), BroadcastId(1));
        assert_eq!(broadcast_tree.take(id, "a").as_deref(), Some(""));
        assert_eq!(broadcast_tree.take(id, "b").as_deref(), Some(""));
        assert_eq!(broadcast_tree.take(id, "c"), None);
        broadcast_tree.gone("a");
        assert_eq!(broadcast_tree.take(id, "c").as_deref(), Some(""));
        assert_eq!(broadcast_tree.take(id, "d"), None);
        // The process that asked for `c` died, and another asks in its place.
        assert_eq!(broadcast_tree.take(id, "c").as_deref(), Some(""));
        assert_eq!(broadcast_tree.take(id, "d"), None);
    }
}
