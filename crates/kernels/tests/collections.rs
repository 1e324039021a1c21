//! Lists, sets and dicts of columns, beside those of Rust, row by row.

use firesteel_kernels::{
    Binary, Block, Collection, Column, Each, End, Function, Instruction, Mask, Op, Run, Scalar, Source, Step,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn set(into: usize, op: Op) -> Instruction {
    Instruction { into, op }
}

fn collect(into: usize, collection: Collection, arguments: &[usize]) -> Instruction {
    set(into, Op::Collect(collection, arguments.to_vec()))
}

/// Returns what a function gives whose first two values are `[i % 3 for i in range(x)]` and `[i % 5 for i in range(x)]`.
fn over(numbers: &[i64], more: Vec<Instruction>, gives: usize) -> (Vec<Option<Vec<i64>>>, usize) {
    let listed = |into: usize, item: usize, modulus: usize, rest: usize| {
        let body = Block {
            instructions: vec![set(rest, Op::Binary(Binary::Remainder, item, modulus))],
            end: End::Exit(Each::GIVES, vec![rest]),
        };
        let source = Source::Range(1, 0, 2);
        set(into, Op::Each(Box::new(Each { source, item, body, flattens: false })))
    };
    let int = |into: usize, value: i64| set(into, Op::Const(Scalar::Int(value)));
    let mut instructions =
        vec![int(1, 0), int(2, 1), int(3, 3), int(4, 5), listed(5, 7, 3, 8), listed(6, 9, 4, 10)];
    instructions.extend(more);
    let body = Block { instructions, end: End::Return(gives) };
    let function = Function { parameters: 1, registers: 20, draws: vec![], body };
    assert!(function.is_sound());
    let run = Run::new(vec![Step::Map(function)]);
    let column = Column::ints(numbers.to_vec());
    let outcome = run.over(column, Mask::new(numbers.len()), None).expect("there is a kernel for each type");
    let (column, rows, back) = outcome.into_parts();
    (shown(&column, rows), back.len())
}

fn shown(column: &Column, rows: usize) -> Vec<Option<Vec<i64>>> {
    match column {
        Column::Int(values) => values.iter().map(|value| Some(vec![*value])).collect(),
        Column::List(list) => {
            let (items, spans) = list.parts();
            let flat = |from: usize, to: usize| match items {
                Column::Int(values) => values[from..to].to_vec(),
                Column::Tuple(parts) => {
                    let (one, two) = (shown(&parts[0], 0), shown(&parts[1], 0));
                    (from..to).flat_map(|at| [one[at].clone(), two[at].clone()]).flatten().flatten().collect()
                }
                _ => vec![],
            };
            spans.iter().map(|(from, to)| Some(flat(*from as usize, *to as usize))).collect()
        }
        _ => vec![None; rows],
    }
}

fn lists(number: i64) -> (Vec<i64>, Vec<i64>) {
    ((0..number).map(|i| i % 3).collect(), (0..number).map(|i| i % 5).collect())
}

proptest! {
    #[test]
    fn rows_are_those_of_rust(numbers in prop::collection::vec(0_i64..9, 1..20)) {
        let of = |collection, more: fn(Vec<i64>, Vec<i64>) -> Vec<i64>| {
            let two_sets = vec![
                collect(11, Collection::Set, &[5]),
                collect(12, Collection::Set, &[6]),
                collect(13, collection, &[11, 12]),
                collect(14, Collection::SortedBy, &[13, 13]),
            ];
            let wanted: Vec<_> = numbers.iter().map(|n| { let (one, two) = lists(*n); Some(more(one, two)) }).collect();
            (over(&numbers, two_sets, 14), (wanted, 0))
        };
        macro_rules! same {
            ($collection:expr, $of:ident) => {
                let (made, wanted) = of($collection, |one, two| {
                    let (one, two) = (BTreeSet::from_iter(one), BTreeSet::from_iter(two));
                    one.$of(&two).copied().collect()
                });
                prop_assert_eq!(made, wanted);
            };
        }
        same!(Collection::Common, intersection);
        same!(Collection::United, union);
        same!(Collection::Without, difference);
        same!(Collection::Either, symmetric_difference);
    }

    #[test]
    fn counts_and_orders_are_those_of_rust(numbers in prop::collection::vec(0_i64..12, 1..20)) {
        let counted = vec![
            collect(11, Collection::Counted, &[6]),
            collect(12, Collection::Values, &[11]),
            collect(13, Collection::ReversedBy, &[11, 12]),
        ];
        let wanted = numbers.iter().map(|number| {
            let mut counts: BTreeMap<i64, i64> = BTreeMap::new();
            lists(*number).1.iter().for_each(|item| *counts.entry(*item).or_default() += 1);
            let mut pairs: Vec<_> = counts.into_iter().collect();
            pairs.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            Some(pairs.into_iter().flat_map(|(item, count)| [item, count]).collect::<Vec<_>>())
        });
        prop_assert_eq!(over(&numbers, counted, 13), (wanted.collect(), 0));
        let appended = vec![collect(11, Collection::Append, &[5, 0]), collect(12, Collection::Extend, &[11, 6])];
        let wanted = numbers.iter().map(|number| {
            let (mut one, two) = lists(*number);
            one.push(*number);
            one.extend(two);
            Some(one)
        });
        prop_assert_eq!(over(&numbers, appended, 12), (wanted.collect(), 0));
    }
}

#[test]
fn the_first_of_equal_ones_is_taken_and_nothing_has_none() {
    let best = |collection| vec![collect(11, collection, &[6, 5])];
    assert_eq!(over(&[7], best(Collection::MaxBy), 11), (vec![Some(vec![2])], 0));
    assert_eq!(over(&[7], best(Collection::MinBy), 11), (vec![Some(vec![0])], 0));
    assert_eq!(over(&[7, 0, 7], best(Collection::MaxBy), 11).1, 1);
}

#[test]
fn a_dict_keeps_the_place_of_a_key_and_takes_the_last_value() {
    let made = vec![
        set(11, Op::Tuple(vec![3, 0])),
        set(12, Op::Tuple(vec![4, 3])),
        set(13, Op::Tuple(vec![3, 4])),
        set(14, Op::List(vec![11, 12, 13])),
        collect(15, Collection::Dict, &[14]),
        collect(16, Collection::SetItem, &[15, 0, 0]),
        collect(17, Collection::Get, &[16, 3]),
    ];
    assert_eq!(over(&[7, 5], made.clone(), 16).0, [Some(vec![3, 5, 5, 3, 7, 7]), Some(vec![3, 5, 5, 5])]);
    assert_eq!(over(&[7, 5], made, 17).0, [Some(vec![5]), Some(vec![5])]);
    let missing = vec![collect(11, Collection::Counted, &[6]), collect(12, Collection::Get, &[11, 3])];
    assert_eq!(over(&[5, 2, 9], missing, 12), (vec![Some(vec![1]), Some(vec![2])], 1));
}
