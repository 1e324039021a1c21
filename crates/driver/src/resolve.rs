//! Resolving an action into a job's stages: everything is prepared *before* the job is submitted to the
//! scheduler, so that scheduling stays pure.
//!
//! The lineage is collected, jobs that it needs first (bounds of a sort, for example) are run, it is cut into
//! stages, and each stage gets a recipe from which its plan is encoded when the first of its tasks asks.

use crate::checkpoints::TakenCheckpoints;
use crate::context::DriverContext;
use crate::error::{Error, Result};
use crate::node::{RddNode, Source};
use crate::persistence::{Checkpoint, Claim, Persisted};
use crate::stage_recipe::{PlanNodeRecipe, StageRecipe};
use firesteel_operators::OperatorRef;
use firesteel_plan::{CachedAs, Dependency, Lineage, Mapping, StageBoundary};
use firesteel_scheduler::StageSpec;
use firesteel_types::{CallSite, JobFailure, Partition, RddId, RddSummary, ShuffleId, StageId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// All RDDs that an action needs, in the order of their ids, so ancestors first.
pub(crate) type Nodes = BTreeMap<RddId, Collected>;

/// An RDD as an action finds it: it may be persisted or checkpointed while the action is being prepared.
pub(crate) struct Collected {
    pub(crate) node: Arc<RddNode>,
    pub(crate) source: Arc<Source>,
    pub(crate) persisted: Option<Arc<Persisted>>,
    is_marked: bool,
}

/// A job that is ready to be submitted.
pub(crate) struct Resolved {
    /// Checkpoints of RDDs that the job needs, which are to be made after it.
    pub(crate) checkpoints: TakenCheckpoints,
    pub(crate) stages: Vec<StageSpec>,
    pub(crate) recipes: HashMap<StageId, Arc<StageRecipe>>,
    /// The claims on cached partitions that the job declares. They are held until it is submitted, so that the scheduler
    /// hears of their ends after that.
    pub(crate) claims: Vec<Arc<Claim>>,
}

/// Collects an RDD and all its ancestors.
pub(crate) fn collect(root: &Arc<RddNode>) -> Nodes {
    let mut nodes = Nodes::new();
    let mut pending = vec![root.clone()];
    while let Some(node) = pending.pop() {
        if nodes.contains_key(&node.info.id) {
            continue;
        }
        let source = node.source();
        let (persisted, is_marked) = {
            let state = node.persistence.state();
            (state.persisted.clone(), matches!(state.checkpoint, Checkpoint::Marked(_)))
        };
        pending.extend(source.parents.iter().cloned());
        nodes.insert(node.info.id, Collected { node, source, persisted, is_marked });
    }
    nodes
}

/// The lineage of collected RDDs.
pub(crate) fn lineage(nodes: &Nodes) -> Lineage {
    let mut lineage = Lineage::new();
    nodes.values().for_each(|node| lineage.insert(node.source.info.clone()));
    lineage
}

/// Makes a job of an action that ends the computation of `root` with `terminal`.
pub(crate) fn resolve(
    context: &DriverContext,
    root: &Arc<RddNode>,
    site: &CallSite,
    terminal: OperatorRef,
    partitions: &[Partition],
) -> Result<Resolved> {
    let nodes = collect(root);
    let codes = prepare(context, &nodes)?;
    warn_of_depth(context, &nodes, root);
    warn_of_width(context, &nodes);
    let lineage = lineage(&nodes);
    let cuts = lineage.cut(root.info.id).stages;
    let wanted = partitions.iter().collect::<BTreeSet<_>>().len();
    let claims = nodes.values().filter_map(|found| found.persisted.as_ref().map(|it| it.claim.clone()));
    let mut resolved = Resolved {
        checkpoints: TakenCheckpoints::default(),
        stages: vec![],
        recipes: HashMap::new(),
        claims: claims.collect(),
    };
    for cut in cuts {
        let stage = context.next_stage();
        let (end_site, end) = match cut.output {
            None => (site.clone(), terminal.clone()),
            Some(shuffle) => codes.writes[&shuffle].clone(),
        };
        let barrier = check_barrier(context, &cut, &lineage, (stage, &end_site), wanted)?;
        let spec = StageSpec { barrier, ..stage_spec(stage, &cut, &nodes, &lineage, &end_site) };
        resolved.stages.push(spec);
        context.check_broadcasts(&end_site, &end)?;
        let recipe = recipe(context, &cut, &nodes, &codes, (end_site, end))?;
        resolved.recipes.insert(stage, Arc::new(recipe));
    }
    // Taken last, when nothing can fail any more: no other action makes the checkpoints that this one takes.
    let marked = nodes.values().filter(|found| found.is_marked).map(|found| &found.node);
    resolved.checkpoints = TakenCheckpoints::among(marked);
    Ok(resolved)
}

/// Returns whether a stage is a barrier stage. A stage that cannot be one fails here, before anything runs.
fn check_barrier(
    context: &DriverContext,
    cut: &StageBoundary,
    lineage: &Lineage,
    (stage, action): (StageId, &CallSite),
    wanted: usize,
) -> Result<bool> {
    let wanted = cut.output.is_none().then_some(wanted);
    let checked = lineage.check_barrier(cut, wanted);
    let is_barrier = checked
        .map_err(|error| Error::InvalidArgument { site: action.clone(), message: error.to_string() })?;
    let (tasks, slots) = (lineage.get(cut.rdd).partitions, context.slots());
    if is_barrier && tasks > slots && wanted != Some(0) {
        let site = action.clone();
        let failure = JobFailure::TooFewSlots { stage, site, tasks, slots };
        return Err(Error::Job { action: action.clone(), failure });
    }
    Ok(is_barrier)
}

/// Warns when a lineage has grown so long that each action pays for it: first at this length, then each time
/// it has doubled.
fn warn_of_depth(context: &DriverContext, nodes: &Nodes, root: &Arc<RddNode>) {
    const DEEP: u32 = 500;
    if nodes.len() < DEEP as usize {
        return;
    }
    let mut depths: HashMap<RddId, u32> = HashMap::with_capacity(nodes.len());
    for (id, Collected { source, .. }) in nodes {
        let depth = source.info.dependencies.iter().map(|d| depths[&d.parent()]).max().unwrap_or(0);
        depths.insert(*id, depth + 1);
    }
    let depth = depths[&root.info.id];
    if depth >= DEEP && context.is_new_depth(depth) {
        tracing::warn!(
            "{} is computed through {depth} RDDs, one from the other, and each action walks through all of them. Call `checkpoint` \
             or `local_checkpoint` every ten steps or so to cut what lies behind",
            root.info.site
        );
    }
}

/// Warns when partitions have added up from one union to the next, to far more than the sources have: programs
/// that do so in a loop soon stand still. First at this number, then each time it has doubled.
fn warn_of_width(context: &DriverContext, nodes: &Nodes) {
    const WIDE: u32 = 4_000;
    const TIMES: u32 = 8;
    if nodes.values().all(|node| node.source.info.partitions < WIDE) {
        return;
    }
    let Some(Growth { partitions, at, sources }) = growth(nodes) else { return };
    if partitions >= WIDE && partitions / TIMES >= sources && context.is_new_width(partitions) {
        tracing::warn!(
            "{} has {partitions} partitions, and its sources have {sources} at most: each of the unions behind it adds up \
             the partitions of its sides. Call `coalesce` after a union, or give the next shuffle a number of partitions",
            nodes[&at].source.info.site
        );
    }
}

/// Partitions that have added up from one union to the next.
pub(crate) struct Growth {
    /// The number of partitions of the widest union.
    partitions: u32,
    /// That union.
    at: RddId,
    /// The most partitions of a source.
    pub(crate) sources: u32,
}

/// Finds the widest of the unions that follow each other in a lineage.
pub(crate) fn growth(nodes: &Nodes) -> Option<Growth> {
    // One union of many RDDs is as wide as the program wants it, and so is a shuffle or a cartesian product.
    const UNIONS: u32 = 5;
    let mut unions: HashMap<RddId, u32> = HashMap::with_capacity(nodes.len());
    let (mut widest, mut sources) = (None, 0);
    for (id, Collected { source, .. }) in nodes {
        let info = &source.info;
        let before = info.dependencies.iter().map(|d| unions[&d.parent()]).max();
        let is_union = is_union(&info.dependencies);
        let count = before.unwrap_or(0) + u32::from(is_union);
        unions.insert(*id, count);
        match before {
            None => sources = sources.max(info.partitions),
            Some(_) if is_union && count >= UNIONS => widest = widest.max(Some((info.partitions, *id))),
            Some(_) => {}
        }
    }
    widest.map(|(partitions, at)| Growth { partitions, at, sources })
}

/// Returns whether an RDD has the partitions of several others, one after the other.
fn is_union(dependencies: &[Dependency]) -> bool {
    let ranges =
        |dependency: &Dependency| matches!(dependency, Dependency::Narrow { mapping: Mapping::Range(_), .. });
    dependencies.len() > 1 && dependencies.iter().all(ranges)
}

/// The code of all collected RDDs.
struct Codes {
    operators: HashMap<RddId, OperatorRef>,
    writes: HashMap<ShuffleId, (CallSite, OperatorRef)>,
}

/// Runs the jobs that must run before the job. Ancestors come first, so each RDD finds its parents ready.
fn prepare(context: &DriverContext, nodes: &Nodes) -> Result<Codes> {
    let mut codes = Codes { operators: HashMap::new(), writes: HashMap::new() };
    for (id, Collected { node, source, .. }) in nodes {
        if let Some(message) = &node.persistence.state().conflict {
            return Err(Error::InvalidArgument { site: node.info.site.clone(), message: message.clone() });
        }
        let code = source.code.get(context, source)?;
        context.check_broadcasts(&source.info.site, &code)?;
        codes.operators.insert(*id, code);
        for write in &source.writes {
            let code = write.code.get(context, source)?;
            codes.writes.insert(write.shuffle.id, (source.info.site.clone(), code));
        }
    }
    Ok(codes)
}

fn stage_spec(
    stage: StageId,
    cut: &StageBoundary,
    nodes: &Nodes,
    lineage: &Lineage,
    site: &CallSite,
) -> StageSpec {
    let partitions = nodes[&cut.rdd].source.info.partitions;
    let knows_addresses = cut.rdds.iter().any(|rdd| !nodes[rdd].source.info.preferred.is_empty());
    let preferred = match knows_addresses {
        true => (0..partitions).map(|p| lineage.preferred_locations(cut.rdd, Partition(p))).collect(),
        false => vec![],
    };
    StageSpec {
        stage,
        site: site.clone(),
        output: cut.output,
        inputs: cut.inputs.clone(),
        partitions,
        preferred,
        cached: lineage.cached(cut, |rdd| {
            let persisted = nodes[&rdd].persisted.as_ref()?;
            let is_truncated = persisted.is_truncated.load(Ordering::Relaxed);
            let (generation, copies) = (persisted.claim.generation, persisted.level.replication);
            Some(CachedAs { generation, is_truncated, copies })
        }),
        rdds: cut.rdds.iter().map(|rdd| rdd_summary(&nodes[rdd])).collect(),
        barrier: false,
    }
}

fn rdd_summary(found: &Collected) -> RddSummary {
    let info = &found.source.info;
    RddSummary {
        rdd: info.id,
        site: info.site.clone(),
        name: found.node.name(),
        parents: info.dependencies.iter().map(Dependency::parent).collect(),
        partitions: info.partitions,
        level: found.persisted.as_ref().map(|persisted| persisted.level),
        barrier: info.barrier,
    }
}

fn recipe(
    context: &DriverContext,
    cut: &StageBoundary,
    nodes: &Nodes,
    codes: &Codes,
    (end_site, end): (CallSite, OperatorRef),
) -> Result<StageRecipe> {
    let mut index = HashMap::new();
    let mut operators = Vec::with_capacity(cut.rdds.len() + 1);
    for rdd in &cut.rdds {
        let info = &nodes[rdd].source.info;
        let narrow = info.dependencies.iter().filter_map(|dependency| match dependency {
            Dependency::Narrow { parent, .. } => Some(index[parent]),
            Dependency::Shuffle { .. } => None,
        });
        let inputs = narrow.collect();
        let (site, code) = (info.site.clone(), codes.operators[rdd].clone());
        operators.push(plan_node(context, *rdd, (site, code), inputs)?);
        if let Some(persisted) = &nodes[rdd].persisted {
            let inputs = vec![operators.len() as u32 - 1];
            let (site, code) = (persisted.site.clone(), persisted.code.clone());
            operators.push(plan_node(context, *rdd, (site, code), inputs)?);
        }
        index.insert(*rdd, operators.len() as u32 - 1);
    }
    operators.push(plan_node(context, cut.rdd, (end_site, end), vec![index[&cut.rdd]])?);
    let sources = cut.rdds.iter().map(|rdd| -> Arc<dyn Send + Sync> { nodes[rdd].source.clone() });
    Ok(StageRecipe::new(operators, sources.collect()))
}

fn plan_node(
    context: &DriverContext,
    rdd: RddId,
    (site, code): (CallSite, OperatorRef),
    inputs: Vec<u32>,
) -> Result<PlanNodeRecipe> {
    let environment = context.ship_environment(&site, &code)?;
    Ok(PlanNodeRecipe { rdd, site, code, environment, inputs })
}
