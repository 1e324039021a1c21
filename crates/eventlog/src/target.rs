//! [`Target`]: the file that a writer's bytes go to. Files of file systems grow; an object of an object store is
//! written anew, as a whole, from time to time, since objects do not grow; an upload becomes an object at its end.

use firesteel_io::{Directory, GrowingOutput, IoError, IoOperation, Output};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Spark's permissions of files of events: of the owner and the group.
pub(crate) const FILE_MODE: u32 = 0o660;

/// Spark's permissions of directories of such files.
pub(crate) const DIRECTORY_MODE: u32 = 0o770;

/// The bytes of an object that grows, with which it is full: as many are in memory, and sent at each time.
pub(crate) const OBJECT_BYTES: usize = 8 << 20;

/// The shortest time between two times at which an object that grows is written.
const OBJECT_INTERVAL: Duration = Duration::from_secs(10);

/// An open file of events.
#[derive(Debug)]
pub(crate) enum Target {
    /// A file that readers see while it grows.
    Growing(GrowingOutput),
    /// An object that is written anew.
    Object(Object),
    /// An object that appears at its end.
    Upload(Output),
}

/// An object that grows: what it holds is in memory, too.
#[derive(Debug)]
pub(crate) struct Object {
    directory: Directory,
    name: String,
    bytes: Vec<u8>,
    /// The bytes that readers see, and since when.
    put: Option<(usize, Instant)>,
}

impl Target {
    /// Begins a file of this name; one that is there is written over.
    pub(crate) fn create(directory: &Directory, name: &str) -> Result<Target, IoError> {
        if directory.can_grow() {
            return Ok(Target::Growing(directory.grow(name, FILE_MODE)?));
        }
        Ok(Target::Object(Object {
            directory: directory.clone(),
            name: name.into(),
            bytes: vec![],
            put: None,
        }))
    }

    /// Returns whether the store would rather have another file.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self, Target::Object(object) if object.bytes.len() >= OBJECT_BYTES)
    }

    /// Shows readers all that was written, now.
    pub(crate) fn show(&mut self) -> io::Result<()> {
        match self {
            Target::Object(object) => object.put(),
            Target::Growing(file) => Ok(file.show()?),
            Target::Upload(_) => Ok(()),
        }
    }

    /// Ends the file.
    pub(crate) fn close(self) -> Result<(), IoError> {
        match self {
            Target::Growing(file) => file.close(),
            Target::Object(mut object) => {
                let path = object.directory.shown(&object.name);
                object.put().map_err(|error| IoError::from_io(IoOperation::Write, path, error))
            }
            Target::Upload(output) => output.finish().map(drop),
        }
    }
}

impl Object {
    fn put(&mut self) -> io::Result<()> {
        if self.put.is_none_or(|(length, _)| length < self.bytes.len()) {
            self.directory.put(&self.name, self.bytes.clone(), FILE_MODE)?;
            self.put = Some((self.bytes.len(), Instant::now()));
        }
        Ok(())
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::Growing(file) => file.write(bytes),
            Target::Object(object) => object.bytes.write(bytes),
            Target::Upload(output) => output.write(bytes),
        }
    }

    /// Shows readers what was written; where that costs much, only if it was not done a short time ago.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::Growing(file) => file.flush(),
            Target::Object(object) => match object.put {
                Some((_, at)) if at.elapsed() < OBJECT_INTERVAL => Ok(()),
                _ => object.put(),
            },
            Target::Upload(_) => Ok(()),
        }
    }
}
