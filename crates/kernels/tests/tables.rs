//! Tables by key, beside a list of keys in the order in which they came.

use firesteel_kernels::{
    Arrays, Binary, Block, Column, End, Fold, Function, Groups, Instruction, JoinResults, Joined, Merge,
    Numpy, Op, Single, Sum, SumRules, Table, TextBuilder,
};
use proptest::prelude::*;

/// `a + b`
fn add() -> Merge {
    let add = Instruction { into: 2, op: Op::Binary(Binary::Add, 0, 1) };
    let body = Block { instructions: vec![add], end: End::Return(2) };
    Merge::of(&Function { parameters: 2, registers: 3, draws: vec![], body }).expect("a rule")
}

fn texts(keys: &[String]) -> Column {
    let mut made = TextBuilder::with_rows(keys.len());
    keys.iter().for_each(|key| assert!(made.push(key)));
    Column::Text(made.build())
}

/// Takes the pairs of a table with texts as keys.
fn pairs(table: &mut Table) -> Vec<(String, i64)> {
    let (Column::Tuple(parts), rows) = table.take() else { return vec![] };
    let [Column::Text(keys), Column::Int(values)] = &parts[..] else { return vec![] };
    (0..rows).map(|row| (keys.get(row).to_string(), values[row])).collect()
}

proptest! {
    #[test]
    fn keys_stay_in_the_order_in_which_they_came(batches in prop::collection::vec(prop::collection::vec(("[a-d]{0,3}", -9i64..9), 1..50), 0..8)) {
        let mut table = Table::new(add());
        let mut wanted: Vec<(String, i64)> = vec![];
        for batch in &batches {
            let keys: Vec<String> = batch.iter().map(|(key, _)| key.clone()).collect();
            let column = Column::Tuple(vec![texts(&keys), Column::ints(batch.iter().map(|(_, value)| *value).collect())]);
            prop_assert_eq!(table.add(&column, batch.len(), 0..batch.len()), batch.len());
            for (key, value) in batch {
                match wanted.iter_mut().find(|(known, _)| known == key) {
                    Some((_, sum)) => *sum += value,
                    None => wanted.push((key.clone(), *value)),
                }
            }
        }
        prop_assert_eq!(table.keys(), wanted.len());
        prop_assert_eq!(pairs(&mut table), wanted);
        prop_assert_eq!(table.keys(), 0);
    }
}

/// Keys that are near each other, far apart by one number, or anywhere.
fn numbers() -> impl Strategy<Value = Vec<i64>> {
    prop_oneof![
        prop::collection::vec(-20..20_i64, 0..300),
        (prop::collection::vec(0..100_i64, 0..300), 0..64_u32)
            .prop_map(|(keys, shift)| keys.into_iter().map(|key| key << shift).collect()),
        prop::collection::vec(any::<i64>(), 0..300),
    ]
}

proptest! {
    #[test]
    fn numbers_are_found_as_texts_are(keys in numbers(), others in numbers()) {
        let mut table = Table::new(add());
        let column = Column::Tuple(vec![Column::ints(keys.clone()), Column::ints(vec![1; keys.len()])]);
        prop_assert_eq!(table.add(&column, keys.len(), 0..keys.len()), keys.len());
        let texts_of = |keys: &[i64]| texts(&keys.iter().map(i64::to_string).collect::<Vec<_>>());
        let mut of_texts = Table::new(add());
        let column = Column::Tuple(vec![texts_of(&keys), Column::ints(vec![1; keys.len()])]);
        of_texts.add(&column, keys.len(), 0..keys.len());
        let joined = |keys: Column, others: Column, count: usize, rows: usize| {
            let mut groups = Groups::default();
            groups.add(&Column::Tuple(vec![keys, Column::ints((0..count as i64).collect())]), count, 0..count);
            let pairs = Column::Tuple(vec![others, Column::ints((0..rows as i64).collect())]);
            let found = groups.build().and_then(|groups| groups.join(&pairs, rows, Joined::Inner));
            let Some(JoinResults::Alike(Column::Tuple(parts), _)) = found else { return None };
            Some(format!("{:?}", parts[1]))
        };
        let count = (keys.len(), others.len());
        prop_assert_eq!(
            joined(Column::ints(keys.clone()), Column::ints(others.clone()), count.0, count.1),
            joined(texts_of(&keys), texts_of(&others), count.0, count.1)
        );
        let (Column::Tuple(parts), rows) = table.take() else { panic!("no pairs") };
        let found: Vec<(String, i64)> = match &parts[..] {
            [Column::Int(keys), Column::Int(sums)] => {
                (0..rows).map(|row| (keys[row].to_string(), sums[row])).collect()
            }
            _ => vec![],
        };
        prop_assert_eq!(found, pairs(&mut of_texts));
    }
}

