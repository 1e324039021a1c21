//! Typed blocks, columns one behind the other, and tables whose keys are of any type.

use firesteel_kernels::{
    Arrays, Binary, Block, Column, End, Function, Instruction, Merge, Numpy, Op, Scalar, Table, TextBuilder,
    TextHash, decode, encode, hashes, is_block, joined,
};
use proptest::prelude::*;

fn texts(texts: &[String]) -> Column {
    let mut made = TextBuilder::with_rows(texts.len());
    texts.iter().for_each(|text| assert!(made.push(text)));
    Column::Text(made.build())
}

/// Some rows of every type.
fn column(rows: &[(i64, f64, bool, String)]) -> Column {
    Column::Tuple(vec![
        Column::ints(rows.iter().map(|row| row.0).collect()),
        Column::Tuple(vec![
            Column::floats(rows.iter().map(|row| row.1).collect()),
            Column::Const(Scalar::None),
        ]),
        Column::of_bools(rows.iter().map(|row| row.2).collect()),
        texts(&rows.iter().map(|row| row.3.clone()).collect::<Vec<_>>()),
    ])
}

/// Values of numpy's types: arrays of up to three items, numbers and truth values.
fn of_numpy(rows: &[(i64, f64, bool, String)]) -> Column {
    let lengths = || rows.iter().map(|row| row.0.unsigned_abs() as usize % 4);
    let items = rows.iter().zip(lengths()).flat_map(|(row, length)| vec![row.1; length]).collect();
    let numbers: Vec<f64> = rows.iter().map(|row| row.1).collect();
    let truths: Vec<bool> = rows.iter().map(|row| row.2).collect();
    Column::Tuple(vec![
        Column::Numpy(Numpy::Arrays(Arrays::new(items, lengths()).expect("few items"))),
        Column::Numpy(Numpy::Numbers(numbers.into())),
        Column::Numpy(Numpy::Truths(truths.into())),
    ])
}

/// Some rows of every type, also of numpy's, which are no keys.
fn all_types(rows: &[(i64, f64, bool, String)]) -> Column {
    Column::Tuple(vec![column(rows), of_numpy(rows)])
}

/// Returns rows as texts, so that they can be compared bit by bit.
fn shown(column: &Column, rows: usize) -> Vec<String> {
    match column {
        Column::Const(scalar) => vec![format!("{scalar:?}"); rows],
        Column::Bool(values) => values.iter().map(bool::to_string).collect(),
        Column::Int(values) => values.iter().map(i64::to_string).collect(),
        Column::Float(values) | Column::Numpy(Numpy::Numbers(values)) => {
            values.iter().map(|value| format!("{:x}", value.to_bits())).collect()
        }
        Column::Numpy(Numpy::Truths(values)) => values.iter().map(bool::to_string).collect(),
        Column::Numpy(Numpy::Arrays(arrays)) => {
            let bits = |row| arrays.get(row).iter().map(|item| item.to_bits()).collect::<Vec<_>>();
            (0..rows).map(|row| format!("{:?}", bits(row))).collect()
        }
        Column::Text(text) => (0..rows).map(|row| text.get(row).to_string()).collect(),
        Column::List(list) | Column::Group(list) => {
            let (items, spans) = list.parts();
            let items = shown(items, spans.iter().map(|(_, to)| *to as usize).max().unwrap_or(0));
            spans.iter().map(|(from, to)| format!("{:?}", &items[*from as usize..*to as usize])).collect()
        }
        Column::Tuple(parts) | Column::Record(_, parts) => {
            let parts: Vec<_> = parts.iter().map(|part| shown(part, rows)).collect();
            (0..rows)
                .map(|row| parts.iter().map(|part| &part[row][..]).collect::<Vec<_>>().join(","))
                .collect()
        }
    }
}

fn rows() -> impl Strategy<Value = Vec<(i64, f64, bool, String)>> {
    let ints = prop_oneof![-3i64..3, 0i64..70_000, any::<i64>()];
    prop::collection::vec((ints, any::<f64>(), any::<bool>(), "[ab\u{e9}\u{65e5}\u{1F600}]{0,3}"), 0..40)
}

/// `a + b`
fn add() -> Merge {
    let add = Instruction { into: 2, op: Op::Binary(Binary::Add, 0, 1) };
    let body = Block { instructions: vec![add], end: End::Return(2) };
    Merge::of(&Function { parameters: 2, registers: 3, draws: vec![], body }).expect("a rule")
}

