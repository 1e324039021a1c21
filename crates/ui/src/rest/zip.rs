//! A log's files in one archive, as they are: logs are compressed already, or asked for from nearby.
//!
//! Each file is read twice, once for its checksum, which stands before the bytes, and once for the bytes. A file that
//! has grown in between is cut where it ended at first.

use super::answer::Refusal;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use firesteel_status::store::{Applications, LogPart, OpenError};
use futures_core::Stream;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Pieces of the archive that wait for a slow reader.
const PIECES: usize = 4;

/// The longest archive: what the format's 32 bits can tell.
const MAX_BYTES: u64 = u32::MAX as u64 - (1 << 20);

/// One file of the archive.
struct Entry {
    part: LogPart,
    checksum: u32,
    length: u64,
    offset: u64,
}

/// Answers with the archive.
pub(super) fn answer(
    applications: Arc<dyn Applications>,
    parts: Vec<LogPart>,
    id: &str,
    attempt: Option<&str>,
) -> Result<Response, Refusal> {
    let refuse = |error: OpenError| Refusal::unopened(error, id, attempt);
    let entries = measured(&*applications, parts).map_err(refuse)?;
    if entries.iter().map(|entry| entry.length).sum::<u64>() > MAX_BYTES {
        return Err(Refusal::unavailable("the log is too long for an archive"));
    }
    let (sender, receiver) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send(&*applications, &entries, &sender) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    let attempt = attempt.map(|attempt| format!("_{attempt}")).unwrap_or_default();
    let safe: String = format!("{id}{attempt}")
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
        .collect();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=eventLogs-{safe}.zip")),
    ];
    Ok((headers, Body::from_stream(Pieces(receiver))).into_response())
}

/// Reads each file for its length and checksum.
fn measured(applications: &dyn Applications, parts: Vec<LogPart>) -> Result<Vec<Entry>, OpenError> {
    let mut offset = 0;
    let mut entries = Vec::with_capacity(parts.len());
    for part in parts {
        let mut hasher = crc32fast::Hasher::new();
        let mut length = 0;
        applications.read_part(&part, &mut |bytes| {
            hasher.update(bytes);
            length += bytes.len() as u64;
            true
        })?;
        let entry = Entry { checksum: hasher.finalize(), length, offset, part };
        offset += entry.head().len() as u64 + length;
        entries.push(entry);
    }
    Ok(entries)
}

fn send(
    applications: &dyn Applications,
    entries: &[Entry],
    sender: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let put =
        |bytes: Vec<u8>| sender.blocking_send(Ok(bytes.into())).map_err(|_| io::ErrorKind::BrokenPipe.into());
    let mut directory = vec![];
    for entry in entries {
        put(entry.head())?;
        let mut left = entry.length;
        let mut sent = Ok(());
        let read = applications.read_part(&entry.part, &mut |bytes| {
            let bytes = &bytes[..bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
            left -= bytes.len() as u64;
            sent = put(bytes.to_vec());
            sent.is_ok() && left > 0
        });
        sent?;
        if read.is_err() || left > 0 {
            return Err(io::Error::other("a file of the log is shorter than it was"));
        }
        directory.extend(entry.directory_entry());
    }
    let start = entries.last().map_or(0, |last| last.offset + last.head().len() as u64 + last.length);
    let mut end = directory.clone();
    end.extend(b"PK\x05\x06\0\0\0\0");
    end.extend((entries.len() as u16).to_le_bytes());
    end.extend((entries.len() as u16).to_le_bytes());
    end.extend((directory.len() as u32).to_le_bytes());
    end.extend((start as u32).to_le_bytes());
    end.extend([0, 0]);
    put(end)
}

impl Entry {
    /// Returns the head before a file's bytes.
    fn head(&self) -> Vec<u8> {
        let mut head = b"PK\x03\x04".to_vec();
        head.extend(self.described());
        head.extend([0, 0]);
        head.extend(self.part.name.as_bytes());
        head
    }

    /// Returns the file's entry in the directory at the archive's end.
    fn directory_entry(&self) -> Vec<u8> {
        let mut entry = b"PK\x01\x02\x14\0".to_vec();
        entry.extend(self.described());
        // No extra field, no comment, on the first disk, no attributes.
        entry.extend([0; 12]);
        entry.extend((self.offset as u32).to_le_bytes());
        entry.extend(self.part.name.as_bytes());
        entry
    }

    /// Returns what both say: version 2.0, names in UTF-8, not compressed, 1 January 1980, checksum, lengths.
    fn described(&self) -> Vec<u8> {
        let mut fields = vec![0x14, 0, 0, 8, 0, 0, 0, 0, 0x21, 0];
        fields.extend(self.checksum.to_le_bytes());
        fields.extend((self.length as u32).to_le_bytes());
        fields.extend((self.length as u32).to_le_bytes());
        fields.extend((self.part.name.len() as u16).to_le_bytes());
        fields
    }
}

/// The pieces of an archive, as a body.
struct Pieces(mpsc::Receiver<io::Result<Bytes>>);

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
