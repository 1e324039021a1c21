//! One side of TLS, without a socket: bytes in, bytes out.
//!
//! rustls is used without buffers of its own, so that records are decrypted in the buffer they were read into
//! and encrypted in the one they are written from. This module adds what a connection with two threads needs,
//! one for each direction, under a lock that neither holds while it waits: bytes that one direction owes to the
//! other side (alerts, key changes) are stored until the other direction sends.

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus,
};
use rustls::{ClientConfig, Error, ServerConfig};
use std::io;
use std::sync::Arc;

/// The bytes that a record adds to its contents: its header, its type and its tag.
pub(crate) const RECORD_EXTRA: usize = 5 + 1 + 16;
/// The most bytes of a record's contents.
pub(crate) const RECORD: usize = 16 << 10;
/// Room for the bytes that may have to go before data: alerts, key changes.
pub(crate) const OWED_ROOM: usize = 1 << 10;

/// The TLS state of a connection.
pub(crate) struct Tls {
    side: Side,
    /// Bytes that must go out before anything else does.
    owed: Vec<u8>,
    /// The error after which nothing can be sent or received.
    broken: Option<Error>,
}

enum Side {
    Client(UnbufferedClientConnection),
    Server(UnbufferedServerConnection),
}

/// The result of [`Tls::step`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// It gave plaintext to the sink.
    Plain,
    /// The handshake goes on: first the owed bytes are to be sent, then more are needed.
    Handshake,
    /// It needs more bytes; the handshake is done.
    More,
    /// The other side has closed its direction.
    End,
}

impl Tls {
    pub(crate) fn client(config: Arc<ClientConfig>) -> Result<Self, Error> {
        // The name is never sent, and nothing depends on it: the key alone authenticates the peer.
        let name = ServerName::try_from("firesteel").map_err(|_| Error::General("a name".into()))?;
        Ok(Tls::new(Side::Client(UnbufferedClientConnection::new(config, name)?)))
    }

    pub(crate) fn server(config: Arc<ServerConfig>) -> Result<Self, Error> {
        Ok(Tls::new(Side::Server(UnbufferedServerConnection::new(config)?)))
    }

    fn new(side: Side) -> Self {
        Tls { side, owed: vec![], broken: None }
    }

    /// Takes a record, or several that carry no data, from received bytes; plaintext goes to `sink`. Also
    /// returns how many of the bytes were used.
    pub(crate) fn step(
        &mut self,
        came: &mut [u8],
        sink: &mut dyn FnMut(&[u8]),
    ) -> (usize, Result<Step, Error>) {
        if let Some(error) = &self.broken {
            return (0, Err(error.clone()));
        }
        let (used, step) = self.step_inner(came, sink);
        let handshaking = self.is_handshaking();
        let step = step.map(|step| if handshaking && step == Step::More { Step::Handshake } else { step });
        let step = step.and_then(|step| self.check_pending(step, &came[used..]));
        if let Err(error) = &step {
            self.broken = Some(error.clone());
            self.collect_alert();
        }
        (used, step)
    }

    fn step_inner(&mut self, came: &mut [u8], sink: &mut dyn FnMut(&[u8])) -> (usize, Result<Step, Error>) {
        let mut used = 0;
        loop {
            let owed = &mut self.owed;
            let (more, turn) = match &mut self.side {
                Side::Client(side) => take_turn(side.process_tls_records(&mut came[used..]), owed, sink),
                Side::Server(side) => take_turn(side.process_tls_records(&mut came[used..]), owed, sink),
            };
            used += more;
            match turn {
                Ok(Turn::Again) => {}
                Ok(Turn::Done(step)) => return (used, Ok(step)),
                Err(error) => return (used, Err(error)),
            }
        }
    }

    fn is_handshaking(&self) -> bool {
        match &self.side {
            Side::Client(side) => side.is_handshaking(),
            Side::Server(side) => side.is_handshaking(),
        }
    }

