//! The words inside events of scenario scripts: stages, places, tasks, outputs, blocks, updates.

use firesteel_scheduler::*;
use firesteel_types::*;

/// `3 writes s1 reads s0 x4 at 1@a,@b`
pub(crate) fn stage(text: &str, wants: &mut Option<Vec<Partition>>) -> StageSpec {
    let mut words = text.split_whitespace().peekable();
    let id: u32 = number(words.next().expect("a stage has an id"));
    let mut spec = StageSpec {
        stage: StageId(id),
        site: site("map"),
        output: None,
        inputs: vec![],
        partitions: 1,
        preferred: vec![],
        cached: Cached::default(),
        rdds: [].into(),
        barrier: false,
    };
    while let Some(word) = words.next() {
        match word {
            "barrier" => spec.barrier = true,
            "writes" => spec.output = words.next().map(shuffle),
            "reads" => {
                while let Some(input) = words.next_if(|word| word.starts_with('s')) {
                    spec.inputs.push(shuffle(input));
                }
            }
            "at" => {
                let places =
                    words.next().expect("places follow").split(',').map(|place| vec![location(place)]);
                spec.preferred = places.cycle().take(spec.partitions as usize).collect();
            }
            "keeps" => spec.cached = cached(words.next().expect("an rdd follows"), &spec),
            "wants" => *wants = Some(words.by_ref().map(|word| Partition(number(word))).collect()),
            count => spec.partitions = number(count.trim_start_matches('x')),
        }
    }
    spec
}

/// `r3/1`, with a version that is 0 if not given; `1.2` is version 2 of generation 1.
pub(crate) fn block(text: &str, version: Option<&str>) -> BlockKey {
    let (id, partition) = text.split_once('/').expect("a block is named r3/1");
    BlockKey {
        rdd: rdd(id),
        partition: Partition(number(partition)),
        version: version.map_or(0, self::version),
    }
}

fn version(text: &str) -> u64 {
    let (generation, inputs) = text.split_once('.').unwrap_or(("0", text));
    Generation(number(generation)).version(number(inputs))
}

/// `2`, or `1.2` in generation 1.
pub(crate) fn tell_version(version: u64) -> String {
    match Generation::of(version) {
        Generation(0) => version.to_string(),
        generation => format!("{}.{}", generation.0, version - generation.first_version()),
    }
}

/// `s0/1/t4`
pub(crate) fn output(text: &str) -> (ShuffleId, Partition, TaskId) {
    let parts: Vec<&str> = text.split('/').collect();
    (shuffle(parts[0]), Partition(number(parts[1])), task(parts[2]))
}

/// `s1 x2 reads s0 sum=0:7 sum=1:7 has=1/t40:7 adds=a0/r1/1/1/x`: the map tasks have written records with these digests, and
/// objects of the storage, one for each output, have that of t40. An update came with the map task of its partition.
pub(crate) fn known(words: &[&str]) -> RestoredShuffle {
    let shuffle = shuffle(words[0]);
    let (mut checksums, mut outputs) = (vec![], vec![]);
    for word in words {
        if let Some((map, checksum)) = word.strip_prefix("sum=").and_then(|word| word.split_once(':')) {
            checksums.push((Partition(number(map)), number(checksum)));
        } else if let Some((name, checksum)) = word.strip_prefix("has=").and_then(|word| word.split_once(':'))
        {
            let (map, task) = name.split_once('/').expect("an output is named 1/t40");
            let (map, task) = (Partition(number(map)), self::task(task));
            let object = StoredObject { life: 0, by: ExecutorId(0), number: map.0, index_at: 10, length: 20 };
            outputs.push((StoredOutput { map, task, bytes: 1, checksum: number(checksum) }, object));
        }
    }
    let updates = updates(words).into_iter().map(|update| {
        let from = Some((shuffle, update.partition));
        CountedUpdate { update, resets: 0, from }
    });
    RestoredShuffle {
        shuffle,
        maps: number(words[1].trim_start_matches('x')),
        inputs: words[2..]
            .iter()
            .filter(|word| word.starts_with('s') && !word.contains('='))
            .map(|word| self::shuffle(word))
            .collect(),
        checksums,
        outputs,
        updates: updates.collect(),
    }
}

