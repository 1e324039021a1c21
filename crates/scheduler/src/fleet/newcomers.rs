//! The agents that may still come: each connection is admitted once, and no agent that was decommissioned before
//! it came.
//!
//! Connections and names are forgotten when they can no longer matter: an application may run for months and see
//! any number of agents.

use crate::agent_id::AgentId;
use std::collections::{BTreeSet, VecDeque};

/// The number of connections that are remembered. The shell gives their numbers in order, so a registration with
/// a number smaller than all of these is the second of its connection, and very late.
const CONNECTIONS_AT_MOST: usize = 10_000;

/// The number of names of refused agents that are remembered. Agents come within minutes of their start, or
/// never.
const NAMES_AT_MOST: usize = 1_000;

/// The connections and names that decide about a registration.
#[derive(Debug, Default)]
pub(crate) struct Newcomers {
    /// The newest connections over which a registration has come: a number is never given again.
    seen: BTreeSet<AgentId>,
    /// The newest connection that was forgotten.
    forgotten: Option<AgentId>,
    /// The names of agents that were decommissioned before they came, oldest first.
    unwelcome: VecDeque<String>,
}

impl Newcomers {
    /// Notes the registration of a connection. Returns false if one has come before.
    pub(crate) fn introduce(&mut self, id: AgentId) -> bool {
        if self.forgotten.is_some_and(|forgotten| id <= forgotten) || !self.seen.insert(id) {
            return false;
        }
        if self.seen.len() > CONNECTIONS_AT_MOST {
            self.forgotten = self.seen.pop_first();
        }
        true
    }

    /// Notes that an agent is to be refused when it comes.
    pub(crate) fn refuse(&mut self, name: &str) {
        self.forget(name);
        self.unwelcome.push_back(name.into());
        if self.unwelcome.len() > NAMES_AT_MOST {
            self.unwelcome.pop_front();
        }
    }

    /// Forgets that an agent is to be refused, since it is refused now, or has ended. Returns false if it was not
    /// to be refused.
    pub(crate) fn forget(&mut self, name: &str) -> bool {
        let at = self.unwelcome.iter().position(|unwelcome| unwelcome == name);
        at.and_then(|at| self.unwelcome.remove(at)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_introduced_once_however_many_came_after_it() {
        let mut newcomers = Newcomers::default();
        assert!(newcomers.introduce(AgentId(1)) && newcomers.introduce(AgentId(0)), "introductions overtake");
        for id in 2..=CONNECTIONS_AT_MOST as u64 + 5 {
            assert!(newcomers.introduce(AgentId(id)));
            assert!(!newcomers.introduce(AgentId(id)) && !newcomers.introduce(AgentId(0)));
        }
        assert_eq!(newcomers.seen.len(), CONNECTIONS_AT_MOST);
    }

    #[test]
    fn a_name_is_refused_once_and_the_oldest_are_forgotten() {
        let mut newcomers = Newcomers::default();
        newcomers.refuse("x");
        newcomers.refuse("x");
        assert!(newcomers.forget("x") && !newcomers.forget("x"));
        newcomers.refuse("x");
        (0..NAMES_AT_MOST).for_each(|name| newcomers.refuse(&name.to_string()));
        assert!(!newcomers.forget("x") && newcomers.forget("0"));
        assert_eq!(newcomers.unwelcome.len(), NAMES_AT_MOST - 1);
    }
}
