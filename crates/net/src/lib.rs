//! The network layer: connections that only holders of one secret can make, and blocks of bytes streamed over
//! them.
//!
//! Nothing else in Firesteel opens a network socket or knows TLS. A [`Listener`] hands every authenticated
//! [`Connection`] to a handler; [`connect`] makes one to it. Both sides prove to each other that they have the
//! same [`Secret`] before a byte reaches any layer above TLS (see `identity.rs`). The protocol of a connection
//! depends on its [`Purpose`]; [`bulk`] is the one for blocks.
//!
//! Threads block; nothing is asynchronous. A connection's two halves are used by different threads at once.
//!
//! ```
//! use firesteel_net::{Connection, Credentials, Limits, Listener, Purpose, Secret, connect};
//! use std::io::Read;
//! use std::time::Duration;
//!
//! let credentials = Credentials::of(&Secret::generate());
//! let listener = Listener::bind("127.0.0.1:0", credentials.clone(), Limits::default())?;
//! let serving = listener.serve("greeter", |connection: Connection| {
//!     let (_, sender) = connection.split();
//!     let _ = sender.send(b"hello");
//! })?;
//! let address = serving.address().to_string();
//! let connection = connect(&address, &credentials, Purpose::Control, Duration::from_secs(5))?;
//! let (mut receiver, _sender) = connection.split();
//! let mut heard = String::new();
//! receiver.read_to_string(&mut heard)?;
//! assert_eq!(heard, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connect;
mod connect_error;
mod connection;
mod connection_table;
mod handshake;
mod identity;
mod listener;
mod message;
mod outbox;
mod preface;
mod secret;
mod socket;
mod tls;
mod wire;

pub mod bulk;

pub use connect::connect;
pub use connect_error::ConnectError;
pub use connection::{Closer, Connection, Receiver, Sender};
pub use identity::Credentials;
pub use listener::{Limits, Listener, Serving};
pub use message::{receive, receive_at_most, send};
pub use outbox::Outbox;
pub use preface::{PROTOCOL_VERSION, Purpose};
pub use secret::{Secret, SecretError};
