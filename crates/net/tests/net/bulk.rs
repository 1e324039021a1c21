//! Blocks: items of all lengths, failures that leave the connection usable, and connections that are pooled.

use crate::support::{PATIENCE, Seeded, eventually, secret};
use firesteel_net::bulk::{
    Answer, BlockClient, BlockClientSettings, BlockError, Chunk, FRAME_AT_MOST, Item, REQUEST_AT_MOST, Serve,
    serve_blocks,
};
use firesteel_net::{ConnectError, Credentials, Limits, Listener, Purpose, Serving, connect};
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A server of made-up blocks, which a request names as words: `N` bytes of noise, `zN` bytes of sevens, `sN` in
/// chunks, `missing`, `fail`, `open` for one that is never ended, `wait` for one that takes long.
#[derive(Default)]
struct MadeUp {
    served: AtomicUsize,
    given_up: AtomicUsize,
}

impl Serve for MadeUp {
    fn serve(&self, request: &[u8], answer: &mut Answer<'_>) -> io::Result<()> {
        self.served.fetch_add(1, Ordering::Relaxed);
        let words = String::from_utf8_lossy(request).into_owned();
        let given = words.split_whitespace().try_for_each(|word| give(word, answer));
        let gone = |kind| matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset);
        if given.as_ref().is_err_and(|error| gone(error.kind())) {
            self.given_up.fetch_add(1, Ordering::Relaxed);
        }
        given
    }
}

fn give(word: &str, answer: &mut Answer<'_>) -> io::Result<()> {
    match word {
        "missing" => answer.missing(),
        "fail" => Err(io::Error::other("the disk is on fire")),
        "open" => answer.begin_item().and_then(|()| answer.append(b"half")),
        "wait" => {
            std::thread::sleep(Duration::from_millis(500));
            Ok(())
        }
        _ => {
            let (way, length) = word.split_at(usize::from(!word.starts_with(|c: char| c.is_ascii_digit())));
            let length = length.parse().map_err(io::Error::other)?;
            match way {
                "" => answer.item(&noise(length)),
                "z" => answer.item(&vec![7; length]),
                _ => {
                    answer.begin_item()?;
                    noise(length).chunks(100_003).try_for_each(|segment| answer.append(segment))?;
                    answer.end_item()
                }
            }
        }
    }
}

fn noise(length: usize) -> Vec<u8> {
    Seeded(length as u64).bytes(length)
}

fn serve(credentials: &Credentials) -> (Serving, Arc<MadeUp>) {
    let blocks = Arc::new(MadeUp::default());
    let served = blocks.clone();
    let listener = Listener::bind("127.0.0.1:0", credentials.clone(), Limits::default()).unwrap();
    let serving = listener.serve("blocks", move |connection| serve_blocks(connection, &*served)).unwrap();
    (serving, blocks)
}

fn client(credentials: &Credentials) -> BlockClient {
    let settings = BlockClientSettings { read_timeout: PATIENCE, ..BlockClientSettings::default() };
    BlockClient::new(credentials.clone(), settings)
}

#[test]
fn items_of_all_lengths_come_as_they_went() {
    let lengths = [0, 1, FRAME_AT_MOST - 1, FRAME_AT_MOST, FRAME_AT_MOST + 1, 3 * FRAME_AT_MOST, 10 << 20];
    for credentials in [secret(), Credentials::insecure()] {
        let (serving, _) = serve(&credentials);
        let client = client(&credentials);
        let request: Vec<String> = lengths.iter().map(|n| format!("{n} missing s{n} z{n}")).collect();
        let mut answer =
            client.request(&serving.address().to_string(), request.join(" ").as_bytes()).unwrap();
        let mut item = vec![];
        for length in lengths {
            assert_eq!(answer.next_item(&mut item).unwrap(), Item::Here);
            assert!(item == noise(length), "{length}");
            assert_eq!(answer.next_item(&mut item).unwrap(), Item::Missing);
            assert_eq!(answer.next_item(&mut item).unwrap(), Item::Here);
            assert!(item == noise(length), "{length} in chunks");
            assert_eq!(answer.next_item(&mut item).unwrap(), Item::Here);
            assert!(item == vec![7; length], "{length} sevens");
        }
        assert_eq!(answer.next_item(&mut item).unwrap(), Item::End);
        assert_eq!(answer.next_item(&mut item).unwrap(), Item::End, "and so it stays");
    }
}

