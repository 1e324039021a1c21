//! The ledger of an application's containers: what was asked for, what was lent, what is to be given back. It decides what
//! each heartbeat says, and what its answer means. No clock, thread or socket is here.

use crate::endings::loss_of;
use crate::ids::{container_name, node_address};
use crate::messages::{
    AllocateRequest, AllocateResponse, Container, ContainerId, NodeId, PreemptionMessage, Priority, Resource,
    ResourceBlacklistRequest, ResourceRequest, Token,
};
use firesteel_cluster::Loss;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The priority of all asks: one has one size.
const PRIORITY: i32 = 0;

/// A container is asked for anywhere.
const ANYWHERE: &str = "*";

/// The ledger.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    size: Resource,
    labels: Option<String>,
    /// The containers that were asked for and have not come.
    outstanding: u32,
    /// True if the scheduler does not know that number yet.
    is_changed: bool,
    given_back: Vec<ContainerId>,
    /// The hosts on which no container is to be, and those of which the scheduler knows that.
    avoided: BTreeSet<String>,
    avoided_there: BTreeSet<String>,
    response_id: i32,
    lent: BTreeMap<String, Container>,
    tokens: HashMap<String, Token>,
}

/// The news that an answer brings.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct News {
    pub(crate) lent: Vec<Container>,
    pub(crate) gone: Vec<(String, Loss)>,
    pub(crate) taken_soon: Vec<String>,
    pub(crate) command: Option<Command>,
    pub(crate) token: Option<Token>,
}

/// A demand of the ResourceManager on an application master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// To register again.
    Resync,
    /// To end.
    ShutDown,
}

impl Ledger {
    /// Makes an empty ledger, for containers on nodes with these labels.
    pub(crate) fn new(labels: Option<String>) -> Ledger {
        Ledger { labels, ..Ledger::default() }
    }

    /// Asks for more containers of a size.
    pub(crate) fn ask(&mut self, count: u32, size: Resource) {
        self.size = size;
        self.set_outstanding(self.outstanding.saturating_add(count));
    }

    /// Takes asks back.
    pub(crate) fn withdraw(&mut self, count: u32) {
        self.set_outstanding(self.outstanding.saturating_sub(count));
    }

    fn set_outstanding(&mut self, outstanding: u32) {
        self.outstanding = outstanding;
        // An ask replaces the one before.
        self.is_changed = true;
    }

    /// Gives a container back, unless it is gone.
    pub(crate) fn give_back(&mut self, name: &str) {
        let container = self.lent.get(name);
        let id = container.and_then(|container| container.id.clone());
        self.given_back.extend(id.filter(|id| !self.given_back.contains(id)));
    }

    /// Has containers come from other hosts than these from now on.
    pub(crate) fn avoid(&mut self, hosts: BTreeSet<String>) {
        self.avoided = hosts;
    }

    /// Returns the hosts from which containers are not to come, for people.
    pub(crate) fn avoided(&self) -> String {
        self.avoided.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Gives all containers back, and takes all asks back.
    pub(crate) fn give_all_back(&mut self) {
        self.set_outstanding(0);
        let names: Vec<String> = self.lent.keys().cloned().collect();
        names.iter().for_each(|name| self.give_back(name));
    }

    /// Returns whether no container is lent, and none is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.lent.is_empty() && self.outstanding == 0
    }

    /// Returns the number of containers that have not come.
    pub(crate) fn outstanding(&self) -> u32 {
        self.outstanding
    }

    /// Returns whether the next heartbeat has something to tell.
    pub(crate) fn has_something_to_tell(&self) -> bool {
        self.is_changed || !self.given_back.is_empty() || self.avoided != self.avoided_there
    }

    /// Returns the token for a node.
    pub(crate) fn token(&self, node: &NodeId) -> Option<Token> {
        self.tokens.get(&node_address(node)).cloned()
    }

