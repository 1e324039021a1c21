//! The consequences of exclusions for agents: those from which the application is kept may be ended, the cluster is told of
//! them so that it starts others elsewhere, and under dynamic allocation one that no task may use gives way to another.

use super::Application;
use crate::agent_id::AgentId;
use crate::application::ApplicationEffect;
use crate::fleet::Agent;
use crate::settings::Removal;
use firesteel_types::ExecutorId;

impl Application {
    /// Notes that an executor is excluded; returns its agent.
    pub(super) fn executor_excluded(&mut self, executor: ExecutorId) -> Option<AgentId> {
        let agent = self.fleet.owner(executor)?;
        let known = &self.fleet.agents().get(&agent)?.registration;
        let (name, host) = (known.name.clone(), known.host.clone());
        self.fleet.excluded.executor(executor, name, host);
        Some(agent)
    }

    /// Notes that a host is excluded; returns its agents.
    pub(super) fn host_excluded(&mut self, host: &str) -> Vec<AgentId> {
        let on_host = |(_, agent): &(&AgentId, &Agent)| agent.registration.host == host;
        let there = self.fleet.agents().iter().filter(on_host);
        let (agents, names): (Vec<AgentId>, Vec<String>) =
            there.map(|(id, agent)| (*id, agent.registration.name.clone())).unzip();
        self.fleet.excluded.host(host, names.into_iter());
        agents
    }

    /// Tells the cluster which agents are excluded, if that has changed.
    pub(super) fn tell_of_exclusions(&mut self, fx: &mut Vec<ApplicationEffect>) {
        let news = self.fleet.excluded.news();
        fx.extend(news.map(|(agents, with_host)| ApplicationEffect::ExcludedAgents { agents, with_host }));
    }

    /// Ends an agent from which the application is kept, if the settings say so.
    pub(super) fn remove_excluded(&mut self, agent: AgentId, fx: &mut Vec<ApplicationEffect>) {
        let removal = self.scheduler.settings.exclusion.and_then(|exclusion| exclusion.removal);
        let Some(found) = self.fleet.agents().get(&agent) else { return };
        match removal {
            Some(Removal::Decommission) => {
                let name = found.registration.name.clone();
                self.decommission(&name, false, fx);
            }
            // The tasks that run there are not to blame for their end.
            Some(Removal::Kill) => {
                self.fleet.leaves(agent);
                fx.push(ApplicationEffect::Close { agent });
            }
            None => {}
        }
    }

    /// Has an idle agent replaced for each stage that has a task which may run on no executor, under dynamic allocation;
    /// asks for one more where all are busy.
    pub(super) fn replace_useless(&mut self, fx: &mut Vec<ApplicationEffect>) {
        self.stuck.retain(|stage| self.scheduler.unschedulable.contains(*stage));
        let news = self.scheduler.unschedulable.take_news();
        if self.allocation.is_none() {
            return;
        }
        for stage in news {
            let is_idle = |agent: &&Agent| {
                !agent.ready.is_empty()
                    && !agent.executors.iter().any(|executor| self.scheduler.is_busy(*executor))
            };
            let idle = self.fleet.staying().find(is_idle).map(|agent| agent.registration.name.clone());
            match idle {
                Some(name) => self.decommission(&name, false, fx),
                None => drop(self.stuck.insert(stage)),
            }
        }
    }
}