pub(crate) fn rdd(text: &str) -> RddId {
    RddId(number(text.trim_start_matches('r')))
}

/// `r3+1`: an RDD in generation 1; `r3` in generation 0.
pub(crate) fn persisted(text: &str) -> (RddId, Generation) {
    let (name, generation) = text.split_once('+').unwrap_or((text, "0"));
    (rdd(name), Generation(number(generation)))
}

/// `r3x2`: an RDD through which the stage reads all its inputs, in two copies; `r3` in one, `r3+1x2` in generation 1.
pub(crate) fn cached(text: &str, spec: &StageSpec) -> Cached {
    let (name, copies) = text.split_once('x').unwrap_or((text, "1"));
    let ((rdd, generation), copies) = (persisted(name), number(copies));
    let reads = Reads { shuffles: spec.inputs.clone(), cached: vec![] };
    let behind = spec.inputs.clone();
    let cached = CachedRdd {
        rdd,
        partitions: spec.partitions,
        aligned: true,
        reads,
        behind,
        generation,
        is_truncated: false,
        copies,
        barrier: spec.barrier,
    };
    Cached { last: Reads { shuffles: vec![], cached: vec![0] }, rdds: vec![cached] }
}

pub(crate) fn location(text: &str) -> TaskLocation {
    let (executor, host) = text.split_once('@').expect("a place is executor@host or @host");
    TaskLocation { host: host.into(), executor: (!executor.is_empty()).then(|| ExecutorId(number(executor))) }
}

pub(crate) fn site(operation: &str) -> CallSite {
    CallSite { operation: operation.into(), ..CallSite::default() }
}

pub(crate) fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

pub(crate) fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

/// All that a task adds to accumulators, by words like `adds=a0/r1/2/5/x`.
pub(crate) fn updates(words: &[&str]) -> Vec<AccumulatorUpdate> {
    words.iter().filter_map(|word| update(word.strip_prefix("adds=")?)).collect()
}

/// `a0/r1/2/5/x`: of accumulator 0, for partition 2 of RDD 1, in 5 additions, the value `x`. `m1` is the map side of shuffle 1,
/// `j1` is job 1; `x@t4` was kept by task 4.
pub(crate) fn update(text: &str) -> Option<AccumulatorUpdate> {
    let words: Vec<&str> = text.split('/').collect();
    let [name, scope, partition, extent, value] = words[..] else { panic!("{text} is no update") };
    let scope = match scope.split_at(1) {
        ("r", id) => UpdateScope::Rdd(RddId(number(id))),
        ("m", id) => UpdateScope::MapSide(ShuffleId(number(id))),
        ("j", id) => UpdateScope::Job(JobId(number(id))),
        _ => panic!("{scope} is no scope"),
    };
    let (accumulator, partition, extent) = (accumulator(name), Partition(number(partition)), number(extent));
    let (value, cached_by) = match value.split_once('@') {
        Some((value, by)) => (value, Some(task(by))),
        None => (value, None),
    };
    let bytes = value.as_bytes().into();
    Some(AccumulatorUpdate { accumulator, scope, partition, extent, bytes, cached_by })
}

pub(crate) fn accumulator(text: &str) -> AccumulatorId {
    AccumulatorId(number(text.trim_start_matches('a')))
}

pub(crate) fn task(text: &str) -> TaskId {
    TaskId(number(text.trim_start_matches('t')))
}

pub(crate) fn shuffle(text: &str) -> ShuffleId {
    ShuffleId(number(text.trim_start_matches('s')))
}

pub(crate) fn executor(text: &str) -> ExecutorId {
    match text {
        "driver" => ExecutorId::DRIVER,
        "storage" => ExecutorId::STORAGE,
        number => ExecutorId(self::number(number)),
    }
}
