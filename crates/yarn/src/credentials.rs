//! The file of tokens that YARN gives a container (`HADOOP_TOKEN_FILE_LOCATION`): Hadoop's writable numbers and blocks, or one
//! message, after the letters `HDTS` and a version.

use crate::YarnError;
use crate::messages::{Credentials, Token};
use prost::Message;
use std::fs;
use std::path::Path;

/// The kind of the token with which an application master speaks to the ResourceManager.
pub const MASTER_TOKEN: &str = "YARN_AM_RM_TOKEN";

/// The largest file of tokens that is read, in bytes.
const FILE_AT_MOST: u64 = 4 << 20;

const WHAT: &str = "the file of tokens";

/// Returns the application master's token among those of a file.
///
/// # Errors
/// When the file cannot be read or understood, or has none.
pub fn master_token(file: &Path) -> Result<Token, YarnError> {
    let unread = |why: String| YarnError::malformed(&format!("{WHAT} {}", file.display()), why);
    let size = fs::metadata(file).map_err(|e| unread(e.to_string()))?.len();
    if size > FILE_AT_MOST {
        return Err(unread(format!("it has {size} bytes")));
    }
    let tokens = tokens_of(&fs::read(file).map_err(|e| unread(e.to_string()))?)?;
    // By its kind: alias and service are empty.
    tokens.into_iter().find(|token| token.kind == MASTER_TOKEN).ok_or_else(|| {
        unread(format!(
            "it has no token of the kind {MASTER_TOKEN}: is this the container of an application master?"
        ))
    })
}

/// Reads the tokens of a file's bytes.
///
/// # Errors
/// When they are not what Hadoop writes.
pub fn tokens_of(bytes: &[u8]) -> Result<Vec<Token>, YarnError> {
    let wrong = |why: &str| YarnError::malformed(WHAT, why);
    let mut rest = Bytes(bytes);
    match (rest.take(4)?, rest.take(1)?) {
        (b"HDTS", [0]) => writables(&mut rest),
        (b"HDTS", [1]) => {
            let all =
                Credentials::decode_length_delimited(rest.0).map_err(|error| wrong(&error.to_string()))?;
            Ok(all.tokens.into_iter().filter_map(|entry| entry.token).collect())
        }
        (b"HDTS", [version]) => Err(wrong(&format!("its version is {version}; 0 and 1 are known"))),
        _ => Err(wrong("it does not begin with HDTS")),
    }
}

fn writables(rest: &mut Bytes<'_>) -> Result<Vec<Token>, YarnError> {
    let mut tokens = vec![];
    for _ in 0..rest.vint()? {
        let _alias = rest.text()?;
        let (identifier, password) = (rest.block()?.to_vec(), rest.block()?.to_vec());
        tokens.push(Token { identifier, password, kind: rest.text()?, service: rest.text()? });
    }
    Ok(tokens)
}

