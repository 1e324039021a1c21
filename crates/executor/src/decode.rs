//! From a stage plan's bytes to operators that run.

use crate::stage_lines::StageLines;
use firesteel_closures::{BuildArgs, CodeName, Erased, ObjectHash, resolve};
use firesteel_operators::{FinalOperator, Receiving, RunTaskOutput};
use firesteel_plan::{Environment, PlanNode, StagePlan};
use firesteel_storage::Broadcasts;
use std::sync::Arc;

/// Builds the operators of a stage. The last one is what its tasks run.
///
/// # Errors
/// Says what is wrong: the bytes are not a plan, the code is not this program's, an environment does not decode.
pub fn decode(bytes: &[u8], broadcasts: &Arc<Broadcasts>) -> Result<Arc<dyn FinalOperator>, String> {
    decode_with_lines(bytes, broadcasts).map(|(terminal, _)| terminal)
}

/// Builds the operators of a stage, as [`decode`] does, and tells the lines of the program that they come from.
pub(crate) fn decode_with_lines(
    bytes: &[u8],
    broadcasts: &Arc<Broadcasts>,
) -> Result<(Arc<dyn FinalOperator>, StageLines), String> {
    let _receiving = Receiving::begin(broadcasts);
    let plan = StagePlan::decode(bytes).map_err(|e| e.to_string())?;
    let mut operators: Vec<Erased> = Vec::with_capacity(plan.nodes.len());
    for node in &plan.nodes {
        operators.push(build(&plan, node, &operators, broadcasts)?);
    }
    let last = operators.last().expect("a decoded plan has at least one operator");
    let terminal =
        last.downcast_ref::<RunTaskOutput>().ok_or("the plan's last operator does not end a stage")?;
    Ok((terminal.0.clone(), StageLines::of(plan.nodes)))
}

fn build(
    plan: &StagePlan,
    node: &PlanNode,
    operators: &[Erased],
    broadcasts: &Broadcasts,
) -> Result<Erased, String> {
    let name = CodeName {
        object: ObjectHash(plan.objects[node.code.object as usize]),
        offset: node.code.offset,
        type_hash: node.code.type_hash,
    };
    let descriptor = resolve(&name).map_err(|e| format!("the code of {}: {e}", node.site))?;
    let inputs = node.inputs.iter().map(|&input| operators[input as usize].clone()).collect();
    let large = match &node.environment {
        Environment::Inline(_) => None,
        Environment::Broadcast(id) => {
            let bytes = broadcasts.bytes(*id);
            Some(bytes.map_err(|e| format!("the environment of {}, broadcast as {id}: {e}", node.site))?)
        }
    };
    let environment = match (&node.environment, &large) {
        (Environment::Inline(bytes), _) => bytes,
        (Environment::Broadcast(_), large) => large.as_deref().unwrap_or_default(),
    };
    let args = BuildArgs { rdd: node.rdd, site: &node.site, environment, inputs };
    descriptor.build()(args).map_err(|e| e.to_string())
}
