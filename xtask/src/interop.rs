//! `cargo xtask interop`: files and stores of other programs, the real ones, against ours. Each partner has a file of its own.

mod spark;

use crate::Fallible;
use crate::args::Args;

pub(crate) const HELP: &str = "
Starts other programs and exchanges files with them, both ways, record by record. One line for each check, and a total;
what cannot run is said with its reason.

  --only PARTNER   this partner only; may be repeated
  --list           list the partners

Examples:
  cargo xtask interop --only spark
";

/// Another program: its name, what is exchanged, and the checks.
struct Partner {
    name: &'static str,
    about: &'static str,
    run: fn() -> Fallible,
}

const PARTNERS: &[Partner] = &[Partner {
    name: "spark",
    about: "Spark 4.3: text with codecs, SequenceFiles, both ways; wants Java 17",
    run: spark::run,
}];

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
    let failed: Vec<String> = PARTNERS
        .iter()
        .filter(wanted)
        .filter_map(|partner| (partner.run)().err().map(|error| format!("{}: {error}", partner.name)))
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}
