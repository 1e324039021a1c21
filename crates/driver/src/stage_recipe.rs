//! [`StageRecipe`]: the operators of one stage, from which its plan is encoded when the first of its tasks
//! asks.

use firesteel_closures::{Descriptor, ObjectHash, code_name};
use firesteel_operators::OperatorRef;
use firesteel_plan::{CodeRef, Environment, PlanNode, StagePlan};
use firesteel_types::{CallSite, RddId};
use std::sync::{Arc, OnceLock};

/// The operators that a stage's plan is encoded from.
pub(crate) struct StageRecipe {
    operators: Vec<PlanNodeRecipe>,
    encoded: OnceLock<std::result::Result<Arc<[u8]>, String>>,
    /// Keeps blocks and shuffles of the stage's RDDs alive while it may run.
    _sources: Vec<Arc<dyn Send + Sync>>,
}

pub(crate) struct PlanNodeRecipe {
    pub(crate) rdd: RddId,
    pub(crate) site: CallSite,
    pub(crate) code: OperatorRef,
    pub(crate) environment: Environment,
    pub(crate) inputs: Vec<u32>,
}

impl StageRecipe {
    /// Makes a recipe that keeps `sources` alive.
    pub(crate) fn new(operators: Vec<PlanNodeRecipe>, sources: Vec<Arc<dyn Send + Sync>>) -> Self {
        StageRecipe { operators, encoded: OnceLock::new(), _sources: sources }
    }

    /// Returns the operators.
    pub(crate) fn operators(&self) -> &[PlanNodeRecipe] {
        &self.operators
    }

    /// Returns the plan as bytes; the first call encodes it.
    pub(crate) fn encoded(&self) -> std::result::Result<Arc<[u8]>, String> {
        self.encoded.get_or_init(|| self.encode()).clone()
    }

    fn encode(&self) -> std::result::Result<Arc<[u8]>, String> {
        let mut objects: Vec<ObjectHash> = vec![];
        let mut nodes = Vec::with_capacity(self.operators.len());
        for operator in &self.operators {
            nodes.push(PlanNode {
                rdd: operator.rdd,
                site: operator.site.clone(),
                code: code_ref(operator.code.descriptor, &mut objects)?,
                environment: operator.environment.clone(),
                inputs: operator.inputs.clone(),
            });
        }
        let objects = objects.into_iter().map(|hash| hash.0).collect();
        Ok(StagePlan { objects, nodes }.encode().into())
    }
}

fn code_ref(
    descriptor: &'static Descriptor,
    objects: &mut Vec<ObjectHash>,
) -> std::result::Result<CodeRef, String> {
    let name = code_name(descriptor).map_err(|e| e.to_string())?;
    let object = objects.iter().position(|known| *known == name.object).unwrap_or_else(|| {
        objects.push(name.object);
        objects.len() - 1
    });
    Ok(CodeRef { object: object as u32, offset: name.offset, type_hash: name.type_hash })
}
