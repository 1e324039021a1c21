//! Servers of other programs: started on loopback with their output in a file, waited for, and ended by their
//! process id when they are dropped.

use super::{Trouble, folder};
use crate::Fallible;
use crate::process::wait_within;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The time that a server has to answer for the first time.
const START_SECONDS: u64 = 90;

/// A running server.
pub(super) struct Server {
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts it. Its output goes to a file.
    pub(super) fn start(name: &str, command: &mut Command) -> Fallible<Server> {
        let log = folder("logs")?.join(format!("{name}.log"));
        let file = || File::create(&log).map_err(|error| format!("cannot write {}: {error}", log.display()));
        let out = file()?;
        let err = out.try_clone().map_err(|error| error.to_string())?;
        // Some servers run for as long as their standard input is open.
        let child = command.stdin(Stdio::piped()).stdout(out).stderr(err).spawn();
        let child = child.map_err(|error| format!("cannot start {name}: {error}"))?;
        Ok(Server { child, log })
    }

    /// Returns what the server has said so far.
    pub(super) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until a condition holds, which is checked again and again.
    pub(super) fn wait_until<T>(&mut self, mut ready: impl FnMut(&Path) -> Option<T>) -> Fallible<T> {
        let start = Instant::now();
        loop {
            if let Some(value) = ready(&self.log) {
                return Ok(value);
            }
            let ended = self.child.try_wait().ok().flatten();
            if ended.is_some() || start.elapsed() > Duration::from_secs(START_SECONDS) {
                let said = std::fs::read_to_string(&self.log).unwrap_or_default();
                let why =
                    ended.map_or("did not answer in time".into(), |status| format!("ended with {status}"));
                return Err(format!("the server {why}; it said, in {}:\n{said}", self.log.display()));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until it accepts connections.
    pub(super) fn wait_for_port(&mut self, port: u16) -> Fallible {
        self.wait_until(|_| TcpStream::connect(("127.0.0.1", port)).ok()).map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a free port.
pub(super) fn free_port() -> Fallible<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no port is free: {error}"))
}

/// Sends one request to a server on loopback, without credentials; returns the first line of the answer.
pub(super) fn request(port: u16, method: &str, path: &str, body: &str) -> Fallible<String> {
    Ok(answer(port, method, path, body)?.lines().next().unwrap_or_default().to_owned())
}

/// Gets a text from a server on loopback; an answer other than 200 is an error.
pub(super) fn get(port: u16, path: &str) -> Fallible<String> {
    let answer = answer(port, "GET", path, "")?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        _ => Err(format!("GET {path} was answered with: {}", head.lines().next().unwrap_or_default())),
    }
}

fn answer(port: u16, method: &str, path: &str, body: &str) -> Fallible<String> {
    let answer = TcpStream::connect(("127.0.0.1", port)).and_then(|mut connection| {
        let length = body.len();
        write!(
            connection,
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    });
    answer.map_err(|error| format!("{method} {path} was not answered: {error}"))
}

/// Runs a program that fetches something, for a bounded time; its failure counts as a missing program, not as a
/// failed check.
pub(super) fn fetch(name: &str, command: &mut Command, limit: Duration) -> Result<(), Trouble> {
    let log = folder("logs")?.join(format!("fetch-{name}.log"));
    let cannot =
        |why: String| Trouble::Missing(format!("{name} could not be fetched: {why}; see {}", log.display()));
    let out = File::create(&log).map_err(|error| cannot(error.to_string()))?;
    let err = out.try_clone().map_err(|error| cannot(error.to_string()))?;
    let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
    let mut child = child.map_err(|error| cannot(error.to_string()))?;
    match wait_within(&mut child, limit).map_err(|error| cannot(error.to_string()))? {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(cannot(format!("it ended with {status}"))),
        None => Err(cannot(format!("it took more than {} s", limit.as_secs()))),
    }
}
