//! From a fresh socket to a [`Connection`]: TLS where there is a secret, then both sides' prefaces, all within one
//! deadline.
//!
//! In TLS 1.3 the side that connects has finished before the other has looked at its key. So it is let in only by the
//! preface that answers its own.

use crate::connection::{Closer, Connection, Incoming};
use crate::connection_table::Ticket;
use crate::preface::{self, PROTOCOL_VERSION, Preface, Purpose, Strange, Verdict};
use crate::socket::{Deadline, Hurried, settle};
use crate::tls::{OWED_ROOM, Step, Tls, room_for};
use crate::wire::Wire;
use crate::{ConnectError, Credentials};
use rustls::{AlertDescription, CertificateError, Error};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A handshake's messages fit into this; a peer that is not let in yet gets no more memory.
const HANDSHAKE_ROOM: usize = 18 << 10;
/// After a refusal so long is waited for the peer to have heard it.
const LINGER: Duration = Duration::from_millis(500);

pub(crate) const THEIR_KEY: &str = "it holds another secret than ours: both sides must be given the same one";
pub(crate) const OUR_KEY: &str = "it does not accept our secret: both sides must be given the same one";
const NO_TLS: &str =
    "it speaks without encryption and we have a secret: one side was started with the insecure flag";
const WANTS_TLS: &str = "it wants a secret and we have none: one side was started with the insecure flag";
const NO_PREFACE: &str = "what answered does not speak Firesteel's protocol";
const FULL: &str = "it has as many connections as it may have";

/// The side that connects.
pub(crate) fn knock(
    socket: Arc<TcpStream>,
    credentials: &Credentials,
    purpose: Purpose,
    deadline: Deadline,
) -> Result<Connection, ConnectError> {
    let tls = credentials.client().map(Tls::client).transpose().map_err(io::Error::other)?;
    let mut greeting = Greeting { socket, tls, incoming: Incoming::default(), deadline };
    greeting.tls_handshake()?;
    greeting.send_preface(Preface::new(purpose, Verdict::Welcome))?;
    let answer = greeting.read_preface()?;
    match answer.verdict {
        Verdict::Full => Err(io::Error::new(ErrorKind::ConnectionRefused, FULL).into()),
        Verdict::Unknown => Err(ConnectError::NotFiresteel(NO_PREFACE.into())),
        Verdict::Welcome if answer.purpose != purpose => Err(ConnectError::NotFiresteel(NO_PREFACE.into())),
        Verdict::Welcome => Ok(greeting.done(purpose, None)?),
    }
}

/// The side that listens. `reserve` says whether there is room for one more.
pub(crate) fn answer(
    socket: Arc<TcpStream>,
    credentials: &Credentials,
    deadline: Deadline,
    reserve: impl FnOnce() -> Option<Ticket>,
) -> Result<Connection, ConnectError> {
    let tls = credentials.server().map(Tls::server).transpose().map_err(io::Error::other)?;
    let mut greeting = Greeting { socket, tls, incoming: Incoming::default(), deadline };
    let preface = match greeting.tls_handshake().and_then(|()| greeting.read_preface()) {
        Ok(preface) => preface,
        Err(error) => {
            greeting.refuse(Verdict::Unknown, &error);
            return Err(error);
        }
    };
    let Some(ticket) = reserve() else {
        let error = io::Error::new(ErrorKind::ConnectionRefused, FULL).into();
        greeting.refuse(Verdict::Full, &error);
        return Err(error);
    };
    greeting.send_preface(Preface::new(preface.purpose, Verdict::Welcome))?;
    Ok(greeting.done(preface.purpose, Some(ticket))?)
}

/// A connection in the making.
struct Greeting {
    socket: Arc<TcpStream>,
    tls: Option<Tls>,
    incoming: Incoming,
    deadline: Deadline,
}

