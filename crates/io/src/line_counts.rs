//! Cuts files after every so many lines, as Hadoop's `NLineInputFormat` does: for inputs of which each line is much
//! work. The files are read to find their lines, on the machine that asks.

use crate::codec::Codec;
use crate::error::IoError;
use crate::inputs::InputFile;
use crate::line_chunks::LineChunks;
use crate::splits::FileSplit;
use crate::stores::Stores;
use memchr::memchr2;

/// Cuts files into splits of `lines` lines each, a file's last of fewer; 0 stands for all. A compressed file is one
/// split.
///
/// Hadoop's splits end with a line's last byte but one, since a split holds the lines that begin at its end. So a
/// first line without a character shares a split with the next one, if they are to stand alone.
///
/// ```
/// use firesteel_io::{InputFile, Stores, line_count_splits};
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("a.txt").to_str().unwrap().to_string();
/// std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
/// let splits = line_count_splits(&Stores::default(), &[InputFile { path, length: 14 }], 2)?;
/// assert_eq!(splits.iter().map(|split| (split.start, split.length)).collect::<Vec<_>>(), [(0, 7), (7, 7)]);
/// # Ok::<(), firesteel_io::IoError>(())
/// ```
///
/// # Errors
/// When a file cannot be read.
pub fn line_count_splits(
    stores: &Stores,
    files: &[InputFile],
    lines: u64,
) -> Result<Vec<FileSplit>, IoError> {
    let mut splits = vec![];
    for file in files.iter().filter(|file| file.length > 0) {
        if lines == 0 || Codec::of_path(&file.path) != Codec::Plain {
            splits.push(FileSplit::whole(file));
            continue;
        }
        let mut start = 0;
        let mut cut = |end: u64| {
            if end > start {
                splits.push(FileSplit { path: file.path.clone(), start, length: end - start });
                start = end;
            }
        };
        for at in starts_after(stores, file, lines)? {
            cut(at - 1);
        }
        cut(file.length);
    }
    Ok(splits)
}

/// Returns the positions of the lines that begin behind each `lines` lines.
fn starts_after(stores: &Stores, file: &InputFile, lines: u64) -> Result<Vec<u64>, IoError> {
    let (mut starts, mut count) = (vec![], 0);
    let mut chunks = LineChunks::open(stores, &FileSplit::whole(file))?;
    while chunks.next_chunk()? {
        let (bytes, offset) = (chunks.bytes(), chunks.offset());
        let mut from = 0;
        while let Some(length) = memchr2(b'\r', b'\n', &bytes[from..]) {
            let end = from + length;
            from = end + if bytes[end..].starts_with(b"\r\n") { 2 } else { 1 };
            count += 1;
            if count == lines {
                count = 0;
                starts.push(offset + from as u64);
            }
        }
    }
    // What begins at the end of the file is no line.
    starts.retain(|start| *start < file.length);
    Ok(starts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LinePositions;
    use proptest::prelude::*;

    fn read(text: &[u8], lines: u64) -> Vec<Vec<(i64, String)>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap().to_string();
        let files = [InputFile { path, length: text.len() as u64 }];
        let splits = line_count_splits(&Stores::default(), &files, lines).unwrap();
        let open = |split| LinePositions::open(&Stores::default(), split, None).unwrap();
        splits.iter().map(|split| open(split).collect::<Result<Vec<_>, _>>().unwrap().concat()).collect()
    }

    proptest! {
        #[test]
        fn every_line_is_in_one_split_with_its_neighbours(text in "[ab\r\n\u{FEFF}]{0,40}", lines in 1..6_u64) {
            let all = read(text.as_bytes(), 0).concat();
            let splits = read(text.as_bytes(), lines);
            prop_assert_eq!(splits.concat(), all.clone());
            let first_is_empty = all.first() == Some(&(0, String::new())) && all.get(1).is_some_and(|line| line.0 == 1);
            if !all.is_empty() && (lines > 1 || !first_is_empty) {
                let expected: Vec<_> = all.chunks(lines as usize).map(<[_]>::to_vec).collect();
                prop_assert_eq!(splits, expected);
            }
        }
    }

    #[test]
    fn lines_are_shared_out_as_in_hadoop() {
        let counts =
            |text: &str, lines| read(text.as_bytes(), lines).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(counts("a\nbb\r\nccc\rd\n\ne\nf", 1), [1; 7]);
        assert_eq!(counts("a\nbb\r\nccc\rd\n\ne\nf", 2), [2, 2, 2, 1]);
        assert_eq!(counts("a\nbb\r\nccc\rd\n\ne\nf", 100), [7]);
        assert_eq!(counts("\n\n\nx\n", 1), [2, 1, 1]);
        assert_eq!(counts("\u{FEFF}a\nb\n", 1), [1, 1]);
    }

    #[test]
    fn a_compressed_file_is_one_split() {
        let file = InputFile { path: "/no/such/a.gz".into(), length: 100 };
        let splits = line_count_splits(&Stores::default(), std::slice::from_ref(&file), 1).unwrap();
        assert_eq!(splits, [FileSplit::whole(&file)]);
    }
}
