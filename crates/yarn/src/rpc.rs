//! A connection of Hadoop's RPC, version 9: its beginning, by a user's name or by a token, and calls, one at a time.

use crate::YarnError;
use crate::frames::{FrameBuilder, read_frame, take};
use crate::messages::{
    IpcConnectionContext, RequestHeader, RpcRequestHeader, RpcResponseHeader, RpcSasl, SaslAuth, Token,
    UserInformation,
};
use crate::sasl;
use prost::Message;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// The longest time that a server may take to accept a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// The longest time in which a call has to be answered; a ResourceManager that is busy takes seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Calls with these numbers are the SASL exchange, and the context that follows it.
const SASL_CALL: i32 = -33;
const CONTEXT_CALL: i32 = -3;

/// The authentication byte of the connection's head: none (by name), or SASL.
const BY_NAME: u8 = 0;
const BY_SASL: u8 = 0xdf;

/// States of the SASL exchange.
mod state {
    pub(super) const SUCCESS: i32 = 0;
    pub(super) const NEGOTIATE: i32 = 1;
    pub(super) const INITIATE: i32 = 2;
    pub(super) const RESPONSE: i32 = 4;
}

/// `FATAL_UNAUTHORIZED`, among the details of a failed call.
const UNAUTHORIZED: i32 = 15;

/// The interface that is spoken over a connection, and the daemon at its other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The daemon, for people.
    pub who: &'static str,
    /// The interface's name on the wire.
    pub name: &'static str,
}