    /// Returns whether the handshake is done, and the other side has shown its key in it.
    pub(crate) fn is_proven(&self) -> bool {
        let shown = match &self.side {
            Side::Client(side) => side.peer_certificates(),
            Side::Server(side) => side.peer_certificates(),
        };
        !self.is_handshaking() && shown.is_some()
    }

    /// Refuses a message that is split over records after the handshake: its first part would wait in the
    /// reader's bytes, where a sender's call does not find it.
    fn check_pending(&self, step: Step, rest: &[u8]) -> Result<Step, Error> {
        let whole = rest.len() >= 5 && rest.len() - 5 >= usize::from(u16::from_be_bytes([rest[3], rest[4]]));
        if step == Step::More && whole {
            return Err(Error::General("the other side split a message that is never split".into()));
        }
        Ok(step)
    }

    /// Collects the alert that rustls has for the other side after an error.
    ///
    /// It asks only while rustls has something to write: else rustls would read on, and fail again.
    fn collect_alert(&mut self) {
        let owed = &mut self.owed;
        match &mut self.side {
            Side::Client(side) => {
                while side.wants_write() && owed.len() < OWED_ROOM {
                    let _ = take_turn(side.process_tls_records(&mut []), owed, &mut |_| {});
                }
            }
            Side::Server(side) => {
                while side.wants_write() && owed.len() < OWED_ROOM {
                    let _ = take_turn(side.process_tls_records(&mut []), owed, &mut |_| {});
                }
            }
        }
    }

    /// Returns the bytes that are to go out before anything else; the caller has to send them.
    pub(crate) fn take_owed(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.owed)
    }

    /// Encrypts to the beginning of `out`, which must have room: [`room_for`]. Returns the number of bytes
    /// written.
    pub(crate) fn encrypt(&mut self, plain: &[u8], out: &mut [u8]) -> io::Result<usize> {
        self.write(out, |traffic, out| traffic.encrypt(plain, out))
    }

    /// Writes the closing alert, after which nothing more comes from this side.
    pub(crate) fn close(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.write(out, |traffic, out| traffic.close(out))
    }

    fn write(
        &mut self,
        out: &mut [u8],
        mut act: impl FnMut(&mut dyn Traffic, &mut [u8]) -> Result<usize, EncryptError>,
    ) -> io::Result<usize> {
        if let Some(error) = &self.broken {
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, error.clone()));
        }
        let mut act = |traffic: &mut dyn Traffic, out: &mut [u8], owed: &[u8]| {
            let (first, rest) = out.split_at_mut_checked(owed.len()).ok_or(no_room(owed.len()))?;
            first.copy_from_slice(owed);
            act(traffic, rest).map(|wrote| owed.len() + wrote)
        };
        let owed = &mut self.owed;
        let wrote = match &mut self.side {
            Side::Client(side) => loop {
                if let Some(wrote) = write_turn(side.process_tls_records(&mut []), owed, out, &mut act)? {
                    break wrote;
                }
            },
            Side::Server(side) => loop {
                if let Some(wrote) = write_turn(side.process_tls_records(&mut []), owed, out, &mut act)? {
                    break wrote;
                }
            },
        };
        self.owed.clear();
        Ok(wrote)
    }

    #[cfg(test)]
    pub(crate) fn change_keys(&mut self) {
        match &mut self.side {
            Side::Client(side) => match side.process_tls_records(&mut []).state {
                Ok(ConnectionState::WriteTraffic(traffic)) => traffic.refresh_traffic_keys().unwrap(),
                other => panic!("{other:?}"),
            },
            Side::Server(side) => match side.process_tls_records(&mut []).state {
                Ok(ConnectionState::WriteTraffic(traffic)) => traffic.refresh_traffic_keys().unwrap(),
                other => panic!("{other:?}"),
            },
        }
    }
}

/// Returns the most bytes that `plain` bytes become when they are encrypted.
pub(crate) const fn room_for(plain: usize) -> usize {
    plain + plain.div_ceil(RECORD) * RECORD_EXTRA + OWED_ROOM
}

