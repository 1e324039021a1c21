//! Which packages Debian rests on: PageRank over what packages depend on.
//!
//! Shows records of many lines, links that are *cached* since every step reads them, and a lineage that grows with each step and is
//! cut by a *checkpoint* now and then.
//!
//! `cargo xtask data` once, then `cargo run --release --example page_rank [-- PACKAGES]`

#![expect(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]

use firesteel::{Context, Rdd, Str, TotalF64};
use std::error::Error;

/// So much of its rank a package passes on.
const DAMPING: f64 = 0.85;
/// A checkpoint, and a look at how far the ranks still move, every so many steps.
const STEPS_BETWEEN_CHECKPOINTS: usize = 5;
/// Ranks that move by less than this in a step, in the mean, are good enough.
const TOLERANCE: f64 = 1e-6;
/// Steps at most. They are never needed: a step moves the ranks by 0.85 of what the one before did, at most.
const MAX_STEPS: usize = 100;

#[firesteel::main]
fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "target/data/Packages".into());
    let hint = |error| {
        format!("{error}\n  help: `cargo xtask data` writes Debian's list of packages into target/data")
    };

    let sc = Context::builder().app_name("page rank").get_or_create()?;
    sc.set_checkpoint_dir(&std::env::temp_dir().to_string_lossy())?;
    // Some packages are listed in several versions: what any of them depends on counts.
    let links = sc
        .text_file_delimited(&path, None, "\n\n")
        .map_err(hint)?
        .flat_map(|paragraph| package(&paragraph))
        .reduce_by_key(|a, b| [a, b].concat())
        .map_values(|mut targets| {
            targets.sort();
            targets.dedup();
            targets
        })
        .cache();
    let (packages, dependencies) = (links.count()?, links.map(|(_, targets)| targets.len() as u64).sum()?);
    println!("{packages} packages, {dependencies} dependencies");

    let mut ranks = links.map_values(|_| 1.0);
    for step in 1..=MAX_STEPS {
        let next = pass_on(&links, &ranks);
        let is_stop = step % STEPS_BETWEEN_CHECKPOINTS == 0;
        if is_stop {
            next.cache();
            next.checkpoint()?;
            let moved = next.join(&ranks).map(|(_, (new, old))| (new - old).abs()).mean()?;
            println!("step {step}: ranks move by {moved:.7}");
            if moved < TOLERANCE {
                ranks = next;
                break;
            }
        }
        ranks = next;
    }

    println!("\nThe packages that others rest on most:");
    for (package, rank) in ranks.top_by(15, |(_, rank)| TotalF64(*rank))? {
        println!("{rank:>10.2}  {package}");
    }
    Ok(())
}

/// One step: each package passes most of its rank on, in equal parts, to those that it depends on. One that depends on nothing
/// passes nothing on.
fn pass_on(links: &Rdd<(Str, Vec<Str>)>, ranks: &Rdd<(Str, f64)>) -> Rdd<(Str, f64)> {
    let given = links.join(ranks).flat_map_push(|(package, (targets, rank)), given| {
        let share = rank / targets.len() as f64;
        // So that a package that nothing depends on keeps a rank.
        given.push((package, 0.0));
        given.extend(targets.into_iter().map(|target| (target, share)));
    });
    given.reduce_by_key(|a, b| a + b).map_values(|sum| (1.0 - DAMPING) + DAMPING * sum)
}

/// The name in a paragraph of the list, and what it depends on; of alternatives the first.
fn package(paragraph: &str) -> Option<(Str, Vec<Str>)> {
    let field = |name: &'static str| paragraph.lines().filter_map(move |line| line.strip_prefix(name));
    let name = field("Package: ").next()?;
    let listed = field("Depends: ").chain(field("Pre-Depends: ")).flat_map(|list| list.split(','));
    // `python3:any (>= 3.11) | python3.11` names `python3`.
    let names = listed.filter_map(|one| one.trim().split([' ', ':', '(', '|']).next());
    Some((name.into(), names.map(Str::from).collect()))
}
