//! The picture of a lineage that `to_debug_string` prints: one line an RDD, indented one step more at each shuffle.

use crate::lineage::{Dependency, Lineage};
use firesteel_types::RddId;
use std::collections::BTreeSet;
use std::fmt::Write;

impl Lineage {
    /// Draws the lineage of `rdd`. The number in brackets is the count of partitions; `+-` marks a shuffle, which is where
    /// one stage ends and another begins. An RDD that was drawn already is named, but not unfolded again.
    pub fn to_debug_string(&self, rdd: RddId) -> String {
        let mut text = String::new();
        let mut drawn = BTreeSet::new();
        let mut pending = vec![Line { rdd, indent: 0, begins_stage: true }];
        while let Some(line) = pending.pop() {
            let first_time = drawn.insert(line.rdd);
            self.draw(&line, first_time, &mut text);
            if !first_time {
                continue;
            }
            for dependency in self.get(line.rdd).dependencies.iter().rev() {
                pending.push(match dependency {
                    Dependency::Narrow { parent, .. } => {
                        Line { rdd: *parent, indent: line.indent, begins_stage: false }
                    }
                    Dependency::Shuffle { parent, .. } => {
                        Line { rdd: *parent, indent: line.indent + 1, begins_stage: true }
                    }
                });
            }
        }
        text.truncate(text.trim_end().len());
        text
    }

    fn draw(&self, line: &Line, first_time: bool, text: &mut String) {
        let info = self.get(line.rdd);
        let count = format!("({})", info.partitions);
        let lead = match (line.begins_stage, line.indent) {
            (true, 0) => count,
            (true, depth) => format!("{}+-{count}", " |  ".repeat(depth as usize - 1) + " "),
            (false, depth) => {
                format!("{}{:width$}", " |  ".repeat(depth as usize), " |", width = count.len())
            }
        };
        let again = if first_time { "" } else { " (see above)" };
        writeln!(text, "{lead} [{}] {}{again}", info.id, info.site).expect("writing to a string cannot fail");
    }
}

/// One line still to be drawn.
struct Line {
    rdd: RddId,
    indent: u32,
    begins_stage: bool,
}