    /// Takes the content of the next heartbeat. If it fails, the very same is to be sent again.
    pub(crate) fn heartbeat(&mut self) -> AllocateRequest {
        let ask = std::mem::take(&mut self.is_changed).then(|| ResourceRequest {
            priority: Some(Priority { priority: Some(PRIORITY) }),
            resource_name: Some(ANYWHERE.into()),
            capability: Some(self.size.clone()),
            num_containers: Some(i32::try_from(self.outstanding).unwrap_or(i32::MAX)),
            relax_locality: Some(true),
            node_label_expression: self.labels.clone(),
            ..ResourceRequest::default()
        });
        let blacklist_request = self.take_avoided();
        AllocateRequest {
            blacklist_request,
            ask: ask.into_iter().collect(),
            release: std::mem::take(&mut self.given_back),
            response_id: Some(self.response_id),
            progress: Some(0.0),
            ..AllocateRequest::default()
        }
    }

    /// Takes the changes of the hosts to avoid, of which the scheduler knows from then on.
    fn take_avoided(&mut self) -> Option<ResourceBlacklistRequest> {
        if self.avoided == self.avoided_there {
            return None;
        }
        let before = std::mem::replace(&mut self.avoided_there, self.avoided.clone());
        Some(ResourceBlacklistRequest {
            blacklist_additions: self.avoided.difference(&before).cloned().collect(),
            blacklist_removals: before.difference(&self.avoided).cloned().collect(),
        })
    }

    /// Handles the answer to a heartbeat.
    pub(crate) fn answered(&mut self, answer: AllocateResponse) -> News {
        self.response_id = answer.response_id.unwrap_or(self.response_id);
        for token in answer.nm_tokens {
            // A node's token comes once; a newer one replaces it.
            if let (Some(node), Some(token)) = (token.node_id, token.token) {
                self.tokens.insert(node_address(&node), token);
            }
        }
        for container in &answer.allocated_containers {
            // The scheduler has subtracted it.
            self.outstanding = self.outstanding.saturating_sub(1);
            self.lent.insert(name_of(container), container.clone());
        }
        let statuses = answer.completed_container_statuses.iter();
        let gone = statuses.filter_map(|status| {
            let name = container_name(status.container_id.as_ref()?);
            self.lent.remove(&name).map(|_| (name, loss_of(status)))
        });
        let gone = gone.collect();
        News {
            lent: answer.allocated_containers,
            gone,
            taken_soon: answer.preempt.map(|preempted| names_in(&preempted)).unwrap_or_default(),
            command: match answer.command {
                Some(1) => Some(Command::Resync),
                Some(2) => Some(Command::ShutDown),
                _ => None,
            },
            token: answer.am_rm_token,
        }
    }

    /// Handles that all asks were refused: returns how many there were.
    pub(crate) fn refused(&mut self) -> u32 {
        let outstanding = self.outstanding;
        // The scheduler has not kept them.
        (self.outstanding, self.is_changed) = (0, false);
        outstanding
    }

    /// Handles that the ResourceManager knows nothing of this master any more: everything is told again.
    pub(crate) fn registered_again(&mut self) {
        (self.response_id, self.is_changed) = (0, true);
        self.avoided_there.clear();
    }
}

/// Returns the name of a container.
pub(crate) fn name_of(container: &Container) -> String {
    container.id.as_ref().map(container_name).unwrap_or_default()
}

