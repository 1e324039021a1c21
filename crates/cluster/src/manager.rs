//! The interface to a cluster manager: the seam behind which YARN, Kubernetes, Slurm, Ray, a machine of one's own and
//! people lend executors.
//!
//! A manager does as little as it can: it starts a process when it is asked for one, and says what happens to it. When
//! to ask, how often, what a loss means and when to give up is decided for all of them in [`ManagedCluster`].
//! `docs/cluster-managers.md` says how to add another.
//!
//! [`ManagedCluster`]: crate::ManagedCluster

use firesteel_lending::{Loss, Shape};
use firesteel_types::ExecutorLossReason;
use std::collections::BTreeSet;
use std::time::Duration;

/// The application, as far as it needs to know of its executors' processes.
pub trait ClusterListener: Send + Sync {
    /// Handles that some executors are not to be had at present; the reason.
    fn waits(&self, why: &str);
    /// Handles the end of an agent's process.
    fn ended(&self, name: &str, reason: ExecutorLossReason);
    /// Handles that an agent is decommissioned: it will be gone soon, with the service of its files.
    fn decommissioned(&self, name: &str);
    /// Handles that the application gets no executors any more, so that it has to end; the reason.
    fn over(&self, why: String);
}

/// A cluster manager, on behalf of one application.
///
/// Calls come from one thread, one after the other, except [`stop`](Self::stop). They may wait for the manager, but
/// with a bound; what happens meanwhile waits for them.
pub trait Manager: Send + Sync {
    /// Asks for `count` more executors of this size. Each is told by
    /// [`granted`](ManagerListener::granted) once, when the manager has given it a name; its agent registers with the
    /// driver under this name.
    ///
    /// # Errors
    /// When the manager refuses them: why, as a sentence without a subject. None of them comes then. It is asked again
    /// after a while, except at the application's start, which fails.
    fn request(&self, count: u32, shape: &Shape) -> Result<(), String>;

    /// Takes back a part of the requests that no executor was named for. Those that come all the same are released.
    fn withdraw(&self, count: u32);

    /// Gives an executor back: ends its process, and the manager's hold on its cores and memory. Does nothing for one
    /// that is gone.
    fn release(&self, name: &str);

    /// Handles the number of executors that the application wants in all, before any of them is asked for or given
    /// back. For managers that keep it by themselves.
    fn want(&self, _executors: u32) {}

    /// Starts no executor on these machines from now on, and on all others again: the application keeps its tasks from
    /// executors there (`spark.excludeOnFailure`). They are called as in [`granted`](ManagerListener::granted). A manager
    /// without a choice of machines does nothing.
    fn avoid(&self, _machines: &BTreeSet<String>) {}

    /// Handles that an executor's agent has registered with the driver.
    fn registered(&self, _name: &str) {}

    /// Handles that the application ends: its executors are about to end by themselves.
    fn finish(&self) {}

    /// Returns whether what agents write to standard output and error is kept in files, which agents can be asked for.
    fn keeps_logs(&self) -> bool {
        false
    }

    /// Returns the id that the manager has given the application. Waits for it, but no longer than this; none if there
    /// is none by then, or the manager gives no ids.
    fn application(&self, _within: Duration) -> Option<String> {
        None
    }

    /// Ends all that it has started, within seconds, and leaves nothing behind: no process, request, object or file.
    fn stop(&self);
}

/// The application's side of a [`Manager`]. Calls may come from any thread, twice, late, and in any order.
pub trait ManagerListener: Send + Sync {
    /// Handles that an executor is lent: its name, and its machine where that is known.
    fn granted(&self, name: &str, host: &str);
    /// Handles that requested executors will not come after all: how many, and why, as a sentence without a subject.
    fn refused(&self, count: u32, why: &str);
    /// Handles that an executor is gone.
    fn lost(&self, name: &str, loss: Loss);
    /// Handles that an executor will be taken away.
    fn preempted(&self, name: &str, within: Duration);
    /// Handles why requests are not met at present: a quota, a limit, a shortage.
    fn waits(&self, why: &str);
    /// Handles that the manager has ended the application, or refuses it for good; why, as a sentence.
    fn over(&self, why: &str);
}

/// A manager whose kind is known only when the application starts.
impl<M: Manager + ?Sized> Manager for Box<M> {
    fn request(&self, count: u32, shape: &Shape) -> Result<(), String> {
        (**self).request(count, shape)
    }

    fn withdraw(&self, count: u32) {
        (**self).withdraw(count);
    }

    fn release(&self, name: &str) {
        (**self).release(name);
    }

    fn want(&self, executors: u32) {
        (**self).want(executors);
    }

    fn avoid(&self, machines: &BTreeSet<String>) {
        (**self).avoid(machines);
    }

    fn registered(&self, name: &str) {
        (**self).registered(name);
    }

    fn finish(&self) {
        (**self).finish();
    }

    fn keeps_logs(&self) -> bool {
        (**self).keeps_logs()
    }

    fn application(&self, within: Duration) -> Option<String> {
        (**self).application(within)
    }

    fn stop(&self) {
        (**self).stop();
    }
}

/// Starts executors one after the other, for managers that start each by itself.
///
/// # Errors
/// The words of a failure of the first. A later one is told as a refusal of those that are left.
pub fn start_one_by_one(
    count: u32,
    listener: &dyn ManagerListener,
    mut start: impl FnMut() -> Result<(), String>,
) -> Result<(), String> {
    for started in 0..count {
        match start() {
            Ok(()) => {}
            Err(why) if started == 0 => return Err(why),
            Err(why) => {
                listener.refused(count - started, &why);
                break;
            }
        }
    }
    Ok(())
}
