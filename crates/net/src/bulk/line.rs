//! One connection to a server of blocks.

use super::frame::{FRAME_AT_MOST, Header, Kind};
use crate::{Connection, Receiver, Sender};
use std::io;
use std::time::Duration;

/// A connection to a server.
pub(super) struct Line {
    pub(super) receiver: Receiver,
    pub(super) sender: Sender,
}

impl Line {
    pub(super) fn new(connection: Connection, read_timeout: Duration) -> io::Result<Self> {
        let (receiver, sender) = connection.split();
        receiver.set_timeout(Some(read_timeout))?;
        Ok(Line { receiver, sender })
    }

    pub(super) fn ask(&self, request: &[u8]) -> io::Result<()> {
        let checked = !self.sender.is_secure();
        let whole = request.len().saturating_sub(1) / FRAME_AT_MOST * FRAME_AT_MOST;
        let (first, last) = request.split_at(whole);
        for chunk in first.chunks(FRAME_AT_MOST) {
            let header = Header::of(Kind::Request, false, chunk, None, checked).encode();
            self.sender.send_parts(&[&header, chunk])?;
        }
        let header = Header::of(Kind::Request, true, last, None, checked).encode();
        self.sender.send(&[&header, last].concat())
    }
}
