//! [`StageLines`]: the lines of the program that a stage's operators come from, so that a slot can tell what it does.

use firesteel_plan::PlanNode;
use firesteel_types::{CallSite, RddId, UpdateScope};

/// The lines of a stage's operators, each with the RDD that it computes and the operators that it reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct StageLines(Vec<(RddId, CallSite, Vec<u32>)>);

/// The line for a slot that runs no function of the program.
const BETWEEN: &str = "between functions of the program: records are read, written or moved";

/// The line for a slot that runs functions while a shuffle is written.
const MAP_SIDE: &str = "functions of the shuffle that is written";

impl StageLines {
    /// Returns the lines of a plan's operators.
    pub(crate) fn of(nodes: Vec<PlanNode>) -> Self {
        StageLines(nodes.into_iter().map(|node| (node.rdd, node.site, node.inputs)).collect())
    }

    /// Returns the stack of a slot in which the functions of `scope` run: the operation whose function runs, then those that read its
    /// records, up to the one that ends the stage.
    pub(crate) fn stack(&self, scope: Option<UpdateScope>) -> Vec<String> {
        let Some(last) = self.0.len().checked_sub(1) else { return vec![] };
        let (mut stack, from) = match scope {
            // An operation may be several operators, of which the innermost has its functions.
            Some(UpdateScope::Rdd(rdd)) => match self.0.iter().position(|(of, ..)| *of == rdd) {
                Some(at) => (vec![], at),
                None => (vec![], last),
            },
            Some(UpdateScope::MapSide(_)) => (vec![MAP_SIDE.to_owned()], last),
            Some(UpdateScope::Job(_)) => (vec![], last),
            None => (vec![BETWEEN.to_owned()], last),
        };
        let mut next = Some(from);
        while let Some(at) = next {
            let line = self.0[at].1.to_string();
            if stack.last() != Some(&line) {
                stack.push(line);
            }
            // Operators read only earlier ones, so this ends.
            next = (at + 1..=last).find(|reader| self.0[*reader].2.contains(&(at as u32)));
        }
        stack
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firesteel_types::JobId;

    fn lines() -> StageLines {
        let node = |rdd: u32, operation: &str, inputs: &[u32]| {
            let site = CallSite { operation: operation.into(), ..CallSite::default() };
            (RddId(rdd), site, inputs.to_vec())
        };
        StageLines(vec![
            node(0, "range", &[]),
            node(1, "map", &[0]),
            node(2, "range", &[]),
            node(3, "union", &[1, 2]),
            node(4, "filter", &[3]),
            node(4, "filter", &[4]),
            node(4, "count", &[5]),
        ])
    }

    #[test]
    fn the_function_that_runs_is_innermost_and_its_readers_follow() {
        let lines = lines();
        let stack = |scope| lines.stack(scope).join(" < ");
        assert_eq!(stack(Some(UpdateScope::Rdd(RddId(1)))), "map < union < filter < count");
        assert_eq!(stack(Some(UpdateScope::Rdd(RddId(4)))), "filter < count");
        assert_eq!(stack(Some(UpdateScope::Job(JobId(3)))), "count");
        assert_eq!(stack(Some(UpdateScope::Rdd(RddId(77)))), "count", "of another stage");
        assert_eq!(stack(None), format!("{BETWEEN} < count"));
        assert!(StageLines::default().stack(None).is_empty(), "the plan is not there yet");
    }
}