fn names_in(preempted: &PreemptionMessage) -> Vec<String> {
    let strict = preempted.strict_contract.iter().flat_map(|contract| &contract.container);
    let other = preempted.contract.iter().flat_map(|contract| &contract.container);
    strict.chain(other).filter_map(|container| container.id.as_ref()).map(container_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{ContainerStatus, NodeToken, PreemptionContainer, PreemptionContract};

    fn id(number: i64) -> ContainerId {
        ContainerId { id: Some(number), ..ContainerId::default() }
    }

    fn container(number: i64) -> Container {
        Container { id: Some(id(number)), ..Container::default() }
    }

    fn size() -> Resource {
        Resource { memory: Some(512), virtual_cores: Some(1), ..Resource::default() }
    }

    fn asked(request: &AllocateRequest) -> Option<i32> {
        request.ask.first().and_then(|ask| ask.num_containers)
    }

    #[test]
    fn an_ask_says_how_many_are_outstanding_and_is_said_once() {
        let mut ledger = Ledger::new(None);
        ledger.ask(3, size());
        assert_eq!(asked(&ledger.heartbeat()), Some(3));
        assert_eq!(asked(&ledger.heartbeat()), None, "the scheduler remembers it");
        let allocated_containers = vec![container(1), container(2)];
        let news = ledger.answered(AllocateResponse { allocated_containers, ..AllocateResponse::default() });
        assert_eq!((news.lent.len(), ledger.outstanding()), (2, 1));
        assert_eq!(asked(&ledger.heartbeat()), None, "and has subtracted what it gave");
        ledger.ask(1, size());
        assert_eq!(asked(&ledger.heartbeat()), Some(2));
        ledger.withdraw(5);
        assert_eq!(asked(&ledger.heartbeat()), Some(0));
    }

    #[test]
    fn hosts_to_avoid_are_said_as_changes_and_all_again_to_another_resource_manager() {
        let mut ledger = Ledger::new(None);
        let hosts = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<String>>();
        let said = |ledger: &mut Ledger| {
            let list = ledger.heartbeat().blacklist_request?;
            Some((list.blacklist_additions, list.blacklist_removals))
        };
        ledger.avoid(hosts(&["a", "b"]));
        assert!(ledger.has_something_to_tell());
        assert_eq!(said(&mut ledger), Some((vec!["a".into(), "b".into()], vec![])));
        assert_eq!((said(&mut ledger), ledger.has_something_to_tell()), (None, false));
        ledger.avoid(hosts(&["b", "c"]));
        assert_eq!(said(&mut ledger), Some((vec!["c".into()], vec!["a".into()])));
        ledger.registered_again();
        assert_eq!(said(&mut ledger), Some((vec!["b".into(), "c".into()], vec![])));
    }

    #[test]
    fn what_is_given_back_is_said_once_and_only_of_what_is_lent() {
        let mut ledger = Ledger::new(None);
        let answer =
            AllocateResponse { allocated_containers: vec![container(1)], ..AllocateResponse::default() };
        ledger.answered(answer);
        let name = container_name(&id(1));
        ledger.give_back(&name);
        ledger.give_back(&name);
        ledger.give_back("another");
        assert!(ledger.has_something_to_tell());
        assert_eq!(ledger.heartbeat().release, [id(1)]);
        let status = ContainerStatus {
            container_id: Some(id(1)),
            exit_status: Some(-100),
            ..ContainerStatus::default()
        };
        let completed = |status: &ContainerStatus| AllocateResponse {
            completed_container_statuses: vec![status.clone()],
            ..AllocateResponse::default()
        };
        assert_eq!(ledger.answered(completed(&status)).gone.len(), 1);
        assert_eq!(ledger.answered(completed(&status)).gone, [], "said twice");
        ledger.give_back(&name);
        assert!(!ledger.has_something_to_tell());
    }

    #[test]
    fn after_a_restart_of_the_resource_manager_all_is_said_again() {
        let mut ledger = Ledger::new(Some("gpu".into()));
        ledger.ask(2, size());
        let first = ledger.heartbeat();
        assert_eq!(first.ask[0].node_label_expression.as_deref(), Some("gpu"));
        ledger.answered(AllocateResponse { response_id: Some(7), ..AllocateResponse::default() });
        assert_eq!(ledger.heartbeat().response_id, Some(7));
        ledger.registered_again();
        let again = ledger.heartbeat();
        assert_eq!((asked(&again), again.response_id), (Some(2), Some(0)));
        assert_eq!(ledger.refused(), 2);
        assert_eq!(asked(&ledger.heartbeat()), None);
    }

    #[test]
    fn tokens_commands_and_preemptions_are_told() {
        let mut ledger = Ledger::new(None);
        let node = NodeId { host: Some("h".into()), port: Some(1) };
        let token = |password: u8| Token { password: vec![password], ..Token::default() };
        let given = |token: Token| NodeToken { node_id: Some(node.clone()), token: Some(token) };
        let contract = PreemptionContract {
            container: vec![PreemptionContainer { id: Some(id(4)) }],
            ..Default::default()
        };
        let news = ledger.answered(AllocateResponse {
            command: Some(2),
            nm_tokens: vec![given(token(1)), given(token(2))],
            preempt: Some(PreemptionMessage { strict_contract: None, contract: Some(contract) }),
            am_rm_token: Some(token(3)),
            ..AllocateResponse::default()
        });
        assert_eq!(ledger.token(&node), Some(token(2)));
        assert_eq!((news.command, news.token), (Some(Command::ShutDown), Some(token(3))));
        assert_eq!(news.taken_soon, [container_name(&id(4))]);
    }
}