#[test]
fn a_table_stops_before_the_pair_that_it_cannot_take() {
    let mut table = Table::new(add());
    let keys: Vec<String> = ["a", "b", "a"].map(String::from).into();
    let ints = Column::Tuple(vec![texts(&keys), Column::ints(vec![1, 1, 1])]);
    assert_eq!(table.add(&ints, 3, 0..3), 3);
    // A text is not added to a number.
    let keys: Vec<String> = ["c", "b"].map(String::from).into();
    let others = Column::Tuple(vec![texts(&keys), texts(&["x".to_string(), "y".to_string()])]);
    assert_eq!(table.add(&others, 2, 0..2), 1);
    let odd: Vec<_> = table.take_odd().into_iter().map(|odd| (odd.row, odd.key, odd.value)).collect();
    assert_eq!(odd, [(2, None, Some(Single::Text("x".to_string())))]);
    let wanted = [("a".to_string(), 2), ("b".to_string(), 1), ("c".to_string(), 0)];
    assert_eq!(pairs(&mut table), wanted);
}

#[test]
fn a_sum_leaves_64_bits_and_goes_on_by_plus_alone() {
    let mut sum = Sum::new(SumRules { compensates: true, compensates_ints: false });
    assert_eq!(sum.add(&Column::ints(vec![i64::MAX]), 1), 1);
    assert_eq!(sum.add(&Column::ints(vec![1, 2]), 2), 2);
    assert_eq!(sum.total(), Single::Int(i128::from(i64::MAX) + 3));
    // What this loses is not remembered any more.
    assert_eq!(sum.add(&Column::floats(vec![1e40, 1.0, -1e40]), 3), 3);
    assert_eq!(sum.total(), Single::Float(0.0));
    assert!(!sum.add_single(&Single::None));
}

#[test]
fn a_sum_of_floats_remembers_what_it_loses_where_the_interpreter_does() {
    for (compensates, wanted) in [(true, 1.0), (false, 0.0)] {
        let mut sum = Sum::new(SumRules { compensates, compensates_ints: false });
        assert_eq!(sum.add(&Column::floats(vec![1e16, 1.0, -1e16]), 3), 3);
        assert_eq!(sum.total(), Single::Float(wanted));
        let mut sum = Sum::new(SumRules { compensates, compensates_ints: compensates });
        assert_eq!(sum.add(&Column::floats(vec![1e16]), 1), 1);
        assert_eq!(sum.add(&Column::ints(vec![1]), 1), 1);
        assert_eq!(sum.add(&Column::floats(vec![-1e16]), 1), 1);
        assert_eq!(sum.total(), Single::Float(wanted));
    }
}

#[test]
fn a_sum_begins_at_the_positive_zero() {
    for compensates in [true, false] {
        let mut sum = Sum::new(SumRules { compensates, compensates_ints: false });
        assert_eq!(sum.add(&Column::floats(vec![-0.0, -0.0]), 2), 2);
        let Single::Float(total) = sum.total() else { panic!("{:?}", sum.total()) };
        assert_eq!(total.to_bits(), 0.0_f64.to_bits());
    }
}

#[test]
fn whole_numbers_of_any_size_are_added_to_floats_as_floats_where_the_interpreter_does() {
    let large = Single::Int(1 << 70);
    for (compensates_ints, wanted) in [(true, 1.0), (false, 0.0)] {
        let mut sum = Sum::new(SumRules { compensates: true, compensates_ints });
        assert_eq!(sum.add(&Column::floats(vec![1.0]), 1), 1);
        assert!(sum.add_single(&large));
        assert_eq!(sum.add(&Column::floats(vec![-((1i128 << 70) as f64)]), 1), 1);
        assert_eq!(sum.total(), Single::Float(wanted));
    }
}

#[test]
fn floats_are_added_from_left_to_right() {
    let mut fold = Fold::new(add());
    assert_eq!(fold.add(&Column::floats(vec![1e16, 1.0, -1e16]), 3), 3);
    assert_eq!(fold.add(&Column::floats(vec![1.0]), 1), 1);
    let Some(Column::Float(state)) = fold.state() else { panic!("no floats") };
    assert_eq!(state[..], [((1e16 + 1.0) - 1e16) + 1.0]);
}

#[test]
fn a_fold_takes_the_type_that_its_values_give_it() {
    let mut fold = Fold::new(add());
    assert_eq!(fold.add(&Column::ints(vec![0]), 1), 1);
    assert_eq!(fold.add(&Column::floats(vec![0.5, 0.25]), 2), 2);
    assert_eq!(fold.add(&Column::ints(vec![1, 2]), 2), 2);
    assert_eq!(fold.single(), Some(Single::Float(3.75)));
    let mut fold = Fold::new(add());
    assert_eq!(fold.add(&Column::ints(vec![i64::MAX, 1, 1]), 3), 3);
    assert_eq!(fold.single(), Some(Single::Int(i128::from(i64::MAX) + 2)));
    assert_eq!(fold.add(&texts(&["a".to_string()]), 1), 0);
}