/// The client, as it introduces itself.
#[derive(Clone, Copy, Debug)]
pub enum Identity<'a> {
    /// A user by name alone, which the cluster believes.
    Name(&'a str),
    /// The bearer of a token.
    Token(&'a Token),
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    address: String,
    protocol: Protocol,
    client: [u8; 16],
    next_call: i32,
}

impl Connection {
    /// Opens a connection to the first of some addresses that takes one: those of a ResourceManager and its stand-bys.
    ///
    /// # Errors
    /// When none takes it, or the server does not accept who we are.
    pub fn open_any(
        addresses: &[String],
        protocol: Protocol,
        identity: Identity<'_>,
    ) -> Result<Connection, YarnError> {
        let mut failed = None;
        for address in addresses {
            match Connection::open(address, protocol, identity) {
                Err(error @ (YarnError::Unreachable { .. } | YarnError::Broken { .. })) => {
                    failed = Some(error)
                }
                result => return result,
            }
        }
        Err(failed.unwrap_or_else(|| YarnError::Unreachable {
            who: protocol.who,
            address: "(none)".into(),
            why: "no address is known".into(),
        }))
    }

    /// Opens a connection to an address, `host:port`.
    ///
    /// # Errors
    /// When the server cannot be reached, or does not accept who we are.
    pub fn open(address: &str, protocol: Protocol, identity: Identity<'_>) -> Result<Connection, YarnError> {
        let stream = connect(address).map_err(|error| YarnError::Unreachable {
            who: protocol.who,
            address: address.into(),
            why: error.to_string(),
        })?;
        let client = sasl::random()?;
        let mut connection = Connection { stream, address: address.into(), protocol, client, next_call: 0 };
        connection.begin(identity)?;
        Ok(connection)
    }

    /// Returns the server's address.
    pub fn address(&self) -> &str {
        &self.address
    }

    fn begin(&mut self, identity: Identity<'_>) -> Result<(), YarnError> {
        let authentication = match identity {
            Identity::Name(_) => BY_NAME,
            Identity::Token(_) => BY_SASL,
        };
        // Magic letters, version 9, service class 0.
        let head = [b'h', b'r', b'p', b'c', 9, 0, authentication];
        self.stream.write_all(&head).map_err(|error| self.broken("a connection", &error))?;
        let user = match identity {
            Identity::Name(name) => Some(UserInformation { effective_user: Some(name.into()) }),
            Identity::Token(token) => {
                self.authenticate(token)?;
                None
            }
        };
        let context = IpcConnectionContext { user_info: user, protocol: Some(self.protocol.name.into()) };
        let frame = FrameBuilder::new().with(&self.header(CONTEXT_CALL)).with(&context).finish()?;
        // The server does not answer this.
        self.stream.write_all(&frame).map_err(|error| self.broken("a connection", &error))
    }

    fn authenticate(&mut self, token: &Token) -> Result<(), YarnError> {
        let offer = self.sasl(&RpcSasl { state: state::NEGOTIATE, ..RpcSasl::default() })?;
        let by_token =
            offer.auths.into_iter().find(|auth| auth.method == "TOKEN" && auth.mechanism == "DIGEST-MD5");
        let mut auth = by_token.ok_or_else(|| self.unauthorized("it takes no token by DIGEST-MD5"))?;
        let challenge = auth.challenge.take();
        let uri = uri_of(&auth);
        let answer_to = |challenge: Vec<u8>| {
            let challenge = String::from_utf8_lossy(&challenge).into_owned();
            sasl::answer(&challenge, token, &uri, &sasl::client_nonce()?)
        };
        let initiate =
            |token: Vec<u8>| RpcSasl { state: state::INITIATE, token: Some(token), auths: vec![auth] };
        let (reply, answer) = match challenge {
            Some(challenge) => {
                let answer = answer_to(challenge)?;
                (self.sasl(&initiate(answer.text.clone().into_bytes()))?, answer)
            }
            // Without a challenge in the offer, the server sends it when asked.
            None => {
                let answer = answer_to(self.sasl(&initiate(vec![]))?.token.unwrap_or_default())?;
                let text = Some(answer.text.clone().into_bytes());
                (self.sasl(&RpcSasl { state: state::RESPONSE, token: text, auths: vec![] })?, answer)
            }
        };
        let proved = reply.token.as_deref() == Some(answer.proof.as_bytes());
        match reply.state == state::SUCCESS && proved {
            true => Ok(()),
            false => {
                Err(self
                    .unauthorized("it does not prove that it knows our token: another process listens there"))
            }
        }
    }

    fn sasl(&mut self, message: &RpcSasl) -> Result<RpcSasl, YarnError> {
        let frame = FrameBuilder::new().with(&self.header(SASL_CALL)).with(message).finish()?;
        let body = self.exchange("authentication", SASL_CALL, &frame)?;
        take(&mut &body[..], "an answer to the authentication")
    }

    /// Calls a method.
    ///
    /// # Errors
    /// When the connection breaks or no answer comes in time, the answer is no message, or is an exception.
    pub fn call<R: Message + Default>(
        &mut self,
        method: &str,
        request: &impl Message,
    ) -> Result<R, YarnError> {
        let call = self.next_call;
        self.next_call = self.next_call.wrapping_add(1).max(0);
        let head = RequestHeader {
            method_name: method.into(),
            declaring_class_protocol_name: self.protocol.name.into(),
            client_protocol_version: 1,
        };
        let frame = FrameBuilder::new().with(&self.header(call)).with(&head).with(request).finish()?;
        let body = self.exchange(method, call, &frame)?;
        take(&mut &body[..], &format!("the answer to {method}"))
    }

    fn header(&self, call_id: i32) -> RpcRequestHeader {
        let retry = if call_id < 0 { -1 } else { 0 };
        let client_id = if call_id == SASL_CALL { vec![] } else { self.client.to_vec() };
        // Kind 2 is protocol buffers, operation 0 a call in one piece.
        RpcRequestHeader { rpc_kind: Some(2), rpc_op: Some(0), call_id, client_id, retry_count: Some(retry) }
    }

    /// Sends a frame, and returns what follows the header of the answer.
    fn exchange(&mut self, method: &str, call: i32, frame: &[u8]) -> Result<Vec<u8>, YarnError> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        let sent = self.stream.write_all(frame);
        // A server that refuses closes the connection after its words, which say more than the broken pipe.
        let answer = read_frame(&mut Until { stream: &self.stream, deadline });
        let answer = sent.and(answer).map_err(|error| self.broken(method, &error))?;
        let mut rest = &answer[..];
        let header: RpcResponseHeader = take(&mut rest, &format!("the header of the answer to {method}"))?;
        if header.status != 0 {
            return Err(self.refused(method, &header));
        }
        // The header has the number without its sign.
        match header.call_id as i32 {
            answered if answered == call => Ok(rest.to_vec()),
            other => Err(self
                .broken(method, &io::Error::other(format!("the answer is one to call {other}, not {call}")))),
        }
    }

    fn refused(&self, method: &str, header: &RpcResponseHeader) -> YarnError {
        let class = header.exception_class_name.as_deref().unwrap_or_default();
        let class = class.rsplit(['.', '$']).next().unwrap_or_default();
        let message = header.error_msg.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        // The message often begins with the class's whole name.
        let message = message.split_once(&format!("{class}: ")).map_or(message, |(_, message)| message);
        match header.error_detail {
            Some(UNAUTHORIZED)
                if message.contains("SIMPLE authentication is not enabled")
                    && message.contains("KERBEROS") =>
            {
                YarnError::kerberos()
            }
            Some(UNAUTHORIZED) => self.unauthorized(&format!("{class}: {message}")),
            _ => YarnError::Refused { method: method.into(), class: class.into(), message: message.into() },
        }
    }

    fn unauthorized(&self, why: &str) -> YarnError {
        YarnError::Unauthorized { who: self.protocol.who, address: self.address.clone(), why: why.into() }
    }

    fn broken(&self, method: &str, error: &io::Error) -> YarnError {
        let why = match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                format!("there was no answer in {} s", ANSWER_WITHIN.as_secs())
            }
            io::ErrorKind::UnexpectedEof => "it closed the connection".into(),
            _ => error.to_string(),
        };
        YarnError::Broken {
            who: self.protocol.who,
            address: self.address.clone(),
            method: method.into(),
            why,
        }
    }
}

