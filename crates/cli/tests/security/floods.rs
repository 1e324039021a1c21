//! Floods: thousands of strangers who connect and send nothing keep no member of the cluster out.

use crate::cluster::{Cluster, listeners};
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// So many sockets are held open at once, or as many as this process may have.
const SOCKETS_AT_MOST: usize = 10_000;

/// Descriptors that this process needs for other things.
const OTHERS: usize = 500;

#[test]
fn a_program_runs_while_the_master_is_flooded() {
    let cluster = Cluster::start(2);
    let master = listeners(cluster.master.id())[0];
    let count = SOCKETS_AT_MOST.min(descriptors().saturating_sub(OTHERS));
    eprintln!("{count} sockets are held open");
    let mut sockets: Vec<TcpStream> = (0..count).map(|_| knock(master)).collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| press(master, &mut sockets, &over));
        let ended = Ending(&over);
        let mut program = cluster.submit(&[]);
        program.wait_for("first: 97 keys");
        let status = cluster.ask(&["status", &cluster.url]);
        assert!(status.contains("2 executors"), "{status}");
        program.say("go on");
        program.wait_for("second: right");
        assert!(program.wait().success());
        drop(ended);
    });
    // Nobody was let in, and the youngest still wait.
    let heard: usize = sockets.iter_mut().map(hear).sum();
    assert_eq!(heard, 0);
}

/// Opens a socket in place of each that was closed, until it is told to stop.
fn press(to: SocketAddr, sockets: &mut [TcpStream], over: &AtomicBool) {
    const A_MOMENT: Duration = Duration::from_millis(1);
    let mut next = 0;
    while !over.load(Ordering::Relaxed) {
        sockets[next] = knock(to);
        next = (next + 1) % sockets.len();
        thread::sleep(A_MOMENT);
    }
}

/// Also when the test fails: else it would wait for ever.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn knock(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).unwrap()
}

/// How many bytes a stranger has heard.
fn hear(socket: &mut TcpStream) -> usize {
    socket.set_nonblocking(true).unwrap();
    match socket.read(&mut [0; 64]) {
        Ok(length) => length,
        Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
        Err(_) => 0,
    }
}

fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(1024)
}
