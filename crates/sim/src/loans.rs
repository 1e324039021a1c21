//! Agents on loan: in a share of the seeds a pool decides how many agents the cluster is asked for, hears of their ends, and
//! tells the application of them. What can go wrong between a pool and its manager is in the world of [`managed`](crate::managed);
//! here the answers of jobs are what matters.

mod record;

pub(crate) use record::Loans;

use crate::happening::{Fault, Happening, Message};
use crate::objection::Objection;
use crate::world::World;
use firesteel_lending::{Loss, PoolAction, PoolEvent};
use firesteel_scheduler::AgentId;
use firesteel_types::{ExecutorLossReason, Millis};

impl World {
    /// The pool is told something after a while, if there is one. Returns whether there is.
    pub(crate) fn tell_pool(&mut self, within_ms: u64, event: PoolEvent) -> bool {
        if self.loans.is_some() {
            let delay = self.rng.below(within_ms + 1);
            self.after(delay, Happening::ToPool(event));
        }
        self.loans.is_some()
    }

    /// The cluster tells the pool how an agent has ended. What was taken away may be told as an end like any other.
    pub(crate) fn tell_loss(&mut self, id: AgentId, reason: &ExecutorLossReason) -> bool {
        let is_taken = self.loans.is_some() && self.rng.per_mille(300);
        let loss = if is_taken { Loss::taken("its node was lost") } else { Loss::own(reason.clone()) };
        self.tell_pool(4_000, PoolEvent::Lost { name: self.machines[&id].name(), loss })
    }

    /// The pool handles an event, and what it wants done is done.
    pub(crate) fn pool_handles(&mut self, event: PoolEvent) -> Result<(), Objection> {
        let Some(loans) = &mut self.loans else { return Ok(()) };
        let mut todo = vec![];
        loans.pool.handle(Millis(self.now), event, &mut todo);
        let due = loans.pool.next_deadline().map(|at| at.0.max(self.now));
        if due != loans.tick_at {
            loans.tick_at = due;
            if let Some(at) = due {
                self.at(at, Happening::ToPool(PoolEvent::Tick));
            }
        }
        for action in todo {
            self.trace(format!("    pool: {action:?}"));
            match action {
                PoolAction::Request(count) => {
                    for _ in 0..count {
                        self.starting += 1;
                        let delay = self.rng.between(100, 10_000);
                        self.after(delay, Happening::Fault(Fault::Birth));
                    }
                }
                PoolAction::Withdraw(count) => {
                    self.starting = self.starting.saturating_sub(u64::from(count));
                }
                PoolAction::Release(name) => {
                    self.report.agents_released += 1;
                    let id = self.named(&name);
                    self.end(id, ExecutorLossReason::Killed { signal: 9, peak_bytes: 0 }, false);
                }
                PoolAction::Decommissioned(name) => self.decommission(self.named(&name), false)?,
                PoolAction::Ended(name, reason) => {
                    let from = self.named(&name);
                    self.after(1, Happening::ToDriver { from, message: Message::Ended(reason) });
                }
                PoolAction::Over(why) => return Err(format!("the pool gives the application up: {why}")),
                // Where executors are placed is looked at in the world of `managed`.
                PoolAction::Avoid(_) | PoolAction::Waits(_) => {}
            }
        }
        Ok(())
    }

    fn named(&self, name: &str) -> AgentId {
        let mut machines = self.machines.values();
        machines.find(|machine| machine.name() == name).map(|machine| machine.id).expect("it was lent")
    }
}
