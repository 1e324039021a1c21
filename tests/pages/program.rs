//! The program whose pages a browser is led through. It does what its standard input says, a word for each line, and
//! answers on standard output with a line that begins with the word: so whoever leads it knows what has happened, and
//! what has not.
//!
//! | word | what it does | its answer |
//! | --- | --- | --- |
//! | `finish` | three jobs with shuffles, caches and accumulators | `finish RECORDS` |
//! | `fail` | a job that fails on its third record | `fail` |
//! | `hold NAME TASKS` | begins a job whose task `i` waits for the file `NAME-i`, and fails in the process whose id the file `bad` has | `hold NAME`, and at its end `ended NAME ANSWER` |
//! | `processes` | | `processes NAME=PID ...`, those of executors |
//! | `stop` | | `stop` |
//!
//! `seen MASTER LOGS FILES`: where tasks run, where the event log goes, and the folder of the files that tasks wait for.

#![expect(clippy::print_stdout, reason = "it answers on standard output")]

use firesteel::{Context, Result, StorageLevel};
use std::any::Any;
use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

/// A name that would be a script if a page let it.
const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>";

/// The longest that a task waits for its file: a bound that only a failure reaches.
const PATIENCE: Duration = Duration::from_secs(240);

/// More tasks than a page has rows.
const MANY: usize = 230;

#[firesteel::main]
fn main() -> std::result::Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [master, logs, files] = &arguments[..] else { return Err("seen MASTER LOGS FILES".into()) };
    let sc = Context::builder()
        .master(master)
        .app_name(&format!("Orders {HOSTILE}"))
        .conf("spark.ui.port", "0")
        .conf("spark.eventLog.enabled", "true")
        .conf("spark.eventLog.dir", logs)
        // So that the history server knows what is persisted, too.
        .conf("spark.eventLog.logBlockUpdates.enabled", "true")
        .conf("spark.scheduler.mode", "FAIR")
        .conf("spark.my.setting", HOSTILE)
        .conf("spark.my.password", "never-shown")
        .create()?;
    println!("url {}", sc.ui_web_url().ok_or("there are no pages")?);
    // What is persisted is given up with its last handle.
    let mut kept = vec![];
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["finish"] => println!("finish {}", finish(&sc, &mut kept)?),
            ["fail"] => fail(&sc),
            ["hold", name, tasks] => hold(&sc, name, tasks.parse()?, files),
            ["processes"] => {
                let all = sc.executor_processes().into_iter().map(|(name, id)| format!(" {name}={id}"));
                println!("processes{}", all.collect::<String>());
            }
            ["stop"] => {
                sc.stop();
                println!("stop");
            }
            _ => return Err(format!("there is no `{line}`").into()),
        }
    }
    Ok(())
}

/// Runs jobs that succeed, and returns how many records the last one had.
fn finish(sc: &Context, kept: &mut Vec<Box<dyn Any>>) -> Result<u64> {
    sc.set_job_group(&format!("orders {HOSTILE}"));
    let seen = sc.long_accumulator();
    let orders = sc.range_in(0..200_000, 8).map_with(seen.adder(), |seen, order| {
        seen.add(1);
        (order % 1_000, format!("order {order}"))
    });
    let orders = orders.set_name(HOSTILE).persist(StorageLevel::MEMORY_AND_DISK);
    orders.count()?;
    let customers =
        sc.range_in(0..1_000, 4).map(|customer| (customer, customer % 7)).persist(StorageLevel::DISK_ONLY);
    let joined = orders.join_into(4, &customers).map(|(_, (order, country))| (country, order.len()));
    let by_country =
        joined.reduce_by_key_into(3, |a, b| a + b).sort_by_key_into(2, firesteel::Order::Ascending);
    by_country.collect()?;
    // More tasks than a page has rows, of a stage that another job's stage is skipped for.
    let many = sc.range_in(0..10_000, MANY).map(|x| (x % 100, x)).reduce_by_key_into(2, |a, b| a + b);
    many.count()?;
    let records = many.count()?;
    sc.clear_job_group();
    kept.extend([Box::new(orders) as Box<dyn Any>, Box::new(customers)]);
    Ok(records)
}

/// Runs a job that fails in every attempt.
fn fail(sc: &Context) {
    let orders = sc.parallelize(["12", "7", HOSTILE].map(String::from), 1);
    let parsed =
        orders.map(|order| order.parse::<i64>().unwrap_or_else(|error| panic!("`{order}`: {error}")));
    let failed = parsed.map(|order| (order % 2, order)).reduce_by_key(|a, b| a + b).count();
    println!("fail {}", if failed.is_err() { "as it should" } else { "not" });
}

/// Begins a job that goes on while others are asked for.
fn hold(sc: &Context, name: &str, tasks: usize, files: &str) {
    let waiting = (files.to_owned(), name.to_owned());
    let held = sc.range_in(0..100 * tasks as i64, tasks).map_partitions_with_index_with(
        waiting,
        |(files, name), task, records| {
            let file = Path::new(files).join(format!("{name}-{task}"));
            let bound = Instant::now() + PATIENCE;
            while !file.exists() && Instant::now() < bound {
                std::thread::sleep(Duration::from_millis(5));
            }
            let bad = std::fs::read_to_string(Path::new(files).join("bad"));
            assert!(!bad.is_ok_and(|bad| bad == std::process::id().to_string()), "it is bad");
            records.map(|record| (record % 10, record))
        },
    );
    let sums = held.reduce_by_key_into(2, |a, b| a + b).collect_async();
    println!("hold {name}");
    let name = name.to_owned();
    std::thread::spawn(move || match sums.wait() {
        Ok(sums) => println!("ended {name} {}", sums.iter().map(|(_, sum)| sum).sum::<i64>()),
        Err(error) => println!("ended {name} failed: {}", error.to_string().replace('\n', " ")),
    });
}
