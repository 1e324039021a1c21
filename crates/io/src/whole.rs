//! Reads whole files into memory, as `wholeTextFiles` and `binaryFiles` do.

use crate::codec::Codec;
use crate::error::{IoError, IoOperation::Read as Reading};
use crate::file::Input;
use crate::stores::Stores;
use std::io::Read;

/// Reads a file as it lies on disk, compressed or not.
pub fn read_raw(stores: &Stores, path: &str) -> Result<Vec<u8>, IoError> {
    read_with(stores, path, Codec::Plain)
}

/// Reads a file, decompressed if its suffix says so. A compressed file that is cut short or corrupt is an error.
pub fn read_decoded(stores: &Stores, path: &str) -> Result<Vec<u8>, IoError> {
    read_with(stores, path, Codec::of_path(path))
}

/// Reads a file as text, decompressed if its suffix says so. Bytes that are not UTF-8 become U+FFFD; a byte order mark
/// stays, as in Spark.
pub fn read_text(stores: &Stores, path: &str) -> Result<String, IoError> {
    let bytes = read_decoded(stores, path)?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn read_with(stores: &Stores, path: &str, codec: Codec) -> Result<Vec<u8>, IoError> {
    let file = Input::open(stores, path)?;
    let mut bytes = Vec::with_capacity(usize::try_from(file.len()).unwrap_or(0));
    let mut decoder = codec.decoder(file).map_err(|cause| IoError::new(Reading, path, cause))?;
    decoder.read_to_end(&mut bytes).map_err(|error| codec.read_error(path, error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::IoCause;

    #[test]
    fn invalid_text_and_missing_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a").to_str().unwrap().to_string();
        std::fs::write(&path, b"\xEF\xBB\xBFa\xFFb").unwrap();
        assert_eq!(read_text(&Stores::default(), &format!("file:{path}")).unwrap(), "\u{FEFF}a\u{FFFD}b");
        assert_eq!(read_raw(&Stores::default(), &path).unwrap(), b"\xEF\xBB\xBFa\xFFb");
        assert_eq!(read_text(&Stores::default(), "/no/such").unwrap_err().cause, IoCause::NotFound);
        assert!(read_text(&Stores::default(), dir.path().to_str().unwrap()).is_err());
    }
}