impl Greeting {
    fn tls_handshake(&mut self) -> Result<(), ConnectError> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        let mut socket = Hurried { socket: &self.socket, deadline: self.deadline };
        let mut opening = vec![];
        loop {
            let mut early = vec![];
            let raw = self.incoming.raw();
            opening.extend_from_slice(&raw[..raw.len().min(preface::LENGTH.saturating_sub(opening.len()))]);
            let (used, step) = tls.step(raw, &mut |plain| early.extend_from_slice(plain));
            self.incoming.used(used);
            self.incoming.keep_plain(&early);
            socket.write_all(&tls.take_owed())?;
            match step.map_err(|error| explain(error, &opening))? {
                Step::Plain | Step::More if tls.is_proven() => return Ok(()),
                Step::Plain | Step::More => return Err(ConnectError::NotFiresteel(NO_PREFACE.into())),
                Step::End => return Err(io::Error::from(ErrorKind::UnexpectedEof).into()),
                Step::Handshake => {
                    if self.incoming.read_from(&mut socket, HANDSHAKE_ROOM)? == 0 {
                        return Err(gone().into());
                    }
                }
            }
        }
    }

    fn send_preface(&mut self, preface: Preface) -> io::Result<()> {
        let mut bytes = preface.encode().to_vec();
        if let Some(tls) = &mut self.tls {
            let mut out = [0; room_for(preface::LENGTH) + OWED_ROOM];
            let length = tls.encrypt(&bytes, &mut out)?;
            bytes = out[..length].to_vec();
        }
        Hurried { socket: &self.socket, deadline: self.deadline }.write_all(&bytes)
    }

    fn read_preface(&mut self) -> Result<Preface, ConnectError> {
        let mut bytes = [0; preface::LENGTH];
        match &self.tls {
            None => self.read_plain(&mut bytes)?,
            Some(_) => self.read_encrypted(&mut bytes)?,
        }
        Preface::decode(&bytes).map_err(|strange| match strange {
            Strange::OtherVersion(theirs) => ConnectError::OtherVersion { ours: PROTOCOL_VERSION, theirs },
            Strange::NotFiresteel | Strange::Malformed => ConnectError::NotFiresteel(NO_PREFACE.into()),
        })
    }

    fn read_plain(&mut self, bytes: &mut [u8; preface::LENGTH]) -> Result<(), ConnectError> {
        let mut socket = Hurried { socket: &self.socket, deadline: self.deadline };
        let mut read = 0;
        while read < bytes.len() {
            match socket.read(&mut bytes[read..])? {
                0 => return Err(gone().into()),
                more => read += more,
            }
            // An alert of TLS is shorter than a preface.
            if is_tls(&bytes[..read]) {
                return Err(ConnectError::Refused(WANTS_TLS.into()));
            }
        }
        Ok(())
    }

    fn read_encrypted(&mut self, bytes: &mut [u8]) -> Result<(), ConnectError> {
        let mut socket = Hurried { socket: &self.socket, deadline: self.deadline };
        while !self.incoming.take_plain(bytes) {
            let Some(tls) = &mut self.tls else { return Ok(()) };
            let mut early = vec![];
            let (used, step) = tls.step(self.incoming.raw(), &mut |plain| early.extend_from_slice(plain));
            self.incoming.used(used);
            self.incoming.keep_plain(&early);
            let ended = match step.map_err(|error| explain(error, &[]))? {
                Step::Plain => false,
                Step::End => true,
                Step::More | Step::Handshake => self.incoming.read_from(&mut socket, HANDSHAKE_ROOM)? == 0,
            };
            if ended {
                return Err(gone().into());
            }
        }
        Ok(())
    }

    /// Tells the peer why, as far as it can be told, and waits a moment so that it hears: a socket that is closed with
    /// bytes unread takes back what it sent.
    fn refuse(&mut self, verdict: Verdict, error: &ConnectError) {
        self.deadline = Deadline::after(LINGER);
        if !matches!(error, ConnectError::Unreachable(e) if e.kind() != ErrorKind::ConnectionRefused) {
            // Where TLS has broken, its alert has said it, and this is refused.
            let _ = self.send_preface(Preface::new(Purpose::Control, verdict));
            let _ = self.socket.shutdown(Shutdown::Write);
            let mut rest =
                Hurried { socket: &self.socket, deadline: self.deadline }.take(HANDSHAKE_ROOM as u64);
            let _ = io::copy(&mut rest, &mut io::sink());
        }
    }

    fn done(self, purpose: Purpose, ticket: Option<Ticket>) -> io::Result<Connection> {
        settle(&self.socket, purpose)?;
        let place = ticket.as_ref().map(Ticket::place);
        let wire = Arc::new(Wire::new(self.socket, self.tls, ticket)?);
        if let Some(place) = place {
            place.stands(Closer::of(&wire));
        }
        Ok(Connection::new(purpose, wire, self.incoming))
    }
}

fn gone() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the other side closed the connection within the handshake")
}

/// Whether bytes begin as a TLS record does: an alert or a handshake message.
fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15 | 0x16, 3, ..])
}

/// What a broken handshake means to people.
fn explain(error: Error, opening: &[u8]) -> ConnectError {
    match error {
        Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            ConnectError::Refused(THEIR_KEY.into())
        }
        Error::AlertReceived(
            AlertDescription::AccessDenied
            | AlertDescription::BadCertificate
            | AlertDescription::DecryptError,
        ) => ConnectError::Refused(OUR_KEY.into()),
        Error::InvalidCertificate(CertificateError::BadSignature) => ConnectError::Refused(THEIR_KEY.into()),
        _ if opening.starts_with(&preface::MAGIC) => ConnectError::Refused(NO_TLS.into()),
        error => ConnectError::NotFiresteel(format!("{NO_PREFACE} ({error})")),
    }
}
