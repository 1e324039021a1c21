//! Files by the hash of their contents: what a submission brings to the master, and what workers keep of it.
//!
//! A file appears under its hash by a rename, after what was received was found to have that hash. So a file that is there is right, and
//! nobody can put another in its place.

use firesteel_net::bulk::{Answer, BlockClient, Item, Serve};
use firesteel_protocol::standalone::FileRequest;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file is sent in stretches of this length.
const STRETCH: usize = 1 << 20;

/// A directory of files.
#[derive(Debug)]
pub struct ProgramStore {
    dir: PathBuf,
}

impl ProgramStore {
    /// The files of a directory, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().mode(0o700).recursive(true).create(dir)?;
        Ok(ProgramStore { dir: dir.to_owned() })
    }

    /// Where the file of this hash is, or would be.
    pub fn path(&self, hash: &[u8; 32]) -> PathBuf {
        self.dir.join(blake3::Hash::from_bytes(*hash).to_hex().as_str())
    }

    /// The file of this hash: if it is not here, what `fetch` writes, checked.
    ///
    /// # Errors
    /// When it cannot be had, or is another file.
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

    /// Gives a file its name, if it has the hash.
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
            // Two may have brought the same.
            FileRequest::Done { hash } if self.path(&hash).exists() => Ok(()),
            FileRequest::Done { hash } => self.finish(&self.part(&hash), &hash).map(|_| ()),
            FileRequest::Get { hash } => {
                let mut file = match File::open(self.path(&hash)) {
                    Ok(file) => file,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return answer.missing(),
                    Err(error) => return Err(error),
                };
                let mut segment = vec![0; STRETCH];
                answer.begin_item()?;
                loop {
                    match file.read(&mut segment)? {
                        0 => return answer.end_item(),
                        read => answer.append(&segment[..read])?,
                    }
                }
            }
        }
    }
}

/// The BLAKE3 hash of a file.
///
/// # Errors
/// When it cannot be read.
pub fn hash_of(path: &Path) -> io::Result<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(*hasher.finalize().as_bytes())
}

/// Brings a file to a master, unless it has it. Gives its hash.
///
/// # Errors
/// When it cannot be read, or the master cannot take it.
pub fn upload(client: &BlockClient, master: &str, path: &Path) -> io::Result<[u8; 32]> {
    let hash = hash_of(path)?;
    if ask(client, master, &FileRequest::Has { hash })?.is_some() {
        return Ok(hash);
    }
    let (mut file, mut at) = (File::open(path)?, 0);
    loop {
        let mut segment = vec![];
        (&mut file).take(STRETCH as u64).read_to_end(&mut segment)?;
        if segment.is_empty() && at > 0 {
            break;
        }
        let length = segment.len() as u64;
        ask(client, master, &FileRequest::Put { hash, at, bytes: segment })?;
        at += length;
        if length == 0 {
            break;
        }
    }
    ask(client, master, &FileRequest::Done { hash })?;
    Ok(hash)
}

/// Brings a file from a master.
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
    fn only_what_has_the_hash_gets_its_name() {
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
