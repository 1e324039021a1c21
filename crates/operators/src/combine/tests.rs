//! The order and the contents of what is combined, under any memory pressure.

use super::*;
use crate::testing::{Executor, Given, broken_input, origin};
use firesteel_data::hash::partition_of;
use firesteel_shuffle::MapOutputWriter;
use firesteel_types::{ExecutorId, MapOutput, ShuffleOutputs, TaskId};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

const SHUFFLE: ShuffleId = ShuffleId(4);

/// An amount of memory that makes nothing spill.
const MUCH: usize = 1 << 30;

/// Makes lists of all values of a key, in the order in which they came.
fn lists<K: Data + Hash + Eq>(source: Source<K, u32>) -> Op<(K, Vec<u32>)> {
    let combining = Combining {
        environment: Arc::new(()),
        create: ZeroSized::new(|(): &(), value: u32| vec![value]),
        merge: ZeroSized::new(|(): &(), mut list: Vec<u32>, value: u32| {
            list.push(value);
            list
        }),
        unite: ZeroSized::new(|(): &(), a: Vec<u32>, b: Vec<u32>| [a, b].concat()),
        accumulates: true,
    };
    Op::new(Combine { source, combining, origin: origin(1), types: PhantomData })
}

/// A key with all of its values.
type List<K> = (K, Vec<u32>);

fn narrow<K: Data + Hash + Eq>(executor: &Executor, batches: &[Vec<(K, u32)>]) -> Vec<List<K>> {
    read(&lists(Source::Narrow(Given::batches(&[batches.to_vec()]))), 0, &executor.task(), executor)
}

/// Reads a partition; checks that an executor spills if, and only if, it has no memory.
fn read<K: Data>(combined: &Op<List<K>>, partition: u32, task: &Task, executor: &Executor) -> Vec<List<K>> {
    let (used, files) = (executor.used(), executor.files());
    let must_spill = executor.services.memory.arbiter().total() == 0;
    let mut stream = combined.open(Partition(partition), task).unwrap();
    let mut all = vec![];
    while let Some(batch) = stream.next_batch().unwrap() {
        assert_eq!(executor.files() > files, must_spill, "it spilled, or it did not");
        all.extend(batch.into_vec());
    }
    drop(stream);
    assert_eq!((executor.used(), executor.files()), (used, files), "something is left");
    all
}

/// Stores one output for each map, by chunk of the hash, and combines what one of the reducers gets.
fn shuffled(
    executor: &Executor,
    maps: &[Vec<(u32, u32)>],
    reducer: u32,
    (reducers, fan_out): (u32, u32),
) -> Vec<List<u32>> {
    let services = &executor.services;
    let mut outputs = vec![];
    for (map, pairs) in maps.iter().enumerate() {
        let (map, task) = (Partition(map as u32), TaskId(map as u64));
        let (pool, dirs) = (services.memory.clone(), services.dirs.clone());
        let mut writer = MapOutputWriter::new(reducers * fan_out, executor.task().workspace(), pool, dirs);
        for (key, value) in pairs {
            let hash = hash_key(key);
            writer.push(partition_of(hash, reducers * fan_out), hash, KeyRef::Owned(*key), *value).unwrap();
        }
        services.shuffles.put(SHUFFLE, map, task, writer.finish().unwrap().output).unwrap();
        outputs.push(MapOutput { map, task, executor: ExecutorId(1), bytes: 1 });
    }
    let outputs = ShuffleOutputs { shuffle: SHUFFLE, generation: 0, maps: outputs };
    let combined = lists(Source::Shuffle { shuffle: SHUFFLE, fan_out });
    let combined = read(&combined, reducer, &executor.task_with(&[outputs], &[]), executor);
    maps.iter().enumerate().for_each(|(map, _)| {
        services.shuffles.remove(SHUFFLE, Partition(map as u32), TaskId(map as u64));
    });
    combined
}