#[test]
fn a_long_item_can_be_read_in_chunks() {
    let credentials = secret();
    let (serving, _) = serve(&credentials);
    let mut answer =
        client(&credentials).request(&serving.address().to_string(), b"1000000 missing").unwrap();
    let (mut segment, mut whole) = (vec![], vec![]);
    loop {
        let chunk = answer.next_chunk(&mut segment).unwrap();
        assert!(segment.len() <= FRAME_AT_MOST);
        whole.extend_from_slice(&segment);
        match chunk {
            Chunk::Here { last: false } => {}
            Chunk::Here { last: true } => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(whole == noise(1_000_000));
    assert_eq!(answer.next_chunk(&mut segment).unwrap(), Chunk::Missing);
    assert_eq!(answer.next_chunk(&mut segment).unwrap(), Chunk::End);
}

#[test]
fn a_failure_is_told_and_the_connection_serves_on() {
    let credentials = secret();
    let (serving, blocks) = serve(&credentials);
    let (client, address) = (client(&credentials), serving.address().to_string());
    let mut item = vec![];
    for (request, told) in [("5 fail", "on fire"), ("5 open", "not ended"), ("5 x", "empty string")] {
        let mut answer = client.request(&address, request.as_bytes()).unwrap();
        assert_eq!(answer.next_item(&mut item).unwrap(), Item::Here);
        let error = answer.next_item(&mut item).unwrap_err();
        assert!(matches!(&error, BlockError::Failed(text) if text.contains(told)), "{error:?}");
        assert_eq!(client.idle_connections(), 1, "it was given back");
    }
    assert_eq!(blocks.served.load(Ordering::Relaxed), 3);
}

#[test]
fn an_answer_that_is_dropped_stops_the_server() {
    for credentials in [secret(), Credentials::insecure()] {
        let (serving, blocks) = serve(&credentials);
        let client = client(&credentials);
        let request = "10000000 ".repeat(100);
        let mut answer = client.request(&serving.address().to_string(), request.as_bytes()).unwrap();
        answer.next_item(&mut vec![]).unwrap();
        drop(answer);
        eventually("the server gives up", || blocks.given_up.load(Ordering::Relaxed) == 1);
        assert_eq!(client.idle_connections(), 0);
    }
}

#[test]
fn connections_are_kept_up_to_a_number_and_used_again() {
    let credentials = secret();
    let (serving, _) = serve(&credentials);
    let address = serving.address().to_string();
    let settings = BlockClientSettings { idle_connections_at_most: 2, ..BlockClientSettings::default() };
    let client = BlockClient::new(credentials, settings);
    let ask = |count: usize| {
        let answers: Vec<_> = (0..count).map(|_| client.request(&address, b"3").unwrap()).collect();
        let mut item = vec![];
        for mut answer in answers {
            while answer.next_item(&mut item).unwrap() != Item::End {}
        }
        client.idle_connections()
    };
    assert_eq!([ask(1), ask(1), ask(2), ask(5)], [1, 1, 2, 2]);
    client.forget(&address);
    assert_eq!(client.idle_connections(), 0);
}

#[test]
fn a_kept_connection_that_was_closed_is_replaced_unnoticed() {
    let credentials = secret();
    let (serving, _) = serve(&credentials);
    let address = serving.address().to_string();
    let client = client(&credentials);
    let ask = || {
        let mut item = vec![];
        let mut answer = client.request(&address, b"3 4")?;
        while answer.next_item(&mut item)? != Item::End {}
        Ok::<(), BlockError>(())
    };
    ask().unwrap();
    drop(serving);
    let listener = Listener::bind(&address, credentials.clone(), Limits::default()).unwrap();
    let again = listener.serve("again", |connection| serve_blocks(connection, &MadeUp::default())).unwrap();
    ask().unwrap();
    // And one that its server closes only when the request comes.
    drop(again);
    let count = AtomicUsize::new(0);
    let listener = Listener::bind(&address, credentials, Limits::default()).unwrap();
    let _moody = listener
        .serve("moody", move |connection| match count.fetch_add(1, Ordering::Relaxed) {
            0 => serve_once(connection),
            _ => serve_blocks(connection, &MadeUp::default()),
        })
        .unwrap();
    ask().unwrap();
    ask().unwrap();
}

/// Answers one request properly; at the second it closes.
fn serve_once(connection: firesteel_net::Connection) {
    let (mut receiver, sender) = connection.split();
    let mut request = [0; 23];
    receiver.read_exact(&mut request).unwrap();
    let end = firesteel_net::bulk::Header::of(firesteel_net::bulk::Kind::End, true, &[], None, false);
    sender.send(&end.encode()).unwrap();
    receiver.read_exact(&mut request).unwrap();
    sender.closer().close();
}

#[test]
fn a_server_that_says_nothing_is_waited_for_so_long_and_no_longer() {
    let credentials = secret();
    let (serving, _) = serve(&credentials);
    let settings =
        BlockClientSettings { read_timeout: Duration::from_millis(50), ..BlockClientSettings::default() };
    let client = BlockClient::new(credentials, settings);
    let mut answer = client.request(&serving.address().to_string(), b"wait").unwrap();
    let error = answer.next_item(&mut vec![]).unwrap_err();
    assert!(matches!(error, BlockError::TimedOut(_)), "{error:?}");
    assert_eq!(client.idle_connections(), 0, "who knows what will come over it");
}

#[test]
fn a_server_that_is_gone_is_named() {
    let client = client(&secret());
    let error = client.request("127.0.0.1:1", b"1").unwrap_err();
    let BlockError::Connect { address, source: ConnectError::Unreachable(_) } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(address, "127.0.0.1:1");
}

#[test]
fn long_requests_are_cut_and_too_long_ones_refused() {
    let credentials = secret();
    let (serving, _) = serve(&credentials);
    let (client, address) = (client(&credentials), serving.address().to_string());
    let request = "0 ".repeat(300_000);
    let mut answer = client.request(&address, request.as_bytes()).unwrap();
    let (mut item, mut items) = (vec![], 0);
    while answer.next_item(&mut item).unwrap() == Item::Here {
        items += 1;
    }
    assert_eq!(items, 300_000);
    let error = client.request(&address, &vec![b' '; REQUEST_AT_MOST + 1]).unwrap_err();
    assert!(matches!(error, BlockError::RequestTooLong(_)), "{error:?}");
}

#[test]
fn nonsense_from_a_friend_is_an_error_on_either_side() {
    let credentials = secret();
    let (serving, blocks) = serve(&credentials);
    let mut seeded = Seeded(3);
    for _ in 0..50 {
        let connection =
            connect(&serving.address().to_string(), &credentials, Purpose::Blocks, PATIENCE).unwrap();
        let (mut receiver, sender) = connection.split();
        let _ = sender.send(&seeded.bytes(100));
        assert!(matches!(receiver.read(&mut [0]), Ok(0) | Err(_)), "it is closed");
    }
    assert_eq!(blocks.served.load(Ordering::Relaxed), 0);
    let listener = Listener::bind("127.0.0.1:0", credentials.clone(), Limits::default()).unwrap();
    let nonsense = listener
        .serve("nonsense", |connection| {
            let (_receiver, sender) = connection.split();
            let _ = sender.send(&[0xff; 1000]);
            std::thread::sleep(Duration::from_millis(200));
        })
        .unwrap();
    let mut answer = client(&credentials).request(&nonsense.address().to_string(), b"1").unwrap();
    let error = answer.next_item(&mut vec![]).unwrap_err();
    assert!(matches!(error, BlockError::Frame(_)), "{error:?}");
}
