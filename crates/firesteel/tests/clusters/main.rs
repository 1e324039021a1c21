//! Tests of clusters whose executors, drivers and workers go, in a program of their own: each executor is this program once more, and
//! workers are sent its file, so it is kept small.

#[cfg(feature = "s3")]
#[path = "../support/bucket.rs"]
mod bucket;
mod faults;
#[path = "../support/small_disk.rs"]
mod small_disk;
mod standalone;
#[path = "../support/waiting.rs"]
mod waiting;

/// Not a test: the executors of this program's contexts are this program, told to run this.
#[test]
fn executor_process() {
    firesteel::become_executor_if_asked();
}