fn uri_of(auth: &SaslAuth) -> String {
    format!(
        "{}/{}",
        auth.protocol.as_deref().unwrap_or_default(),
        auth.server_id.as_deref().unwrap_or_default()
    )
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut tried = Err(io::Error::other("its name has no address"));
    for address in address.to_socket_addrs()? {
        tried = TcpStream::connect_timeout(&address, CONNECT_WITHIN);
        if tried.is_ok() {
            break;
        }
    }
    let stream = tried?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(ANSWER_WITHIN))?;
    Ok(stream)
}

/// Reads from a socket until a point in time, however many pieces the bytes come in.
struct Until<'a> {
    stream: &'a TcpStream,
    deadline: Instant,
}

impl Read for Until<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let mut stream = self.stream;
        stream.read(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{GetNewApplicationRequest, GetNewApplicationResponse};
    use std::net::TcpListener;
    use std::thread;

    const PROTOCOL: Protocol = Protocol { who: "the server", name: "a.Protocol" };
    const CHALLENGE: &str = "realm=\"default\",nonce=\"n\",qop=\"auth\",charset=utf-8,algorithm=md5-sess";

    fn token(password: u8) -> Token {
        Token { identifier: vec![1], password: vec![password], ..Token::default() }
    }

    /// Serves one connection; returns its address.
    fn serve(serve: impl FnOnce(TcpStream) + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || serve(listener.accept().unwrap().0));
        address
    }

    fn skip_head(stream: &mut TcpStream) {
        stream.read_exact(&mut [0; 7]).unwrap();
    }

    fn answer(stream: &mut TcpStream, call: i32, body: &impl Message) {
        let header = RpcResponseHeader { call_id: call as u32, ..RpcResponseHeader::default() };
        stream.write_all(&FrameBuilder::new().with(&header).with(body).finish().unwrap()).unwrap();
    }

    /// Speaks the server's part of the authentication, with a proof for this password.
    fn authenticate(stream: &mut TcpStream, password: u8) {
        skip_head(stream);
        read_frame(stream).unwrap();
        let auth = SaslAuth {
            method: "TOKEN".into(),
            mechanism: "DIGEST-MD5".into(),
            protocol: Some(String::new()),
            server_id: Some("default".into()),
            challenge: Some(CHALLENGE.into()),
        };
        let offer = RpcSasl { state: state::NEGOTIATE, token: None, auths: vec![auth] };
        answer(stream, SASL_CALL, &offer);
        let initiate = read_frame(stream).unwrap();
        let mut rest = &initiate[..];
        take::<RpcRequestHeader>(&mut rest, "a header").unwrap();
        let initiate: RpcSasl = take(&mut rest, "an answer").unwrap();
        let text = String::from_utf8(initiate.token.unwrap()).unwrap();
        let nonce = text.split("cnonce=\"").nth(1).unwrap().split('"').next().unwrap();
        let proof = sasl::answer(CHALLENGE, &token(password), "/default", nonce).unwrap().proof;
        let success = RpcSasl { state: state::SUCCESS, token: Some(proof.into_bytes()), auths: vec![] };
        answer(stream, SASL_CALL, &success);
    }

    #[test]
    fn a_server_that_knows_our_token_is_called() {
        let address = serve(|mut stream| {
            authenticate(&mut stream, 7);
            read_frame(&mut stream).unwrap();
            let call = read_frame(&mut stream).unwrap();
            let mut rest = &call[..];
            let header: RpcRequestHeader = take(&mut rest, "a header").unwrap();
            let head: RequestHeader = take(&mut rest, "a head").unwrap();
            assert_eq!((header.call_id, head.method_name.as_str()), (0, "getNewApplication"));
            answer(&mut stream, 0, &GetNewApplicationResponse::default());
        });
        let mut connection = Connection::open(&address, PROTOCOL, Identity::Token(&token(7))).unwrap();
        let answer: Result<GetNewApplicationResponse, _> =
            connection.call("getNewApplication", &GetNewApplicationRequest {});
        assert_eq!(answer, Ok(GetNewApplicationResponse::default()));
    }

    #[test]
    fn a_server_that_does_not_know_our_token_is_told_nothing() {
        let address = serve(|mut stream| {
            authenticate(&mut stream, 8);
            assert!(read_frame(&mut stream).is_err(), "the connection ends");
        });
        let error = Connection::open(&address, PROTOCOL, Identity::Token(&token(7))).unwrap_err();
        assert!(error.to_string().contains("does not prove that it knows our token"), "{error}");
    }

    #[test]
    fn what_servers_refuse_is_told_in_words() {
        let refuse = |detail: i32, class: &str, message: &str| {
            let header = RpcResponseHeader {
                status: 2,
                exception_class_name: Some(class.into()),
                error_msg: Some(message.into()),
                error_detail: Some(detail),
                ..RpcResponseHeader::default()
            };
            let address = serve(move |mut stream| {
                skip_head(&mut stream);
                read_frame(&mut stream).unwrap();
                stream.write_all(&FrameBuilder::new().with(&header).finish().unwrap()).unwrap();
            });
            Connection::open(&address, PROTOCOL, Identity::Token(&token(7))).unwrap_err()
        };
        let kerberos = "SIMPLE authentication is not enabled.  Available:[TOKEN, KERBEROS]";
        let access = "org.apache.hadoop.security.AccessControlException";
        assert_eq!(refuse(UNAUTHORIZED, access, kerberos), YarnError::kerberos());
        let gone = "appattempt_1 not found in AMRMTokenSecretManager.\n\tat a.Stack(Trace)";
        let gone = refuse(UNAUTHORIZED, "org.apache.hadoop.security.token.SecretManager$InvalidToken", gone);
        assert!(
            matches!(&gone, YarnError::Unauthorized { why, .. } if why.starts_with("InvalidToken: appattempt_1"))
        );
        assert!(!gone.to_string().contains("Stack"));
        assert!(refuse(4, "a.b.StandbyException", "a.b.StandbyException: no").is("StandbyException"));
    }

    #[test]
    fn a_server_of_something_else_or_none_is_no_wait() {
        let web = serve(|mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap());
        let error = Connection::open(&web, PROTOCOL, Identity::Token(&token(7))).unwrap_err();
        assert!(matches!(error, YarnError::Broken { .. }), "{error}");
        let closes = serve(drop);
        let error = Connection::open(&closes, PROTOCOL, Identity::Token(&token(7))).unwrap_err();
        assert!(matches!(error, YarnError::Broken { .. }), "{error}");
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let error = Connection::open_any(&[nobody], PROTOCOL, Identity::Name("me")).unwrap_err();
        assert!(matches!(error, YarnError::Unreachable { .. }), "{error}");
    }
}
