//! Every operation of the Rust API against a plain model, on four contexts: one slot and several, with plenty
//! of memory and with hardly any. `operations/table.rs` fails when an operation has no test here.

mod operations {
    mod actions;
    mod files;
    mod formats;
    mod joins;
    mod large;
    mod lineage;
    mod numbers;
    mod pairs;
    mod persist;
    mod sampling;
    mod several;
    mod sort;
    mod sources;
    mod support;
    mod table;
    mod tables;
    mod transform;
}

/// Not a test: the executors of contexts on a local cluster are this program, told to run this.
#[test]
fn executor_process() {
    firesteel::become_executor_if_asked();
}
