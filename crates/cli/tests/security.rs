//! Security of clusters: started as a person starts them, and attacked by strangers who reach their ports or
//! look at their machine.
//!
//! A listener's behaviour towards strangers is tested in the crate `net`. Here the test checks that every port
//! that a process of a cluster has open is such a listener, and asks for the right secret. Ports are found as
//! the kernel lists them, so that no forgotten one is missed.

#[path = "security/app.rs"]
mod app;
#[path = "security/cluster.rs"]
mod cluster;
#[path = "security/disk.rs"]
mod disk;
#[path = "security/floods.rs"]
mod floods;
#[path = "security/listeners.rs"]
mod listeners;
#[path = "security/pages.rs"]
mod pages;
#[path = "security/past.rs"]
mod past;
#[path = "machines/process.rs"]
#[allow(dead_code, reason = "tests of another kind use it, too")]
mod process;
#[path = "security/strangers.rs"]
mod strangers;
#[path = "security/tls.rs"]
mod tls;

/// Not a test: programs that tests submit are this file, told to run this.
#[test]
fn program() {
    app::run_if_asked();
}

/// Not a test: the executors of those programs are this file, too.
#[test]
fn executor_process() {
    firesteel::become_executor_if_asked();
}
