//! A faulty server: it drops connections, sends less than it promised, asks for patience and changes its files
//! meanwhile. A reader gets the right bytes or the right error, within bounds.
//!
//! One server serves all tests; what it does to a file is told by the first name in the path, so that they do not meet.

use firesteel_conf::Conf;
use firesteel_io::{Input, IoCause, Output, OutputCommitter, StoreSettings, Stores, list_inputs, read_raw};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

/// Larger than the first ranges, so that several are under way.
const LENGTH: u64 = 3_000_000;

fn contents() -> Vec<u8> {
    (0..LENGTH).map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect()
}

struct Server {
    address: String,
    /// By which it is reached.
    stores: Stores,
    requests: Mutex<HashMap<String, usize>>,
}

fn server() -> &'static Arc<Server> {
    static SERVER: OnceLock<Arc<Server>> = OnceLock::new();
    SERVER.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut conf = Conf::default();
        for (key, value) in [
            ("store.max_retries", "3"),
            ("store.retry.backoff", "1ms"),
            ("hadoop.fs.s3a.endpoint", format!("http://{address}").as_str()),
            ("hadoop.fs.s3a.access.key", "key"),
            ("hadoop.fs.s3a.secret.key", "secret"),
            ("hadoop.fs.gs.auth.type", "UNAUTHENTICATED"),
            ("hadoop.fs.gs.storage.root.url", format!("http://{address}").as_str()),
        ] {
            conf.set(&format!("firesteel.{key}"), value).unwrap();
        }
        let stores = Stores::new(StoreSettings::from_conf(&conf));
        let server = Arc::new(Server { address: address.clone(), stores, requests: Mutex::default() });
        let serving = server.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let serving = serving.clone();
                thread::spawn(move || {
                    // A client that went away is none of a server's troubles.
                    let _ = serving.serve(connection?);
                    std::io::Result::Ok(())
                });
            }
        });
        server
    })
}

struct Request {
    method: String,
    path: String,
    range: Option<(u64, u64)>,
    if_match: Option<String>,
}

fn receive(connection: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(connection);
    let mut lines = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let first = lines.next()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_string(), words.next()?.to_string());
    let mut request = Request { method, path, range: None, if_match: None };
    let mut body_bytes = 0;
    for line in lines {
        let (name, value) = line.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "range" => {
                let (from, to) = value.trim().strip_prefix("bytes=")?.split_once('-')?;
                request.range = Some((from.parse().ok()?, to.parse().ok()?));
            }
            "if-match" => request.if_match = Some(value.trim().into()),
            "content-length" => body_bytes = value.trim().parse().ok()?,
            _ => {}
        }
    }
    std::io::copy(&mut reader.take(body_bytes), &mut std::io::sink()).ok()?;
    Some(request)
}

