//! How fast connections are: round trips of 1 KiB, connecting, and one stream of blocks, with TLS and without, on
//! loopback.
//!
//! `net_speed` runs both sides in one process. `net_speed serve [insecure]` prints an address, and `net_speed ask
//! ADDRESS [insecure]` in another process measures against it; both take the secret from FIRESTEEL_SECRET.

#![allow(clippy::print_stdout)]

use firesteel_net::bulk::{Answer, BlockClient, BlockClientSettings, Item, Serve, serve_blocks};
use firesteel_net::{Connection, Credentials, Limits, Listener, Purpose, Secret, Serving, connect};
use std::error::Error;
use std::io::{self, Read};
use std::time::{Duration, Instant};

const MESSAGE: usize = 1 << 10;
const ROUND_TRIPS: usize = 20_000;
const CONNECTS: usize = 300;
const STREAM: usize = 4 << 30;
const ITEM: usize = 4 << 20;
const PATIENCE: Duration = Duration::from_secs(10);

type Failure = Box<dyn Error>;

/// Answers with so many bytes as the request says, in items of [`ITEM`] bytes.
struct Blocks(Vec<u8>);

impl Serve for Blocks {
    fn serve(&self, request: &[u8], answer: &mut Answer<'_>) -> io::Result<()> {
        let bytes: usize = String::from_utf8_lossy(request).parse().map_err(io::Error::other)?;
        (0..bytes / ITEM).try_for_each(|_| answer.item(&self.0))
    }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            for credentials in [Credentials::of(&Secret::generate()), Credentials::insecure()] {
                let serving = serve(&credentials)?;
                ask(&serving.address().to_string(), &credentials)?;
            }
            Ok(())
        }
        ["serve", rest @ ..] => {
            let serving = serve(&credentials(rest)?)?;
            println!("{}", serving.address());
            loop {
                std::thread::park();
            }
        }
        ["ask", address, rest @ ..] => ask(address, &credentials(rest)?),
        _ => Err("net_speed | net_speed serve [insecure] | net_speed ask ADDRESS [insecure]".into()),
    }
}

fn credentials(words: &[&str]) -> Result<Credentials, Failure> {
    match words {
        ["insecure"] => Ok(Credentials::insecure()),
        _ => Ok(Credentials::of(&Secret::from_environment("FIRESTEEL_SECRET")?)),
    }
}

fn serve(credentials: &Credentials) -> io::Result<Serving> {
    // Bytes that do not compress, as shuffled blocks are, which have been compressed.
    let mut state = 1u64;
    let noise = (0..ITEM)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        })
        .collect();
    let blocks = Blocks(noise);
    let listener = Listener::bind("127.0.0.1:0", credentials.clone(), Limits::default())?;
    listener.serve("net-speed", move |connection| match connection.purpose() {
        Purpose::Blocks => serve_blocks(connection, &blocks),
        Purpose::Control | Purpose::Master => echo(connection),
    })
}

fn echo(connection: Connection) {
    let (mut receiver, sender) = connection.split();
    let mut message = [0; MESSAGE];
    while receiver.read_exact(&mut message).is_ok() && sender.send(&message).is_ok() {}
}

fn ask(address: &str, credentials: &Credentials) -> Result<(), Failure> {
    println!("{}", if credentials.is_secure() { "with TLS" } else { "without TLS" });
    let connects = times(CONNECTS, || {
        connect(address, credentials, Purpose::Control, PATIENCE).map(drop).map_err(Failure::from)
    })?;
    tell("connecting", &connects);
    let (mut receiver, sender) = connect(address, credentials, Purpose::Control, PATIENCE)?.split();
    let mut message = [7; MESSAGE];
    let trips = times(ROUND_TRIPS, || {
        sender.send(&message)?;
        Ok(receiver.read_exact(&mut message)?)
    })?;
    tell("round trip of 1 KiB", &trips);
    stream(address, credentials)
}

fn stream(address: &str, credentials: &Credentials) -> Result<(), Failure> {
    let client = BlockClient::new(credentials.clone(), BlockClientSettings::default());
    let mut item = vec![];
    for _ in 0..3 {
        let (began, cpu) = (Instant::now(), cpu_seconds());
        let mut answer = client.request(address, STREAM.to_string().as_bytes())?;
        let mut came = 0;
        while answer.next_item(&mut item)? == Item::Here {
            came += item.len();
        }
        let gigabytes = came as f64 / 1e9;
        let (speed, cpu) =
            (gigabytes / began.elapsed().as_secs_f64(), (cpu_seconds() - cpu) / gigabytes * 1e3);
        println!("  one stream: {speed:.2} GB/s; this process worked {cpu:.0} ms for each GB");
    }
    Ok(())
}

/// The processor time that this process has used, where the system tells.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // In hundredths of a second: user and system, the fourteenth and fifteenth of all fields.
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// How long each of so many runs took, in order of length.
fn times(runs: usize, mut run: impl FnMut() -> Result<(), Failure>) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::with_capacity(runs);
    for _ in 0..runs {
        let began = Instant::now();
        run()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times)
}

fn tell(what: &str, times: &[Duration]) {
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1e6;
    println!("  {what}: median {:.1} us, 99 % within {:.1} us", at(50), at(99));
}
