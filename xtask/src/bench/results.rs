//! The results as a table for people, in `benches/RESULTS.md`, and with every single value as JSON, under
//! `target/`.

use std::fmt::Write;

use super::workloads::Workload;
use super::{Measured, Sample};
use crate::{Fallible, workspace};

pub(super) const FIRESTEEL: &str = "Firesteel";
pub(super) const SPARK: &str = "Spark";

const TABLE: &str = "benches/RESULTS.md";
const VALUES: &str = "target/bench-results.json";

pub(super) struct Report {
    machine: Vec<String>,
    quick: bool,
    runs: usize,
    workloads: Vec<(&'static Workload, Vec<Measured>)>,
}

impl Report {
    pub(super) fn new(
        machine: Vec<String>,
        quick: bool,
        runs: usize,
        workloads: Vec<(&'static Workload, Vec<Measured>)>,
    ) -> Self {
        Report { machine, quick, runs, workloads }
    }

    /// Writes both files, or only prints the table.
    pub(super) fn write(&self, print: bool) -> Fallible {
        let write = |path: &str, text: &str| {
            std::fs::write(workspace::root().join(path), text).map_err(|error| format!("{path}: {error}"))
        };
        let table = self.table();
        println!("\n{table}");
        write(VALUES, &self.json())?;
        println!("every value: {VALUES}");
        if !print {
            write(TABLE, &table)?;
            println!("table: {TABLE}");
        }
        Ok(())
    }

    fn table(&self) -> String {
        let mut text = String::from("# Measured side by side\n\nWritten by `cargo xtask bench`");
        if self.quick {
            text.push_str(" with `--quick`: too small to mean anything");
        }
        let _ = writeln!(text, ".\n");
        for line in &self.machine {
            let _ = writeln!(text, "- {line}");
        }
        let _ = writeln!(
            text,
            "\nMedians of {} runs after one to warm up; all peers gave the same answer. Spark's warm-up is given in",
            self.runs
        );
        let _ = writeln!(text, "parentheses. Memory is the peak of the whole process tree.");
        text.push_str(
            "\n| workload | peer | seconds | times as fast as Spark | of the best by hand | peak MiB |\n",
        );
        text.push_str("| --- | --- | ---: | ---: | ---: | ---: |\n");
        for (workload, measured) in &self.workloads {
            self.rows(&mut text, workload, measured);
        }
        text
    }

    fn rows(&self, text: &mut String, workload: &Workload, measured: &[Measured]) {
        let seconds = |peer: &Measured| median(&peer.samples, |sample| timed(workload, sample));
        let spark = measured.iter().find(|peer| peer.peer == SPARK).map(seconds);
        let by_hand = measured.iter().filter(|peer| peer.peer.starts_with("by hand")).map(seconds);
        let best = by_hand.min_by(f64::total_cmp);
        for (index, peer) in measured.iter().enumerate() {
            let name = if index == 0 { workload.about } else { "" };
            let own = seconds(peer);
            let ratio = |value: Option<f64>, digits: usize| {
                value.map_or("-".into(), |value| format!("{value:.digits$} x"))
            };
            let first = peer.samples.first().and_then(|sample| sample.inner_seconds.first());
            let first = first.filter(|_| peer.peer == SPARK && !workload.times_process);
            let first = first.map_or(String::new(), |first| format!(" ({first:.2})"));
            let _ = writeln!(
                text,
                "| {name} | {} | {own:.3}{first} | {} | {} | {:.0} |",
                peer.peer,
                ratio(spark.map(|spark| spark / own), 1),
                ratio(best.map(|best| own / best), 2),
                median(&peer.samples, |sample| sample.peak_mib),
            );
        }
    }

    fn json(&self) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let machine: Vec<String> = self.machine.iter().map(|line| quoted(line)).collect();
        let mut peers = Vec::new();
        for (workload, measured) in &self.workloads {
            for peer in measured {
                let samples: Vec<String> = peer.samples.iter().map(sample_json).collect();
                peers.push(format!(
                    "    {{\"workload\": {}, \"peer\": {}, \"answer\": {}, \"samples\": [{}]}}",
                    quoted(workload.name),
                    quoted(peer.peer),
                    quoted(peer.samples.first().map_or("", |sample| &sample.answer)),
                    samples.join(", ")
                ));
            }
        }
        let (machine, peers) = (machine.join(", "), peers.join(",\n"));
        format!(
            "{{\n  \"machine\": [{machine}],\n  \"quick\": {},\n  \"peers\": [\n{peers}\n  ]\n}}\n",
            self.quick
        )
    }
}

fn sample_json(sample: &Sample) -> String {
    format!(
        "{{\"seconds\": {}, \"inner_seconds\": {:?}, \"process_seconds\": {:.4}, \"peak_mib\": {:.1}}}",
        sample.seconds, sample.inner_seconds, sample.process_seconds, sample.peak_mib
    )
}

fn timed(workload: &Workload, sample: &Sample) -> f64 {
    if workload.times_process { sample.process_seconds } else { sample.seconds }
}

/// Returns the median of some value of the samples.
pub(super) fn median(samples: &[Sample], value: impl Fn(&Sample) -> f64) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
