//! Runs of steps, beside a loop that does the same row by row.

use firesteel_kernels::{
    Binary, Block, Column, Comparison, End, Function, Instruction, Mask, Op, Run, Scalar, Step, TextBuilder,
};
use proptest::prelude::*;

fn function(ops: Vec<Op>) -> Function {
    let registers = ops.len() + 1;
    let instructions = ops.into_iter().enumerate().map(|(at, op)| Instruction { into: at + 1, op }).collect();
    let made = Function {
        parameters: 1,
        registers,
        draws: vec![],
        body: Block { instructions, end: End::Return(registers - 1) },
    };
    assert!(made.is_sound());
    made
}

fn int(value: i64) -> Op {
    Op::Const(Scalar::Int(value))
}

/// `100 // x`
fn divide() -> Function {
    function(vec![int(100), Op::Binary(Binary::FloorDivide, 1, 0)])
}

/// `x > -40`
fn is_large() -> Function {
    function(vec![int(-40), Op::Compare(Comparison::Greater, 0, 1)])
}

/// `[x, x + 1]`
fn twice() -> Function {
    function(vec![int(1), Op::Binary(Binary::Add, 0, 1), Op::List(vec![0, 2])])
}

fn ints(column: &Column) -> Vec<i64> {
    match column {
        Column::Int(values) => values.to_vec(),
        _ => vec![],
    }
}

fn floor(a: i64, b: i64) -> i64 {
    (a as f64 / b as f64).floor() as i64
}

proptest! {
    #[test]
    fn results_and_rows_handed_back_stand_in_order(rows in prop::collection::vec(-5i64..5, 0..60)) {
        let run = Run::new(vec![Step::Map(divide()), Step::Filter(is_large()), Step::FlatMap(twice())]);
        let outcome = run.over(Column::ints(rows.clone()), Mask::new(rows.len()), None).unwrap();
        let (column, count, back) = outcome.into_parts();
        let (mut wanted, mut wanted_back) = (vec![], vec![]);
        for (row, x) in rows.iter().enumerate() {
            match *x {
                0 => wanted_back.push((wanted.len(), row)),
                x if floor(100, x) > -40 => wanted.extend([floor(100, x), floor(100, x) + 1]),
                _ => {}
            }
        }
        prop_assert_eq!(count, wanted.len());
        prop_assert_eq!(ints(&column), wanted);
        prop_assert_eq!(back, wanted_back);
    }
}

#[test]
fn a_side_of_a_branch_does_not_fail_for_rows_of_the_other() {
    // 100 // x if x else 7
    let divide = Block {
        instructions: vec![
            Instruction { into: 1, op: int(100) },
            Instruction { into: 2, op: Op::Binary(Binary::FloorDivide, 1, 0) },
        ],
        end: End::Return(2),
    };
    let seven = Block { instructions: vec![Instruction { into: 3, op: int(7) }], end: End::Return(3) };
    let body = Block { instructions: vec![], end: End::Branch(0, Box::new(divide), Box::new(seven)) };
    let function = Function { parameters: 1, registers: 4, draws: vec![], body };
    assert!(function.is_sound());
    let run = Run::new(vec![Step::Map(function)]);
    let (column, _, back) =
        run.over(Column::ints(vec![0, 3, -3, 0]), Mask::new(4), None).unwrap().into_parts();
    assert_eq!(ints(&column), [7, 33, -34, 7]);
    assert!(back.is_empty());
}

#[test]
fn a_type_without_a_kernel_is_refused_as_a_whole() {
    let mut texts = TextBuilder::with_rows(1);
    texts.push("a");
    let run = Run::new(vec![Step::Map(divide())]);
    assert!(run.over(Column::Text(texts.build()), Mask::new(1), None).is_err());
}

#[test]
fn a_program_that_reads_what_is_not_set_is_not_sound() {
    let body = Block { instructions: vec![Instruction { into: 1, op: Op::Not(2) }], end: End::Return(1) };
    assert!(!Function { parameters: 1, registers: 3, draws: vec![], body }.is_sound());
}
