//! Sends one remote file in parts while it is made. The parts become an object in one step, when all are
//! there: at the end of [`WriteFile::finish`], or later, by the parts that [`PartUpload::hand_over`] returns.

use super::bucket::Object;
use crate::error::{IoError, IoOperation};
use crate::store::{PartUpload, Parts, WriteFile};
use crate::stores::runtime::{self, Pending};
use object_store::multipart::{MultipartStore, PartId};
use object_store::{PutMode, PutOptions, PutPayload};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The size of every part but the last. Stores take parts of 5 MiB at least, want them equal, and take 10,000
/// of them: so a file may have 78 GiB.
const PART_BYTES: usize = 8 << 20;

/// The number of parts under way at once; as many, and the one that is being filled, are in memory.
const PARTS_IN_FLIGHT: usize = 3;

/// A file that is being sent.
pub(crate) struct Upload {
    object: Object,
    store: Arc<dyn MultipartStore>,
    /// The store's name for it, once the upload has begun.
    id: Option<String>,
    buffer: Vec<u8>,
    in_flight: VecDeque<Pending<PartId>>,
    started: usize,
    parts: Vec<PartId>,
    over: bool,
}

impl Upload {
    /// Begins a file. Nothing is sent before there is enough for a part.
    pub(crate) fn new(object: Object) -> Result<Upload, IoError> {
        let store = object.uploads(IoOperation::Create)?;
        Ok(Upload {
            object,
            store,
            id: None,
            buffer: vec![],
            in_flight: VecDeque::new(),
            started: 0,
            parts: vec![],
            over: false,
        })
    }

    /// Returns the store's name for the upload, which begins now if it has not.
    fn begun(&mut self) -> Result<String, IoError> {
        if let Some(id) = &self.id {
            return Ok(id.clone());
        }
        let (store, object) = (self.store.clone(), self.object.clone());
        let id = runtime::wait(IoOperation::Create, &self.object.path(), async move {
            store
                .create_multipart(&object.key)
                .await
                .map_err(|error| object.error(IoOperation::Create, error))
        })?;
        self.id = Some(id.clone());
        Ok(id)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<usize, IoError> {
        let count = bytes.len().min(PART_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        if self.buffer.len() == PART_BYTES {
            self.send_part()?;
        }
        Ok(count)
    }

    fn send_part(&mut self) -> Result<(), IoError> {
        let id = self.begun()?;
        while self.in_flight.len() >= PARTS_IN_FLIGHT {
            self.await_part()?;
        }
        let payload = PutPayload::from(std::mem::take(&mut self.buffer));
        let (store, object, number) = (self.store.clone(), self.object.clone(), self.started);
        let sent = async move {
            let sent = store.put_part(&object.key, &id, number, payload).await;
            sent.map_err(|error| object.error(IoOperation::Write, error))
        };
        self.in_flight.push_back(runtime::start(IoOperation::Write, &self.object.path(), sent)?);
        self.started += 1;
        Ok(())
    }

    fn await_part(&mut self) -> Result<(), IoError> {
        if let Some(oldest) = self.in_flight.pop_front() {
            self.parts.push(oldest.wait()?);
        }
        Ok(())
    }

    fn send_rest(&mut self) -> Result<(), IoError> {
        if !self.buffer.is_empty() {
            self.send_part()?;
        }
        while !self.in_flight.is_empty() {
            self.await_part()?;
        }
        Ok(())
    }
}

impl WriteFile for Upload {
    /// Makes the object appear. A small object is sent only now, and never over another that came first.
    fn finish(mut self: Box<Self>) -> Result<(), IoError> {
        if self.id.is_some() {
            self.send_rest()?;
            let (store, object) = (self.store.clone(), self.object.clone());
            let (id, parts) = (self.begun()?, std::mem::take(&mut self.parts));
            runtime::wait(IoOperation::Write, &self.object.path(), async move {
                let done = store.complete_multipart(&object.key, &id, parts).await;
                done.map(drop).map_err(|error| object.error(IoOperation::Write, error))
            })?;
        } else {
            put(IoOperation::Write, &self.object, std::mem::take(&mut self.buffer), PutMode::Create)?;
        }
        self.over = true;
        Ok(())
    }
}

impl io::Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.take(bytes)?)
    }

    /// Does nothing: half a part cannot be sent, and no reader could see it.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl PartUpload for Upload {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, IoError> {
        self.take(bytes)
    }

    fn id(&mut self) -> Result<String, IoError> {
        self.begun()
    }

    fn hand_over(mut self: Box<Self>) -> Result<Parts, IoError> {
        let id = self.begun()?;
        self.send_rest()?;
        self.over = true;
        let parts = self.parts.drain(..).map(|part| part.content_id).collect();
        Ok(Parts { id, parts })
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.in_flight.clear();
        if let (false, Some(id)) = (self.over, self.id.take()) {
            let (store, object) = (self.store.clone(), self.object.clone());
            runtime::clean_up(async move {
                // If the store is out of reach, the parts stay until the bucket's own rules remove them.
                let _ = store.abort_multipart(&object.key, &id).await;
            });
        }
    }
}

/// Writes a small object in one step.
pub(crate) fn put(
    operation: IoOperation,
    object: &Object,
    bytes: Vec<u8>,
    mode: PutMode,
) -> Result<(), IoError> {
    let sent = object.clone();
    runtime::wait(operation, &object.path(), async move {
        let options = PutOptions { mode, ..PutOptions::default() };
        let done = sent.bucket.store.put_opts(&sent.key, bytes.into(), options).await;
        done.map(drop).map_err(|error| sent.error(operation, error))
    })
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} parts", self.object.path(), self.started)
    }
}
