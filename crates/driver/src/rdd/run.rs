//! Running jobs over an RDD: the partitions' results as bytes, or as values of a type.

use super::UntypedRdd;
use crate::error::{Error, Result};
use crate::job::{JobRequest, Restart, SubmittedJob};
use firesteel_closures::Plain;
use firesteel_data::block::{decode_value, encode_value};
use firesteel_data::{Data, Environment};
use firesteel_operators::{OperatorRef, Outcome, ResultTask, Stream, data_failure};
use firesteel_types::{CallSite, Partition};

impl UntypedRdd {
    /// Returns all partitions of the RDD.
    pub fn all_partitions(&self) -> Vec<Partition> {
        (0..self.partitions()).map(Partition).collect()
    }

    /// Submits a job over some partitions; `terminal` is the operator that its last stage's tasks run over
    /// their partition.
    ///
    /// # Errors
    /// When the lineage cannot be computed, as is known before anything runs, or a job that is needed first
    /// fails.
    pub fn submit(
        &self,
        site: CallSite,
        terminal: OperatorRef,
        partitions: Vec<Partition>,
    ) -> Result<SubmittedJob> {
        self.submit_with(site, terminal, partitions, Restart::default())
    }

    fn submit_with(
        &self,
        site: CallSite,
        terminal: OperatorRef,
        partitions: Vec<Partition>,
        restart: Restart<'_>,
    ) -> Result<SubmittedJob> {
        self.context.submit(JobRequest { root: &self.node, site, terminal, partitions, restart })
    }

    /// Runs a job over some partitions, and returns the bytes of its tasks' results, in the order of
    /// `partitions`.
    ///
    /// # Errors
    /// When the job fails.
    pub fn run_in_order(
        &self,
        site: CallSite,
        terminal: OperatorRef,
        partitions: Vec<Partition>,
    ) -> Result<Vec<Vec<u8>>> {
        let count = partitions.len();
        self.submit(site, terminal, partitions)?.wait_in_order(count)
    }

    /// Runs a job over all partitions, whose records are `T`s and whose tasks return one value each; returns
    /// the values, in the order of partitions.
    ///
    /// # Errors
    /// When the job fails, or values cannot be encoded or decoded.
    pub fn each_partition<T: Data, E: Environment, U: Data>(
        &self,
        site: CallSite,
        environment: &E,
        f: impl Fn(&E, Partition, Stream<T>) -> Outcome<U> + Plain,
    ) -> Result<Vec<U>> {
        self.each_partition_with(site, environment, f, Restart::default())
    }

    /// Runs a job as [`UntypedRdd::each_partition`] does, with what it is to a driver that restarts.
    pub(super) fn each_partition_with<T: Data, E: Environment, U: Data>(
        &self,
        site: CallSite,
        environment: &E,
        f: impl Fn(&E, Partition, Stream<T>) -> Outcome<U> + Plain,
        restart: Restart<'_>,
    ) -> Result<Vec<U>> {
        let failed = |source| Error::Data { site: site.clone(), source };
        let terminal = ResultTask::<T, E, _>::code(environment, move |env: &E, partition, stream| {
            encode_value(&f(env, partition, stream)?).map_err(data_failure)
        });
        let terminal = terminal.map_err(failed)?;
        let partitions = self.all_partitions();
        let count = partitions.len();
        let job = self.submit_with(site.clone(), terminal, partitions, restart)?;
        let results = job.wait_in_order(count)?;
        results.iter().map(|bytes| decode_value(bytes).map_err(failed)).collect()
    }
}
