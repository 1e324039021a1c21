//! Strangers who reach a port without the secret can harm no other connection.

use crate::support::{PATIENCE, Seeded, echo, eventually, in_the_middle, is_echoed, secret};
use firesteel_net::{Credentials, Limits, Listener, Purpose, connect};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// So many sockets stand half open; both ends are ours, so it takes twice as many descriptors.
const HALF_OPEN: usize = 2_000;
const HALF_OPEN_WHERE_ALLOWED: usize = 10_000;

#[test]
fn garbage_reaches_no_handler() {
    let credentials = secret();
    for server in [credentials.clone(), Credentials::insecure()] {
        let listener = Listener::bind(
            "127.0.0.1:0",
            server.clone(),
            Limits { handshake_timeout: Duration::from_secs(1), ..Limits::default() },
        )
        .unwrap();
        let serving = listener.serve("garbage", |_| panic!("garbage came in")).unwrap();
        let mut seeded = Seeded(7);
        for round in 0..300 {
            let mut stranger = TcpStream::connect(serving.address()).unwrap();
            let length = seeded.next() as usize % 600;
            let mut bytes = seeded.bytes(length);
            if round % 3 == 0 && length > 5 {
                // As if it were the beginning of a handshake.
                bytes[..3].copy_from_slice(&[22, 3, 1]);
                bytes[3..5].copy_from_slice(&((length - 5) as u16).to_be_bytes());
            }
            let _ = stranger.write_all(&bytes);
            let _ = stranger.shutdown(std::net::Shutdown::Write);
        }
        serving.stop();
        assert!(serving.wait(PATIENCE));
    }
}

#[test]
fn half_open_connections_do_not_keep_friends_out() {
    let count = if descriptors() > 2 * HALF_OPEN_WHERE_ALLOWED + 2_000 {
        HALF_OPEN_WHERE_ALLOWED
    } else {
        HALF_OPEN.min(descriptors() / 4)
    };
    let credentials = secret();
    let serving =
        echo(&credentials, Limits { handshake_timeout: Duration::from_secs(600), ..Limits::default() });
    let mut strangers = vec![];
    for number in 0..count {
        strangers.push(TcpStream::connect(serving.address()).unwrap());
        if number % 500 == 0 {
            assert!(is_echoed(serving.address(), &credentials), "after {number} strangers");
        }
    }
    assert!(is_echoed(serving.address(), &credentials), "after {count} strangers");
    // All but the youngest were given up.
    let oldest = &mut strangers[0];
    oldest.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(oldest.read(&mut [0]).unwrap(), 0);
}

fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(1024)
}

#[test]
fn one_that_sends_a_byte_now_and_then_is_dropped_all_the_same() {
    let serving =
        echo(&secret(), Limits { handshake_timeout: Duration::from_millis(500), ..Limits::default() });
    let mut slow = TcpStream::connect(serving.address()).unwrap();
    let began = Instant::now();
    // The beginning of a long handshake message, which would go on for hours.
    let mut bytes = [22u8, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb].into_iter().chain(std::iter::repeat(0));
    while slow.write_all(&[bytes.next().unwrap()]).is_ok() {
        assert!(began.elapsed() < PATIENCE, "it is never dropped");
        thread::sleep(Duration::from_millis(20));
    }
    assert!(began.elapsed() >= Duration::from_millis(400), "it had its time");
}

#[test]
fn a_byte_changed_on_the_way_ends_the_connection() {
    let credentials = secret();
    let serving = echo(&credentials, Limits::default());
    let passed = AtomicUsize::new(0);
    let middle = in_the_middle(serving.address(), move |to_server, bytes| {
        let before = passed.fetch_add(if to_server { bytes.len() } else { 0 }, Ordering::Relaxed);
        if to_server && before > 20_000 {
            bytes[bytes.len() / 2] ^= 1;
        }
    });
    let connection = connect(&middle.to_string(), &credentials, Purpose::Control, PATIENCE).unwrap();
    let (mut receiver, sender) = connection.split();
    let message: Vec<u8> = (0..1000).map(|at| at as u8).collect();
    let mut heard = vec![0; message.len()];
    let mut whole = 0;
    let error = loop {
        if let Err(error) = sender.send(&message) {
            break error;
        }
        if let Err(error) = receiver.read_exact(&mut heard) {
            break error;
        }
        assert_eq!(heard, message, "nothing false is ever heard");
        whole += 1;
        assert!(whole < 1000, "it was never noticed");
    };
    assert!(whole > 5, "{error}");
}

#[test]
fn a_connection_that_is_cut_is_no_end() {
    let credentials = secret();
    let serving = echo(&credentials, Limits::default());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let target = serving.address();
    let cut = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut server = TcpStream::connect(target).unwrap();
        let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                if to.write_all(&buffer[..length]).is_err() {
                    return;
                }
            }
        });
        let (mut buffer, mut passed) = ([0; 4096], 0);
        while passed < 6_000 {
            let length = client.read(&mut buffer).unwrap();
            server.write_all(&buffer[..length]).unwrap();
            passed += length;
        }
        // The end of TCP's stream without the end of TLS's.
        client.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let (mut receiver, sender) = connect(&address, &credentials, Purpose::Control, PATIENCE).unwrap().split();
    sender.send(&[1; 6_000]).unwrap();
    let error = receiver.read_to_end(&mut vec![]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    cut.join().unwrap();
}

#[test]
fn stopping_frees_the_port_and_ends_everything() {
    let credentials = secret();
    for _ in 0..3 {
        let serving = echo(&credentials, Limits::default());
        let address = serving.address();
        let friend = connect(&address.to_string(), &credentials, Purpose::Control, PATIENCE).unwrap();
        let strangers: Vec<_> = (0..20).map(|_| TcpStream::connect(address).unwrap()).collect();
        let (mut receiver, sender) = friend.split();
        serving.stop();
        let again = Listener::bind(&address.to_string(), credentials.clone(), Limits::default());
        assert!(again.is_ok(), "the port is free: {again:?}");
        assert_eq!(receiver.read(&mut [0]).unwrap_or(0), 0, "the connection has ended");
        eventually("sending fails", || sender.send(b"x").is_err());
        assert!(serving.wait(PATIENCE), "no thread is left");
        drop(strangers);
    }
}

#[test]
fn dropping_what_serves_stops_it() {
    let credentials = secret();
    let serving = echo(&credentials, Limits::default());
    let address = serving.address();
    let (mut receiver, _sender) =
        connect(&address.to_string(), &credentials, Purpose::Control, PATIENCE).unwrap().split();
    drop(serving);
    assert_eq!(receiver.read(&mut [0]).unwrap_or(0), 0);
    assert!(TcpListener::bind(address).is_ok());
}