#[test]
fn what_does_not_fit_a_table_stands_beside_it() {
    let mut table = Table::new(add());
    let add = |table: &mut Table, key: Single, value: Single| table.add_single(&key, value.clone(), &value);
    table.expect(&Column::ints(vec![1]));
    assert!(add(&mut table, Single::None, Single::Int(1)));
    let column = Column::Tuple(vec![Column::ints(vec![1, 2, 1]), Column::ints(vec![10, i64::MAX, 10])]);
    assert_eq!(table.add(&column, 3, 0..3), 3);
    // Equal keys meet, and the first one stays.
    assert!(add(&mut table, Single::Float(3.0), Single::Int(5)));
    let column = Column::Tuple(vec![Column::ints(vec![3, 2, 2]), Column::floats(vec![0.5, 0.0, 1.0])]);
    assert_eq!(table.add(&column, 3, 0..3), 3);
    assert!(add(&mut table, Single::Bool(true), Single::Int(1)));
    assert!(!add(&mut table, Single::None, Single::None));
    assert!(!add(&mut table, Single::Float(f64::NAN), Single::Int(1)));
    let odd = table.take_odd();
    let rows: Vec<_> = odd.into_iter().map(|odd| (odd.row, odd.key, odd.value)).collect();
    let float = |value: f64| Some(Single::Float(value));
    let wanted =
        [(0, Some(Single::None), None), (2, None, float(9223372036854775808.0)), (3, float(3.0), float(5.5))];
    assert_eq!(rows, wanted);
    let (Column::Tuple(parts), 4) = table.take() else { panic!("four keys") };
    let [Column::Int(keys), Column::Int(values)] = &parts[..] else { panic!("whole numbers") };
    assert_eq!((&keys[1..], values[0], values[1]), (&[1, 2, 3][..], 1, 21));
}

fn arrays(rows: &[&[f64]]) -> Column {
    let arrays = Arrays::new(rows.concat(), rows.iter().map(|row| row.len()));
    Column::Numpy(Numpy::Arrays(arrays.expect("few items")))
}

/// Takes the pairs of a table with numbers as keys and arrays as values.
fn arrays_of(table: &mut Table) -> Vec<(i64, Vec<f64>)> {
    let (Column::Tuple(parts), rows) = table.take() else { return vec![] };
    let [Column::Int(keys), Column::Numpy(Numpy::Arrays(values))] = &parts[..] else { return vec![] };
    (0..rows).map(|row| (keys[row], values.get(row).to_vec())).collect()
}

#[test]
fn arrays_are_added_item_by_item() {
    let mut table = Table::new(add());
    let values = arrays(&[&[1.0, 2.0], &[0.5], &[0.25, 0.5], &[4.0]]);
    let column = Column::Tuple(vec![Column::ints(vec![7, 8, 7, 8]), values]);
    assert_eq!(table.add(&column, 4, 0..4), 4);
    assert_eq!(arrays_of(&mut table), [(7, vec![1.25, 2.5]), (8, vec![4.5])]);
}

#[test]
fn arrays_that_numpy_would_stretch_or_warn_of_are_not_taken() {
    for other in [&[1.0][..], &[f64::MAX, 1.0]] {
        let mut table = Table::new(add());
        let column = Column::Tuple(vec![Column::ints(vec![7, 7]), arrays(&[&[f64::MAX, 2.0], other])]);
        assert_eq!(table.add(&column, 2, 0..2), 1);
        assert_eq!(arrays_of(&mut table), [(7, vec![f64::MAX, 2.0])]);
    }
}

#[test]
fn what_adds_in_place_is_no_rule_for_arrays() {
    let in_place = Instruction { into: 2, op: Op::InPlace(Binary::Add, 0, 1) };
    let body = Block { instructions: vec![in_place], end: End::Return(2) };
    let rule = Merge::of(&Function { parameters: 2, registers: 3, draws: vec![], body }).expect("a rule");
    let mut table = Table::new(rule);
    let keys = || Column::ints(vec![7, 7]);
    let of_arrays = Column::Tuple(vec![keys(), arrays(&[&[1.0], &[2.0]])]);
    assert_eq!(table.add(&of_arrays, 2, 0..2), 0);
    let of_ints = Column::Tuple(vec![keys(), Column::ints(vec![1, 2])]);
    assert_eq!(table.add(&of_ints, 2, 0..2), 2);
}
