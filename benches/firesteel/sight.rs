//! What being seen costs a job: the same job without pages and event log, with the log, with pages, and with readers who
//! follow these, in one process and in turns.
//!
//! `BENCH_N` tasks each compute for `BENCH_MICROS` microseconds, so 0 are the tasks that do nothing. `BENCH_SIDES` names two
//! of `plain`, `log`, `pages` and `readers` (of which `BENCH_READERS` follow the pages); they run in the order ABBA,
//! `BENCH_ITERATIONS` times. The time ends when the application has: what is written after the job counts, too.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

use firesteel::{Context, Result};
use firesteel_benches::params;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The pages that readers look at, in turns.
const LOOKED_AT: [&str; 4] = ["/", "/jobs/", "/stages/", "/stages/stage/?id=0&attempt=0"];

/// The pause of a reader between two pages: that of the pages' own script.
const PAUSE: Duration = Duration::from_secs(1);

#[firesteel::main]
fn main() -> Result<()> {
    let sides = std::env::var("BENCH_SIDES").unwrap_or_else(|_| "plain,log".into());
    let Some((one, other)) = sides.split_once(',') else { panic!("BENCH_SIDES={sides} names no two sides") };
    let mut seconds = [vec![], vec![]];
    let mut waited = Waits::default();
    for _ in 0..params::iterations(2) {
        for (at, side) in [(0, one), (1, other), (1, other), (0, one)] {
            seconds[at].push(run(side, &mut waited)?);
            println!("{side}: {:.3} s", seconds[at].last().copied().unwrap_or_default());
        }
    }
    let sum = |at: usize| seconds[at].iter().sum::<f64>();
    println!("{other} takes {:+.2} % of the time of {one}", 100.0 * (sum(1) / sum(0) - 1.0));
    if waited.pages > 0 {
        let mean = waited.micros as f64 / waited.pages as f64 / 1e3;
        println!(
            "{} pages were read, in {mean:.1} ms, at worst {:.1} ms",
            waited.pages,
            waited.worst as f64 / 1e3
        );
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    Ok(())
}

/// How long readers waited for pages.
#[derive(Default)]
struct Waits {
    pages: u64,
    micros: u64,
    worst: u64,
}

/// Runs the job once, and returns the seconds that it took.
fn run(side: &str, waited: &mut Waits) -> Result<f64> {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let (logs, seen) = (side == "log", side == "pages" || side == "readers");
    assert!(logs || seen || side == "plain", "there is no side `{side}`");
    let sc = Context::builder()
        .master(&params::master())
        .conf("spark.ui.enabled", &seen.to_string())
        .conf("spark.ui.port", "0")
        .conf("spark.ui.showConsoleProgress", "false")
        .conf("spark.eventLog.enabled", &logs.to_string())
        .conf("spark.eventLog.dir", &folder.path().to_string_lossy())
        .create()?;
    let is_over = AtomicBool::new(false);
    let (pages, micros, worst) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let tasks = params::records(100_000) as usize;
    let readers = if side == "readers" { params::number("BENCH_READERS", 50) } else { 0 };
    let address =
        sc.ui_web_url().unwrap_or_default().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let took = thread::scope(|scope| {
        for reader in 0..readers as usize {
            let (address, is_over) = (&address, &is_over);
            let (pages, micros, worst) = (&pages, &micros, &worst);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let asked = Instant::now();
                    let read = read(address, LOOKED_AT[reader % LOOKED_AT.len()]);
                    let took = asked.elapsed().as_micros() as u64;
                    if read {
                        pages.fetch_add(1, Ordering::Relaxed);
                        micros.fetch_add(took, Ordering::Relaxed);
                        worst.fetch_max(took, Ordering::Relaxed);
                    }
                    thread::sleep(PAUSE);
                }
            });
        }
        let begun = Instant::now();
        let count =
            sc.range_in(0..tasks as i64, tasks).map_with(params::number("BENCH_MICROS", 0), compute).count();
        sc.stop();
        let took = begun.elapsed().as_secs_f64();
        is_over.store(true, Ordering::Relaxed);
        count.map(|count| (count == tasks as u64, took))
    })?;
    assert!(took.0, "tasks are missing");
    waited.pages += pages.into_inner();
    waited.micros += micros.into_inner();
    waited.worst = waited.worst.max(worst.into_inner());
    Ok(took.1)
}

/// Computes for some microseconds.
fn compute(micros: &u64, record: i64) -> i64 {
    let until = Instant::now() + Duration::from_micros(*micros);
    let mut mixed = record;
    while *micros > 0 && Instant::now() < until {
        mixed = (0..64)
            .fold(mixed, |mixed: i64, _| mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    }
    mixed
}

/// Reads a page to its end; false if the application has ended.
fn read(address: &str, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let asked = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = vec![];
    stream
        .write_all(asked.as_bytes())
        .and_then(|()| stream.read_to_end(&mut answer))
        .is_ok_and(|read| read > 0)
}
