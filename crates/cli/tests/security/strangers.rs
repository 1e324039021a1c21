//! Strangers who reach a port without the secret, or with another one.

use crate::tls::{Shows, speak};
use firesteel_net::{ConnectError, Credentials, PROTOCOL_VERSION, Purpose, connect};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// So long anything may take on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const PURPOSES: [Purpose; 3] = [Purpose::Control, Purpose::Blocks, Purpose::Master];

/// So many times garbage comes in.
const ROUNDS: u32 = 60;

/// A port that a process has open.
pub(crate) struct Door {
    /// Whose it is.
    pub(crate) of: String,
    pub(crate) address: SocketAddr,
    /// What opens it,
    pub(crate) right: Credentials,
    /// and what opens others.
    pub(crate) wrong: Vec<Credentials>,
}

impl Door {
    /// Tries all that a stranger can, and sees that it is still open for friends.
    pub(crate) fn try_all(&self) {
        self.plainly();
        self.with_tls();
        self.with_other_secrets();
        self.with_garbage();
        self.with_a_recording();
        let opened = connect(&self.address.to_string(), &self.right, Purpose::Blocks, PATIENCE);
        assert!(opened.is_ok(), "{} is closed to friends, too: {opened:?}", self.of);
    }

    fn plainly(&self) {
        for purpose in PURPOSES {
            let said = [&preface(purpose)[..], &word(b"let me in")].concat();
            let heard = say(self.address, &said);
            assert!(!is_welcome(&heard), "{} lets in who speaks plainly", self.of);
            assert!(heard.len() <= 64, "{} says more than that it refuses: {heard:?}", self.of);
        }
        let insecure = Credentials::insecure();
        let refused = connect(&self.address.to_string(), &insecure, Purpose::Control, PATIENCE);
        assert!(matches!(refused, Err(ConnectError::Refused(_))), "{}: {refused:?}", self.of);
    }

    fn with_tls(&self) {
        for shows in [Shows::Nothing, Shows::Certificate, Shows::RawKey] {
            for purpose in PURPOSES {
                let said = [&preface(purpose)[..], &word(b"let me in")].concat();
                let heard = speak(self.address, &rustls::version::TLS13, shows, &said);
                assert!(heard.is_empty(), "{} answers a stranger with {shows:?}: {heard:?}", self.of);
            }
        }
    }

    fn with_other_secrets(&self) {
        for wrong in &self.wrong {
            for purpose in PURPOSES {
                let refused = connect(&self.address.to_string(), wrong, purpose, PATIENCE);
                assert!(matches!(refused, Err(ConnectError::Refused(_))), "{}: {refused:?}", self.of);
            }
        }
    }

    fn with_garbage(&self) {
        let mut seeded = Seeded(u64::from(self.address.port()));
        for round in 0..ROUNDS {
            let length = seeded.next() as usize % 600 + 6;
            let mut bytes = seeded.bytes(length);
            match round % 3 {
                // As if it were the beginning of a handshake,
                0 => {
                    bytes[..3].copy_from_slice(&[22, 3, 1]);
                    bytes[3..5].copy_from_slice(&((length - 5) as u16).to_be_bytes());
                }
                // or of a preface.
                1 => bytes.splice(0..4, preface(Purpose::Master)[..8].iter().copied()).for_each(drop),
                _ => {}
            }
            let heard = say(self.address, &bytes);
            assert!(!is_welcome(&heard), "{} lets garbage in", self.of);
        }
    }

    /// What a friend has said is said again, byte for byte.
    fn with_a_recording(&self) {
        let (middle, recording) = listen_in(self.address);
        let friend = connect(&middle.to_string(), &self.right, Purpose::Blocks, PATIENCE).unwrap();
        let (mut receiver, sender) = friend.split();
        // A request that cannot be understood, which is answered all the same.
        sender.send(&[1, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255]).unwrap();
        assert!(receiver.read(&mut [0; 8]).unwrap() > 0, "{} answers a friend", self.of);
        let recording = recording.lock().unwrap().clone();
        let heard = say(self.address, &recording);
        let mut records = vec![];
        let mut rest = &heard[..];
        while let [kind, 3, 3, high, low, ..] = rest {
            records.push(*kind);
            rest = &rest[(5 + usize::from(u16::from_be_bytes([*high, *low]))).min(rest.len())..];
        }
        // The server's half of a handshake, an alert, and no answer: that would be a record more.
        assert!((1..=6).contains(&records.len()) && heard.len() < 2500, "{}: {records:?}", self.of);
    }
}

/// Sends bytes, and gives all that comes until the other side closes.
pub(crate) fn say(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stranger = TcpStream::connect(to).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may be closed before all of it is sent.
    let _ = stranger.write_all(bytes);
    let _ = stranger.shutdown(Shutdown::Write);
    let mut heard = vec![];
    let _ = stranger.read_to_end(&mut heard);
    heard
}

/// What a friend says first, within TLS.
pub(crate) fn preface(purpose: Purpose) -> [u8; 16] {
    let mut bytes = *b"FIRESTL\n\0\0\0\0\0\0\0\0";
    bytes[8..12].copy_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    bytes[12] = purpose as u8;
    bytes
}

/// A message as it is framed.
pub(crate) fn word(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u64).to_le_bytes()[..], message].concat()
}

fn is_welcome(heard: &[u8]) -> bool {
    heard.windows(14).any(|bytes| bytes.starts_with(b"FIRESTL\n") && bytes[13] == 0)
}

/// An address that leads to another, and what is said on the way there.
fn listen_in(server: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let recording = Arc::new(Mutex::new(vec![]));
    let record = recording.clone();
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let server = TcpStream::connect(server).unwrap();
        let (from, to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || pass(from, to, |_| {}));
        pass(client, server, |bytes| record.lock().unwrap().extend_from_slice(bytes));
    });
    (address, recording)
}

fn pass(mut from: TcpStream, mut to: TcpStream, see: impl Fn(&[u8])) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        see(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// Numbers that look random and are always the same.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }
}
