//! Connections and blocks over real sockets of this machine, for holders of the secret and for strangers.

mod bulk;
mod duplex;
mod frames;
mod handshakes;
mod secrets;
mod strangers;
mod support;
