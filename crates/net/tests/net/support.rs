//! The support of the tests over sockets.

use firesteel_net::{Connection, Credentials, Limits, Listener, Purpose, Secret, Serving, connect};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// So long anything may take on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn secret() -> Credentials {
    Credentials::of(&Secret::generate())
}

/// A listener that sends back what it hears.
pub(crate) fn echo(credentials: &Credentials, limits: Limits) -> Serving {
    let listener = Listener::bind("127.0.0.1:0", credentials.clone(), limits).unwrap();
    listener.serve("echo", send_back).unwrap()
}

pub(crate) fn send_back(connection: Connection) {
    let (mut receiver, sender) = connection.split();
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = receiver.read(&mut buffer) {
        if sender.send(&buffer[..length]).is_err() {
            return;
        }
    }
}

/// Says something, and expects to hear it.
pub(crate) fn is_echoed(address: SocketAddr, credentials: &Credentials) -> bool {
    let Ok(connection) = connect(&address.to_string(), credentials, Purpose::Control, PATIENCE) else {
        return false;
    };
    let (mut receiver, sender) = connection.split();
    let mut heard = [0; 5];
    sender.send(b"hello").is_ok() && receiver.read_exact(&mut heard).is_ok() && heard == *b"hello"
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Stands between a client and a server: each direction goes through a function, which may change what passes.
pub(crate) fn in_the_middle(
    server: SocketAddr,
    change: impl Fn(bool, &mut [u8]) + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let change = Arc::new(change);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(server) else { return };
            let (client_too, server_too) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let change_too = change.clone();
            let change = change.clone();
            thread::spawn(move || pass(client, server, |bytes| change(true, bytes)));
            thread::spawn(move || pass(server_too, client_too, |bytes| change_too(false, bytes)));
        }
    });
    address
}

fn pass(mut from: TcpStream, mut to: TcpStream, change: impl Fn(&mut [u8])) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        change(&mut buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
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