fn no_room(required_size: usize) -> EncryptError {
    EncryptError::InsufficientSize(InsufficientSizeError { required_size })
}

/// A side that may send, client or server.
trait Traffic {
    fn encrypt(&mut self, plain: &[u8], out: &mut [u8]) -> Result<usize, EncryptError>;
    fn close(&mut self, out: &mut [u8]) -> Result<usize, EncryptError>;
}

macro_rules! traffic {
    ($data:ty) => {
        impl Traffic for rustls::unbuffered::WriteTraffic<'_, $data> {
            fn encrypt(&mut self, plain: &[u8], out: &mut [u8]) -> Result<usize, EncryptError> {
                self.encrypt(plain, out)
            }

            fn close(&mut self, out: &mut [u8]) -> Result<usize, EncryptError> {
                self.queue_close_notify(out)
            }
        }
    };
}

traffic!(ClientConnectionData);
traffic!(ServerConnectionData);

enum Turn {
    Again,
    Done(Step),
}

/// Does what one state of rustls asks for; also returns how many bytes were used.
fn take_turn<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    owed: &mut Vec<u8>,
    sink: &mut dyn FnMut(&[u8]),
) -> (usize, Result<Turn, Error>) {
    let UnbufferedStatus { mut discard, state, .. } = status;
    let turn = match state {
        Err(error) => Err(error),
        Ok(ConnectionState::ReadTraffic(mut traffic)) => loop {
            match traffic.next_record() {
                Some(Ok(record)) => {
                    discard += record.discard;
                    sink(record.payload);
                }
                Some(Err(error)) => break Err(error),
                None => break Ok(Turn::Done(Step::Plain)),
            }
        },
        Ok(ConnectionState::EncodeTlsData(mut data)) => owe(&mut data, owed).map(|()| Turn::Again),
        Ok(ConnectionState::TransmitTlsData(sent)) => {
            // The bytes are in `owed` now.
            sent.done();
            Ok(Turn::Again)
        }
        Ok(ConnectionState::BlockedHandshake) => Ok(Turn::Done(Step::Handshake)),
        Ok(ConnectionState::WriteTraffic(_)) => Ok(Turn::Done(Step::More)),
        Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => Ok(Turn::Done(Step::End)),
        Ok(_) => Err(Error::General("rustls is in a state that this side never asks for".into())),
    };
    (discard, turn)
}

/// Appends the bytes that rustls wants to send.
fn owe<Data>(
    data: &mut rustls::unbuffered::EncodeTlsData<'_, Data>,
    owed: &mut Vec<u8>,
) -> Result<(), Error> {
    let at = owed.len();
    let mut required = 0;
    loop {
        owed.resize(at + required, 0);
        match data.encode(&mut owed[at..]) {
            Ok(wrote) => {
                owed.truncate(at + wrote);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(size)) if required == 0 => required = size.required_size,
            Err(error) => return Err(Error::General(error.to_string())),
        }
    }
}

