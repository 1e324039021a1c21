//! `page_rank`: the same rule on one thread, to the end.

use super::{assert_close, numbers, read, run, section};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What packages depend on, by a reading of the list of its own: paragraph by paragraph, field by field.
fn links(list: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut links = BTreeMap::<String, BTreeSet<String>>::new();
    let mut package = String::new();
    for line in list.lines() {
        let Some((field, value)) = line.split_once(": ") else { continue };
        match field {
            "Package" => {
                package = value.into();
                links.entry(package.clone()).or_default();
            }
            "Depends" | "Pre-Depends" => {
                for one in value.split(", ") {
                    let name = one.find([' ', ':', '(', '|']).map_or(one, |end| &one[..end]);
                    links.entry(package.clone()).or_default().insert(name.into());
                }
            }
            _ => {}
        }
    }
    links
}

fn ranks(links: &BTreeMap<String, BTreeSet<String>>) -> HashMap<&str, f64> {
    let mut ranks: HashMap<&str, f64> = links.keys().map(|package| (package.as_str(), 1.0)).collect();
    loop {
        let mut next: HashMap<&str, f64> = links.keys().map(|package| (package.as_str(), 0.15)).collect();
        for (package, targets) in links {
            for target in targets {
                *next.entry(target).or_insert(0.15) += 0.85 * ranks[package.as_str()] / targets.len() as f64;
            }
        }
        let farthest = next
            .iter()
            .map(|(package, rank)| (rank - ranks.get(package).unwrap_or(&0.0)).abs())
            .fold(0.0, f64::max);
        ranks = next;
        if farthest < 1e-9 {
            return ranks;
        }
    }
}

fn check(path: &str) {
    let printed = run("page_rank", &[path]);
    let links = links(&read(path));
    let dependencies: usize = links.values().map(BTreeSet::len).sum();
    let counts = format!("{} packages, {dependencies} dependencies", links.len());
    assert_eq!(printed.lines().next(), Some(counts.as_str()));

    let ranks = ranks(&links);
    let mut best: Vec<f64> = ranks.values().copied().collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let lines = section(&printed, "The packages");
    assert_eq!(lines.len(), 15);
    for (place, line) in lines.into_iter().enumerate() {
        let package = line.split_whitespace().last().unwrap();
        let rank = numbers(line)[0];
        // The program stops when ranks move by a millionth in the mean: those of a few may still move by more.
        let tolerance = 0.006 + rank * 1e-3;
        assert_close(rank, ranks[package], tolerance, package);
        assert_close(rank, best[place], tolerance, &format!("place {place}"));
    }
}

#[test]
fn page_rank_of_the_sample() {
    check("examples/sample/Packages");
}

#[test]
#[ignore = "wants what `cargo xtask data` fetches"]
fn real_packages() {
    check("target/data/Packages");
}
