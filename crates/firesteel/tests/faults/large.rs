//! Large results, environments and broadcast values, which do not fit a message.

use super::support::*;
use firesteel::Bytes;

#[test]
fn results_beyond_the_limit_fail_their_job_and_free_the_slots() {
    let cluster = Cluster::start(2, 1, &[SERVED, ("firesteel.driver.max_result_size", "4m")]);
    let rows = |n: u32| cluster.sc.range_in(0..4, 4).map_with(n, |n, x| vec![x as u8; (*n as usize) << 10]);
    let words = ["bigger", "firesteel.driver.max_result_size", "to_local_iterator"];
    says(rows(3 << 10).collect(), &words);
    // Each alone is too large.
    says(rows(5 << 10).collect(), &words);
    wait_until("the slots are free", || cluster.sc.is_idle());
    assert_eq!(rows(900).collect().unwrap().len(), 4);
    assert!(files_below(&cluster.path("local"), "result-").is_empty());
    // One at a time, each is below the limit.
    let lengths = rows(3 << 10).to_local_iterator().map(|row| row.unwrap().len()).sum::<usize>();
    assert_eq!(lengths, 4 * (3 << 20));
    cluster.end();
}

/// The driver never holds more than the partition that is read, and the next one where that was asked for.
#[test]
fn a_local_iterator_holds_one_partition_at_a_time() {
    let cluster = Cluster::start(2, 1, &[SERVED]);
    let signs = cluster.signs();
    let rows = cluster.sc.range_in(0..6, 6).flat_map_with(signs.clone(), |signs, x| {
        signs.give(&format!("made-{x}"));
        (0..16u32).map(move |n| vec![(x * 16) as u8 + n as u8; 1 << 20])
    });
    for (n, row) in rows.to_local_iterator().enumerate() {
        let row = row.unwrap();
        assert!(row.len() == 1 << 20 && row[12345] == n as u8);
        assert_eq!(signs.count("made-"), n / 16 + 1);
    }
    assert_eq!(signs.count("made-"), 6);
    cluster.end();
}

/// So many bytes, each other than its neighbours.
fn bytes(length: usize) -> Bytes {
    (0..length).map(|n| (n % 251) as u8).collect::<Vec<_>>().into()
}

#[test]
fn an_environment_of_64_mib() {
    let cluster = Cluster::start(2, 1, &[ALONE]);
    let looked_up =
        cluster.sc.range_in(0..4, 4).map_with(bytes(64 << 20), |table, x| table[x as usize * 10_000_019]);
    let expected: Vec<u8> = (0..4u64).map(|x| (x * 10_000_019 % 251) as u8).collect();
    assert_eq!(looked_up.collect().unwrap(), expected);
    cluster.end();
}

/// It goes from executor to executor, is removed with `unpersist`, comes again, and is gone with `destroy`.
#[test]
fn a_broadcast_of_64_mib() {
    let cluster = Cluster::start(4, 1, &[ALONE]);
    let sc = &cluster.sc;
    let value = sc.broadcast(bytes(64 << 20)).unwrap();
    let look_up = |round: &str| {
        let env = (value.clone(), cluster.signs(), round.to_string());
        let everywhere = sc.range_in(0..4, 4).map_with(env, |(value, signs, round), x| {
            // All four have a task, so all of them get it.
            signs.give(&format!("{round}-{}", std::process::id()));
            wait_until("all are here", || signs.standing(round).len() == 4);
            value.value()[x as usize * 10_000_019]
        });
        everywhere.collect().unwrap()
    };
    let expected: Vec<u8> = (0..4u64).map(|x| (x * 10_000_019 % 251) as u8).collect();
    assert_eq!(look_up("first"), expected);
    let sent = sc.broadcasts_sent();
    assert!((1..=3).contains(&sent), "the driver sent it {sent} times to four executors");
    let files = || files_below(&cluster.path("local"), "broadcast-").len();
    assert_eq!(files(), 4);
    value.unpersist();
    wait_until("executors have removed it", || files() == 0);
    assert_eq!(look_up("second"), expected);
    assert_eq!(files(), 4);
    value.destroy();
    wait_until("executors have removed it", || files() == 0);
    cluster.end();
}
