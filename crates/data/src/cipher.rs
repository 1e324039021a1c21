//! The cipher: the encryption of an application's files, if it is configured, so that they can neither be read nor
//! changed unnoticed.
//!
//! A *chunk* is the unit of reading: a frame of a file, or one reducer's segment of a map output. Each is
//! encrypted by itself, with XChaCha20-Poly1305 from the crate `chacha20poly1305`, so that chunks can be read in
//! any order, and each is authenticated before it is used. An encrypted chunk is `nonce (24 bytes, random),
//! contents, tag (16)`; nonces of this length may be drawn at random without limit. The number of a chunk in
//! its file is authenticated along with it: a chunk that was put in another's place does not decrypt. An attacker
//! who can write to the directory can still exchange chunks of the same number between two files; that is not
//! prevented.
//!
//! Runner-up: a stream cipher that can begin anywhere, under the existing checksums. It saves 40 bytes a chunk,
//! but an attacker who changes a byte can mend the checksum.

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use std::fmt;
use std::sync::Arc;

/// The context of the key derivation: separates this use of an application's secret from others.
const CONTEXT: &str = "firesteel 2026 what tasks write to disk, version 1";

const NONCE: usize = 24;
const TAG: usize = 16;

/// A key that encrypts chunks, and decrypts those that were encrypted with it. Cheap to clone; never shown.
///
/// ```
/// use firesteel_data::Cipher;
/// let (cipher, same) = (Cipher::of_secret("a secret"), Cipher::of_secret("a secret"));
/// let mut chunk = cipher.encrypt(7, b"contents");
/// assert!(!chunk.windows(8).any(|bytes| bytes == b"contents"));
/// assert!(same.open(7, &mut chunk));
/// assert_eq!(chunk, b"contents");
/// ```
#[derive(Clone)]
pub struct Cipher(Arc<XChaCha20Poly1305>);

impl Cipher {
    /// Derives the key of an application from its secret.
    pub fn of_secret(secret: &str) -> Self {
        let key = blake3::derive_key(CONTEXT, secret.as_bytes());
        Cipher(Arc::new(XChaCha20Poly1305::new(&key.into())))
    }

    /// Makes a random key: files that are encrypted with it cannot be read after this process has ended.
    ///
    /// # Panics
    /// When the operating system has no random numbers.
    pub fn by_chance() -> Self {
        let mut key = [0; 32];
        random(&mut key);
        Cipher(Arc::new(XChaCha20Poly1305::new(&key.into())))
    }

    /// Encrypts the chunk of this number of a file.
    ///
    /// # Panics
    /// When the operating system has no random numbers, or the chunk has 256 GiB.
    pub fn encrypt(&self, number: u64, contents: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        random(&mut nonce);
        let mut encrypted = Vec::with_capacity(NONCE + contents.len() + TAG);
        encrypted.extend_from_slice(&nonce);
        encrypted.extend_from_slice(contents);
        let body = &mut encrypted[NONCE..];
        let tag = self.0.encrypt_in_place_detached(&XNonce::from(nonce), &number.to_le_bytes(), body);
        encrypted.extend_from_slice(&tag.expect("no chunk has 256 GiB"));
        encrypted
    }

    /// Decrypts a chunk in place. Returns `false`, with the chunk emptied, when it was not encrypted with this key
    /// and number.
    #[must_use]
    pub fn open(&self, number: u64, chunk: &mut Vec<u8>) -> bool {
        let Some(end) = chunk.len().checked_sub(TAG).filter(|end| *end >= NONCE) else {
            chunk.clear();
            return false;
        };
        let tag = Tag::clone_from_slice(&chunk[end..]);
        let (nonce, body) = chunk[..end].split_at_mut(NONCE);
        let nonce = XNonce::clone_from_slice(nonce);
        let opened = self.0.decrypt_in_place_detached(&nonce, &number.to_le_bytes(), body, &tag).is_ok();
        chunk.truncate(if opened { end } else { 0 });
        chunk.drain(..NONCE.min(chunk.len()));
        opened
    }
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(..)")
    }
}

fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has random numbers");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_in_its_place_and_nowhere_else() {
        let cipher = Cipher::by_chance();
        for contents in [&b""[..], b"x", &[7; 100_000]] {
            let encrypted = cipher.encrypt(3, contents);
            assert_eq!(encrypted.len(), contents.len() + NONCE + TAG);
            let open = |cipher: &Cipher, number, mut chunk: Vec<u8>| {
                cipher.open(number, &mut chunk).then_some(chunk)
            };
            assert_eq!(open(&cipher, 3, encrypted.clone()).as_deref(), Some(contents));
            assert_eq!(open(&cipher, 4, encrypted.clone()), None, "in another's place");
            assert_eq!(open(&Cipher::by_chance(), 3, encrypted.clone()), None, "with another key");
            assert_ne!(cipher.encrypt(3, contents), encrypted, "the same is never encrypted alike");
        }
    }

    #[test]
    fn any_changed_byte_and_any_cut_is_noticed() {
        let cipher = Cipher::of_secret("s");
        let encrypted = cipher.encrypt(0, b"contents");
        for at in 0..encrypted.len() {
            let mut changed = encrypted.clone();
            changed[at] ^= 1;
            assert!(!cipher.open(0, &mut changed) && changed.is_empty(), "byte {at}");
            assert!(!cipher.open(0, &mut encrypted[..at].to_vec()), "cut at {at}");
        }
    }
}
