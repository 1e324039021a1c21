//! Placement of executors on workers: Spark's way of allocating cores, one executor's worth at a time.
//!
//! The caller has sorted the workers, those with most free cores first. Spread out, each worker in turn gives
//! one executor's cores; packed, each gives all that it can before the next is asked. An application that names
//! no cores for an executor gets one core at a time, and all that a worker gives becomes one executor.

use firesteel_protocol::standalone::Resources;

/// The executors that an application could use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// The number of cores that it may have beyond those that it has.
    pub(crate) cores_left: u32,
    /// The number of executors that it may have beyond those that it has.
    pub(crate) executors_left: u32,
    /// The cores of each; if none, each worker gives one executor all its cores.
    pub(crate) cores_per_executor: Option<u32>,
    pub(crate) memory_per_executor_mib: u64,
}

impl Demand {
    /// Returns the least that a worker must have to give anything.
    pub(crate) fn least(&self) -> Resources {
        Resources::new(self.cores_per_executor.unwrap_or(1), self.memory_per_executor_mib)
    }
}

/// The share of one worker.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    cores: u32,
    executors: u32,
}

/// Allocates executors; returns them as positions in `rooms` with the resources of each.
pub(crate) fn deal(demand: &Demand, rooms: &[Resources], spread_out: bool) -> Vec<(usize, Resources)> {
    let least = demand.least();
    assert!(least.cores > 0, "an executor has a core at least");
    let mut dealer = Dealer {
        demand,
        rooms,
        shares: vec![Share::default(); rooms.len()],
        cores_left: demand.cores_left,
        executors_left: demand.executors_left,
    };
    let mut open: Vec<usize> = (0..rooms.len()).filter(|&at| dealer.can_give(at)).collect();
    while !open.is_empty() {
        for &at in &open {
            while dealer.can_give(at) {
                dealer.give(at);
                if spread_out {
                    break;
                }
            }
        }
        open.retain(|&at| dealer.can_give(at));
    }
    dealer.executors()
}

struct Dealer<'a> {
    demand: &'a Demand,
    rooms: &'a [Resources],
    shares: Vec<Share>,
    cores_left: u32,
    executors_left: u32,
}

impl Dealer<'_> {
    fn begins_executor(&self, at: usize) -> bool {
        self.demand.cores_per_executor.is_some() || self.shares[at].executors == 0
    }

    fn can_give(&self, at: usize) -> bool {
        let (room, share) = (self.rooms[at], self.shares[at]);
        let least = self.demand.least();
        let has_cores = self.cores_left >= least.cores && room.cores - share.cores >= least.cores;
        if !self.begins_executor(at) {
            return has_cores;
        }
        let memory = least.memory_mib.saturating_mul(u64::from(share.executors) + 1);
        has_cores && memory <= room.memory_mib && self.executors_left > 0
    }

    fn give(&mut self, at: usize) {
        let cores = self.demand.least().cores;
        if self.begins_executor(at) {
            self.shares[at].executors += 1;
            self.executors_left -= 1;
        }
        self.shares[at].cores += cores;
        self.cores_left -= cores;
    }

    fn executors(&self) -> Vec<(usize, Resources)> {
        let mut executors = vec![];
        for (at, share) in self.shares.iter().enumerate().filter(|(_, share)| share.executors > 0) {
            let cores = self.demand.cores_per_executor.unwrap_or(share.cores);
            let each = Resources::new(cores, self.demand.memory_per_executor_mib);
            executors.extend((0..share.executors).map(|_| (at, each)));
        }
        executors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dealt(per: Option<u32>, left: u32, rooms: &[u32], spread_out: bool) -> Vec<(usize, u32)> {
        let demand = Demand {
            cores_left: left,
            executors_left: u32::MAX,
            cores_per_executor: per,
            memory_per_executor_mib: 1,
        };
        let rooms: Vec<_> = rooms.iter().map(|&cores| Resources::new(cores, 100)).collect();
        deal(&demand, &rooms, spread_out).into_iter().map(|(at, each)| (at, each.cores)).collect()
    }

    #[test]
    fn spread_out_each_worker_gives_in_turn() {
        assert_eq!(dealt(None, 6, &[4, 4, 4], true), [(0, 2), (1, 2), (2, 2)]);
        assert_eq!(dealt(Some(2), 6, &[4, 4, 2], true), [(0, 2), (1, 2), (2, 2)]);
        assert_eq!(dealt(Some(3), 100, &[7, 2], true), [(0, 3), (0, 3)]);
    }

    #[test]
    fn packed_each_gives_all_that_it_can() {
        assert_eq!(dealt(None, 6, &[4, 4, 4], false), [(0, 4), (1, 2)]);
        assert_eq!(dealt(Some(2), 6, &[4, 4, 4], false), [(0, 2), (0, 2), (1, 2)]);
    }

    #[test]
    fn memory_and_the_number_of_executors_are_limits_too() {
        let demand = Demand {
            cores_left: 100,
            executors_left: 3,
            cores_per_executor: Some(1),
            memory_per_executor_mib: 40,
        };
        let rooms = [Resources::new(8, 90), Resources::new(8, 39), Resources::new(8, 400)];
        let dealt: Vec<_> = deal(&demand, &rooms, true).into_iter().map(|(at, _)| at).collect();
        assert_eq!(dealt, [0, 0, 2]);
        assert!(deal(&Demand { cores_left: 0, ..demand }, &rooms, true).is_empty());
    }
}
