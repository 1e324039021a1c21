//! Outputs that an agent writes to a shuffle storage on this machine's disk, and what it tells the driver.

use super::*;
use crate::stored::StoredReader;
use firesteel_data::DataError;
use firesteel_data::block::KeyRef;
use firesteel_net::{Connection, Credentials, Limits, Listener, Purpose, Serving, connect, receive};
use firesteel_shuffle::{MapOutputWriter, StoredShuffle};
use firesteel_storage::{LocalDirs, MemoryPool, SharedFiles, TaskWorkspace};
use std::fs;
use std::sync::mpsc::{Receiver, channel};
use tempfile::TempDir;

const SHUFFLE: ShuffleId = ShuffleId(1);
const KEY: Key = (SHUFFLE, Partition(0), TaskId(8));

/// An agent's uploads, without their thread, and the driver's end of its connection.
struct Fixture {
    dir: TempDir,
    uploads: Uploads,
    told: Receiver<FromExecutor>,
    _driver: Serving,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let (to, told) = channel();
    let hear = move |connection: Connection| {
        let (mut receiver, _sender) = connection.split();
        while let Ok(Some(message)) = receive(&mut receiver) {
            let _ = to.send(message);
        }
    };
    let listener = Listener::bind("127.0.0.1:0", Credentials::insecure(), Limits::default()).unwrap();
    let driver = listener.serve("driver", hear).unwrap();
    let address = driver.address().to_string();
    let timeout = Duration::from_secs(60);
    let connection = connect(&address, &Credentials::insecure(), Purpose::Control, timeout).unwrap();
    let (closer, (_, sender)) = (connection.closer(), connection.split());
    let writing = Writing {
        config: StorageConfig {
            life: 0,
            directory: format!("file://{}/storage", dir.path().display()),
            write: StorageWrite::Notice,
            object_bytes: 1 << 20,
        },
        by: ExecutorId(3),
        stores: Stores::default(),
        outputs: with_output(&dir),
        cipher: None,
        outbox: Outbox::new("uplink", sender, closer).unwrap(),
    };
    fs::create_dir(dir.path().join("storage")).unwrap();
    let uploads = Uploads { writing, state: Mutex::default(), changed: Condvar::new() };
    Fixture { dir, uploads, told, _driver: driver }
}

/// Makes a store with the output [`KEY`] for two reducers.
fn with_output(dir: &TempDir) -> ShuffleStore {
    let dirs = Arc::new(LocalDirs::within(dir.path().join("own")).unwrap());
    let pool = Arc::new(MemoryPool::new(1 << 20));
    let workspace = Arc::new(TaskWorkspace::new(KEY.2, pool.clone(), dirs.clone()));
    let mut writer = MapOutputWriter::<u32, u64>::new(2, workspace, pool, dirs.clone());
    for i in 0..100 {
        writer.push(i % 2, u64::from(i), KeyRef::Owned(i), 7).unwrap();
    }
    let files = Arc::new(SharedFiles::open(dir.path().join("shared")).unwrap());
    let store = ShuffleStore::sharing(files, dirs);
    store.put(KEY.0, KEY.1, KEY.2, writer.finish().unwrap().output).unwrap();
    store
}

impl Fixture {
    fn hear(&self) -> FromExecutor {
        self.told.recv_timeout(Duration::from_secs(60)).expect("the agent says something")
    }

    /// Orders the output to be written. Returns the object that was written for that, if one was.
    fn order(&self, number: u64) -> Option<StoredObject> {
        self.uploads.obey(StoreOrder { number, outputs: vec![KEY] });
        let (mut object, mut message) = (None, self.hear());
        if let FromExecutor::OutputsStored { stored } = message {
            (object, message) = (Some(stored.object), self.hear());
        }
        assert!(matches!(message, FromExecutor::StoreDone { number: of, stored: 1 } if of == number));
        object
    }
}

#[test]
fn what_the_driver_has_forgotten_is_written_again() {
    let fixture = fixture();
    let first = fixture.order(0).expect("it was not there");
    assert_eq!(fixture.order(1), None, "it is there");
    fixture.uploads.forget_stored(SHUFFLE);
    let second = fixture.order(2).expect("it counts no more");
    assert_ne!(first.number, second.number);
}

#[test]
fn a_write_that_fails_since_its_shuffle_is_gone_is_no_failure_of_the_storage() {
    let fixture = fixture();
    fs::remove_dir(fixture.dir.path().join("storage")).unwrap();
    let uploads = &fixture.uploads;
    let output = uploads.writing.outputs.get(KEY.0, KEY.1, KEY.2).unwrap().expect("it is there");
    let batch = [(KEY.1, KEY.2, output)];
    uploads.state.lock().writing = Some(SHUFFLE);
    uploads.forget_shuffle(SHUFFLE);
    assert!(!uploads.write_object(SHUFFLE, &batch));
    assert_eq!(uploads.state.lock().left_alone_until, None, "the storage is well");
    uploads.state.lock().writing = Some(SHUFFLE);
    uploads.forget_shuffle(ShuffleId(2));
    assert!(!uploads.write_object(SHUFFLE, &batch));
    assert!(uploads.state.lock().left_alone_until.is_some(), "another shuffle is gone");
}

#[test]
fn a_reader_whose_host_can_have_no_local_files_reads_from_the_storage() {
    let fixture = fixture();
    let object = fixture.order(0).expect("it was not there");
    let writing = &fixture.uploads.writing;
    let output = writing.outputs.get(KEY.0, KEY.1, KEY.2).unwrap().expect("it is there");
    let of =
        |reducer| -> Vec<u8> { output.read(reducer).flat_map(|bytes| bytes.unwrap().to_vec()).collect() };
    let here = fixture.dir.path().join("reader");
    let files = Arc::new(SharedFiles::open(here.clone()).unwrap());
    let reader = || StoredReader::new(Stores::default(), &writing.config.directory, files.clone());
    let read = |reader: &StoredReader, reducer| {
        reader.read(SHUFFLE, object, (KEY.1, KEY.2), Partition(reducer)).unwrap()
    };
    assert_eq!(read(&reader(), 0), of(0));
    assert!(fs::read_dir(&here).unwrap().count() > 0, "there are local files");
    fs::remove_dir_all(&here).unwrap();
    assert_eq!(read(&reader(), 1), of(1));
    // An object that is gone says nothing of the others.
    let path = object_path(&writing.config.directory, SHUFFLE, object);
    fs::remove_file(path.trim_start_matches("file://")).unwrap();
    let gone = reader().read(SHUFFLE, object, (KEY.1, KEY.2), Partition(0)).unwrap_err();
    assert!(matches!(&gone, DataError::Corrupt { .. }) && gone.to_string().contains("not there"), "{gone}");
}
