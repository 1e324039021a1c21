//! The object files of this process: the address at which each is loaded, and the hash of its bytes.
//!
//! The list comes from the dynamic loader (`dl_iterate_phdr`). The running executable's file is read through
//! `/proc/self/exe`, which is the very file that runs even when another has taken its name. A shared object is
//! read by its path, after a check that the path still names the file that is mapped.

use parking_lot::Mutex;
use std::ffi::{CStr, OsStr, c_int, c_void};
use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The BLAKE3 hash of an object file. Equal hashes mean equal code at equal offsets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectHash(pub [u8; 32]);

impl fmt::Display for ObjectHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The reason why code could not be named or found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// The address belongs to no loaded object file.
    #[error("code at {address:#x} belongs to no loaded object file")]
    NoObject {
        /// The address.
        address: usize,
    },
    /// The object file cannot be read any more.
    #[error("could not read the object file {path}: {message}")]
    Unreadable {
        /// The file.
        path: String,
        /// The error of the read.
        message: String,
    },
    /// The sender runs another file.
    #[error(
        "the code comes from another program: the sender's object file hashes to {wanted}, this process has {present}. \
         Driver and executors must run the same file"
    )]
    OtherProgram {
        /// The hash that was asked for.
        wanted: ObjectHash,
        /// The hashes that are here.
        present: String,
    },
    /// The bytes at the offset are not a descriptor of the expected type.
    #[error("no code descriptor at offset {offset:#x}: {what}")]
    NotADescriptor {
        /// The offset.
        offset: u64,
        /// The check that failed.
        what: &'static str,
    },
}

/// One object file as it is loaded.
pub(crate) struct Object {
    base: usize,
    /// Readable loaded segments, as offsets from `base`.
    segments: Vec<Range<usize>>,
    path: PathBuf,
    hash: OnceLock<Result<ObjectHash, CodeError>>,
}

impl Object {
    pub(crate) fn base(&self) -> usize {
        self.base
    }

    /// Returns whether all of `length` bytes at `offset` lie in one loaded segment.
    pub(crate) fn holds(&self, offset: usize, length: usize) -> bool {
        let Some(end) = offset.checked_add(length) else { return false };
        self.segments.iter().any(|segment| segment.start <= offset && end <= segment.end)
    }

    /// Returns the hash of the object's file. Computed once, at the first call.
    pub(crate) fn hash(&self) -> Result<ObjectHash, CodeError> {
        self.hash.get_or_init(|| self.hash_file()).clone()
    }

    fn is_executable(&self) -> bool {
        self.path.as_os_str() == EXECUTABLE
    }

    fn hash_file(&self) -> Result<ObjectHash, CodeError> {
        let failed =
            |message: String| CodeError::Unreadable { path: self.path.display().to_string(), message };
        let file = File::open(&self.path).map_err(|e| failed(e.to_string()))?;
        if !self.is_executable() && !self.is_what_is_mapped(&file) {
            return Err(failed("it was replaced on disk after this process had loaded it".into()));
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file).map_err(|e| failed(e.to_string()))?;
        Ok(ObjectHash(*hasher.finalize().as_bytes()))
    }

    /// Returns whether the file at the path is still the one behind the mapping, by its inode.
    fn is_what_is_mapped(&self, file: &File) -> bool {
        let inode = file.metadata().map(|m| m.ino());
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let first = self.base + self.segments.iter().map(|s| s.start).min().unwrap_or(0);
        let mapping = maps.lines().find(|line| {
            line.split('-').next().and_then(|start| usize::from_str_radix(start, 16).ok())
                == Some(first & !0xfff)
        });
        let mapped_inode =
            mapping.and_then(|line| line.split_whitespace().nth(4)).and_then(|i| i.parse::<u64>().ok());
        matches!((inode, mapped_inode), (Ok(now), Some(then)) if now == then)
    }
}

const EXECUTABLE: &str = "/proc/self/exe";

/// The objects seen so far. They are leaked on purpose: code that was named must stay nameable.
static OBJECTS: Mutex<Vec<&'static Object>> = Mutex::new(Vec::new());

/// Returns the object that is loaded around an address.
pub(crate) fn containing(address: usize) -> Result<&'static Object, CodeError> {
    let inside = |object: &&'static Object| address >= object.base && object.holds(address - object.base, 1);
    find(inside).ok_or(CodeError::NoObject { address })
}

/// Returns the object with this hash.
pub(crate) fn with_hash(wanted: &ObjectHash) -> Result<&'static Object, CodeError> {
    // Almost every name is of code in the executable: it comes first, so that not every shared library is
    // hashed.
    let matches = |object: &&'static Object| object.hash().is_ok_and(|hash| hash == *wanted);
    find(|object| object.is_executable() && matches(object)).or_else(|| find(matches)).ok_or_else(|| {
        let present = executable_hash().map_or_else(|e| e.to_string(), |hash| hash.to_string());
        CodeError::OtherProgram { wanted: *wanted, present }
    })
}

/// Returns the hash of the object file that this code is part of: the program, or the shared object that a
/// program has loaded.
///
/// # Errors
/// When the file cannot be read, or was replaced.
pub fn code_hash() -> Result<ObjectHash, CodeError> {
    containing(code_hash as *const () as usize)?.hash()
}

/// Returns the hash of the file that this process runs.
///
/// # Errors
/// When `/proc/self/exe` cannot be read.
pub fn executable_hash() -> Result<ObjectHash, CodeError> {
    find(|object| object.is_executable()).ok_or(CodeError::NoObject { address: 0 })?.hash()
}

/// Looks among the objects that are known, then among those that were loaded since.
fn find(wanted: impl Fn(&&'static Object) -> bool) -> Option<&'static Object> {
    let mut objects = OBJECTS.lock();
    if let Some(found) = objects.iter().find(|object| wanted(object)) {
        return Some(found);
    }
    for object in loaded_objects() {
        if !objects.iter().any(|known| known.base == object.base) {
            objects.push(Box::leak(Box::new(object)));
        }
    }
    objects.iter().find(|object| wanted(object)).copied()
}

/// Asks the dynamic loader for all objects.
fn loaded_objects() -> Vec<Object> {
    let mut objects: Vec<Object> = vec![];
    // SAFETY: `visit` is called, during this call only, with the pointer that we give here.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut objects).cast()) };
    objects
}

unsafe extern "C" fn visit(info: *mut libc::dl_phdr_info, _: usize, objects: *mut c_void) -> c_int {
    // SAFETY: the loader hands us valid data for the length of this call; `objects` is the vector of `loaded_objects`.
    let (info, objects) = unsafe { (&*info, &mut *objects.cast::<Vec<Object>>()) };
    let headers = match info.dlpi_phnum {
        0 => &[],
        // SAFETY: the loader promises `dlpi_phnum` program headers at `dlpi_phdr`, which is null only when there are none.
        count => unsafe { std::slice::from_raw_parts(info.dlpi_phdr, count as usize) },
    };
    // SAFETY: the loader promises a C string, or null.
    let name = if info.dlpi_name.is_null() { c"" } else { unsafe { CStr::from_ptr(info.dlpi_name) } };
    // The first object is the executable; its name is empty.
    let path = match objects.is_empty() {
        true => PathBuf::from(EXECUTABLE),
        false => PathBuf::from(OsStr::from_bytes(name.to_bytes())),
    };
    let segments = headers
        .iter()
        .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_R != 0)
        .map(|header| header.p_vaddr as usize..(header.p_vaddr + header.p_memsz) as usize)
        .collect();
    objects.push(Object { base: info.dlpi_addr as usize, segments, path, hash: OnceLock::new() });
    0
}
