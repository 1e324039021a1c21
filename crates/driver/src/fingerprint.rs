//! Fingerprints of jobs: hashes of all that their answers depend on, by which a driver that restarts knows them again.
//!
//! Those of shuffles, too: what map outputs depend on is what their stage does and what the stages before it do. A shuffle is
//! the same for all jobs of a driver, whichever part of its lineage a checkpoint or a cached partition spares a later one: it
//! has the fingerprint that it had for the first of them.
//!
//! Of each stage: the operators with their call sites, code and environments, the RDDs' ids and partitions, the shuffles;
//! of broadcast values, of data of `parallelize` and of shipped files the contents. Environments of sources hold the names and
//! lengths of files, not what is in them. Where tasks run plays no part, nor do the names that people see of a job.

use crate::error::{Error, Result};
use crate::recovery::{JobPrint, Recovery};
use crate::stage_recipe::{PlanNodeRecipe, StageRecipe};
use firesteel_recovery::Fingerprint;
use firesteel_scheduler::JobSpec;
use firesteel_types::StageId;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Returns the fingerprint of a job that was resolved, and those of the shuffles that it needs.
///
/// # Errors
/// When the code of the program has no name.
pub(crate) fn fingerprint(
    recovery: &Recovery,
    job: &JobSpec,
    recipes: &HashMap<StageId, Arc<StageRecipe>>,
) -> Result<JobPrint> {
    let (mut rdds, mut shuffles) = (vec![], BTreeMap::new());
    let told: Vec<_> =
        job.properties.iter().filter(|(key, _)| !OF_THE_ENGINE.contains(&key.as_str())).collect();
    let shipped = recovery.shipped();
    let mut fingerprint = Fingerprint::default();
    for stage in &job.stages {
        let mut hash = Hasher(blake3::Hasher::new());
        hash.add(&(stage.output, &stage.inputs, stage.partitions, stage.barrier));
        stage.inputs.iter().for_each(|input| hash.add(&shuffles[input]));
        for operator in recipes[&stage.stage].operators() {
            let added = hash.add_operator(recovery, operator);
            added.map_err(|message| Error::InvalidArgument { site: job.site.clone(), message })?;
            rdds.push(operator.rdd);
        }
        hash.add(&(&told, &shipped));
        match stage.output {
            Some(shuffle) => {
                shuffles.insert(shuffle, recovery.first_print(shuffle, hash.finish()));
            }
            None => {
                hash.add(&(&job.site, &job.partitions));
                fingerprint = hash.finish();
            }
        }
    }
    rdds.sort_unstable();
    rdds.dedup();
    Ok(JobPrint { fingerprint, rdds, shuffles })
}

/// The local properties that say who watches a job, cancels it, or lets it wait, or by which addresses of this driver its
/// shipped files come.
const OF_THE_ENGINE: [&str; 8] = [
    "spark.jobGroup.id",
    "spark.job.description",
    "spark.job.interruptOnCancel",
    "spark.job.tags",
    "spark.scheduler.pool",
    "callSite.short",
    "callSite.long",
    "firesteel.packages",
];

struct Hasher(blake3::Hasher);

impl Hasher {
    fn add_operator(
        &mut self,
        recovery: &Recovery,
        operator: &PlanNodeRecipe,
    ) -> std::result::Result<(), String> {
        let name =
            firesteel_closures::code_name(operator.code.descriptor).map_err(|error| error.to_string())?;
        self.add(&(operator.rdd, &operator.site, &operator.inputs));
        self.add(&(name.object.0, name.offset, name.type_hash));
        self.add(&&*operator.code.environment);
        operator.code.broadcasts.iter().for_each(|owner| self.add(&recovery.broadcast(owner.id)));
        self.add(&recovery.input(operator.rdd));
        Ok(())
    }

    fn finish(&self) -> Fingerprint {
        *self.0.finalize().as_bytes()
    }

    /// Adds a value. Its length shows where it ends.
    fn add(&mut self, value: &impl Serialize) {
        let encoded = firesteel_data::block::encode_value(value).unwrap_or_default();
        self.0.update(&(encoded.len() as u64).to_le_bytes());
        self.0.update(&encoded);
    }
}
