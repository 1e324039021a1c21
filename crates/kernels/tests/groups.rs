//! Groups: the values of each key together, as columns, beside lists that are made one by one.

use firesteel_kernels::{
    Binary, Block, Builtin, Column, Each, End, Function, Groups, Instruction, JoinResults, Joined, Mask, Op,
    Run, Source, Step, decode, encode,
};
use proptest::prelude::*;

fn pairs(pairs: &[(i64, i64)]) -> Column {
    let (keys, values) = pairs.iter().copied().unzip();
    Column::Tuple(vec![Column::ints(keys), Column::ints(values)])
}

fn grouped(all: &[(i64, i64)]) -> firesteel_kernels::Grouped {
    let mut groups = Groups::default();
    for some in all.chunks(7) {
        assert_eq!(groups.add(&pairs(some), some.len(), 0..some.len()), some.len());
    }
    groups.build().expect("few values")
}

/// The values of each key, in the order in which keys came.
fn model(all: &[(i64, i64)]) -> Vec<(i64, Vec<i64>)> {
    let mut model: Vec<(i64, Vec<i64>)> = vec![];
    for (key, value) in all {
        match model.iter_mut().find(|(known, _)| known == key) {
            Some((_, values)) => values.push(*value),
            None => model.push((*key, vec![*value])),
        }
    }
    model
}

fn ints(column: &Column) -> &[i64] {
    match column {
        Column::Int(values) => values,
        other => panic!("{other:?}"),
    }
}

fn groups(column: &Column) -> Vec<Vec<i64>> {
    let Column::Group(list) = column else { panic!("{column:?}") };
    let (items, spans) = list.parts();
    let items = if spans.iter().all(|(from, to)| from == to) { &[] } else { ints(items) };
    spans.iter().map(|(from, to)| items[*from as usize..*to as usize].to_vec()).collect()
}

fn shown(column: &Column) -> Vec<(i64, Vec<i64>)> {
    let Column::Tuple(parts) = column else { panic!("{column:?}") };
    ints(&parts[0]).iter().copied().zip(groups(&parts[1])).collect()
}

fn some() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((-3i64..9, 0i64..50), 1..60)
}

proptest! {
    #[test]
    fn groups_are_lists_in_the_order_of_keys_also_through_a_block(all in some(), cut in any::<prop::sample::Index>()) {
        let grouped = grouped(&all);
        let (cut, end) = (cut.index(grouped.keys()), grouped.keys());
        let mut read = vec![];
        for some in [0..cut, cut..end] {
            let rows = some.len();
            let (column, count) = decode(&encode(&grouped.pairs(some), rows).unwrap()).unwrap();
            prop_assert_eq!(count, rows);
            read.extend(if rows == 0 { vec![] } else { shown(&column) });
        }
        prop_assert_eq!(read, model(&all));
    }

    #[test]
    fn a_join_repeats_a_group_for_each_partner(all in some(), others in some()) {
        let (left, right) = (grouped(&all), grouped(&others));
        let rows = left.keys();
        let joined = right.join(&left.pairs(0..rows), rows, Joined::Inner).expect("no lists");
        let JoinResults::Alike(joined, count) = joined else { panic!("two types") };
        let (of_left, of_right) = (model(&all), model(&others));
        let wanted: Vec<(i64, Vec<i64>, i64)> = of_left.iter().flat_map(|(key, values)| {
            let partners = of_right.iter().filter(move |(other, _)| key == other).flat_map(|(_, others)| others);
            partners.map(move |other| (*key, values.clone(), *other))
        }).collect();
        let Column::Tuple(parts) = &joined else { panic!("{joined:?}") };
        let Column::Tuple(both) = &parts[1] else { panic!("{joined:?}") };
        let found = ints(&parts[0]).iter().copied().zip(groups(&both[0])).zip(ints(&both[1]).iter().copied());
        let found: Vec<_> = found.map(|((key, values), other)| (key, values, other)).collect();
        prop_assert_eq!(count, wanted.len());
        prop_assert_eq!(found, wanted);
    }

    #[test]
    fn sliced_rows_are_gathered_rows(all in some(), ends in any::<[prop::sample::Index; 2]>()) {
        let grouped = grouped(&all);
        let (keys, pairs) = (grouped.keys(), grouped.pairs(0..grouped.keys()));
        let ends = ends.map(|end| end.index(keys + 1));
        let some = ends[0].min(ends[1])..ends[0].max(ends[1]);
        let at: Vec<u32> = (some.start as u32..some.end as u32).collect();
        prop_assert_eq!(shown(&pairs.slice(some)), shown(&pairs.gather(&at)));
    }
}

