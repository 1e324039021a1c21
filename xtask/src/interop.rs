//! `cargo xtask interop`: other programs, the real ones, against ours. Each partner is a row here and a file below; what it
//! needs is fetched by the ordinary clients into the folder of built files, and what is missing is said.

mod server;
mod spark;
mod stores;

use crate::args::Args;
use crate::test::Outcome;
use crate::{Fallible, workspace};
use std::path::PathBuf;
use std::time::Instant;

pub(crate) const HELP: &str = "
Starts real servers on loopback and runs real programs against them; stops them whatever happens. The last line counts what
passed, failed and was skipped, and each skipped partner says what is missing.

  --only PARTNER   this partner only; may be repeated
  --list           list the partners

Servers' own words and everything that is fetched are under target/interop.

Examples:
  cargo xtask interop
  cargo xtask interop --only s3 --only hdfs
";

/// Another program: its name, what is tried with it, and the checks.
struct Partner {
    name: &'static str,
    about: &'static str,
    run: fn() -> Outcome,
}

const PARTNERS: &[Partner] = &[
    Partner {
        name: "spark",
        about: "Spark 4.3: text with codecs, SequenceFiles, both ways; wants Java 17",
        run: || spark::run().into(),
    },
    Partner {
        name: "s3",
        about: "moto's server: save, list, read over s3a: and http:; wants Python",
        run: || stores::s3().into(),
    },
    Partner {
        name: "azure",
        about: "Azurite: save, list, read over az:; wants Node",
        run: || stores::azure().into(),
    },
    Partner {
        name: "gcs",
        about: "fake-gcs-server: save, list, read over gs:; wants Go",
        run: || stores::gcs().into(),
    },
    Partner {
        name: "hdfs",
        about: "Hadoop's own name and data node: save, list, read over hdfs:; wants Java 17 and Maven",
        run: || stores::hdfs().into(),
    },
];

/// Why a partner's checks did not pass.
enum Trouble {
    /// Something that is not ours to bring is not there.
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

/// Where everything is fetched to, and where servers' logs and files are.
fn folder(name: &str) -> Fallible<PathBuf> {
    let folder = workspace::target_dir().join("interop").join(name);
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    Ok(folder)
}

pub(crate) fn run(mut args: Args) -> Fallible {
    let only = args.options("--only")?;
    let list = args.flag("--list");
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
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for partner in PARTNERS.iter().filter(wanted) {
        println!("\n=== {}: {}", partner.name, partner.about);
        let start = Instant::now();
        let outcome = (partner.run)();
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Outcome::Passed => {
                passed += 1;
                println!("--- {} passed in {seconds:.1} s", partner.name);
            }
            Outcome::Failed(message) => {
                failed += 1;
                println!("{message}\n--- {} FAILED in {seconds:.1} s", partner.name);
            }
            Outcome::Skipped(reason) => {
                skipped += 1;
                println!("--- {} SKIPPED: {reason}", partner.name);
            }
        }
    }
    println!("\n{passed} passed, {failed} failed, {skipped} skipped");
    if failed == 0 { Ok(()) } else { Err(String::new()) }
}
