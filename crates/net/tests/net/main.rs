//! Connections and blocks over real sockets of this machine: what friends get, and what strangers do not.

mod bulk;
mod duplex;
mod frames;
mod handshakes;
mod secrets;
mod strangers;
mod support;
