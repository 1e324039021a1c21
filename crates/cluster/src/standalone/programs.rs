//! Programs and other files, named by the hash of their contents: clients upload them to the master, and
//! workers download them.
//!
//! A file gets its name by a rename, after its bytes were found to have that hash. So each file that has a
//! name is complete and right, and no client can replace it by another.

use firesteel_net::bulk::{Answer, BlockClient, Item, Serve};
use firesteel_protocol::standalone::FileRequest;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The length of the chunks in which a file is sent.
const CHUNK: usize = 1 << 20;

/// A directory of files that are named by their hashes.
#[derive(Debug)]
pub struct ProgramStore {
    dir: PathBuf,
}

impl ProgramStore {
    /// Opens a directory of files. It is created if it does not exist.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).recursive(true).create(dir)?;
        Ok(ProgramStore { dir: dir.to_owned() })
    }

    /// Returns the path of the file of this hash, which need not exist.
    pub fn path(&self, hash: &[u8; 32]) -> PathBuf {
        self.dir.join(blake3::Hash::from_bytes(*hash).to_hex().as_str())
    }

    /// Returns the path of the file of this hash. If it does not exist, `fetch` writes it, and its hash is
    /// checked.
    ///
    /// # Errors
    /// When it cannot be fetched, or the fetched bytes have another hash.
    pub fn get_or_fetch(
        &self,
        hash: &[u8; 32],
        fetch: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<PathBuf> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let path = self.path(hash);
        if path.exists() {
            return Ok(path);
        }
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.dir.join(format!(".unfinished-{}-{serial}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(&unfinished)?;
        let written = fetch(&mut file).and_then(|()| file.sync_all());
        drop(file);
        let finished = written.and_then(|()| self.finish(&unfinished, hash));
        if finished.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        finished
    }

    /// Renames a file to its hash, if it has that hash.
    fn finish(&self, unfinished: &Path, hash: &[u8; 32]) -> io::Result<PathBuf> {
        let found = hash_of(unfinished)?;
        if found != *hash {
            let (found, hash) = (blake3::Hash::from_bytes(found), blake3::Hash::from_bytes(*hash));
            let message = format!("a file arrived that hashes to {found}, not to {hash}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let path = self.path(hash);
        fs::rename(unfinished, &path)?;
        Ok(path)
    }

    fn part(&self, hash: &[u8; 32]) -> PathBuf {
        self.dir.join(format!(".part-{}", blake3::Hash::from_bytes(*hash).to_hex()))
    }

    fn put(&self, hash: &[u8; 32], at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).mode(0o700);
        let mut file = options.truncate(at == 0).open(self.part(hash))?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(at))?;
        file.write_all(bytes)
    }
}

impl Serve for ProgramStore {
    fn serve(&self, request: &[u8], answer: &mut Answer<'_>) -> io::Result<()> {
        match FileRequest::decode(request)? {
            FileRequest::Has { hash } => match self.path(&hash).exists() {
                true => answer.item(&[]),
                false => answer.missing(),
            },
            FileRequest::Put { hash, at, bytes } => self.put(&hash, at, &bytes),
            // Two clients may upload the same file. The second one finds that the first has finished.
            FileRequest::Done { hash } if self.path(&hash).exists() => Ok(()),
            FileRequest::Done { hash } => self.finish(&self.part(&hash), &hash).map(|_| ()),
            FileRequest::Get { hash } => {
                let mut file = match File::open(self.path(&hash)) {
                    Ok(file) => file,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return answer.missing(),
                    Err(error) => return Err(error),
                };
                let mut chunk = vec![0; CHUNK];
                answer.begin_item()?;
                loop {
                    match file.read(&mut chunk)? {
                        0 => return answer.end_item(),
                        read => answer.append(&chunk[..read])?,
                    }
                }
            }
        }
    }
}

/// Returns the BLAKE3 hash of a file.
///
/// # Errors
/// When it cannot be read.
pub fn hash_of(path: &Path) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(*hasher.finalize().as_bytes())
}

/// Uploads a file to a master, unless the master has it. Returns its hash.
///
/// # Errors
/// When the file cannot be read, or the master cannot write it.
pub fn upload(client: &BlockClient, master: &str, path: &Path) -> io::Result<[u8; 32]> {
    let hash = hash_of(path)?;
    if ask(client, master, &FileRequest::Has { hash })?.is_some() {
        return Ok(hash);
    }
    let (mut file, mut at) = (File::open(path)?, 0);
    loop {
        let mut chunk = vec![];
        (&mut file).take(CHUNK as u64).read_to_end(&mut chunk)?;
        // An empty file is sent as one empty chunk, since the master creates a file when its first chunk
        // arrives.
        if chunk.is_empty() && at > 0 {
            break;
        }
        let length = chunk.len() as u64;
        ask(client, master, &FileRequest::Put { hash, at, bytes: chunk })?;
        at += length;
        if length == 0 {
            break;
        }
    }
    ask(client, master, &FileRequest::Done { hash })?;
    Ok(hash)
}

/// Downloads a file from a master.
///
/// # Errors
/// When the master does not have it, or it cannot be written.
pub fn download(client: &BlockClient, master: &str, hash: [u8; 32], to: &mut File) -> io::Result<()> {
    match ask(client, master, &FileRequest::Get { hash })? {
        Some(bytes) => to.write_all(&bytes),
        None => Err(io::Error::new(io::ErrorKind::NotFound, "the master does not have the file any more")),
    }
}

fn ask(client: &BlockClient, master: &str, request: &FileRequest) -> io::Result<Option<Vec<u8>>> {
    let other = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
    let request = request.encode()?;
    let mut answer = client.request(master, &request).map_err(|e| other(&e))?;
    let (mut item, mut found) = (vec![], None);
    loop {
        match answer.next_item(&mut item).map_err(|e| other(&e))? {
            Item::Here => found = Some(std::mem::take(&mut item)),
            Item::Missing => {}
            Item::End => return Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_its_name_only_if_it_has_the_hash() {
        let dir = tempfile::tempdir().unwrap();
        let store = ProgramStore::open(dir.path()).unwrap();
        let hash = *blake3::hash(b"right").as_bytes();
        let wrong = store.get_or_fetch(&hash, |file| file.write_all(b"wrong"));
        assert!(wrong.unwrap_err().to_string().contains("hashes to"));
        let path = store.get_or_fetch(&hash, |file| file.write_all(b"right")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"right");
        store.get_or_fetch(&hash, |_| unreachable!("it is here")).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing unfinished is left");
    }
}
