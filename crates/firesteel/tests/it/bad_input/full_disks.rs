//! Disks that are full when a job saves, and when it spills.

use super::support::*;
use crate::small_disk::SmallDisk;
use crate::waiting::wait_until;

#[test]
fn saving_to_a_full_disk_names_the_path_and_leaves_nothing() {
    let Some(small) = SmallDisk::mount(256 << 10) else { return };
    let sc = context();
    let out = small.0.path().join("out");
    let path = out.to_str().unwrap();
    let text = error(sc.range_in(0..200_000, 4).save_as_text_file(path));
    says(&text, &[path, "full", "save_as_text_file"]);
    assert!(!out.exists(), "{:?}", fs::read_dir(&out).unwrap().collect::<Vec<_>>());
    // The job's other tasks hold their files until they notice.
    wait_until("the slots noticed", || sc.is_idle());
    sc.range_in(0..1000, 4).save_as_text_file(path).unwrap();
    assert!(out.join("_SUCCESS").exists());
    still_works(&sc);
}

#[test]
fn spilling_to_a_full_disk_says_so_and_the_context_goes_on() {
    let Some(small) = SmallDisk::mount(512 << 10) else { return };
    let sc = context_at(small.0.path(), "256k");
    let pairs = sc.range_in(0..60_000, 2).map(|x| (format!("{:>60}", x * 7919 % 60_013), x));
    let dir = small.0.path().to_str().unwrap();
    let advice = "firesteel.local.dir";
    says(
        &error(pairs.repartition_and_sort_within_partitions(HashPartitioner::new(1)).count()),
        &[dir, "disk is full", advice],
    );
    says(&error(pairs.group_by_key().count()), &[dir, "disk is full", advice]);
    says(&error(pairs.map(|(k, _)| k).distinct().count()), &[dir, "disk is full"]);
    // What failed left nothing behind that would fill the disk, once its other tasks have noticed.
    wait_until("the slots noticed", || sc.is_idle());
    assert_eq!(files_below(small.0.path(), "spill-").len(), 0);
    drop(pairs);
    assert_eq!(sc.cached_blocks(), 0);
    assert_eq!(files_below(small.0.path(), "shuffle-").len(), 0);
    still_works(&sc);
}
