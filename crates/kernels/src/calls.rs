//! The functions that Python has built in.

use crate::answer::{Answer, Mask, Refused, texts};
use crate::column::{Column, Scalar};
use crate::items;
use crate::numbers::{self, Numbers};
use crate::program::Builtin;
use crate::reductions;
use crate::spelling;
use crate::text;
use crate::vectors;

pub(crate) fn call(builtin: Builtin, arguments: &[Column], mask: &mut Mask) -> Answer<Column> {
    let rows = mask.rows();
    match (builtin, arguments) {
        (Builtin::Max | Builtin::Min, [first, rest @ ..]) if !rest.is_empty() => {
            rest.iter().try_fold(first.clone(), |best, next| extreme(builtin, &best, next, mask))
        }
        (
            Builtin::Max | Builtin::Min | Builtin::Any | Builtin::All | Builtin::Sum | Builtin::SumPlainly,
            [value],
        ) => reductions::reduced(builtin, value, mask),
        (Builtin::Int, [value, base]) => of_base(value, base, mask),
        (Builtin::Round, [value, digits]) => rounded(value, digits, mask),
        (Builtin::Sorted, [value]) => items::sorted(value, mask),
        (Builtin::Ord, [value]) => items::ord(value, mask),
        (Builtin::Chr, [value]) => items::chr(value, mask),
        (Builtin::Repr, [value]) => Ok(Column::Text(items::repr(value, mask)?)),
        (Builtin::Abs, [value]) => absolute(value, mask),
        (Builtin::Bool, [value]) => Ok(Column::Bool(numbers::truths(value, rows)?)),
        (Builtin::Len, [value]) => length(value, rows),
        (Builtin::Int, [value]) => whole(value, Rounding::Down, mask),
        (Builtin::Round, [value]) if !is_text(value, rows) => whole(value, Rounding::Even, mask),
        (Builtin::Float, [value]) => floating(value, mask),
        (Builtin::Str, [value]) => Ok(Column::Text(text::text_of(value, mask)?)),
        (
            Builtin::Abs
            | Builtin::All
            | Builtin::Any
            | Builtin::Bool
            | Builtin::Len
            | Builtin::Int
            | Builtin::Round
            | Builtin::Float
            | Builtin::Str
            | Builtin::Max
            | Builtin::Min
            | Builtin::Sum
            | Builtin::SumPlainly
            | Builtin::Sorted
            | Builtin::Ord
            | Builtin::Chr
            | Builtin::Repr,
            _,
        ) => Err(Refused("a call with these arguments")),
    }
}

fn is_text(value: &Column, rows: usize) -> bool {
    matches!(value.spread(rows), Column::Text(_))
}

/// The greater or less of two values; the first of equal ones, and of those without an order.
fn extreme(builtin: Builtin, best: &Column, next: &Column, mask: &mut Mask) -> Answer<Column> {
    let rows = mask.rows();
    let takes = |ordering: Option<std::cmp::Ordering>| match builtin {
        Builtin::Max => ordering.is_some_and(std::cmp::Ordering::is_gt),
        _ => ordering.is_some_and(std::cmp::Ordering::is_lt),
    };
    match (best.spread(rows), next.spread(rows)) {
        (Column::Int(a), Column::Int(b)) => {
            let values = a.iter().zip(b.iter()).map(|(a, b)| if takes(b.partial_cmp(a)) { *b } else { *a });
            Ok(Column::ints(values.collect()))
        }
        (Column::Float(a), Column::Float(b)) => {
            let values = a.iter().zip(b.iter()).map(|(a, b)| if takes(b.partial_cmp(a)) { *b } else { *a });
            Ok(Column::floats(values.collect()))
        }
        (Column::Text(a), Column::Text(b)) => {
            let both = Column::Text(a.clone()).followed_by(rows, &Column::Text(b.clone()), rows);
            let both = both.ok_or(Refused("more text than a batch may have"))?;
            let at = (0..rows).map(|row| {
                let takes = takes(b.bytes(row).partial_cmp(a.bytes(row)));
                (if takes { rows + row } else { row }) as u32
            });
            Ok(both.gather(&at.collect::<Vec<_>>()))
        }
        _ => Err(Refused("the greater or less of values of these types")),
    }
}

