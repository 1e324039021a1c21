//! Programs on a standalone cluster: a master and workers as daemons of this process, executors as processes that they start.

mod standalone {
    mod allocation;
    mod cluster;
    mod cores;
    mod decommission;
    mod programs;
}

/// Not a test: the executors of contexts of this file are this program, told to run this.
#[test]
fn executor_process() {
    firesteel::become_executor_if_asked();
}
