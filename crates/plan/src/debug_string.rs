//! The lineage as `to_debug_string` prints it: one line an RDD, indented one step more at each shuffle.

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
            (true, depth) => format!("{}+-{count}", before(depth)),
            (false, 0) => format!("{:width$}", " |", width = count.len()),
            (false, depth) => format!("{}  {:width$}", before(depth), " |", width = count.len()),
        };
        let again = if first_time { "" } else { " (see above)" };
        writeln!(text, "{lead} [{}] {}{again}", info.id, info.site).expect("writing to a string cannot fail");
    }
}

/// Returns the lead of a line behind `shuffles` shuffles: a stage stands under the bar of the one that reads
/// it.
fn before(shuffles: u32) -> String {
    "   ".repeat(shuffles as usize - 1) + " "
}

/// One line still to be drawn.
struct Line {
    rdd: RddId,
    indent: u32,
    begins_stage: bool,
}

#[cfg(test)]
mod tests {
    use crate::{Dependency, Lineage, Mapping, RddInfo};
    use firesteel_types::{CallSite, RddId, ShuffleId};
    use std::sync::Arc;

    fn rdd(id: u32, operation: &str, dependencies: Vec<Dependency>) -> Arc<RddInfo> {
        let site = CallSite { operation: operation.into(), ..CallSite::default() };
        let (partitioner, preferred) = (None, vec![]);
        Arc::new(RddInfo {
            id: RddId(id),
            site,
            partitions: 2,
            partitioner,
            dependencies,
            preferred,
            barrier: false,
        })
    }

    #[test]
    fn stages_stand_under_the_bars_of_those_that_read_them() {
        let narrow = |id| Dependency::Narrow { parent: RddId(id), mapping: Mapping::OneToOne };
        let wide = |id| Dependency::Shuffle { parent: RddId(id), shuffle: ShuffleId(id) };
        let mut lineage = Lineage::new();
        lineage.insert(rdd(0, "text_file", vec![]));
        lineage.insert(rdd(1, "flat_map", vec![narrow(0)]));
        lineage.insert(rdd(2, "reduce_by_key", vec![wide(1)]));
        lineage.insert(rdd(3, "map", vec![narrow(2)]));
        lineage.insert(rdd(4, "sort_by_key", vec![wide(3)]));
        lineage.insert(rdd(5, "keys", vec![narrow(4)]));
        let drawn = [
            "(2) [5] keys",
            " |  [4] sort_by_key",
            " +-(2) [3] map",
            "    |  [2] reduce_by_key",
            "    +-(2) [1] flat_map",
            "       |  [0] text_file",
        ];
        assert_eq!(lineage.to_debug_string(RddId(5)).lines().collect::<Vec<_>>(), drawn);
    }
}
