//! The preface: the first message of both sides, within TLS if there is TLS: magic, version and purpose.
//!
//! Sixteen bytes: magic (8), version (4, little-endian), purpose, answer, two zeros. Magic and version stay in
//! their places in all versions to come, so that any two can tell each other apart. The connecting side sends
//! first; the listener always answers.

/// The length of a preface in bytes.
pub(crate) const LENGTH: usize = 16;

pub(crate) const MAGIC: [u8; 8] = *b"FIRESTL\n";

/// The version of the protocol on all connections. Both sides must have the same.
pub const PROTOCOL_VERSION: u32 = 1;

/// The purpose of a connection. One listener may serve several.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Purpose {
    /// Between the driver and an executor.
    Control = 1,
    /// Between executors, for blocks of bytes.
    Blocks = 2,
    /// Between the master of a cluster and the workers and drivers that register there.
    Master = 3,
}

impl Purpose {
    fn of(byte: u8) -> Option<Self> {
        [Purpose::Control, Purpose::Blocks, Purpose::Master].into_iter().find(|&known| known as u8 == byte)
    }
}

/// The listener's answer to a peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Welcome = 0,
    /// The listener has as many connections as it may.
    Full = 1,
    /// The listener cannot read the peer's preface, or has another version.
    Unknown = 2,
}

/// One side's preface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Preface {
    pub(crate) version: u32,
    pub(crate) purpose: Purpose,
    pub(crate) verdict: Verdict,
}

/// The reason why bytes are no usable preface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Strange {
    NotFiresteel,
    OtherVersion(u32),
    /// Of this version, but not well-formed.
    Malformed,
}

impl Preface {
    pub(crate) fn new(purpose: Purpose, verdict: Verdict) -> Self {
        Preface { version: PROTOCOL_VERSION, purpose, verdict }
    }

    pub(crate) fn encode(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&self.version.to_le_bytes());
        bytes[12] = self.purpose as u8;
        bytes[13] = self.verdict as u8;
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; LENGTH]) -> Result<Self, Strange> {
        if bytes[..8] != MAGIC {
            return Err(Strange::NotFiresteel);
        }
        let version = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        if version != PROTOCOL_VERSION {
            return Err(Strange::OtherVersion(version));
        }
        let verdicts = [Verdict::Welcome, Verdict::Full, Verdict::Unknown];
        let verdict = verdicts.into_iter().find(|&known| known as u8 == bytes[13]);
        match (Purpose::of(bytes[12]), verdict, &bytes[14..]) {
            (Some(purpose), Some(verdict), [0, 0]) => Ok(Preface { version, purpose, verdict }),
            _ => Err(Strange::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preface_is_read_as_it_was_written() {
        for purpose in [Purpose::Control, Purpose::Blocks, Purpose::Master] {
            for verdict in [Verdict::Welcome, Verdict::Full, Verdict::Unknown] {
                let preface = Preface::new(purpose, verdict);
                assert_eq!(Preface::decode(&preface.encode()), Ok(preface));
            }
        }
    }

    #[test]
    fn whatever_is_strange_is_named() {
        let mut bytes = Preface::new(Purpose::Blocks, Verdict::Welcome).encode();
        bytes[14] = 1;
        assert_eq!(Preface::decode(&bytes), Err(Strange::Malformed));
        bytes[9] = 2;
        assert_eq!(Preface::decode(&bytes), Err(Strange::OtherVersion(513)), "whatever else it says");
        bytes[0] = b'f';
        assert_eq!(Preface::decode(&bytes), Err(Strange::NotFiresteel));
    }
}
