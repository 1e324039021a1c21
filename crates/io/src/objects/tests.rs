//! Object files: whole, cut, changed, and of other types.

use super::*;
use proptest::prelude::*;
use std::io::Cursor;

type Record = (u32, String);

fn write(records: &[Record], batch: usize) -> Vec<u8> {
    let mut writer = ObjectWriter::<_, Record>::new(vec![]).unwrap();
    records.chunks(batch.max(1)).for_each(|records| writer.append(records).unwrap());
    writer.finish().unwrap()
}

fn read_split(bytes: &[u8], start: u64, end: u64) -> Result<Vec<Record>, IoCause> {
    let mut reader = ObjectReader::<_, Record>::new(Cursor::new(bytes), start, end)?;
    let mut records = vec![];
    while let Some(block) = reader.next_block()? {
        records.extend(block);
    }
    Ok(records)
}

fn read(bytes: &[u8]) -> Result<Vec<Record>, IoCause> {
    read_split(bytes, 0, bytes.len() as u64)
}

fn sample(count: u32, width: usize) -> Vec<Record> {
    (0..count).map(|i| (i, format!("{i}{}", "x".repeat(width)))).collect()
}

#[test]
fn every_cut_and_every_changed_byte_is_an_error() {
    let records = sample(10, 5);
    let bytes = write(&records, 3);
    assert_eq!(read(&bytes).unwrap(), records);
    for at in 0..bytes.len() {
        read(&bytes[..at]).expect_err(&format!("cut at {at}"));
        for flip in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            read(&changed).expect_err(&format!("byte {at} changed"));
        }
    }
    let error = read(&[&bytes[..], b"?"].concat()).unwrap_err();
    assert!(matches!(error, IoCause::Malformed { .. }));
}

#[test]
fn a_changed_byte_is_told_with_its_block() {
    let mut bytes = write(&sample(10, 5), 3);
    let at = bytes.len() - TRAILER_BYTES - 3;
    bytes[at] ^= 1;
    let header = bytes.windows(MARKER_BYTES).position(|window| window == &bytes[8..24]).unwrap();
    assert_eq!(header, 8);
    match read(&bytes).unwrap_err() {
        IoCause::Malformed { offset, what } => {
            assert!(offset > 24 && offset < at as u64 && what.contains("checksum"), "{offset} {what}");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn other_types_and_other_files_are_refused_by_name() {
    let bytes = write(&sample(1, 1), 1);
    let error = ObjectReader::<_, Vec<u64>>::new(Cursor::new(&bytes), 0, bytes.len() as u64).err().unwrap();
    let said = error.to_string();
    assert!(said.contains("(u32, alloc::string::String)") && said.contains("alloc::vec::Vec<u64>"), "{said}");
    assert!(said.contains("write object_file::<(u32, String)>"), "{said}");
    assert!(read(b"SEQ\x06 is another format, as is known").unwrap_err().to_string().contains("FIREOBJ"));
    assert_eq!(without_modules("a::B<c::d::E, (f::G, [u8; 3])>"), "B<E, (G, [u8; 3])>");
}

#[test]
fn a_foreign_marker_in_the_data_is_an_error_where_it_matters() {
    let mut writer = ObjectWriter::<_, Record>::new(vec![]).unwrap();
    // Only a program that looks into its own output can do this.
    let evil: String = writer.marker.iter().map(|_| 'x').collect();
    writer.marker = *b"xxxxxxxxxxxxxxxx";
    let mut bytes = vec![];
    std::mem::swap(&mut writer.sink, &mut bytes);
    bytes[8..24].copy_from_slice(evil.as_bytes());
    let end = bytes.len() - 8;
    let sum = xxh3_64(&bytes[..end]);
    bytes[end..].copy_from_slice(&sum.to_le_bytes());
    writer.sink = bytes;
    writer.append(&[(1, format!("{:100}{evil}{:100}", "", ""))]).unwrap();
    let bytes = writer.finish().unwrap();
    assert_eq!(read(&bytes).unwrap().len(), 1);
    let header = end as u64 + 8;
    assert!(read_split(&bytes, 0, header + 60).unwrap_err().to_string().contains("own marker"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_read_once_wherever_a_file_is_cut(
        count in 0..60_u32,
        width in prop_oneof![0..10_usize, 20_000..90_000_usize],
        batch in 1..20_usize,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let records = sample(count, width);
        let bytes = write(&records, batch);
        let mut bounds: Vec<u64> = cuts.iter().map(|cut| cut.index(bytes.len()) as u64).collect();
        bounds.extend([0, bytes.len() as u64]);
        bounds.sort();
        let split = bounds.windows(2).flat_map(|pair| read_split(&bytes, pair[0], pair[1]).unwrap());
        prop_assert!(split.eq(records));
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic(bytes: Vec<u8>) {
        prop_assert!(read(&bytes).is_err());
        let mut good = write(&sample(3, 3), 3);
        let at = good.len() / 2;
        good.splice(at..at, bytes.iter().copied().chain([0]));
        prop_assert!(read(&good).is_err());
    }
}