/// Does what one state of rustls asks for until it may send, and then sends. The received bytes are not passed,
/// so nothing is read.
fn write_turn<'c, Data>(
    status: UnbufferedStatus<'c, '_, Data>,
    owed: &mut Vec<u8>,
    out: &mut [u8],
    act: &mut impl FnMut(&mut dyn Traffic, &mut [u8], &[u8]) -> Result<usize, EncryptError>,
) -> io::Result<Option<usize>>
where
    rustls::unbuffered::WriteTraffic<'c, Data>: Traffic,
{
    match status.state.map_err(io::Error::other)? {
        ConnectionState::WriteTraffic(mut traffic) => {
            act(&mut traffic, out, owed).map(Some).map_err(io::Error::other)
        }
        ConnectionState::EncodeTlsData(mut data) => {
            owe(&mut data, owed).map(|()| None).map_err(io::Error::other)
        }
        ConnectionState::TransmitTlsData(sent) => {
            sent.done();
            Ok(None)
        }
        ConnectionState::Closed => Err(io::ErrorKind::BrokenPipe.into()),
        // The reader has seen it, or will: the alert that ends its direction is in its bytes.
        ConnectionState::PeerClosed => Ok(None),
        _ => Err(io::Error::other("the connection is in no state to send")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credentials, Secret};

    /// Passes the bytes that one side has written to the other; returns what that reads.
    fn pass(bytes: &mut [u8], to: &mut Tls) -> (Vec<u8>, Result<Step, Error>) {
        let (mut plain, mut used) = (vec![], 0);
        loop {
            let (more, step) = to.step(&mut bytes[used..], &mut |record| plain.extend_from_slice(record));
            used += more;
            if step != Ok(Step::Plain) {
                return (plain, step);
            }
        }
    }

    fn pair() -> (Tls, Tls) {
        let credentials = Credentials::of(&Secret::generate());
        let mut client = Tls::client(credentials.client().unwrap()).unwrap();
        let mut server = Tls::server(credentials.server().unwrap()).unwrap();
        let (mut to_client, mut rounds) = (vec![], 0);
        while !(client.is_proven() && server.is_proven()) {
            pass(&mut to_client, &mut client).1.unwrap();
            pass(&mut client.take_owed(), &mut server).1.unwrap();
            to_client = server.take_owed();
            rounds += 1;
            assert!(rounds < 5);
        }
        assert!(to_client.is_empty(), "no tickets are sent");
        (client, server)
    }

    fn say(from: &mut Tls, plain: &[u8]) -> Vec<u8> {
        let mut out = vec![0; room_for(plain.len())];
        let length = from.encrypt(plain, &mut out).unwrap();
        out.truncate(length);
        out
    }

    #[test]
    fn keys_change_while_both_speak() {
        let (mut client, mut server) = pair();
        for round in 0..20u8 {
            if round % 3 == 0 {
                client.change_keys();
            }
            if round % 4 == 0 {
                server.change_keys();
            }
            let mut from_client = say(&mut client, &[round; 40_000]);
            let mut from_server = say(&mut server, &[round + 1; 20_000]);
            assert_eq!(pass(&mut from_client, &mut server), (vec![round; 40_000], Ok(Step::More)));
            assert_eq!(pass(&mut from_server, &mut client), (vec![round + 1; 20_000], Ok(Step::More)));
        }
    }

    #[test]
    fn the_word_that_ends_is_the_end_of_one_direction() {
        let (mut client, mut server) = pair();
        let mut word = [0; 100];
        let length = client.close(&mut word).unwrap();
        assert_eq!(pass(&mut word[..length], &mut server), (vec![], Ok(Step::End)));
        let mut answer = say(&mut server, b"one more");
        assert_eq!(pass(&mut answer, &mut client).0, b"one more");
    }

    #[test]
    fn after_a_false_record_nothing_is_said_or_heard() {
        let (mut client, mut server) = pair();
        let mut record = say(&mut client, b"right");
        record[7] ^= 1;
        assert!(pass(&mut record, &mut server).1.is_err());
        assert!(server.encrypt(b"x", &mut [0; 2000]).is_err());
        let mut alert = server.take_owed();
        assert!(pass(&mut alert, &mut client).1.is_err(), "the other side is told");
        assert!(pass(&mut say(&mut pair().0, b"another connection's"), &mut pair().1).1.is_err());
    }

    #[test]
    fn there_is_room_for_what_it_is_said_there_is() {
        let (mut client, mut server) = pair();
        for length in [1, RECORD - 1, RECORD, RECORD + 1, 5 * RECORD + 3] {
            client.change_keys();
            let mut said = say(&mut client, &vec![1; length]);
            assert!(said.len() <= room_for(length));
            assert_eq!(pass(&mut said, &mut server).0.len(), length);
        }
    }
}
