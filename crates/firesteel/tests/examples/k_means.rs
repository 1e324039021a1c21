//! `k_means`: Lloyd's algorithm in a loop, from the same airports.

use super::{assert_close, numbers, read, rows, run};

const START: [&str; 8] = ["JFK", "MIA", "ORD", "DFW", "LAX", "SEA", "ANC", "HNL"];

struct Airport {
    faa: String,
    name: String,
    at: [f64; 3],
}

fn chord(a: [f64; 3], b: [f64; 3]) -> f64 {
    ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)).sqrt()
}

fn nearest(centres: &[[f64; 3]], at: [f64; 3]) -> usize {
    let mut best = 0;
    for cluster in 1..centres.len() {
        if chord(centres[cluster], at) < chord(centres[best], at) {
            best = cluster;
        }
    }
    best
}

fn airports(table: &str) -> Vec<Airport> {
    rows(table)
        .map(|row| {
            let degrees = |name: &str| row(name).parse::<f64>().unwrap().to_radians();
            let (lat, lon) = (degrees("lat"), degrees("lon"));
            let at = [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()];
            Airport { faa: row("faa"), name: row("name"), at }
        })
        .collect()
}

/// Until no airport changes its cluster.
fn cluster(airports: &[Airport]) -> (Vec<[f64; 3]>, Vec<usize>) {
    let mut centres =
        START.map(|code| airports.iter().find(|airport| airport.faa == code).unwrap().at).to_vec();
    let mut of = vec![];
    loop {
        let next: Vec<usize> = airports.iter().map(|airport| nearest(&centres, airport.at)).collect();
        if next == of {
            return (centres, of);
        }
        of = next;
        for (index, centre) in centres.iter_mut().enumerate() {
            let own: Vec<_> = airports.iter().zip(&of).filter(|(_, of)| **of == index).collect();
            if !own.is_empty() {
                *centre = [0, 1, 2].map(|axis| {
                    own.iter().map(|(airport, _)| airport.at[axis]).sum::<f64>() / own.len() as f64
                });
            }
        }
    }
}

fn check(path: &str) {
    let printed = run("k_means", &[path]);
    let airports = airports(&read(path));
    let (centres, of) = cluster(&airports);
    let mut expected = vec![];
    for (index, centre) in centres.iter().enumerate() {
        let own = || airports.iter().zip(&of).filter(|(_, of)| **of == index).map(|(airport, _)| airport);
        let Some(middle) = own().min_by(|a, b| chord(a.at, *centre).total_cmp(&chord(b.at, *centre))) else {
            continue;
        };
        let km = own().map(|airport| 2.0 * (chord(airport.at, *centre) / 2.0).asin() * 6371.0);
        expected.push((own().count(), km.sum::<f64>() / own().count() as f64, middle.name.clone()));
    }
    let head = format!("{} airports in {} clusters, after ", airports.len(), expected.len());
    assert!(printed.starts_with(&head), "{printed}");
    assert_eq!(printed.lines().skip(1).count(), expected.len());
    for line in printed.lines().skip(1) {
        let (count, km) = (numbers(line)[0], numbers(line)[1]);
        let found = expected.iter().find(|(n, _, name)| *n as f64 == count && line.ends_with(name.as_str()));
        let (_, mean, name) = found.unwrap_or_else(|| panic!("no cluster is `{line}`: {expected:?}"));
        assert_close(km, *mean, 0.51, name);
    }
}

#[test]
fn airports_of_the_sample() {
    check("examples/sample/airports.csv");
}

#[test]
#[ignore = "wants what `cargo xtask data` fetches"]
fn real_airports() {
    check("target/data/airports.csv");
}