impl Server {
    fn serve(&self, mut connection: TcpStream) -> std::io::Result<()> {
        let Some(request) = receive(&connection) else { return Ok(()) };
        let how = request.path.split(['/', '?']).nth(1).unwrap_or_default().to_string();
        let earlier = {
            let mut requests = self.requests.lock().unwrap();
            let count = requests.entry(format!("{} {}", request.method, request.path)).or_default();
            *count += 1;
            *count - 1
        };
        let say = |connection: &mut TcpStream, status: &str, body: &str| {
            let length = body.len();
            write!(
                connection,
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            )
        };
        match (how.as_str(), earlier) {
            _ if request.method == "PUT" => return say(&mut connection, "200 OK\r\nETag: \"v1\"", ""),
            ("get-only", _) if request.method == "HEAD" => return say(&mut connection, "403 Forbidden", ""),
            ("missing", _) => return say(&mut connection, "404 Not Found", ""),
            ("patience", 0 | 1) | ("always", _) if request.method == "GET" => {
                return say(&mut connection, "503 Slow Down", "<Error><Code>SlowDown</Code></Error>");
            }
            ("patience", 2) if request.method == "GET" => {
                return say(&mut connection, "429 Too Many Requests", "");
            }
            ("no-such-bucket", _) => {
                let body = "<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>";
                return say(&mut connection, "404 Not Found", body);
            }
            ("wrong-key", _) => {
                return say(
                    &mut connection,
                    "403 Forbidden",
                    "<Error><Code>InvalidAccessKeyId</Code></Error>",
                );
            }
            _ => {}
        }
        // Half of what was promised, then the end; three times for each range, or for ever.
        let drops = match how.as_str() {
            "drop" | "drop-untagged" => request.method == "GET" && earlier < 3,
            "dead" => request.method == "GET",
            _ => false,
        };
        let version = if how == "changed" && earlier > 0 { 2 } else { 1 };
        let tag = match how.as_str() {
            "drop-untagged" | "dead" => None,
            _ => Some(format!("\"v{version}\"")),
        };
        if let (Some(wanted), Some(tag)) = (&request.if_match, &tag)
            && wanted != tag
        {
            return say(&mut connection, "412 Precondition Failed", "");
        }
        let range = request.range.filter(|_| how != "whole");
        let (from, to) = range.map_or((0, LENGTH), |(from, to)| (from, (to + 1).min(LENGTH)));
        let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
        write!(connection, "HTTP/1.1 {status}\r\nConnection: close\r\nAccept-Ranges: bytes\r\n")?;
        write!(
            connection,
            "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: {}\r\n",
            to - from
        )?;
        if range.is_some() {
            write!(connection, "Content-Range: bytes {from}-{}/{LENGTH}\r\n", to - 1)?;
        }
        if let Some(tag) = tag {
            write!(connection, "ETag: {tag}\r\n")?;
        }
        write!(connection, "\r\n")?;
        if request.method == "HEAD" {
            return Ok(());
        }
        let end = if drops { from + (to - from) / 2 } else { to };
        connection.write_all(&contents()[from as usize..end as usize])
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    fn requests(&self, request: &str) -> usize {
        self.requests.lock().unwrap().get(request).copied().unwrap_or(0)
    }
}

fn stores() -> &'static Stores {
    &server().stores
}

#[test]
fn a_file_is_read_whole_and_in_pieces() {
    let url = server().url("plain/a%20b.bin");
    let files = list_inputs(stores(), &url).unwrap();
    assert_eq!((files[0].path.as_str(), files[0].length), (url.as_str(), LENGTH));
    assert!(read_raw(stores(), &url).unwrap() == contents());
    let input = Input::open(stores(), &url).unwrap();
    assert_eq!(input.read_at(LENGTH - 5, 5).unwrap(), contents()[LENGTH as usize - 5..]);
    assert_eq!(input.read_at(0, 2_000_000).unwrap(), contents()[..2_000_000]);
    assert!(matches!(input.read_at(LENGTH, 1).unwrap_err().cause, IoCause::Shrunk { .. }));
}

#[test]
fn a_query_is_sent_as_it_was_written_and_never_shown() {
    let query = "?sig=a%2Fb+c%3D&se=2027";
    let url = server().url(&format!("plain/a%20b.bin{query}"));
    assert_eq!(list_inputs(stores(), &url).unwrap()[0].path, url);
    assert!(read_raw(stores(), &url).unwrap() == contents());
    assert!(server().requests(&format!("GET /plain/a%20b.bin{query}")) > 1);
    let error = read_raw(stores(), &server().url(&format!("always/b{query}"))).unwrap_err().to_string();
    assert!(error.contains("/always/b") && !error.contains("sig="), "{error}");
    let error = read_raw(stores(), &server().url("plain/a?no spaces")).unwrap_err();
    assert!(
        matches!(&error.cause, IoCause::BadPath(what) if what.contains("' '") && what.contains("%20")),
        "{error}"
    );
}

#[test]
fn a_link_that_was_signed_for_get_alone_is_read() {
    let url = server().url("get-only/a?sig=abc");
    assert_eq!(list_inputs(stores(), &url).unwrap()[0].length, LENGTH);
    assert!(read_raw(stores(), &url).unwrap() == contents());
    let refused = read_raw(stores(), &server().url("get-only/a")).unwrap_err();
    assert!(matches!(refused.cause, IoCause::Refused { .. }), "{refused}");
}

