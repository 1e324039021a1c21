//! Reads whole files into memory, and gathers small ones into partitions, as `wholeTextFiles` and
//! `binaryFiles` do.

use crate::codec::Codec;
use crate::error::{IoError, IoOperation::Read as Reading};
use crate::file::Input;
use crate::inputs::InputFile;
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

/// Gathers files into the partitions of `wholeTextFiles`: a partition is full when it holds as many bytes as each would if
/// `min_partitions` of them shared all bytes equally, rounded up.
pub fn whole_text_splits(files: &[InputFile], min_partitions: u64) -> Vec<Vec<InputFile>> {
    let total = files.iter().fold(0, |total: u64, file| total.saturating_add(file.length));
    combine_files(files, total.div_ceil(min_partitions.max(1)))
}

/// Gathers files, in their order, into partitions: one is full once it holds `full_bytes` bytes or more. With 0 there is
/// one partition for all.
///
/// ```
/// use firesteel_io::{InputFile, combine_files};
/// let files = [3, 3, 3, 10, 1].map(|length| InputFile { path: "a".into(), length });
/// let sizes = combine_files(&files, 5).iter().map(|files| files.len()).collect::<Vec<_>>();
/// assert_eq!(sizes, [2, 2, 1]);
/// ```
pub fn combine_files(files: &[InputFile], full_bytes: u64) -> Vec<Vec<InputFile>> {
    let (mut partitions, mut partition, mut bytes) = (vec![], vec![], 0_u64);
    for file in files {
        partition.push(file.clone());
        bytes = bytes.saturating_add(file.length);
        if full_bytes > 0 && bytes >= full_bytes {
            partitions.push(std::mem::take(&mut partition));
            bytes = 0;
        }
    }
    if !partition.is_empty() {
        partitions.push(partition);
    }
    partitions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::IoCause;

    fn sizes(lengths: &[u64], min_partitions: u64) -> Vec<Vec<u64>> {
        let files: Vec<_> =
            lengths.iter().map(|length| InputFile { path: "/a".into(), length: *length }).collect();
        let partitions = whole_text_splits(&files, min_partitions);
        partitions.iter().map(|files| files.iter().map(|file| file.length).collect()).collect()
    }

    #[test]
    fn small_files_share_partitions() {
        assert_eq!(sizes(&[1, 1, 1, 1, 1], 2), [vec![1, 1, 1], vec![1, 1]]);
        assert_eq!(sizes(&[9, 1, 1], 2), [vec![9], vec![1, 1]]);
        assert_eq!(sizes(&[1, 9, 1], 2), [vec![1, 9], vec![1]]);
        assert_eq!(sizes(&[3, 4], 0), [[3, 4]]);
        assert_eq!(sizes(&[0, 0], 2), [[0, 0]]);
        assert!(sizes(&[], 2).is_empty());
    }

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
