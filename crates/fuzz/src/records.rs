//! Decoders of data from other processes and from the engine's own files: blocks of records, frames, plans,
//! names of code.

use firesteel_closures::{CodeName, executable_hash, resolve};
use firesteel_data::block::{KeyRef, Pairs, PairsBuilder, decode_value, take_records, write_records};
use firesteel_data::compression::{Compression, unpack};
use firesteel_data::frames::FrameWriter;
use firesteel_data::{Data, Str};
use firesteel_plan::{CodeRef, Environment, PlanNode, StagePlan};
use firesteel_types::{CallSite, RddId};

type Row = (Option<String>, Vec<(bool, u8)>, f64);

/// Reads blocks of every layout from the same bytes; but not blocks of units, of which four bytes make four
/// billion.
pub(crate) fn blocks(data: &[u8]) {
    records::<u64>(data);
    records::<String>(data);
    records::<Row>(data);
    records::<bool>(data);
    pairs::<Str, u64>(data);
    pairs::<i32, String>(data);
    pairs::<Row, ()>(data);
    let _ = decode_value::<Row>(data);
}

fn records<T: Data>(mut data: &[u8]) {
    while let Ok(Some(records)) = take_records::<T>(&mut data) {
        let mut out = vec![];
        write_records(&records, &mut out).expect("what was read can be written");
    }
}

fn pairs<K: Data, V: Data>(mut data: &[u8]) {
    while let Ok(Some(mut block)) = Pairs::<K, V>::take(&mut data) {
        while let Ok(Some(_)) = block.next_pair() {}
    }
}

pub(crate) fn block_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![vec![]; 3];
    write_records(&["one".to_string(), String::new()], &mut seeds[0]).expect("strings can be encoded");
    write_records(&[1_u64, u64::MAX], &mut seeds[1]).expect("numbers can be encoded");
    let mut builder = PairsBuilder::<Str, u64>::default();
    builder.push(0, KeyRef::Text("key"), 7).expect("pairs can be encoded");
    builder.write(&mut seeds[2]);
    seeds
}

/// Reads a file of two frames that was replaced by any bytes: its contents are checked, or an error.
pub(crate) fn frames(data: &[u8]) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    let (handle, path) = file.keep().expect("a temporary file can be kept");
    let mut writer = FrameWriter::new((path, handle));
    writer.push(data).and_then(|()| writer.push(b"second")).expect("frames can be written");
    let written = writer.finish().expect("frames can be written");
    let mut frame = vec![];
    let mut reader = written.read().expect("frames can be opened");
    assert!(reader.next(&mut frame).expect("what was written can be read") && frame == data);
    std::fs::write(written.path(), data).expect("a temporary file can be written");
    let mut reader = written.read().expect("frames can be opened");
    while let Ok(true) = reader.next(&mut frame) {}
}

/// Unpacks compressed bytes, and packs and unpacks the input.
pub(crate) fn packed(data: &[u8]) {
    let _ = unpack(data);
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
        let packed = compression.pack(data);
        assert!(*unpack(&packed).expect("what was packed can be unpacked") == *data);
    }
}

pub(crate) fn packed_seeds() -> Vec<Vec<u8>> {
    [Compression::None, Compression::Lz4, Compression::Zstd].map(|how| how.pack(&[7; 300])).into()
}

/// Decodes a plan: one that can be decoded is encoded and decoded the same.
pub(crate) fn stage_plan(data: &[u8]) {
    if let Ok(plan) = StagePlan::decode(data) {
        assert_eq!(StagePlan::decode(&plan.encode()).as_ref(), Ok(&plan));
    }
}

pub(crate) fn plan_seeds() -> Vec<Vec<u8>> {
    let node = |inputs| PlanNode {
        rdd: RddId(1),
        site: CallSite::default(),
        code: CodeRef { object: 0, offset: 64, type_hash: 7 },
        environment: Environment::Inline(vec![1, 2, 3].into()),
        inputs,
    };
    vec![StagePlan { objects: vec![[7; 32]], nodes: vec![node(vec![]), node(vec![0])] }.encode()]
}

/// Resolves a name of code in this very program, with any position and type: no such name may be taken for
/// code.
pub(crate) fn code_name(data: &[u8]) {
    let Ok(object) = executable_hash() else { return };
    for chunk in data.chunks_exact(16) {
        let (offset, type_hash) = chunk.split_at(8);
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        let name =
            CodeName { object, offset: number(offset) >> (chunk[15] % 64), type_hash: number(type_hash) };
        assert!(resolve(&name).is_err(), "{name:?} is nothing that was ever named");
    }
}

pub(crate) fn name_seeds() -> Vec<Vec<u8>> {
    vec![vec![0; 16], (0..64).collect()]
}