fn model<K: Ord + Clone>(pairs: &[Vec<(K, u32)>]) -> BTreeMap<K, Vec<u32>> {
    let mut model = BTreeMap::<K, Vec<u32>>::new();
    pairs.iter().flatten().for_each(|(key, value)| model.entry(key.clone()).or_default().push(*value));
    model
}

fn is_in_order_of_hashes<K: Data + Hash>(combined: &[(K, Vec<u32>)]) -> bool {
    combined.is_sorted_by_key(|(key, _)| hash_key(key))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn values_come_together_in_their_order_and_keys_in_that_of_their_hashes(
        numbers in vec(vec((0..50u32, any::<u32>()), 0..30), 0..6),
        texts in vec(vec(("[a-d]{0,3}", any::<u32>()), 0..30), 0..6),
    ) {
        let executor = Executor::with_memory(MUCH);
        let (by_number, by_text) = (narrow(&executor, &numbers), narrow(&executor, &texts));
        prop_assert!(is_in_order_of_hashes(&by_number) && is_in_order_of_hashes(&by_text));
        prop_assert_eq!(by_number.into_iter().collect::<BTreeMap<_, _>>(), model(&numbers));
        prop_assert_eq!(by_text.into_iter().collect::<BTreeMap<_, _>>(), model(&texts));
    }

    #[test]
    fn each_reducer_combines_its_keys_alone_with_values_in_the_order_of_map_tasks(
        maps in vec(vec((0..200u32, any::<u32>()), 0..40), 0..5),
        reducers in 1..40u32,
    ) {
        let (executor, fan_out) = (Executor::with_memory(MUCH), fan_out(reducers));
        let mut together = BTreeMap::new();
        for reducer in 0..reducers {
            for (key, values) in shuffled(&executor, &maps, reducer, (reducers, fan_out)) {
                prop_assert_eq!(partition_of(hash_key(&key), reducers * fan_out) / fan_out, reducer);
                prop_assert!(together.insert(key, values).is_none(), "two reducers have key {}", key);
            }
        }
        prop_assert_eq!(together, model(&maps));
    }
}

/// Enough pairs that the table outgrows what a task gets in any case.
fn many() -> Vec<Vec<(u32, u32)>> {
    (0..40).map(|batch| (0..2_000).map(|i| ((batch * 1_013 + i * 7) % 30_000, i)).collect()).collect()
}

#[test]
fn spilled_and_unspilled_an_input_gives_the_same_order() {
    let batches = many();
    let in_memory = narrow(&Executor::with_memory(MUCH), &batches);
    assert!(is_in_order_of_hashes(&in_memory));
    assert!(narrow(&Executor::with_memory(0), &batches) == in_memory);
    assert!(in_memory.into_iter().collect::<BTreeMap<_, _>>() == model(&batches));
}

#[test]
fn spilled_and_unspilled_a_shuffle_gives_the_same_order() {
    let maps = many();
    let in_memory = shuffled(&Executor::with_memory(MUCH), &maps, 0, (1, 2));
    assert!(shuffled(&Executor::with_memory(0), &maps, 0, (1, 2)) == in_memory);
    assert!(in_memory.into_iter().collect::<BTreeMap<_, _>>() == model(&maps));
}

#[test]
fn a_failing_input_gives_no_part_of_the_combinations() {
    let executor = Executor::with_memory(0);
    let steps = vec![Ok(vec![(1, 1), (2, 2)]), Err(broken_input())];
    let combined = lists(Source::<u32, u32>::Narrow(Given::steps(vec![steps]).0));
    assert_eq!(combined.open(Partition(0), &executor.task()).err(), Some(broken_input()));
    assert_eq!((executor.used(), executor.files()), (0, 0));
}

#[test]
fn the_parts_of_all_reducers_are_256_at_most_unless_there_are_more_reducers() {
    assert_eq!([0, 1, 16, 17, 100, 128, 129, 10_000].map(fan_out), [16, 16, 16, 15, 2, 2, 1, 1]);
}
