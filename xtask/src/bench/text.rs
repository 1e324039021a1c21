//! The text whose words are counted: Debian's package of the Linux 6.1 sources, made into one file.
//!
//! The file consists, in the order of the archive, of every regular file that is text, that is, valid UTF-8
//! without a zero byte: sources, headers, documentation, build files. (Readers disagree about the words of
//! other encodings, so the few such files stay out.) Nothing is installed: the package is only fetched and
//! unpacked. `--quick` uses the first 100 MB, cut at a line's end.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::process::run;
use crate::{Fallible, workspace};

const PACKAGE: &str = "linux-source-6.1";
const QUICK_BYTES: u64 = 100_000_000;

/// Returns the whole file or, quick, its first 100 MB, made unless an earlier run did.
pub(super) fn prepare(quick: bool) -> Fallible<PathBuf> {
    if quick { first(QUICK_BYTES) } else { whole() }
}

fn whole() -> Fallible<PathBuf> {
    let folder = workspace::root().join("target/bench-data");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let whole = folder.join("linux-6.1.txt");
    if !whole.is_file() {
        println!("making {} from the Debian package {PACKAGE}", whole.display());
        let package = fetch(&folder)?;
        let unfinished = folder.join("unfinished.txt");
        extract(&package, &unfinished)?;
        std::fs::rename(&unfinished, &whole).map_err(|error| error.to_string())?;
    }
    Ok(whole)
}

/// Returns the first `bytes` bytes of it, cut at a line's end.
pub(super) fn first(bytes: u64) -> Fallible<PathBuf> {
    let whole = whole()?;
    let first = whole.with_file_name(format!("linux-6.1-first-{}-mb.txt", bytes / 1_000_000));
    if !first.is_file() {
        cut(&whole, &first, bytes).map_err(|error| format!("{}: {error}", first.display()))?;
    }
    Ok(first)
}

/// Returns the package's file in the folder.
fn fetch(folder: &Path) -> Fallible<PathBuf> {
    let find = || {
        let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
        let is_package = |path: &PathBuf| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            name.starts_with(PACKAGE) && name.ends_with(".deb")
        };
        entries.filter(is_package).max()
    };
    if let Some(package) = find() {
        return Ok(package);
    }
    let script = "cd \"$0\" && apt-get download --quiet \"$1\"";
    run(Command::new("sh").args(["-c", script]).arg(folder).arg(PACKAGE))?;
    find().ok_or_else(|| format!("apt-get left no {PACKAGE} in {}", folder.display()))
}

/// Extracts the text. The package contains a compressed archive: three programs in a row unwrap it, and the
/// last one's output is read here.
fn extract(package: &Path, to: &Path) -> Fallible {
    let start = |command: &mut Command| {
        command.stdout(Stdio::piped()).spawn().map_err(|error| format!("{command:?}: {error}"))
    };
    let take = |child: &mut Child| child.stdout.take().map(Stdio::from).ok_or("no output to read");
    let mut outer = start(Command::new("dpkg-deb").arg("--fsys-tarfile").arg(package))?;
    let inner_name = format!("./usr/src/{PACKAGE}.tar.xz");
    let mut tar = Command::new("tar");
    let mut inner = start(tar.args(["--extract", "--to-stdout", &inner_name]).stdin(take(&mut outer)?))?;
    let mut unpacked = start(Command::new("xz").args(["--decompress", "--stdout"]).stdin(take(&mut inner)?))?;
    let archive = BufReader::with_capacity(1 << 20, unpacked.stdout.take().ok_or("no output to read")?);
    let file = File::create(to).map_err(|error| format!("{}: {error}", to.display()))?;
    let mut text = BufWriter::with_capacity(1 << 20, file);
    copy_texts(archive, &mut text)
        .and_then(|()| text.flush())
        .map_err(|error| format!("unpacking: {error}"))?;
    // The first two may fail because their output is not read any more; it only matters that the archive was
    // read to its end.
    let (_, _) = (outer.wait(), inner.wait());
    let status = unpacked.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("xz ended with {status}")) }
}

const BLOCK: usize = 512;

/// Reads a tar archive: a header of one block, with the size in octal and the kind in fixed places, then the contents in blocks.
fn copy_texts(mut archive: impl Read, text: &mut impl Write) -> std::io::Result<()> {
    let mut header = [0; BLOCK];
    loop {
        archive.read_exact(&mut header)?;
        if header.iter().all(|byte| *byte == 0) {
            // Two empty blocks and filling; xz has to run to its end.
            std::io::copy(&mut archive, &mut std::io::sink())?;
            return Ok(());
        }
        let octal = String::from_utf8_lossy(&header[124..136]);
        let octal = octal.trim_matches(|char: char| !char.is_digit(8));
        let size = usize::from_str_radix(octal, 8).map_err(std::io::Error::other)?;
        let mut contents = vec![0; size.next_multiple_of(BLOCK)];
        archive.read_exact(&mut contents)?;
        contents.truncate(size);
        let is_regular = matches!(header[156], b'0' | 0);
        if is_regular && !contents.contains(&0) && std::str::from_utf8(&contents).is_ok() {
            text.write_all(&contents)?;
        }
    }
}

fn cut(whole: &Path, first: &Path, bytes: u64) -> std::io::Result<()> {
    let mut whole = File::open(whole)?;
    std::io::copy(&mut (&mut whole).take(bytes), &mut File::create(first)?)?;
    // Up to the end of the line, which is near.
    let mut rest = Vec::new();
    whole.seek(SeekFrom::Start(bytes))?;
    whole.take(1 << 20).read_to_end(&mut rest)?;
    let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
    std::fs::OpenOptions::new().append(true).open(first)?.write_all(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: u8, contents: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; BLOCK];
        bytes[124..136].copy_from_slice(format!("{:011o}\0", contents.len()).as_bytes());
        bytes[156] = kind;
        bytes[0] = b'a';
        bytes.extend_from_slice(contents);
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    #[test]
    fn texts_are_taken_from_an_archive_and_other_files_left() {
        let files = [
            entry(b'0', b"one\n"),
            entry(b'5', b""),
            entry(b'0', b"\xff"),
            entry(b'0', b"two\n"),
            vec![0; 1024],
        ];
        let mut text = Vec::new();
        copy_texts(&files.concat()[..], &mut text).unwrap();
        assert_eq!(text, b"one\ntwo\n");
    }
}
