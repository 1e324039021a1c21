//! Two threads on each side of one connection, and the ways in which one ends.

use crate::support::{PATIENCE, Seeded, secret};
use firesteel_net::{Closer, Connection, Credentials, Limits, Listener, Purpose, Serving, connect};
use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

const EACH_WAY: usize = 64 << 20;

/// Both ends of a connection.
fn pair(credentials: &Credentials) -> (Serving, Connection, Connection) {
    let (give, given) = mpsc::channel();
    let listener = Listener::bind("127.0.0.1:0", credentials.clone(), Limits::default()).unwrap();
    let serving = listener.serve("pair", move |connection| drop(give.send(connection))).unwrap();
    let ours = connect(&serving.address().to_string(), credentials, Purpose::Control, PATIENCE).unwrap();
    let theirs = given.recv_timeout(PATIENCE).unwrap();
    (serving, ours, theirs)
}

#[test]
fn both_sides_send_and_hear_at_once() {
    for credentials in [secret(), Credentials::insecure()] {
        let (_serving, ours, theirs) = pair(&credentials);
        let ends: Vec<_> = [(ours, 1u64, 2u64), (theirs, 2, 1)]
            .into_iter()
            .flat_map(|(connection, mine, other)| {
                let (receiver, sender) = connection.split();
                [
                    thread::spawn(move || send_noise(&sender, mine)),
                    thread::spawn(move || hear_noise(receiver, other)),
                ]
            })
            .collect();
        ends.into_iter().for_each(|end| end.join().unwrap());
    }
}

fn send_noise(sender: &firesteel_net::Sender, seed: u64) {
    let noise = Seeded(seed).bytes(1 << 20);
    let mut lengths = Seeded(seed);
    let mut sent = 0;
    while sent < EACH_WAY {
        let from = sent % noise.len();
        let length = (lengths.next() as usize % 200_000 + 1).min(noise.len() - from).min(EACH_WAY - sent);
        sender.send(&noise[from..from + length]).unwrap();
        sent += length;
    }
}

fn hear_noise(mut receiver: firesteel_net::Receiver, seed: u64) {
    let noise = Seeded(seed).bytes(1 << 20);
    let mut lengths = Seeded(seed + 100);
    let mut buffer = vec![0; 300_000];
    let mut heard = 0;
    loop {
        let room = lengths.next() as usize % buffer.len() + 1;
        let length = receiver.read(&mut buffer[..room]).unwrap();
        if length == 0 {
            break;
        }
        for &byte in &buffer[..length] {
            assert_eq!(byte, noise[heard % noise.len()]);
            heard += 1;
        }
    }
    assert_eq!(heard, EACH_WAY, "the end comes when the sender is dropped");
}

#[test]
fn messages_of_many_senders_do_not_mix() {
    let (_serving, ours, theirs) = pair(&secret());
    let (_ours_receiver, sender) = ours.split();
    let (mut receiver, _theirs_sender) = theirs.split();
    let length = 100_000;
    let senders: Vec<_> = (1..=4u8)
        .map(|who| {
            let sender = sender.clone();
            thread::spawn(move || (0..20).for_each(|_| sender.send(&vec![who; length]).unwrap()))
        })
        .collect();
    drop(sender);
    let mut message = vec![0; length];
    let mut counts = [0; 5];
    for _ in 0..80 {
        receiver.read_exact(&mut message).unwrap();
        assert!(message.iter().all(|&byte| byte == message[0]), "one message, one sender");
        counts[usize::from(message[0])] += 1;
    }
    assert_eq!(counts, [0, 20, 20, 20, 20]);
    assert_eq!(receiver.read(&mut message).unwrap(), 0);
    senders.into_iter().for_each(|sender| sender.join().unwrap());
}

#[test]
fn closing_wakes_whoever_waits() {
    for credentials in [secret(), Credentials::insecure()] {
        let (_serving, ours, theirs) = pair(&credentials);
        let (_serving_too, ours_too, theirs_too) = pair(&credentials);
        let closers = [ours.closer(), ours_too.closer()];
        let (mut our_receiver, our_sender) = ours.split();
        let (mut their_receiver, _their_sender) = theirs.split();
        let (_their_receiver, their_sender) = theirs_too.split();
        let begin = Arc::new(Barrier::new(4));
        let wait = |mut act: Box<dyn FnMut() -> bool + Send>| {
            let begin = begin.clone();
            thread::spawn(move || {
                begin.wait();
                act()
            })
        };
        let waiting = [
            wait(Box::new(move || our_receiver.read(&mut [0]).unwrap() == 0)),
            wait(Box::new(move || matches!(their_receiver.read(&mut [0]), Ok(0) | Err(_)))),
            // The other side does not read, so this waits in writing.
            wait(Box::new(move || (0..1000).any(|_| their_sender.send(&[0; 1 << 20]).is_err()))),
        ];
        begin.wait();
        thread::sleep(Duration::from_millis(50));
        closers.iter().for_each(Closer::close);
        waiting.into_iter().for_each(|waiting| assert!(waiting.join().unwrap()));
        assert_eq!(our_sender.send(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        closers.iter().for_each(Closer::close);
    }
}

#[test]
fn a_read_that_has_waited_long_enough_may_be_tried_again() {
    let (_serving, ours, theirs) = pair(&secret());
    let (mut receiver, _sender) = ours.split();
    let (_receiver, mut sender) = theirs.split();
    receiver.set_timeout(Some(Duration::from_millis(20))).unwrap();
    assert_eq!(receiver.read(&mut [0]).unwrap_err().kind(), ErrorKind::TimedOut);
    sender.write_all(b"late").unwrap();
    receiver.set_timeout(Some(PATIENCE)).unwrap();
    let mut heard = [0; 4];
    receiver.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"late");
}

#[test]
fn one_half_may_end_while_the_other_goes_on() {
    let (_serving, ours, theirs) = pair(&secret());
    let (mut our_receiver, our_sender) = ours.split();
    let (mut their_receiver, their_sender) = theirs.split();
    our_sender.send(b"question").unwrap();
    drop(our_sender);
    let mut question = vec![];
    their_receiver.read_to_end(&mut question).unwrap();
    their_sender.send(&question.repeat(1000)).unwrap();
    drop(their_sender);
    let mut answer = vec![];
    our_receiver.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"question".repeat(1000));
}
