//! Shows pages without running anything: of applications that never ran, and of an event log.
//!
//! `cargo run -p firesteel-ui --example show -- finished failing running giant master worker FILE DIRECTORY` prints an
//! address for each: of an event log, and of a history server for a directory of them.

mod daemons;
mod shown;
mod synthetic;

use firesteel_events::ListenerEvent;
use firesteel_status::store::Store;
use firesteel_ui::history::{History, HistoryConfig};
use firesteel_ui::{
    Actions, LogPart, SampleAsk, SampledStack, Samples, Site, ThreadStack, UiConfig, UiServer, Unavailable,
    start,
};
use shown::{One, Shown, fold, now};
use std::io::Write;
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// An executor that has threads and a log to show.
struct Pretended;

impl Actions for Pretended {
    fn kill_job(&self, job: i64) -> Result<(), Unavailable> {
        eprintln!("kill job {job}");
        Ok(())
    }

    fn thread_dump(&self, executor: &str) -> Result<Vec<ThreadStack>, Unavailable> {
        let frame = |line: &str| line.to_owned();
        let stack =
            vec![frame("parse (orders.py:14)"), frame("<lambda> (orders.py:31)"), frame(synthetic::HOSTILE)];
        let name = format!("slot 1 of executor {executor} {}", synthetic::HOSTILE);
        let busy = ThreadStack { name, state: "running".into(), stack, is_busy: true };
        let idle = ThreadStack {
            name: "slot 2".into(),
            state: "sleeping".into(),
            stack: vec![frame("futex_wait"), frame("crossbeam::recv")],
            is_busy: false,
        };
        Ok(vec![busy, idle])
    }

    fn sample(&self, ask: &SampleAsk) -> Result<Samples, Unavailable> {
        let stack = |frames: &[&str], count| SampledStack {
            stage: Some(0),
            frames: frames.iter().map(|frame| (*frame).to_owned()).collect(),
            count,
        };
        let stacks = vec![
            stack(&["<module> (orders.py:40)", "parse (orders.py:14)", "loads (json.py:352)"], 40),
            stack(&["<module> (orders.py:40)", "parse (orders.py:14)", synthetic::HOSTILE], 12),
            stack(&["<module> (orders.py:40)", "price (orders.py:31)"], 25),
        ];
        Ok(Samples {
            stacks,
            rounds: u64::from(ask.seconds) * 20,
            idle: 9,
            took_ms: u64::from(ask.seconds) * 1000,
        })
    }

    fn log(
        &self,
        _executor: &str,
        which: &str,
        offset: Option<u64>,
        length: usize,
    ) -> Result<LogPart, Unavailable> {
        let whole: String =
            (0..9000).map(|line| format!("{which} line {line} {}\n", synthetic::HOSTILE)).collect();
        let from = offset.unwrap_or(whole.len().saturating_sub(length) as u64) as usize;
        let text = whole.get(from..(from + length).min(whole.len())).unwrap_or("").to_owned();
        let end = (from + text.len()) as u64;
        Ok(LogPart { text, offset: from as u64, end, length: whole.len() as u64 })
    }

    fn is_there(&self) -> bool {
        true
    }
}

fn serve(store: Store) -> (Arc<Shown>, UiServer) {
    let shown = Arc::new(Shown(RwLock::new(store)));
    let mut site = Site::new(Arc::new(One(Arc::clone(&shown))));
    site.actions = Arc::new(Pretended);
    let config = UiConfig { port: 0, ..UiConfig::default() };
    let server = start(&config, site, Default::default()).expect("a port is free");
    (shown, server)
}

fn of_synthetic(events: synthetic::Events) -> Store {
    fold(events.all.into_iter().map(|(_, event)| event))
}

/// Feeds a server with events at their times, forever after the first minute of them.
fn run(shown: Arc<Shown>, events: synthetic::Events) {
    std::thread::spawn(move || {
        for (at, event) in events.all {
            let wait = at - now();
            if wait > 0 {
                std::thread::sleep(Duration::from_millis(wait as u64));
            }
            shown.0.write().expect("no reader panics").apply(&event);
        }
    });
}

fn main() {
    let mut servers = Vec::new();
    let mut out = std::io::stdout();
    for what in std::env::args().skip(1) {
        if std::path::Path::new(&what).is_dir() {
            let config = HistoryConfig { dirs: vec![what.clone()], ..HistoryConfig::default() };
            let history = History::new(&config).expect("a directory of logs");
            let config = UiConfig { port: 0, ..UiConfig::default() };
            let server = start(&config, Site::new(history), Default::default()).expect("a port is free");
            writeln!(out, "{what} {}", server.url()).expect("someone reads");
            servers.push((Arc::new(Shown(RwLock::default())), server));
            continue;
        }
        if let Some(server) = daemons::serve(&what) {
            writeln!(out, "{what} {}", server.url()).expect("someone reads");
            servers.push((Arc::new(Shown(RwLock::default())), server));
            continue;
        }
        let (shown, server) = match what.as_str() {
            "finished" => serve(of_synthetic(synthetic::finished(now() - 600_000))),
            "failing" => serve(of_synthetic(synthetic::failing(now() - 60_000))),
            "giant" => serve(of_synthetic(synthetic::giant(now() - 3_600_000, 200_000, 5000))),
            "running" => {
                let (shown, server) = serve(fold([]));
                run(Arc::clone(&shown), synthetic::running(now() - 60_000, 200));
                (shown, server)
            }
            log => {
                let text = std::fs::read_to_string(log).expect("a log that is not compressed");
                serve(fold(text.lines().filter_map(|line| ListenerEvent::parse(line).ok().flatten())))
            }
        };
        writeln!(out, "{what} {}", server.url()).expect("someone reads");
        servers.push((shown, server));
    }
    out.flush().expect("someone reads");
    // Until the standard input ends, or somebody ends the program.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
}
