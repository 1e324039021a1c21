//! Loops and comprehensions, beside loops of Rust that do the same row by row.

use firesteel_kernels::{
    Attempt, Binary, Block, Builtin, Column, Comparison, Each, End, Exit, Function, Instruction, Loop, Mask,
    Op, Run, Scalar, Source, Step, TextBuilder,
};
use proptest::prelude::*;

fn set(into: usize, op: Op) -> Instruction {
    Instruction { into, op }
}

fn int(into: usize, value: i64) -> Instruction {
    set(into, Op::Const(Scalar::Int(value)))
}

fn leaves(exit: usize, values: &[usize]) -> Block {
    Block { instructions: vec![], end: End::Exit(exit, values.to_vec()) }
}

fn mapped(function: Function, column: Column, rows: usize) -> (Column, Vec<usize>) {
    assert!(function.is_sound());
    let run = Run::new(vec![Step::Map(function)]);
    let outcome = run.over(column, Mask::new(rows), None).expect("there is a kernel for each type");
    let (column, _, back) = outcome.into_parts();
    (column, back.into_iter().map(|(_, row)| row).collect())
}

/// `while n > 0: total += n % 10; n //= 10`, with an early `return` at a digit of 7.
fn digits() -> Function {
    // 0: n; 1: 0; 2, 3: n and the total in a turn; 4: an item, of which there is none.
    let adds = Block {
        instructions: vec![
            set(9, Op::Binary(Binary::Add, 3, 8)),
            set(10, Op::Binary(Binary::FloorDivide, 2, 7)),
        ],
        end: End::Exit(Loop::NEXT, vec![10, 9]),
    };
    let is_seven = Block {
        instructions: vec![
            int(7, 10),
            set(8, Op::Binary(Binary::Remainder, 2, 7)),
            int(11, 7),
            set(12, Op::Compare(Comparison::Equal, 8, 11)),
        ],
        end: End::Branch(12, Box::new(leaves(2, &[3])), Box::new(adds)),
    };
    let body = Block {
        instructions: vec![int(5, 0), set(6, Op::Compare(Comparison::Greater, 2, 5))],
        end: End::Branch(6, Box::new(is_seven), Box::new(leaves(1, &[3]))),
    };
    let returns = |value| Block { instructions: vec![], end: End::Return(value) };
    let negative = Block { instructions: vec![set(15, Op::Negative(14))], end: End::Return(15) };
    let exits =
        vec![Exit { values: vec![13], block: returns(13) }, Exit { values: vec![14], block: negative }];
    let turns = Loop { source: None, item: 4, state: vec![2, 3], initial: vec![0, 1], body, exits };
    let body = Block { instructions: vec![int(1, 0)], end: End::Loop(Box::new(turns)) };
    Function { parameters: 1, registers: 16, draws: vec![], body }
}

fn digits_of(mut n: i64) -> i64 {
    let mut total = 0;
    while n > 0 {
        if n % 10 == 7 {
            return -total;
        }
        total += n % 10;
        n /= 10;
    }
    total
}

/// `[100 // i for i in range(-2, n) if i != 1]`
fn shares() -> Function {
    let divides = Block {
        instructions: vec![int(6, 100), set(7, Op::Binary(Binary::FloorDivide, 6, 3))],
        end: End::Exit(Each::GIVES, vec![7]),
    };
    let body = Block {
        instructions: vec![set(5, Op::Compare(Comparison::NotEqual, 3, 2))],
        end: End::Branch(5, Box::new(divides), Box::new(leaves(Each::SKIPS, &[]))),
    };
    let each = Each { source: Source::Range(1, 0, 2), item: 3, body, flattens: false };
    let instructions = vec![int(1, -2), int(2, 1), set(4, Op::Each(Box::new(each)))];
    Function { parameters: 1, registers: 8, draws: vec![], body: Block { instructions, end: End::Return(4) } }
}

/// `try: return int(s)`, `except ValueError: return -1`
fn parsed() -> Function {
    let caught = Block { instructions: vec![int(2, -1)], end: End::Return(2) };
    let goes_on = Block { instructions: vec![], end: End::Return(1) };
    let attempt = Attempt { instruction: set(1, Op::Call(Builtin::Int, vec![0])), goes_on, caught };
    let body = Block { instructions: vec![], end: End::Attempt(Box::new(attempt)) };
    Function { parameters: 1, registers: 3, draws: vec![], body }
}

proptest! {
    #[test]
    fn rows_leave_a_loop_when_it_is_their_turn(rows in prop::collection::vec(-5i64..100_000, 1..60)) {
        let (column, back) = mapped(digits(), Column::ints(rows.clone()), rows.len());
        let Column::Int(found) = column else { panic!("{column:?}") };
        prop_assert_eq!(found.to_vec(), rows.iter().map(|row| digits_of(*row)).collect::<Vec<_>>());
        prop_assert_eq!(back, Vec::<usize>::new());
    }

    #[test]
    fn an_item_without_an_answer_hands_its_row_back(rows in prop::collection::vec(-5i64..9, 1..60)) {
        let (column, back) = mapped(shares(), Column::ints(rows.clone()), rows.len());
        let handed_back = (0..rows.len()).filter(|row| rows[*row] > 0).collect::<Vec<_>>();
        prop_assert_eq!(&back, &handed_back);
        if back.len() < rows.len() {
            let Column::List(lists) = column else { panic!("{column:?}") };
            let lengths: Vec<_> = lists.parts().1.iter().map(|(from, to)| i64::from(to - from)).collect();
            let wanted: Vec<_> = rows.iter().filter(|row| **row < 1).map(|row| (row + 2).max(0)).collect();
            prop_assert_eq!(lengths, wanted);
        }
    }
}

#[test]
fn only_what_is_surely_no_number_takes_the_handler() {
    let mut texts = TextBuilder::with_rows(4);
    for text in ["12", "x", "99999999999999999999", "１"] {
        assert!(texts.push(text));
    }
    let (column, back) = mapped(parsed(), Column::Text(texts.build()), 4);
    let Column::Int(found) = column else { panic!("{column:?}") };
    assert_eq!((found.to_vec(), back), (vec![12, -1], vec![2, 3]));
}

#[test]
fn a_body_that_leaves_with_too_few_values_is_not_sound() {
    let mut wrong = digits();
    if let End::Loop(turns) = &mut wrong.body.end {
        turns.exits[0].values.clear();
    }
    assert!(!wrong.is_sound());
}