fn function(ops: Vec<Op>) -> Function {
    let registers = ops.len() + 1;
    let instructions = ops.into_iter().enumerate().map(|(at, op)| Instruction { into: at + 1, op }).collect();
    Function {
        parameters: 1,
        registers,
        draws: vec![],
        body: Block { instructions, end: End::Return(registers - 1) },
    }
}

#[test]
fn functions_go_through_groups_and_count_them_but_have_no_item_and_no_equal() {
    let all = [(1, 10), (2, 20), (1, 11), (2, 21), (1, 12)];
    let grouped = grouped(&all);
    let run = |step| Run::new(vec![Step::Values, step]).over(grouped.pairs(0..2), Mask::new(2), None);
    let of = |ops| run(Step::Map(function(ops))).map(|outcome| outcome.into_parts());
    let (sums, ..) = of(vec![Op::Call(Builtin::Sum, vec![0])]).unwrap();
    assert_eq!(ints(&sums), [33, 41]);
    let (lengths, ..) = of(vec![Op::Call(Builtin::Len, vec![0])]).unwrap();
    assert_eq!(ints(&lengths), [3, 2]);
    let (items, rows, _) = run(Step::FlatMap(function(vec![Op::Tuple(vec![0])]))).unwrap().into_parts();
    assert_eq!((groups(&items).len(), rows), (2, 2));
    let body = Block { instructions: vec![], end: End::Exit(Each::GIVES, vec![1]) };
    let each = Each { source: Source::Items(0), item: 1, body, flattens: false };
    let mut listed = function(vec![Op::Each(Box::new(each))]);
    listed.body.instructions[0].into = 2;
    (listed.registers, listed.body.end) = (3, End::Return(2));
    let (lists, ..) = run(Step::Map(listed)).unwrap().into_parts();
    assert!(matches!(lists, Column::List(_)), "{lists:?}");
    let zero = || Op::Const(firesteel_kernels::Scalar::Int(0));
    assert!(of(vec![zero(), Op::Item(0, 1)]).is_err());
    assert!(of(vec![zero(), Op::Slice(0, 1, 1)]).is_err());
    assert!(of(vec![Op::Binary(Binary::Add, 0, 0)]).is_err());
    assert!(of(vec![Op::Compare(firesteel_kernels::Comparison::Equal, 0, 0)]).is_err());
    assert!(of(vec![Op::Call(Builtin::Str, vec![0])]).is_err());
}

#[test]
fn a_large_group_in_very_many_records_is_refused() {
    let all: Vec<(i64, i64)> = (0..3000).map(|value| (1, value)).collect();
    let grouped = grouped(&all);
    let many: Vec<(i64, i64)> = (0..3000).map(|value| (1, value)).collect();
    let beside = |count: usize| {
        let groups = grouped.pairs(0..1);
        let mut held = Groups::default();
        assert_eq!(held.add(&groups, 1, 0..1), 1);
        held.build().unwrap().join(&pairs(&many[..count]), count, Joined::Inner)
    };
    assert!(beside(1000).is_some());
    assert!(beside(3000).is_none());
}

#[test]
fn a_full_outer_join_says_which_results_have_a_partner_and_remembers_their_keys() {
    let held = grouped(&[(1, 10), (2, 20), (1, 11), (3, 30)]);
    let results = held.join(&pairs(&[(7, 0), (1, 5), (2, 6)]), 3, Joined::FullOuter).expect("no lists");
    let JoinResults::Mixed { with, without, has_partner } = results else { panic!("one type") };
    assert_eq!((with.1, without.1, has_partner), (3, 1, vec![false, true, true, true]));
    assert_eq!([0, 1, 2].map(|key| held.meet(key)), [true, true, false]);
}

#[test]
fn an_intersection_gives_each_key_once() {
    let held = grouped(&[(1, 10), (2, 20), (3, 30)]);
    assert!(!held.meet(2));
    for (some, wanted) in [([1, 5, 1, 3], &[1][..]), ([2, 1, 2, 2], &[2])] {
        let some = some.map(|key| (key, 0));
        let Some(JoinResults::Alike(keys, _)) = held.join(&pairs(&some), 4, Joined::Intersect) else {
            panic!("two types")
        };
        assert_eq!(ints(&keys), wanted);
    }
}
