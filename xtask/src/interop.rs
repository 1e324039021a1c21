//! `cargo xtask interop`: tests Firesteel with real other programs. Each partner is a row here and a file
//! below; the programs that it needs are fetched by the ordinary clients into the folder of built files, and
//! missing ones are reported.

mod checks;
mod history;
mod kubernetes;
mod rest;
mod server;
mod spark;
mod stores;
mod tables;
mod yarn;

use crate::args::Args;
use crate::test::Outcome;
use crate::{Fallible, workspace};
use checks::Checks;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(crate) const HELP: &str = "
Starts real servers on loopback and runs real programs against them; stops them whatever happens. The last line counts what
passed, failed and was skipped, and each skipped partner says what is missing.

  --only PARTNER   this partner only; may be repeated
  --list           list the partners
  --logs DIR       have the history server show the event logs of this directory, instead of samples

Servers' own words and everything that is fetched are under target/interop.

Examples:
  cargo xtask interop
  cargo xtask interop --only s3 --only hdfs
";

/// The most time for all partners together when they are requested by name.
const ALL_LIMIT: Duration = Duration::from_secs(3600);

/// The most time for them as a step among others.
const STEP_LIMIT: Duration = Duration::from_secs(360);

/// Another program: its name, what is tested with it, and the checks.
struct Partner {
    name: &'static str,
    about: &'static str,
    run: fn(&Checks) -> Outcome,
}

/// Fast partners come first, those that may have to be built or are large last: the step has only so much time.
const PARTNERS: &[Partner] = &[
    Partner {
        name: "http",
        about: "Go's own web server: read over http:; wants Go",
        run: |checks| stores::http(checks).into(),
    },
    Partner {
        name: "s3",
        about: "moto's server: save, list, read over s3a:, read over http:; wants Python",
        run: |checks| stores::s3(checks).into(),
    },
    Partner {
        name: "azure",
        about: "Azurite: save, list, read over az:; wants Node",
        run: |checks| stores::azure(checks).into(),
    },
    Partner {
        name: "hdfs",
        about: "Hadoop's own name and data node: save, list, read over hdfs:; wants Java 17 and Maven",
        run: |checks| stores::hdfs(checks).into(),
    },
    Partner {
        name: "gcs",
        about: "fake-gcs-server: list, read over gs:; wants Go",
        run: |checks| stores::gcs(checks).into(),
    },
    Partner {
        name: "yarn",
        about: "Hadoop's own YARN: executors and programs in its containers; wants Java 17 and Maven",
        run: |_| yarn::run().into(),
    },
    Partner {
        name: "spark",
        about: "Spark 4.3: text, SequenceFiles, both ways, and the table of Hadoop's formats; wants Java 17",
        run: |_| spark::run().into(),
    },
    Partner {
        name: "tables",
        about: "Spark 4.3: programs that read, compute and write tables in both, and tables both ways; wants Java 17",
        run: |_| tables::run().into(),
    },
    Partner {
        name: "history",
        about: "Spark 4.3's History Server: shows event logs of ours and Spark's, which we read; wants Java 17",
        run: |checks| history::run(checks).into(),
    },
    Partner {
        name: "rest",
        about: "Spark 4.3: REST beside its History Server's, over logs that it wrote; wants Java 17",
        run: |_| rest::run().into(),
    },
    Partner {
        name: KUBERNETES,
        about: "Kubernetes 1.34 with a real node: executors as pods, killed, evicted, refused; wants Go, etcd, containerd, root",
        run: |_| kubernetes::run().into(),
    },
];

/// The reason why a partner's checks did not pass.
enum Trouble {
    /// A program that the project cannot provide is missing.
    Missing(String),
    /// A check failed, or a server did not start.
    Failed(String),
}

impl From<String> for Trouble {
    fn from(message: String) -> Trouble {
        Trouble::Failed(message)
    }
}

impl From<Result<(), Trouble>> for Outcome {
    fn from(result: Result<(), Trouble>) -> Outcome {
        match result {
            Ok(()) => Outcome::Passed,
            Err(Trouble::Missing(what)) => Outcome::Skipped(what),
            Err(Trouble::Failed(message)) => Outcome::Failed(message),
        }
    }
}

/// Returns the folder for fetched programs, and for servers' logs and files.
fn folder(name: &str) -> Fallible<PathBuf> {
    let folder = workspace::target_dir().join("interop").join(name);
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}

pub(crate) fn run(mut args: Args) -> Fallible {
    let only = args.options("--only")?;
    let list = args.flag("--list");
    let logs: Option<PathBuf> = args.option("--logs")?;
    args.finish()?;
    if list {
        PARTNERS.iter().for_each(|partner| println!("{:<10}{}", partner.name, partner.about));
        return Ok(());
    }
    for name in &only {
        if !PARTNERS.iter().any(|partner| partner.name == name) {
            return Err(format!("no partner `{name}`; `cargo xtask interop --list` lists them"));
        }
    }
    let wanted = |partner: &&Partner| only.is_empty() || only.iter().any(|name| name == partner.name);
    let counts = run_partners(PARTNERS.iter().filter(wanted), &Checks::within(ALL_LIMIT).with_logs(logs));
    println!("\n{} passed, {} failed, {} skipped", counts.passed, counts.failed.len(), counts.skipped.len());
    if counts.failed.is_empty() { Ok(()) } else { Err(String::new()) }
}

/// The partners that are Spark.
const OF_SPARK: &[&str] = &["spark", "tables", "history", "rest"];

/// The partner whose first run takes ten minutes.
const KUBERNETES: &str = "kubernetes";

/// Runs the step `interop` of `cargo xtask test`: every partner but Spark, of which 400 MB would have to be
/// fetched, and Kubernetes, which is built for minutes.
pub(crate) fn step() -> Outcome {
    let wanted = |partner: &&Partner| !OF_SPARK.contains(&partner.name) && partner.name != KUBERNETES;
    println!("(Spark is left out here: `cargo xtask interop --only {}`)", OF_SPARK.join(" --only "));
    println!("(and Kubernetes: `cargo xtask interop --only {KUBERNETES}`)");
    let counts = run_partners(PARTNERS.iter().filter(wanted), &Checks::within(STEP_LIMIT));
    if !counts.failed.is_empty() {
        return Outcome::Failed(format!("failed: {}", counts.failed.join(", ")));
    }
    if counts.passed == 0 {
        return Outcome::Skipped(counts.skipped.join("; "));
    }
    counts.skipped.iter().for_each(|skipped| println!("SKIPPED: {skipped}"));
    Outcome::Passed
}

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: Vec<&'static str>,
    /// The skipped partners, each with its reason.
    skipped: Vec<String>,
}

fn run_partners<'a>(partners: impl Iterator<Item = &'a Partner>, checks: &Checks) -> Counts {
    let mut counts = Counts::default();
    for partner in partners {
        println!("\n=== {}: {}", partner.name, partner.about);
        let start = Instant::now();
        let outcome = match checks.time_is_up() {
            true => Outcome::Skipped("no time was left".into()),
            false => (partner.run)(checks),
        };
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Outcome::Passed => {
                counts.passed += 1;
                println!("--- {} passed in {seconds:.1} s", partner.name);
            }
            Outcome::Failed(message) => {
                counts.failed.push(partner.name);
                println!("{message}\n--- {} FAILED in {seconds:.1} s", partner.name);
            }
            Outcome::Skipped(reason) => {
                println!("--- {} SKIPPED: {reason}", partner.name);
                counts.skipped.push(format!("{}: {reason}", partner.name));
            }
        }
    }
    counts
}
