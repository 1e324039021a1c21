//! The shared secret: all processes that have it belong to the application or cluster. It is generated, read
//! and written here, and never shown.
//!
//! It is a text of at least 32 characters. It should come from [`Secret::generate`] or `openssl rand -hex 32`,
//! not be thought up: anyone who reaches a port can learn the public key that is derived from it, and try
//! guesses offline.

use rustix::process::geteuid;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The least number of characters: 32 hexadecimal digits are 128 bits.
pub(crate) const SHORTEST: usize = 32;

/// The most bytes of a file that is read: a longer one is no secret.
const LONGEST_FILE: u64 = 64 << 10;

/// A secret that processes share which may talk to each other. Its memory is cleared when the last clone is
/// dropped.
///
/// ```
/// use firesteel_net::Secret;
/// let secret = Secret::generate();
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// let same = Secret::from_text(&secret.to_text())?;
/// assert_eq!(same.to_text(), secret.to_text());
/// # Ok::<(), firesteel_net::SecretError>(())
/// ```
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

/// The reason why there is no secret. None of these shows any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It has fewer than 32 characters.
    #[error(
        "the secret has {0} characters, and needs at least {SHORTEST}: make one with `openssl rand -hex 32`"
    )]
    TooShort(usize),
    /// The file cannot be read.
    #[error("cannot read the secret in {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The file is open to others.
    #[error("{path} holds a secret, but its mode is {mode:03o}: others can read it; run `chmod 600 {path}`")]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file belongs to another user, who could change it.
    #[error(
        "{path} holds a secret, but belongs to user {owner}, not to {us}: `chown` it, and `chmod 600 {path}`"
    )]
    OfAnother {
        /// The file.
        path: PathBuf,
        /// The owner's user id.
        owner: u32,
        /// This process's user id.
        us: u32,
    },
    /// The environment variable is not set, or is no text.
    #[error("the environment variable {0} does not hold a secret: make one with `openssl rand -hex 32`")]
    NotInEnvironment(String),
}

impl Secret {
    /// Makes a new secret: 256 bits from the operating system.
    ///
    /// # Panics
    /// When the operating system has no random numbers: then nothing can be secret.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).expect("the operating system gives random bytes");
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in bytes.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        Secret(Arc::new(text))
    }

    /// Makes a secret of a text; white space around it does not count.
    ///
    /// # Errors
    /// When it is too short to be secret.
    pub fn from_text(text: &str) -> Result<Self, SecretError> {
        let text = text.trim();
        let length = text.chars().count();
        if length < SHORTEST {
            return Err(SecretError::TooShort(length));
        }
        Ok(Secret(Arc::new(Zeroizing::new(text.into()))))
    }

    /// Reads a secret from a file that no other user can read or change.
    ///
    /// # Errors
    /// When it cannot be read, is open to other users, belongs to another user, or is too short.
    pub fn from_file(path: &Path) -> Result<Self, SecretError> {
        let unreadable = |source| SecretError::Unreadable { path: path.into(), source };
        // Opened first, then inspected: the file that is checked is the one that is read.
        let file = fs::File::open(path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        let (owner, us) = (about.uid(), geteuid().as_raw());
        if owner != us {
            return Err(SecretError::OfAnother { path: path.into(), owner, us });
        }
        if about.mode() & 0o077 != 0 {
            return Err(SecretError::OpenToOthers { path: path.into(), mode: about.mode() & 0o777 });
        }
        let mut text = Zeroizing::new(String::new());
        io::Read::read_to_string(&mut io::Read::take(file, LONGEST_FILE), &mut text).map_err(unreadable)?;
        Secret::from_text(&text)
    }

    /// Reads a secret from an environment variable. Prefer files and pipes: an environment is inherited, and
    /// shown by `ps`.
    ///
    /// # Errors
    /// When the variable is not set, or its value is too short.
    pub fn from_environment(name: &str) -> Result<Self, SecretError> {
        let text = std::env::var(name).map_err(|_| SecretError::NotInEnvironment(name.into()))?;
        Secret::from_text(&Zeroizing::new(text))
    }

    /// Returns the text that [`Secret::from_text`] takes: for a pipe to a child, or a file.
    pub fn to_text(&self) -> String {
        self.0.to_string()
    }

    /// Returns a text that follows from the secret for one purpose, and from which the secret does not follow: 64 hexadecimal
    /// digits.
    pub fn derived(&self, purpose: &str) -> String {
        let key = Zeroizing::new(blake3::derive_key(purpose, self.0.as_bytes()));
        key.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Writes it to a new file that only this user can read.
    ///
    /// # Errors
    /// When the file exists already, or cannot be written.
    pub fn write_new(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(self.0.as_bytes())?;
        file.write_all(b"\n")
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
