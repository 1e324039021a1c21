//! The pictures of what depends on what, from stages and their RDDs.
//!
//! RDDs of one operation (their scope) that follow each other are one box: what a reader wrote is `reduceByKey`, not the
//! three RDDs that it is made of.

use crate::pages::format::count;
use crate::pages::graph::{Direction, Line, MAX_BOXES, Node, graph};
use crate::pages::markup::Markup;
use crate::pages::rows::{stage_href, stage_label};
use firesteel_events::RddInfo;
use firesteel_status::store::{GraphStage, JobGraph, StageStatus};
use std::collections::{BTreeMap, BTreeSet};

/// Draws the stages of a job, with their operations. Also returns a note if not all are shown.
pub(super) fn job_picture(job: &JobGraph, base: &str) -> (Markup, String) {
    // The last ones lead to the job's answer.
    let skip = job.stages.len().saturating_sub(MAX_BOXES);
    let stages = &job.stages[skip..];
    let places: BTreeMap<i64, usize> =
        stages.iter().zip(0..).map(|(stage, at)| (stage.stage_id, at)).collect();
    let nodes: Vec<Node> = stages.iter().map(|stage| stage_node(stage, base)).collect();
    let mut edges = Vec::new();
    for (stage, to) in stages.iter().zip(0..) {
        let parents = stage.parent_ids.iter().filter_map(|parent| places.get(parent));
        edges.extend(parents.map(|from| (*from, to)));
    }
    let note = match skip {
        0 => String::new(),
        _ => format!("The last {MAX_BOXES} of {} stages.", count(job.stages.len() as i64)),
    };
    (graph("Stages of the job", &nodes, &edges, Direction::Right), note)
}

fn stage_node(stage: &GraphStage, base: &str) -> Node {
    let class = match stage.status {
        StageStatus::Active => "running",
        StageStatus::Complete => "done",
        StageStatus::Failed => "failed",
        StageStatus::Pending => "waiting",
        StageStatus::Skipped => "skipped",
    };
    let has_page = !matches!(stage.status, StageStatus::Skipped | StageStatus::Pending);
    let title = format!("Stage {}", stage_label(stage.stage_id, stage.attempt_id));
    let tasks = match (stage.num_tasks, stage.status) {
        (_, StageStatus::Skipped) => "skipped: computed before".to_owned(),
        (1, _) => "1 task".to_owned(),
        (tasks, _) => format!("{} tasks", count(tasks)),
    };
    let mut lines = vec![Line { text: tasks, class: "faint", title: stage.name.clone() }];
    lines.extend(operations(&stage.rdds));
    Node { title, href: has_page.then(|| stage_href(base, stage.stage_id, stage.attempt_id)), class, lines }
}

/// Returns a line for each operation of a stage, in the order in which records pass them.
fn operations(rdds: &[RddInfo]) -> Vec<Line> {
    let mut seen = BTreeSet::new();
    let mut sorted: Vec<&RddInfo> = rdds.iter().collect();
    sorted.sort_by_key(|rdd| rdd.rdd_id);
    let mut lines = Vec::new();
    for rdd in sorted {
        let scope = Scope::of(rdd);
        if !seen.insert(scope.id) {
            continue;
        }
        let class = if is_persisted(rdd) { "cached" } else { "" };
        let place = rdd.callsite.rsplit_once(" at ").map_or("", |(_, place)| place);
        // Of a path the file's name is enough here; the rest is shown when it is pointed at.
        let place = place.rsplit('/').next().unwrap_or(place);
        let text = if place.is_empty() { scope.name.clone() } else { format!("{}  {place}", scope.name) };
        let cached = if is_persisted(rdd) { ", persisted" } else { "" };
        lines.push(Line {
            text,
            class,
            title: format!("{} [{}], {}{cached}", rdd.name, rdd.rdd_id, rdd.callsite),
        });
    }
    lines
}

fn is_persisted(rdd: &RddInfo) -> bool {
    rdd.storage_level.use_memory || rdd.storage_level.use_disk
}

/// The operation that an RDD belongs to.
struct Scope {
    id: String,
    name: String,
}

