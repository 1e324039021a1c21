//! Frozen executors, which send nothing for a while: stopped by a signal, as by a machine without free memory,
//! or a broken network.

use super::support::*;
use firesteel_protocol::handshake::AgentConfig;
use rustix::process::Signal;
use std::fs;
use std::process::{Child, ChildStdin};

/// It is declared lost, others do its work, and when it goes on it finds its connection closed. What it does late counts for nothing.
#[test]
fn one_that_goes_on_ends_and_its_late_results_count_for_nothing() {
    let mut outside = Outside::start(2, &[ALONE]);
    let cluster = &outside.cluster;
    let (signs, added) = (cluster.signs(), cluster.sc.long_accumulator());
    let env = (signs.clone(), added.adder());
    let cached = cluster.sc.range_in(0..1000, 4).map_partitions_with(env, |(signs, added), all| {
        signs.stand("frozen");
        added.add(1);
        all
    });
    let cached = cached.cache();
    let sum = cached.map(|x| (x % 10, x)).reduce_by_key(|a, b| a + b).collect_async();
    wait_until("both stand", || signs.standing("frozen").len() == 2);
    let frozen = signs.first("frozen");
    signal(frozen, Signal::STOP);
    wait_until("it is declared lost", || !cluster.has(frozen));
    signs.go("frozen");
    assert_eq!(sorted(sum.wait().unwrap()), expected_sums(1000));
    assert_eq!(added.value(), 4);
    signal(frozen, Signal::CONT);
    outside.await_end(frozen);
    let cluster = &outside.cluster;
    assert_eq!(cached.sum().unwrap(), 499_500);
    assert_eq!((added.value(), cluster.processes().len()), (4, 1));
    outside.end();
}

/// Frozen while it writes its part of a file, or while it asks whether it may commit: the others' part is the one that counts.
#[test]
fn one_that_goes_on_commits_nothing() {
    let mut outside = Outside::start(2, &[ALONE]);
    let cluster = &outside.cluster;
    let (signs, out) = (cluster.signs(), cluster.path("out"));
    let lines = cluster.sc.range_in(0..1000, 2).map_partitions_with(signs.clone(), |signs, all| {
        let (signs, mut seen) = (signs.clone(), 0);
        all.inspect(move |_| {
            seen += 1;
            if seen == 300 {
                signs.stand("writing");
            }
        })
    });
    let saved = std::thread::scope(|scope| {
        let saving = scope.spawn(|| lines.save_as_text_file(out.to_str().unwrap()));
        wait_until("both write", || signs.standing("writing").len() == 2);
        let frozen = signs.first("writing");
        signal(frozen, Signal::STOP);
        wait_until("it is declared lost", || !cluster.has(frozen));
        signs.go("writing");
        // It goes on while the other one writes in its place.
        signal(frozen, Signal::CONT);
        saving.join().unwrap().map(|()| frozen)
    });
    let frozen = saved.unwrap();
    outside.await_end(frozen);
    let text = ["part-00000", "part-00001"].map(|part| fs::read_to_string(out.join(part)).unwrap()).concat();
    let expected: String = (0..1000).map(|x| format!("{x}\n")).collect();
    assert!(text == expected, "{} lines", text.lines().count());
    assert_eq!(sorted(files_below(&out, "")).len(), 3, "two parts and `_SUCCESS`");
    outside.end();
}

/// Its files cannot be had, though the machine takes connections for it: what it wrote is written again.
#[test]
fn one_that_serves() {
    while_blocks_are_read(500, |process| signal(process, Signal::STOP));
}

/// Nobody can wait for it to go on: another takes its place.
#[test]
fn one_that_never_goes_on_is_replaced() {
    let cluster = Cluster::start(1, 1, &[SERVED]);
    let signs = cluster.signs();
    let sums = standing_pairs(&cluster.sc, &signs, "map", 100).reduce_by_key(|a, b| a + b).collect_async();
    let frozen = signs.first("map");
    signal(frozen, Signal::STOP);
    signs.go("map");
    assert_eq!(sorted(sums.wait().unwrap()), expected_sums(100));
    wait_until("the frozen one has ended", || !marked(cluster.mark()).contains(&frozen));
    cluster.end();
}

/// Executors that the test starts itself, so that nobody ends or replaces them.
struct Outside {
    cluster: Cluster,
    children: Vec<Child>,
    _pipes: Vec<ChildStdin>,
}

impl Outside {
    fn start(executors: u32, settings: &[(&str, &str)]) -> Self {
        let cluster = Cluster::begin("listen://127.0.0.1:0", settings, |builder| builder);
        let config = AgentConfig {
            driver: cluster.address().to_string(),
            secret: Some(SECRET.into()),
            name: String::new(),
            host: "127.0.0.1".into(),
            bind: "127.0.0.1:0".into(),
            cores: 1,
            memory: 256 << 20,
            directory: cluster.path("local"),
            service: None,
            logs: None,
            notice_ms: None,
        };
        let command = agents(cluster.mark());
        let started = (0..executors).map(|_| command.start(&config).unwrap());
        let (children, pipes) = started.unzip();
        let outside = Outside { cluster, children, _pipes: pipes };
        wait_until("all are there", || outside.cluster.processes().len() == executors as usize);
        outside
    }

    /// Waits until one has ended by itself.
    #[track_caller]
    fn await_end(&mut self, process: u32) {
        let child = self.children.iter_mut().find(|child| child.id() == process).unwrap();
        wait_until("it ends by itself", || child.try_wait().unwrap().is_some());
        let status = child.wait().unwrap();
        assert!(status.code().is_some(), "nobody killed it: {status}");
    }

    #[track_caller]
    fn end(mut self) {
        self.cluster.end();
        for child in &mut self.children {
            child.wait().unwrap();
        }
    }
}
