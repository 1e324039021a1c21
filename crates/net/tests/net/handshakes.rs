//! Handshakes: both sides must have the same secret and the same version, and a recording of one is worth
//! nothing.

use crate::support::{PATIENCE, echo, in_the_middle, is_echoed, secret};
use firesteel_net::{
    ConnectError, Credentials, Limits, Listener, PROTOCOL_VERSION, Purpose, Secret, connect,
};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

#[test]
fn the_same_secret_is_let_in_whoever_read_it() {
    let secret = Secret::generate();
    let serving = echo(&Credentials::of(&secret), Limits::default());
    let again = Secret::from_text(&secret.to_text()).unwrap();
    assert!(is_echoed(serving.address(), &Credentials::of(&again)));
}

#[test]
fn plain_connections_work_where_both_sides_want_them() {
    let serving = echo(&Credentials::insecure(), Limits::default());
    assert!(is_echoed(serving.address(), &Credentials::insecure()));
}

#[test]
fn the_purpose_and_the_addresses_are_known_to_both() {
    let credentials = secret();
    let (tell, told) = mpsc::channel();
    let listener = Listener::bind("127.0.0.1:0", credentials.clone(), Limits::default()).unwrap();
    let serving = listener
        .serve("purposes", move |connection| {
            let _ = tell.send((connection.purpose(), connection.peer(), connection.local()));
        })
        .unwrap();
    for purpose in [Purpose::Control, Purpose::Blocks, Purpose::Master] {
        let ours = connect(&serving.address().to_string(), &credentials, purpose, PATIENCE).unwrap();
        assert_eq!((ours.purpose(), ours.peer()), (purpose, serving.address()));
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), (purpose, ours.local(), ours.peer()));
    }
}

/// What a client is told, and what the listener reports.
fn refused(server: &Credentials, client: &Credentials) -> (ConnectError, String) {
    let (tell, told) = mpsc::channel();
    let listener = Listener::bind("127.0.0.1:0", server.clone(), Limits::default())
        .unwrap()
        .report(move |_, error| drop(tell.send(error.to_string())));
    let serving = listener.serve("refusing", |_| panic!("a stranger came in")).unwrap();
    let error = connect(&serving.address().to_string(), client, Purpose::Control, PATIENCE).unwrap_err();
    (error, told.recv_timeout(PATIENCE).unwrap())
}

#[test]
fn another_secret_is_refused_and_both_sides_learn_why() {
    let (error, reported) = refused(&secret(), &secret());
    assert!(matches!(&error, ConnectError::Refused(why) if why.contains("secret")), "{error:?}");
    assert!(reported.contains("secret"), "{reported}");
}

#[test]
fn a_secret_on_one_side_only_is_refused_and_both_sides_learn_why() {
    for (server, client) in [(secret(), Credentials::insecure()), (Credentials::insecure(), secret())] {
        let (error, reported) = refused(&server, &client);
        assert!(matches!(&error, ConnectError::Refused(why) if why.contains("insecure")), "{error:?}");
        assert!(reported.contains("insecure"), "{reported}");
    }
}

#[test]
fn a_recorded_handshake_opens_nothing() {
    let credentials = secret();
    let serving =
        echo(&credentials, Limits { handshake_timeout: Duration::from_secs(2), ..Limits::default() });
    let recording = Arc::new(Mutex::new(vec![]));
    let recorder = recording.clone();
    let middle = in_the_middle(serving.address(), move |to_server, bytes| {
        if to_server {
            recorder.lock().unwrap().extend_from_slice(bytes);
        }
    });
    assert!(is_echoed(middle, &credentials), "it is only listened to");
    let recording = recording.lock().unwrap().clone();
    let mut thief = TcpStream::connect(serving.address()).unwrap();
    let _ = thief.write_all(&recording);
    let mut heard = vec![];
    let _ = thief.read_to_end(&mut heard);
    // The server's half of a handshake, and nothing after it: an echo would be a record more of at least 26 bytes.
    assert!(heard.len() < 2500, "{} bytes", heard.len());
    let mut rest = heard.as_slice();
    let mut records = 0;
    while let [_, 3, 3, high, low, ..] = rest {
        rest = &rest[(5 + usize::from(u16::from_be_bytes([*high, *low]))).min(rest.len())..];
        records += 1;
    }
    assert!((1..=6).contains(&records), "{records} records");
    assert!(is_echoed(serving.address(), &credentials));
}

/// The bytes of a preface, by hand.
fn preface(version: u32) -> [u8; 16] {
    let mut bytes = *b"FIRESTL\n\0\0\0\0\x01\0\0\0";
    bytes[8..12].copy_from_slice(&version.to_le_bytes());
    bytes
}

#[test]
fn another_version_is_named_to_both_sides() {
    let (tell, told) = mpsc::channel();
    let listener = Listener::bind("127.0.0.1:0", Credentials::insecure(), Limits::default())
        .unwrap()
        .report(move |_, error| drop(tell.send(error.to_string())));
    let serving = listener.serve("versions", |_| panic!("another version came in")).unwrap();
    let mut old = TcpStream::connect(serving.address()).unwrap();
    old.write_all(&preface(PROTOCOL_VERSION + 7)).unwrap();
    let mut answer = [0; 16];
    old.read_exact(&mut answer).unwrap();
    assert_eq!(answer[8..12], PROTOCOL_VERSION.to_le_bytes());
    let reported = told.recv_timeout(PATIENCE).unwrap();
    assert!(reported.contains(&format!("version {}", PROTOCOL_VERSION + 7)), "{reported}");
}

#[test]
fn a_listener_of_another_version_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let other = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.read_exact(&mut [0; 16]).unwrap();
        socket.write_all(&preface(99)).unwrap();
    });
    let error = connect(&address, &Credentials::insecure(), Purpose::Control, PATIENCE).unwrap_err();
    assert!(matches!(error, ConnectError::OtherVersion { ours: PROTOCOL_VERSION, theirs: 99 }), "{error:?}");
    other.join().unwrap();
}

#[test]
fn what_is_no_firesteel_is_called_so() {
    for credentials in [secret(), Credentials::insecure()] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let other = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            let _ = socket.read(&mut [0; 64 << 10]);
            let _ = socket.shutdown(std::net::Shutdown::Write);
            let _ = socket.read_to_end(&mut vec![]);
        });
        let error = connect(&address, &credentials, Purpose::Control, PATIENCE).unwrap_err();
        assert!(matches!(error, ConnectError::NotFiresteel(_)), "{error:?}");
        other.join().unwrap();
    }
}

#[test]
fn a_listener_that_says_nothing_costs_no_more_than_the_timeout() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for credentials in [secret(), Credentials::insecure()] {
        let error =
            connect(&address, &credentials, Purpose::Control, Duration::from_millis(200)).unwrap_err();
        assert!(
            matches!(&error, ConnectError::Unreachable(e) if e.kind() == std::io::ErrorKind::TimedOut),
            "{error:?}"
        );
    }
}

#[test]
fn when_there_are_as_many_connections_as_may_be_the_next_is_told() {
    let credentials = secret();
    let serving = echo(&credentials, Limits { connections_at_most: 2, ..Limits::default() });
    let address = serving.address().to_string();
    let kept: Vec<_> =
        (0..2).map(|_| connect(&address, &credentials, Purpose::Control, PATIENCE).unwrap()).collect();
    let error = connect(&address, &credentials, Purpose::Control, PATIENCE).unwrap_err();
    assert!(error.to_string().contains("as many connections"), "{error}");
    drop(kept);
    crate::support::eventually("there is room again", || is_echoed(serving.address(), &credentials));
}