impl Scope {
    fn of(rdd: &RddInfo) -> Self {
        #[derive(serde::Deserialize)]
        struct Told {
            id: String,
            name: String,
        }
        let told = rdd.scope.as_deref().and_then(|scope| serde_json::from_str::<Told>(scope).ok());
        match told {
            Some(Told { id, name }) => Scope { id: format!("scope {id}"), name },
            None => {
                let operation = rdd.callsite.split(" at ").next().filter(|name| !name.is_empty());
                let id = match rdd.callsite.as_str() {
                    "" => format!("rdd {}", rdd.rdd_id),
                    // Firesteel has no scopes: what one line of the program made is one operation.
                    callsite => callsite.to_owned(),
                };
                Scope { id, name: operation.unwrap_or(&rdd.name).to_owned() }
            }
        }
    }
}

/// Draws the RDDs of a stage. Also returns a note if not all are shown.
pub(super) fn stage_picture(stage: &GraphStage, base: &str) -> (Markup, String) {
    let mut rdds: Vec<&RddInfo> = stage.rdds.iter().collect();
    rdds.sort_by_key(|rdd| rdd.rdd_id);
    let boxes = boxes_of(&rdds);
    let note = match boxes.count {
        boxes if boxes > MAX_BOXES => format!("{MAX_BOXES} of {} operations.", count(boxes as i64)),
        _ => String::new(),
    };
    let mut nodes: Vec<Node> = vec![Node::default(); boxes.count];
    for (rdd, at) in rdds.iter().zip(&boxes.of_rdd) {
        let node = &mut nodes[*at];
        node.title = Scope::of(rdd).name;
        let persisted = is_persisted(rdd);
        let mut text = format!("{} [{}]", rdd.name, rdd.rdd_id);
        if persisted {
            text += " persisted";
            node.href = Some(format!("{base}/storage/rdd/?id={}", rdd.rdd_id));
        }
        let mut title = rdd.callsite.clone();
        if rdd.deterministic_level == "INDETERMINATE" {
            title += ", gives other records each time";
        }
        if rdd.barrier {
            text += " barrier";
        }
        node.lines.push(Line { text, class: if persisted { "cached" } else { "" }, title });
        let is_new = node.lines.iter().all(|line| line.text != rdd.callsite);
        if is_new && !rdd.callsite.is_empty() {
            node.lines.push(Line { text: rdd.callsite.clone(), class: "faint", title: String::new() });
        }
    }
    let places: BTreeMap<i64, usize> =
        rdds.iter().zip(&boxes.of_rdd).map(|(rdd, at)| (rdd.rdd_id, *at)).collect();
    let mut edges = BTreeSet::new();
    for (rdd, to) in rdds.iter().zip(&boxes.of_rdd) {
        let parents = rdd.parent_ids.iter().filter_map(|parent| places.get(parent));
        edges.extend(parents.filter(|from| *from != to).map(|from| (*from, *to)));
    }
    let edges: Vec<(usize, usize)> = edges.into_iter().collect();
    (graph("RDDs of the stage", &nodes, &edges, Direction::Down), note)
}

/// The boxes of a stage's picture.
struct Boxes {
    /// The box of each RDD.
    of_rdd: Vec<usize>,
    count: usize,
}

/// Puts RDDs of one scope that depend on each other into one box. If that closed a circle (an operation whose RDDs come
/// before and after those of another), an RDD only joins its last parent, which cannot.
fn boxes_of(rdds: &[&RddInfo]) -> Boxes {
    let places: BTreeMap<i64, usize> = rdds.iter().zip(0..).map(|(rdd, at)| (rdd.rdd_id, at)).collect();
    let parents: Vec<Vec<usize>> = rdds
        .iter()
        .map(|rdd| rdd.parent_ids.iter().filter_map(|parent| places.get(parent)).copied().collect())
        .collect();
    let scopes: Vec<String> = rdds.iter().map(|rdd| Scope::of(rdd).id).collect();
    let joined = joined(&parents, &scopes, usize::MAX);
    if is_acyclic(&joined, &parents) { joined } else { joined_with_last(&parents, &scopes) }
}

fn joined_with_last(parents: &[Vec<usize>], scopes: &[String]) -> Boxes {
    joined(parents, scopes, 1)
}

