//! Frames: written ones are read back, and all other bytes are an error and nothing worse.

use firesteel_net::bulk::{FRAME_AT_MOST, FrameError, Header, Kind, unpack};
use proptest::prelude::*;

fn pack(raw: &[u8]) -> Option<Vec<u8>> {
    let packed = lz4_flex::block::compress(raw);
    (packed.len() < raw.len()).then_some(packed)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(
        raw in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..2000),
            prop::collection::vec(0u8..3, 0..20_000),
        ],
        last in any::<bool>(),
        checked in any::<bool>(),
        compress in any::<bool>(),
    ) {
        let packed = if compress { pack(&raw) } else { None };
        let payload = packed.as_deref().unwrap_or(&raw);
        let header = Header::of(Kind::Data, last, payload, packed.as_ref().map(|_| raw.len()), checked);
        let read = Header::decode(&header.encode()).unwrap();
        prop_assert_eq!(read, header);
        let mut into = b"before".to_vec();
        unpack(&read, payload, &mut into).unwrap();
        prop_assert_eq!(&into[6..], &raw[..]);
    }

    #[test]
    fn any_bytes_are_a_header_within_limits_or_an_error(bytes in any::<[u8; 20]>(), payload: Vec<u8>) {
        if let Ok(header) = Header::decode(&bytes) {
            prop_assert!(header.length as usize <= FRAME_AT_MOST && header.raw_length as usize <= FRAME_AT_MOST);
            let mut into = vec![];
            let _ = unpack(&header, &payload, &mut into);
            prop_assert!(into.len() <= FRAME_AT_MOST);
        }
    }

    #[test]
    fn nearly_right_headers_are_errors_or_right(
        kind in 0u8..7, flags in 0u8..9, length in 0u32..300_000, raw_length in 0u32..300_000,
        payload in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut bytes = [0; 20];
        (bytes[0], bytes[1]) = (kind, flags);
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        bytes[8..12].copy_from_slice(&raw_length.to_le_bytes());
        if let Ok(header) = Header::decode(&bytes) {
            let mut into = vec![];
            if unpack(&header, &payload, &mut into).is_ok() {
                prop_assert_eq!(into.len(), header.raw_length as usize);
            }
        }
    }

    #[test]
    fn a_changed_bit_is_noticed(
        payload in prop::collection::vec(any::<u8>(), 1..500), last: bool, at in any::<prop::sample::Index>(),
    ) {
        let header = Header::of(Kind::Data, last, &payload, None, true);
        let mut bytes = [&header.encode()[..], &payload].concat();
        let bit = at.index(bytes.len() * 8);
        // The flag that says that there is a checksum is the one bit that must not be lost.
        prop_assume!(bit != 8 + 2);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let (head, payload) = bytes.split_at(20);
        let read = Header::decode(head.try_into().unwrap());
        let noticed = read.map_or(true, |header| unpack(&header, payload, &mut vec![]).is_err());
        prop_assert!(noticed);
    }
}

#[test]
fn what_is_wrong_is_named() {
    let right = Header::of(Kind::Data, true, b"abc", None, true);
    assert_eq!(unpack(&right, b"abd", &mut vec![]), Err(FrameError::Checksum));
    let mut bytes = right.encode();
    bytes[0] = 9;
    assert_eq!(Header::decode(&bytes), Err(FrameError::Unknown { kind: 9, flags: 5 }));
    let mut bytes = right.encode();
    bytes[4..12].copy_from_slice(&[0xff; 8]);
    assert!(matches!(Header::decode(&bytes), Err(FrameError::Length { .. })));
    let false_promise = Header { compressed: true, raw_length: 1000, checked: false, checksum: 0, ..right };
    assert_eq!(unpack(&false_promise, b"abc", &mut vec![]), Err(FrameError::Compression));
}
