//! Stage plans: what an executor is sent of one stage, once: operators by reference to code, with their
//! environments.
//!
//! Code is named by (object, offset of a checked descriptor, hash of its type); see the `closures` crate for how such a
//! name is made and checked. A task that belongs to the stage carries little more than its partition.

use firesteel_types::{BroadcastId, CallSite, RddId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The first bytes of an encoded plan.
const MAGIC: &[u8; 4] = b"FSPL";
/// The version of the encoding, raised with every change.
const VERSION: u8 = 2;

/// The place of a descriptor within an object file that driver and executor both have loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeRef {
    /// The index of the object among the plan's.
    pub object: u32,
    /// Bytes from the object's load address to the descriptor.
    pub offset: u64,
    /// The hash of the operator's type, to be found again in the descriptor.
    pub type_hash: u64,
}

/// The environment of an operator's code, encoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Environment {
    /// The encoding itself.
    Inline(Arc<[u8]>),
    /// A large one is broadcast: each executor gets it once, however many stages need it.
    Broadcast(BroadcastId),
}

/// One operator of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanNode {
    /// The RDD that it computes.
    pub rdd: RddId,
    /// The place in the user's program.
    pub site: CallSite,
    /// Its code.
    pub code: CodeRef,
    /// The environment of its code.
    pub environment: Environment,
    /// The operators whose output it reads, as indices into the plan; each is less than its own.
    pub inputs: Vec<u32>,
}

/// The operators of one stage, inputs before their readers; the last one is what each task runs: it writes a shuffle's
/// map output or computes a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagePlan {
    /// The BLAKE3 hashes of the object files that the code references point into.
    pub objects: Vec<[u8; 32]>,
    /// The operators.
    pub nodes: Vec<PlanNode>,
}

/// The reason why bytes are not a stage plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The bytes begin with something else.
    #[error("these bytes are not a stage plan")]
    NotAPlan,
    /// The plan was made by another version of Firesteel.
    #[error("the plan has version {found}, this executor reads version {VERSION}")]
    Version {
        /// The version found.
        found: u8,
    },
    /// The bytes are cut short or garbled.
    #[error("the plan is broken: {0}")]
    Broken(String),
}

impl StagePlan {
    /// Encodes the plan.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        postcard::to_extend(self, bytes).expect("a plan has no value that cannot be encoded")
    }

    /// Decodes a plan. Checks that each operator reads only earlier ones.
    pub fn decode(bytes: &[u8]) -> Result<Self, PlanError> {
        let (header, body) = bytes.split_at_checked(MAGIC.len() + 1).ok_or(PlanError::NotAPlan)?;
        if header[..MAGIC.len()] != *MAGIC {
            return Err(PlanError::NotAPlan);
        }
        if header[MAGIC.len()] != VERSION {
            return Err(PlanError::Version { found: header[MAGIC.len()] });
        }
        let plan: StagePlan = postcard::from_bytes(body).map_err(|e| PlanError::Broken(e.to_string()))?;
        plan.check()?;
        Ok(plan)
    }

    fn check(&self) -> Result<(), PlanError> {
        if self.nodes.is_empty() {
            return Err(PlanError::Broken("it has no operators".into()));
        }
        for (index, node) in self.nodes.iter().enumerate() {
            if node.inputs.iter().any(|&input| input as usize >= index) {
                return Err(PlanError::Broken(format!("operator {index} reads a later one")));
            }
            if node.code.object as usize >= self.objects.len() {
                return Err(PlanError::Broken(format!(
                    "operator {index} names an object that the plan lacks"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(inputs: Vec<u32>) -> PlanNode {
        PlanNode {
            rdd: RddId(1),
            site: Default::default(),
            code: CodeRef { object: 0, offset: 64, type_hash: 9 },
            environment: Environment::Inline(vec![1, 2, 3].into()),
            inputs,
        }
    }

    #[test]
    fn a_plan_survives_the_wire() {
        let plan = StagePlan { objects: vec![[7; 32]], nodes: vec![node(vec![]), node(vec![0])] };
        assert_eq!(StagePlan::decode(&plan.encode()), Ok(plan));
    }

    #[test]
    fn no_cut_or_changed_plan_gets_through_unchecked() {
        let plan = StagePlan { objects: vec![[7; 32]], nodes: vec![node(vec![0])] };
        assert!(matches!(StagePlan::decode(&plan.encode()), Err(PlanError::Broken(_))));
        let good = StagePlan { objects: vec![[7; 32]], nodes: vec![node(vec![])] }.encode();
        for length in 0..good.len() {
            assert!(StagePlan::decode(&good[..length]).is_err(), "a plan of {length} bytes was accepted");
        }
        assert_eq!(StagePlan::decode(b"FSPL\x09..."), Err(PlanError::Version { found: 9 }));
    }
}