/// Joins each RDD with the last `most` of its parents that have its scope.
fn joined(parents: &[Vec<usize>], scopes: &[String], most: usize) -> Boxes {
    let mut leader: Vec<usize> = (0..parents.len()).collect();
    fn root(leader: &[usize], mut at: usize) -> usize {
        while leader[at] != at {
            at = leader[at];
        }
        at
    }
    for (at, own) in parents.iter().enumerate() {
        let mut sorted = own.clone();
        sorted.sort_unstable_by(|one, other| other.cmp(one));
        for parent in sorted.into_iter().take(most).filter(|parent| scopes[*parent] == scopes[at]) {
            let (one, other) = (root(&leader, at), root(&leader, parent));
            leader[one.max(other)] = one.min(other);
        }
    }
    let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
    let of_rdd: Vec<usize> = (0..parents.len())
        .map(|at| {
            let next = numbers.len();
            *numbers.entry(root(&leader, at)).or_insert(next)
        })
        .collect();
    Boxes { of_rdd, count: numbers.len() }
}

fn is_acyclic(boxes: &Boxes, parents: &[Vec<usize>]) -> bool {
    let mut edges = BTreeSet::new();
    for (at, own) in parents.iter().enumerate() {
        let to = boxes.of_rdd[at];
        edges.extend(own.iter().map(|parent| (boxes.of_rdd[*parent], to)).filter(|(from, to)| from != to));
    }
    let mut missing = vec![0; boxes.count];
    edges.iter().for_each(|(_, to)| missing[*to] += 1);
    let mut ready: Vec<usize> = (0..boxes.count).filter(|at| missing[*at] == 0).collect();
    let mut done = 0;
    while let Some(at) = ready.pop() {
        done += 1;
        for (_, to) in edges.range((at, 0)..(at + 1, 0)) {
            missing[*to] -= 1;
            if missing[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    done == boxes.count
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn rdd(id: i64, scope: &str, parents: &[i64]) -> RddInfo {
        RddInfo {
            rdd_id: id,
            name: format!("R{id}"),
            scope: Some(format!("{{\"id\":\"{scope}\",\"name\":\"{scope}\"}}")),
            callsite: format!("{scope} at app.py:{id}"),
            parent_ids: parents.to_vec(),
            storage_level: Default::default(),
            barrier: false,
            deterministic_level: String::new(),
            num_partitions: 1,
            num_cached_partitions: 0,
            memory_size: 0,
            disk_size: 0,
        }
    }

    #[test]
    fn rdds_of_one_operation_are_one_box() {
        let rdds =
            [rdd(0, "textFile", &[]), rdd(1, "textFile", &[0]), rdd(2, "map", &[1]), rdd(3, "map", &[2])];
        let boxes = boxes_of(&rdds.iter().collect::<Vec<_>>());
        assert_eq!((boxes.of_rdd, boxes.count), (vec![0, 0, 1, 1], 2));
        // A scope that comes back after another one is a box of its own: no circle.
        let rdds = [rdd(0, "join", &[]), rdd(1, "map", &[0]), rdd(2, "join", &[0, 1])];
        assert_eq!(boxes_of(&rdds.iter().collect::<Vec<_>>()).of_rdd, [0, 1, 2]);
        // Two RDDs of one operation that meet in a third are one box with it.
        let meeting = [rdd(3, "join", &[]), rdd(4, "join", &[]), rdd(5, "join", &[3, 4])];
        assert_eq!(boxes_of(&meeting.iter().collect::<Vec<_>>()).count, 1);
        let stage = GraphStage { rdds: Arc::new(rdds.to_vec()), ..GraphStage::default() };
        let picture = stage_picture(&stage, "").0.to_string();
        assert_eq!((picture.matches("<rect").count(), picture.matches("\"edge\"").count()), (3, 3));
    }

    #[test]
    fn a_job_of_thousands_of_stages_shows_its_last() {
        let stage =
            |stage_id| GraphStage { stage_id, parent_ids: vec![stage_id - 1], ..GraphStage::default() };
        let job = JobGraph { job_id: 0, stages: (0..5000).map(stage).collect() };
        let (picture, note) = job_picture(&job, "");
        assert!(picture.to_string().contains("Stage 4999"));
        assert!(note.contains("5,000"), "{note}");
    }
}
