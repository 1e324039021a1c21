//! Every operation of the Rust face against a plain model, on four contexts: one slot and several, with plenty of memory and with
//! hardly any. `operations/table.rs` fails when an operation has no test here.

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
