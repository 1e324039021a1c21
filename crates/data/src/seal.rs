//! Sealing: the encryption of an application's files, if it is configured, so that they can neither be read nor
//! changed unnoticed.
//!
//! A *piece* is the unit of reading: a frame of a file, or one reducer's segment of a map output. Each is
//! sealed by itself, with XChaCha20-Poly1305 from the crate `chacha20poly1305`, so that pieces can be read in
//! any order, and each is authenticated before it is used. A sealed piece is `nonce (24 bytes, random),
//! contents, tag (16)`; nonces of this length may be drawn at random without limit. The number of a piece in
//! its file is authenticated along with it: a piece that was put in another's place does not open. An attacker
//! who can write to the directory can still exchange pieces of the same number between two files; that is not
//! prevented.
//!
//! Runner-up: a stream cipher that can begin anywhere, under the existing checksums. It saves 40 bytes a piece,
//! but an attacker who changes a byte can mend the checksum.

use chacha20poly1305::aead::{AeadInPlace, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use std::fmt;
use std::sync::Arc;

/// The context of the key derivation: separates this use of an application's secret from others.
const CONTEXT: &str = "firesteel 2026 what tasks write to disk, version 1";

const NONCE: usize = 24;
const TAG: usize = 16;

/// A key that seals pieces, and opens those that were sealed with it. Cheap to clone; never shown.
///
/// ```
/// use firesteel_data::Seal;
/// let (seal, same) = (Seal::of_secret("a secret"), Seal::of_secret("a secret"));
/// let mut piece = seal.seal(7, b"contents");
/// assert!(!piece.windows(8).any(|bytes| bytes == b"contents"));
/// assert!(same.open(7, &mut piece));
/// assert_eq!(piece, b"contents");
/// ```
#[derive(Clone)]
pub struct Seal(Arc<XChaCha20Poly1305>);

impl Seal {
    /// Derives the key of an application from its secret.
    pub fn of_secret(secret: &str) -> Self {
        let key = blake3::derive_key(CONTEXT, secret.as_bytes());
        Seal(Arc::new(XChaCha20Poly1305::new(&key.into())))
    }

    /// Makes a random key: files that are sealed with it cannot be read after this process has ended.
    ///
    /// # Panics
    /// When the operating system has no random numbers.
    pub fn by_chance() -> Self {
        let mut key = [0; 32];
        random(&mut key);
        Seal(Arc::new(XChaCha20Poly1305::new(&key.into())))
    }

    /// Seals the piece of this number of a file.
    ///
    /// # Panics
    /// When the operating system has no random numbers, or the piece has 256 GiB.
    pub fn seal(&self, number: u64, contents: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        random(&mut nonce);
        let mut sealed = Vec::with_capacity(NONCE + contents.len() + TAG);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(contents);
        let body = &mut sealed[NONCE..];
        let tag = self.0.encrypt_in_place_detached(&XNonce::from(nonce), &number.to_le_bytes(), body);
        sealed.extend_from_slice(&tag.expect("no piece has 256 GiB"));
        sealed
    }

    /// Opens a piece in place. Returns `false`, with the piece emptied, when it was not sealed with this key
    /// and number.
    #[must_use]
    pub fn open(&self, number: u64, piece: &mut Vec<u8>) -> bool {
        let Some(end) = piece.len().checked_sub(TAG).filter(|end| *end >= NONCE) else {
            piece.clear();
            return false;
        };
        let tag = Tag::clone_from_slice(&piece[end..]);
        let (nonce, body) = piece[..end].split_at_mut(NONCE);
        let nonce = XNonce::clone_from_slice(nonce);
        let opened = self.0.decrypt_in_place_detached(&nonce, &number.to_le_bytes(), body, &tag).is_ok();
        piece.truncate(if opened { end } else { 0 });
        piece.drain(..NONCE.min(piece.len()));
        opened
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(..)")
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
        let seal = Seal::by_chance();
        for contents in [&b""[..], b"x", &[7; 100_000]] {
            let sealed = seal.seal(3, contents);
            assert_eq!(sealed.len(), contents.len() + NONCE + TAG);
            let open =
                |seal: &Seal, number, mut piece: Vec<u8>| seal.open(number, &mut piece).then_some(piece);
            assert_eq!(open(&seal, 3, sealed.clone()).as_deref(), Some(contents));
            assert_eq!(open(&seal, 4, sealed.clone()), None, "in another's place");
            assert_eq!(open(&Seal::by_chance(), 3, sealed.clone()), None, "with another key");
            assert_ne!(seal.seal(3, contents), sealed, "the same is never sealed alike");
        }
    }

    #[test]
    fn any_changed_byte_and_any_cut_is_noticed() {
        let seal = Seal::of_secret("s");
        let sealed = seal.seal(0, b"contents");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(!seal.open(0, &mut changed) && changed.is_empty(), "byte {at}");
            assert!(!seal.open(0, &mut sealed[..at].to_vec()), "cut at {at}");
        }
    }
}