proptest! {
    #[test]
    fn a_block_is_read_as_it_was_written(rows in rows()) {
        let column = all_types(&rows);
        let block = encode(&column, rows.len()).unwrap();
        prop_assert!(is_block(&block));
        let (read, count) = decode(&block).unwrap();
        prop_assert_eq!(count, rows.len());
        prop_assert_eq!(shown(&read, count), shown(&column, count));
        prop_assert!(rows.is_empty() || read.is_like(&column));
    }

    #[test]
    fn bytes_that_are_no_block_are_an_error_or_other_rows(rows in rows(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut block = encode(&all_types(&rows), rows.len()).unwrap();
        let cut = at.index(block.len());
        prop_assert!(decode(&block[..cut]).is_err());
        // The number of rows is left alone: so many of no bytes each would be gigabytes.
        let place = if (4..12).contains(&cut) { 3 } else { cut };
        block[place] = byte;
        if let Ok((read, count)) = decode(&block) {
            shown(&read, count);
        }
        block.push(0);
        prop_assert!(decode(&block).is_err());
    }

    #[test]
    fn columns_stand_behind_each_other(parts in prop::collection::vec(rows(), 1..5)) {
        let columns: Vec<_> = parts.iter().map(|rows| (all_types(rows), rows.len())).collect();
        let all = parts.concat();
        let together = joined(&columns).unwrap();
        prop_assert_eq!(shown(&together, all.len()), shown(&all_types(&all), all.len()));
        let other = (Column::ints(vec![1]), 1);
        prop_assert!(joined(&[columns[0].clone(), other]).is_none());
    }

    #[test]
    fn keys_of_any_type_are_merged_in_the_order_in_which_they_came(
        batches in prop::collection::vec(prop::collection::vec((0i64..3, 0u8..3, any::<bool>(), "[ab]{0,2}"), 1..30), 1..5)
    ) {
        let mut table = Table::new(add());
        let mut wanted: Vec<(String, i64)> = vec![];
        for batch in &batches {
            let rows: Vec<_> = batch.iter().map(|row| (row.0, f64::from(row.1) / 2.0, row.2, row.3.clone())).collect();
            let keys = column(&rows);
            let values = Column::ints((0..rows.len() as i64).collect());
            let pairs = Column::Tuple(vec![keys.clone(), values]);
            prop_assert_eq!(table.add(&pairs, rows.len(), 0..rows.len()), rows.len());
            for (row, key) in shown(&keys, rows.len()).into_iter().enumerate() {
                match wanted.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, sum)) => *sum += row as i64,
                    None => wanted.push((key, row as i64)),
                }
            }
        }
        let (pairs, rows) = table.take();
        let Column::Tuple(parts) = pairs else { panic!("no pairs") };
        let Column::Int(sums) = &parts[1] else { panic!("no sums") };
        let got: Vec<_> = shown(&parts[0], rows).into_iter().zip(sums.iter().copied()).collect();
        prop_assert_eq!(got, wanted);
    }
}

#[test]
fn lists_and_constants_are_written_out() {
    let column = Column::Tuple(vec![Column::Const(Scalar::Str("é".into())), Column::Const(Scalar::Int(7))]);
    let (read, rows) = decode(&encode(&column, 3).unwrap()).unwrap();
    assert_eq!(shown(&read, rows), shown(&column.spread(3), 3));
}

#[test]
fn keys_that_are_not_equal_to_themselves_are_not_taken_and_equal_ones_meet() {
    for (float, taken) in [(0.0, 2), (-0.0, 2), (f64::NAN, 1)] {
        let mut table = Table::new(add());
        let keys = Column::floats(vec![1.0, float]);
        assert_eq!(table.add(&Column::Tuple(vec![keys, Column::ints(vec![1, 2])]), 2, 0..2), taken);
    }
    let mut table = Table::new(add());
    let pairs = |key: Column| Column::Tuple(vec![key, Column::ints(vec![1])]);
    assert_eq!(table.add(&pairs(Column::floats(vec![1.0])), 1, 0..1), 1);
    assert_eq!(table.add(&pairs(Column::ints(vec![1])), 1, 0..1), 1);
    assert_eq!(table.add(&pairs(Column::of_bools(vec![true])), 1, 0..1), 1);
    assert_eq!(table.keys(), 1);
}

#[test]
fn what_cannot_be_placed_here_has_no_hash() {
    assert!(hashes(&Column::floats(vec![1.0, f64::NAN]), 2, TextHash::Sip13).is_none());
    assert_eq!(hashes(&Column::Const(Scalar::None), 2, TextHash::Sip13), Some(vec![0, 0]));
    let nested = Column::Tuple(vec![Column::Const(Scalar::Int(1)), Column::Const(Scalar::None)]);
    assert_eq!(hashes(&nested, 1, TextHash::Sip13).map(|hashes| hashes.len()), Some(1));
}