#[test]
fn dropped_connections_are_resumed_with_and_without_a_tag() {
    for how in ["drop", "drop-untagged"] {
        let url = server().url(&format!("{how}/a"));
        assert!(read_raw(stores(), &url).unwrap() == contents(), "{how}");
        assert!(server().requests(&format!("GET /{how}/a")) > 3, "{how}");
    }
}

#[test]
fn a_connection_that_always_drops_is_given_up_with_how_often() {
    let error = read_raw(stores(), &server().url("dead/a")).unwrap_err();
    assert!(error.retryable() && error.to_string().contains("broke off 11 times in"), "{error}");
}

#[test]
fn servers_that_ask_for_patience_get_it() {
    assert!(read_raw(stores(), &server().url("patience/a")).unwrap() == contents());
    assert!(server().requests("GET /patience/a") > 3);
}

#[test]
fn patience_ends_and_the_error_says_how_often_was_tried() {
    let error = read_raw(stores(), &server().url("always/a")).unwrap_err();
    assert!(error.retryable(), "{error}");
    assert!(
        error.to_string().contains("after 3 retries") && error.to_string().contains("SlowDown"),
        "{error}"
    );
}

#[test]
fn a_file_that_changes_is_an_error_not_a_mixture() {
    let error = read_raw(stores(), &server().url("changed/a")).unwrap_err();
    assert_eq!(error.cause, IoCause::Changed, "{error}");
    assert!(error.retryable() && error.path.ends_with("changed/a"), "{error}");
}

#[test]
fn a_server_without_ranges_is_named_as_one() {
    let error = read_raw(stores(), &server().url("whole/a")).unwrap_err();
    assert!(error.to_string().contains("ignores Range") && !error.retryable(), "{error}");
}

#[test]
fn what_is_missing_or_forbidden_is_said_with_what_to_do() {
    let error = |path: &str| read_raw(stores(), path).unwrap_err();
    assert_eq!(error(&server().url("missing/a")).cause, IoCause::NotFound);
    assert_eq!(
        error("s3://missing/a").to_string(),
        "could not read s3://missing/a: there is no such file or directory"
    );
    let no_bucket = list_inputs(stores(), "s3a://no-such-bucket/a/*").unwrap_err().to_string();
    assert!(
        no_bucket.ends_with("there is no bucket no-such-bucket; make it first, or correct its name"),
        "{no_bucket}"
    );
    let refused = list_inputs(stores(), "s3://wrong-key/a/*").unwrap_err();
    assert!(
        refused.to_string().contains("InvalidAccessKeyId")
            && refused.to_string().contains("AWS_ACCESS_KEY_ID")
    );
    assert!(!refused.retryable() && !refused.to_string().contains("secret\""));
}

#[test]
fn who_goes_without_credentials_writes_without_them_too() {
    Output::create(stores(), "gs://missing/a").unwrap().finish().unwrap();
    assert_eq!(server().requests("PUT /missing/a"), 1);
}

#[test]
fn a_name_node_that_is_not_there_is_said_to_be_so() {
    // Bound and let go: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = list_inputs(stores(), &format!("hdfs://{address}/a")).unwrap_err();
    assert!(error.to_string().contains("no name node takes connections there"), "{error}");
    assert!(error.retryable() && error.path == format!("hdfs://{address}"), "{error}");
}

#[test]
fn web_servers_are_neither_listed_nor_written() {
    let url = server().url("missing");
    assert_eq!(list_inputs(stores(), &format!("{url}/a")).unwrap_err().cause, IoCause::NotFound);
    let error = OutputCommitter::new(&format!("{url}/out"), "job").unwrap().setup_job(stores()).unwrap_err();
    assert_eq!(error.cause, IoCause::ReadOnly("http".into()));
}

#[test]
fn a_sequential_read_stands_still_for_nobody() {
    let mut input = Input::open(stores(), &server().url("plain/slowly")).unwrap();
    let (mut all, mut buffer) = (vec![], [0; 10_007]);
    loop {
        match input.read(&mut buffer).unwrap() {
            0 => break,
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
    assert!(all == contents());
}
