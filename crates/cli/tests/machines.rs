//! A cluster of five machines: its daemons and programs as a person starts them, each in a network namespace of
//! its own, with failures of machines and networks. Skipped aloud where namespaces cannot be made.

#[path = "machines/app.rs"]
mod app;
#[path = "machines/cluster.rs"]
mod cluster;
#[path = "machines/network.rs"]
mod network;
#[path = "machines/process.rs"]
#[allow(dead_code, reason = "tests of another kind use it, too")]
mod process;
#[path = "machines/stories.rs"]
mod stories;

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
