//! Stages of one chain of operators: a small stand-in for `Rdd`, over the same operators and the same plan.

use firesteel_closures::{CodeError, Plain, code_name};
use firesteel_data::block::encode_value;
use firesteel_data::{Data, Environment};
use firesteel_operators::{
    FlatMap, Generate, MapBatches, MapPartitions, OperatorRef, PartitionIter, Records, ResultTask, Stream,
    data_failure,
};
use firesteel_plan as plan;
use firesteel_plan::{CodeRef, PlanNode, StagePlan};
use firesteel_types::{CallSite, Partition, RddId};
use std::marker::PhantomData;

/// Each stage is computed for as many partitions.
pub const PARTITIONS: u32 = 3;

/// How many numbers a partition begins with.
const NUMBERS: i64 = 8;

/// Operators, each of which reads the one before.
#[derive(Clone)]
pub struct Chain<T> {
    operators: Vec<OperatorRef>,
    types: PhantomData<fn() -> T>,
}

/// A stage that is ready to be sent, with the results that it should have.
pub struct Stage {
    /// What it is about.
    pub name: String,
    operators: Vec<OperatorRef>,
    /// The encoded result of each partition.
    pub expected: Vec<Vec<u8>>,
}

/// The numbers that a partition begins with.
fn numbers_of(partition: Partition) -> std::ops::Range<i64> {
    let start = i64::from(partition.0) * NUMBERS;
    start..start + NUMBERS
}

impl Chain<i64> {
    /// The beginning: some numbers in each partition.
    pub fn numbers() -> Self {
        let code = Generate::code(&(), |_: &(), partition| numbers_of(partition));
        Chain::<()> { operators: vec![], types: PhantomData }.then(code)
    }
}

impl<T: Data> Chain<T> {
    fn then<U>(mut self, code: Result<OperatorRef, firesteel_data::DataError>) -> Chain<U> {
        self.operators.push(code.expect("the environments here can be encoded"));
        Chain { operators: self.operators, types: PhantomData }
    }

    /// As `Rdd::map`.
    pub fn map<U: Data, F: Fn(T) -> U + Plain>(self, f: F) -> Chain<U> {
        self.map_with((), move |_: &(), x| f(x))
    }

    /// As `Rdd::map_with`.
    pub fn map_with<E: Environment, U: Data, F: Fn(&E, T) -> U + Plain>(self, needed: E, f: F) -> Chain<U> {
        let through = move |env: &E, batch, records: &Records| records.map(batch, |x| f(env, x));
        self.then(MapBatches::<T, U, E, _>::code(&needed, through))
    }

    /// As `Rdd::flat_map`.
    pub fn flat_map<I: IntoIterator<Item: Data> + 'static, F: Fn(T) -> I + Plain>(
        self,
        f: F,
    ) -> Chain<I::Item> {
        self.then(FlatMap::<T, I, (), _>::code(&(), move |_: &(), x| f(x)))
    }

    /// As `Rdd::map_partitions`.
    pub fn map_partitions<I: IntoIterator<Item: Data> + 'static, F: Fn(PartitionIter<T>) -> I + Plain>(
        self,
        f: F,
    ) -> Chain<I::Item> {
        self.then(MapPartitions::<T, I, (), _>::code(&(), move |_: &(), _, records| f(records)))
    }

    /// Ends the stage with all records of the partition. `by_hand` computes the same from the numbers of [`Chain::numbers`].
    pub fn collect(self, name: &str, by_hand: impl Fn(std::ops::Range<i64>) -> Vec<T>) -> Stage {
        let expected = (0..PARTITIONS).map(Partition).map(|partition| by_hand(numbers_of(partition)));
        let expected =
            expected.map(|records| encode_value(&records).expect("records can be encoded")).collect();
        let end = ResultTask::<T, (), _>::code(&(), |_: &(), _, stream: Stream<T>| {
            let mut records = vec![];
            stream.for_each(|batch| {
                records.extend(batch.into_vec());
                Ok(())
            })?;
            encode_value(&records).map_err(data_failure)
        });
        Stage { name: name.into(), operators: self.then::<()>(end).operators, expected }
    }
}

impl Stage {
    /// The plan, as it would be sent.
    pub fn plan(&self) -> Result<StagePlan, CodeError> {
        let mut plan = StagePlan { objects: vec![], nodes: vec![] };
        for (index, code) in self.operators.iter().enumerate() {
            let name = code_name(code.descriptor)?;
            let known = plan.objects.iter().position(|object| *object == name.object.0);
            let object = known.unwrap_or_else(|| {
                plan.objects.push(name.object.0);
                plan.objects.len() - 1
            });
            plan.nodes.push(PlanNode {
                rdd: RddId(index as u32),
                site: CallSite { operation: self.name.as_str().into(), ..CallSite::default() },
                code: CodeRef { object: object as u32, offset: name.offset, type_hash: name.type_hash },
                environment: plan::Environment::Inline(code.environment.clone()),
                inputs: index.checked_sub(1).into_iter().map(|before| before as u32).collect(),
            });
        }
        Ok(plan)
    }

    /// Where this process has the code of the operators.
    pub fn code_addresses(&self) -> Vec<usize> {
        self.operators.iter().map(|code| code.descriptor.build() as *const () as usize).collect()
    }
}
