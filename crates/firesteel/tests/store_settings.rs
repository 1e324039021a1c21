//! Several contexts in one process, each with a store of its own behind the same name: none inherits another's endpoint or keys, nor
//! changes them, whichever was made later; and the executors of each reach what their own context's settings say.

mod processes;

use firesteel::{Builder, Context, Result};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The key of a request that was not signed.
const UNSIGNED: &str = "";

/// A store that speaks as S3 does, as far as reading goes: every name is an object with the same contents.
struct Server {
    address: String,
    keys: Arc<Mutex<BTreeSet<String>>>,
}

impl Server {
    fn start(contents: &'static str) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let keys = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = keys.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let seen = seen.clone();
                // A client that went away is none of a server's troubles.
                thread::spawn(move || answer(&connection?, contents, &seen));
            }
        });
        Server { address, keys }
    }

    /// The keys by which requests were signed since this was asked last.
    fn take_keys(&self) -> Vec<String> {
        std::mem::take(&mut *self.keys.lock().unwrap()).into_iter().collect()
    }

    /// A context whose store is this one.
    fn reached_by(&self, builder: Builder, key: &str) -> Context {
        let builder = builder
            .conf("spark.hadoop.fs.s3a.endpoint", &format!("http://{}", self.address))
            .conf("firesteel.ui.show_console_progress", "false");
        let builder = match key {
            UNSIGNED => builder.conf("spark.hadoop.fs.s3a.aws.credentials.provider", "Anonymous"),
            key => builder
                .conf("spark.hadoop.fs.s3a.access.key", key)
                .conf("spark.hadoop.fs.s3a.secret.key", "secret"),
        };
        builder.create().unwrap()
    }
}

/// Answers one request for an object, or a range of it.
fn answer(mut connection: &TcpStream, contents: &str, keys: &Mutex<BTreeSet<String>>) -> std::io::Result<()> {
    let mut lines =
        BufReader::new(connection).lines().map_while(std::io::Result::ok).take_while(|line| !line.is_empty());
    let Some(request) = lines.next() else { return Ok(()) };
    let (mut key, mut range) = (UNSIGNED.to_string(), None);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "authorization" => {
                let credential = value.split("Credential=").nth(1).unwrap_or_default();
                key = credential.split('/').next().unwrap_or_default().into();
            }
            "range" => {
                let (from, to) = value.trim_start_matches("bytes=").split_once('-').unwrap_or_default();
                range = from.parse::<usize>().ok().zip(to.parse::<usize>().ok());
            }
            _ => {}
        }
    }
    keys.lock().unwrap().insert(key);
    let length = contents.len();
    let (from, to) = range.map_or((0, length), |(from, to)| (from, (to + 1).min(length)));
    let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    write!(connection, "HTTP/1.1 {status}\r\nConnection: close\r\nAccept-Ranges: bytes\r\nETag: \"1\"\r\n")?;
    write!(connection, "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: {}\r\n", to - from)?;
    if range.is_some() {
        write!(connection, "Content-Range: bytes {from}-{}/{length}\r\n", to - 1)?;
    }
    write!(connection, "\r\n")?;
    if request.starts_with("HEAD") { Ok(()) } else { connection.write_all(&contents.as_bytes()[from..to]) }
}

fn here() -> Builder {
    Context::builder().master("local[2]")
}

fn read(sc: &Context) -> Result<Vec<String>> {
    sc.text_file("s3a://bucket/a", 1)?.collect()
}

#[test]
fn each_context_has_its_own_endpoint_and_keys() -> Result<()> {
    let servers = [Server::start("first\n"), Server::start("second\n"), Server::start("third\n")];
    let [first, second, third] = &servers;
    let one = first.reached_by(here(), "key-one");
    assert_eq!(read(&one)?, ["first"]);
    let two = second.reached_by(here(), "key-two");
    let three = third.reached_by(here(), UNSIGNED);
    for _ in 0..2 {
        assert_eq!(read(&three)?, ["third"]);
        assert_eq!(read(&two)?, ["second"]);
        assert_eq!(read(&one)?, ["first"]);
        assert_eq!(one.whole_text_files("s3a://bucket/a", 1)?.values().collect()?, ["first\n"]);
        assert_eq!(servers.each_ref().map(Server::take_keys), [["key-one"], ["key-two"], [UNSIGNED]]);
    }
    Ok(())
}

#[test]
fn executors_reach_what_their_own_context_says() -> Result<()> {
    let servers = [Server::start("first\n"), Server::start("second\n")];
    let [first, second] = &servers;
    let one = first.reached_by(processes::two_processes(2), "key-one");
    let two = second.reached_by(here(), "key-two");
    let three = second.reached_by(processes::two_processes(2), "key-three");
    assert_eq!(read(&two)?, ["second"]);
    assert_eq!(servers.each_ref().map(Server::take_keys), [&[][..], &["key-two".to_string()][..]]);
    assert_eq!(read(&one)?, ["first"]);
    assert_eq!(read(&three)?, ["second"]);
    assert_eq!(servers.each_ref().map(Server::take_keys), [["key-one"], ["key-three"]]);
    Ok(())
}