fn absolute(value: &Column, mask: &mut Mask) -> Answer<Column> {
    if let Column::Numpy(values) = value {
        return vectors::absolute(values);
    }
    match Numbers::of(value, mask.rows()) {
        Some(Numbers::Floats(values)) => Ok(Column::floats(values.iter().map(|value| value.abs()).collect())),
        Some(numbers @ (Numbers::Bools(_) | Numbers::Ints(_))) => {
            let values = numbers.ints().unwrap_or_default();
            let values = values.iter().enumerate().map(|(row, value)| mask.or(row, value.checked_abs(), 0));
            Ok(Column::ints(values.collect()))
        }
        None => Err(Refused("abs of a value of this type")),
    }
}

fn length(value: &Column, rows: usize) -> Answer<Column> {
    let lengths = match value {
        Column::List(list) | Column::Group(list) => {
            list.spans.iter().map(|(from, to)| i64::from(to - from)).collect()
        }
        Column::Record(class, _) if !class.is_tuple() => return Err(Refused("len of a value of this type")),
        Column::Tuple(parts) | Column::Record(_, parts) => vec![parts.len() as i64; rows],
        Column::Numpy(values) => vectors::length(values)?,
        Column::Text(_) | Column::Const(_) => {
            let all = texts(value, rows)?;
            let length = |row| if all.is_ascii { all.bytes(row).len() } else { text::length(all.bytes(row)) };
            (0..rows).map(|row| length(row) as i64).collect()
        }
        Column::Bool(_) | Column::Int(_) | Column::Float(_) => return Err(Refused("len of a number")),
    };
    Ok(Column::ints(lengths))
}

#[derive(Clone, Copy)]
enum Rounding {
    Down,
    Even,
}

/// `int(value)` and `round(value)`.
fn whole(value: &Column, rounding: Rounding, mask: &mut Mask) -> Answer<Column> {
    /// 2 to the power of 63: the least float that is too large.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    match Numbers::of(&vectors::plain(value), mask.rows()) {
        Some(Numbers::Floats(values)) => {
            let one = |value: f64| {
                let whole = match rounding {
                    Rounding::Down => value.trunc(),
                    Rounding::Even => value.round_ties_even(),
                };
                (-LIMIT..LIMIT).contains(&whole).then_some(whole as i64)
            };
            let values = values.iter().enumerate().map(|(row, value)| mask.or(row, one(*value), 0));
            Ok(Column::ints(values.collect()))
        }
        Some(numbers @ (Numbers::Bools(_) | Numbers::Ints(_))) => {
            Ok(Column::Int(numbers.ints().unwrap_or_default()))
        }
        None => {
            let all = texts(value, mask.rows())?;
            let read = (0..mask.rows()).map(|row| mask.or(row, spelling::read_int(all.bytes(row)), 0));
            Ok(Column::ints(read.collect()))
        }
    }
}

fn floating(value: &Column, mask: &mut Mask) -> Answer<Column> {
    if let Some(numbers) = Numbers::of(&vectors::plain(value), mask.rows()) {
        return Ok(Column::Float(numbers.floats()));
    }
    let all = texts(value, mask.rows())?;
    let read = (0..mask.rows()).map(|row| mask.or(row, spelling::read_float(all.bytes(row)), 0.0));
    Ok(Column::floats(read.collect()))
}

/// `int(text, base)`.
fn of_base(value: &Column, base: &Column, mask: &mut Mask) -> Answer<Column> {
    let Column::Const(Scalar::Int(base @ 2..=36)) = base else {
        return Err(Refused("a base that is no constant"));
    };
    let all = texts(value, mask.rows())?;
    let read = |row| spelling::read_int_of_base(all.bytes(row), *base as u32);
    Ok(Column::ints((0..mask.rows()).map(|row| mask.or(row, read(row), 0)).collect()))
}

/// `round(value, digits)`, of so many digits behind the point.
fn rounded(value: &Column, digits: &Column, mask: &mut Mask) -> Answer<Column> {
    let Column::Const(Scalar::Int(digits @ 0..=20)) = digits else {
        return Err(Refused("a number of digits that is no constant"));
    };
    match Numbers::of(value, mask.rows()) {
        Some(Numbers::Floats(values)) => {
            let one = |value: &f64| spelling::rounded(*value, *digits as usize);
            Ok(Column::floats(values.iter().map(one).collect()))
        }
        Some(numbers @ (Numbers::Bools(_) | Numbers::Ints(_))) => {
            Ok(Column::Int(numbers.ints().unwrap_or_default()))
        }
        None => Err(Refused("round of a value of this type")),
    }
}