/// Bytes that are not read yet.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], YarnError> {
        let ends = || YarnError::malformed(WHAT, "it ends early");
        let (head, rest) = self.0.split_at_checked(count).ok_or_else(ends)?;
        self.0 = rest;
        Ok(head)
    }

    /// Reads a writable number: one byte from -112 up is the number. -113 to -120 precede one to eight bytes of a positive
    /// number, -121 to -128 those of the complement of a negative one; the highest byte comes first.
    fn vint(&mut self) -> Result<i64, YarnError> {
        let first = i64::from(i8::from_be_bytes([self.take(1)?[0]]));
        let (negative, count) = match first {
            -112.. => return Ok(first),
            -120..-112 => (false, -112 - first),
            _ => (true, -120 - first),
        };
        let number =
            self.take(count as usize)?.iter().fold(0_i64, |number, byte| number << 8 | i64::from(*byte));
        Ok(if negative { !number } else { number })
    }

    fn block(&mut self) -> Result<&'a [u8], YarnError> {
        let count = self.vint()?;
        self.take(usize::try_from(count).map_err(|_| YarnError::malformed(WHAT, "a length is negative"))?)
    }

    fn text(&mut self) -> Result<String, YarnError> {
        Ok(String::from_utf8_lossy(self.block()?).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{ApplicationId, CredentialEntry};
    use proptest::prelude::*;

    /// The identifier of a token that a ResourceManager gave.
    const IDENTIFIER: [u8; 21] = [
        0x0a, 0x0d, 0x0a, 0x09, 0x08, 0x03, 0x10, 0xa5, 0xd1, 0xa6, 0xb1, 0xa2, 0x34, 0x10, 0x01, 0x10, 0xd0,
        0xee, 0xe9, 0xe6, 0x07,
    ];

    #[derive(Clone, PartialEq, prost::Message)]
    struct Identifier {
        #[prost(message, optional, tag = "1")]
        attempt: Option<crate::messages::ApplicationAttemptId>,
        #[prost(int32, optional, tag = "2")]
        key: Option<i32>,
    }

    fn recorded(password: &[u8; 20]) -> Vec<u8> {
        let mut file = b"HDTS\x00\x01\x00\x15".to_vec();
        file.extend(IDENTIFIER);
        file.push(0x14);
        file.extend(password);
        file.push(0x10);
        file.extend(MASTER_TOKEN.as_bytes());
        file.extend([0, 0]);
        file
    }

    #[test]
    fn the_file_of_a_real_container() {
        let tokens = tokens_of(&recorded(&[7; 20])).unwrap();
        assert_eq!(
            (tokens.len(), tokens[0].kind.as_str(), tokens[0].service.as_str()),
            (1, MASTER_TOKEN, "")
        );
        assert_eq!(tokens[0].password, [7; 20]);
        let identifier = Identifier::decode(&tokens[0].identifier[..]).unwrap();
        let attempt = identifier.attempt.clone().unwrap();
        let application = ApplicationId { id: Some(3), cluster_timestamp: Some(1795936594085) };
        assert_eq!((attempt.attempt_id, attempt.application_id), (Some(1), Some(application)));
        assert_eq!(identifier.encode_to_vec(), IDENTIFIER);
        assert_eq!(tokens_of(b"HDTS\x00\x00\x00").unwrap(), [], "a container without tokens");
    }

    #[test]
    fn the_newer_form_and_files_that_are_none() {
        let token = Token { identifier: vec![1], password: vec![2], kind: "K".into(), service: "S".into() };
        let entry = CredentialEntry { alias: "a".into(), token: Some(token.clone()), secret: None };
        let all = Credentials { tokens: vec![entry], secrets: vec![] };
        let mut file = b"HDTS\x01".to_vec();
        file.extend(all.encode_length_delimited_to_vec());
        assert_eq!(tokens_of(&file).unwrap(), [token]);
        for (bytes, why) in
            [(&b"HDTS\x02"[..], "version is 2"), (b"PK\x03\x04\x00", "HDTS"), (b"HD", "early")]
        {
            assert!(tokens_of(bytes).unwrap_err().to_string().contains(why));
        }
        assert!(tokens_of(b"HDTS\x00\x01\x80\xff\xff\xff\xff\xff\xff\xff\xff").is_err(), "a negative length");
    }

    #[test]
    fn a_container_of_another_kind_has_no_master_token() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"HDTS\x00\x00\x00").unwrap();
        assert!(master_token(file.path()).unwrap_err().to_string().contains(MASTER_TOKEN));
        std::fs::write(file.path(), recorded(&[1; 20])).unwrap();
        assert_eq!(master_token(file.path()).unwrap().password, [1; 20]);
    }

    /// Writes a number as Hadoop does, for the test alone: we only read such files.
    fn vint(number: i64) -> Vec<u8> {
        if (-112..=127).contains(&number) {
            return vec![number as u8];
        }
        let (base, magnitude) = if number < 0 { (-120, !number) } else { (-112, number) };
        let count = (8 - magnitude.leading_zeros() / 8).max(1) as usize;
        let mut bytes = vec![(base - count as i64) as u8];
        bytes.extend(&magnitude.to_be_bytes()[8 - count..]);
        bytes
    }

    proptest! {
        #[test]
        fn numbers_come_back(number: i64, small in -300_i64..300) {
            for number in [number, small] {
                let bytes = vint(number);
                let mut rest = Bytes(&bytes);
                prop_assert_eq!(rest.vint(), Ok(number));
                prop_assert!(rest.0.is_empty());
            }
        }

        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>) {
            let _ = tokens_of(&bytes);
            let _ = tokens_of(&[&b"HDTS\x00"[..], &bytes].concat());
            let _ = tokens_of(&[&b"HDTS\x01"[..], &bytes].concat());
        }

        #[test]
        fn no_part_of_a_file_is_taken_for_all(cut in 0_usize..69) {
            let whole = recorded(&[7; 20]);
            let part = &whole[..cut.min(whole.len() - 2)];
            prop_assert!(tokens_of(part).is_err());
        }
    }
}
