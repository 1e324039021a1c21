//! The functions of the module `math`.
//!
//! CPython calls the C library for most of them, and so do the methods of `f64`: within one process that is the same
//! code, and the same bits. `math.hypot` is CPython's own and is left to it. Only finite numbers are computed here, and
//! only finite results count: domains, overflows and what is no number are the interpreter's.

use crate::answer::{Answer, Mask, Refused};
use crate::column::Column;
use crate::numbers::{Numbers, power};
use crate::program::Math;
use crate::vectors::plain;
use std::f64::consts::PI;
use std::rc::Rc;

pub(crate) fn call(function: Math, arguments: &[Column], mask: &mut Mask) -> Answer<Column> {
    let numbers = arguments.iter().map(|column| Numbers::of(&plain(column), mask.rows()));
    let numbers = numbers.collect::<Option<Vec<_>>>().ok_or(Refused("math of a value that is no number"))?;
    match (&numbers[..], of_one(function), of_two(function)) {
        ([value], Some(of), _) => Ok(each(&value.floats(), mask, of)),
        ([one, two], _, Some(of)) => Ok(both(&one.floats(), &two.floats(), mask, of)),
        ([value], None, _) => of_another_type(function, value, mask),
        ([one, two], ..) if function == Math::Gcd => {
            let (Some(one), Some(two)) = (one.ints(), two.ints()) else {
                return Err(Refused("gcd of a float"));
            };
            let pairs = one.iter().zip(two.iter()).enumerate();
            let values = pairs.map(|(row, (one, two))| {
                mask.or(row, i64::try_from(gcd(one.unsigned_abs(), two.unsigned_abs())).ok(), 0)
            });
            Ok(Column::ints(values.collect()))
        }
        _ => Err(Refused("a call with these arguments")),
    }
}

type OfOne = fn(f64) -> f64;
type OfTwo = fn(f64, f64) -> f64;

fn each(values: &[f64], mask: &mut Mask, of: OfOne) -> Column {
    let one = |value: f64| Some(of(value)).filter(|made| value.is_finite() && made.is_finite());
    let values = values.iter().enumerate().map(|(row, value)| mask.or(row, one(*value), 0.0));
    Column::floats(values.collect())
}

fn both(one: &[f64], two: &[f64], mask: &mut Mask, of: OfTwo) -> Column {
    let pair = |a: f64, b: f64| Some(of(a, b)).filter(|made| [a, b, *made].iter().all(|one| one.is_finite()));
    let pairs = one.iter().zip(two).enumerate();
    Column::floats(pairs.map(|(row, (a, b))| mask.or(row, pair(*a, *b), 0.0)).collect())
}

/// Returns the computation of a function from a float to a float. What is no number says that there is no answer.
fn of_one(function: Math) -> Option<OfOne> {
    Some(match function {
        Math::Sqrt => f64::sqrt,
        Math::FAbs => f64::abs,
        Math::Log => |value| if value > 0.0 { value.ln() } else { f64::NAN },
        Math::Log2 => |value| if value > 0.0 { value.log2() } else { f64::NAN },
        Math::Log10 => |value| if value > 0.0 { value.log10() } else { f64::NAN },
        Math::Exp => f64::exp,
        Math::Sin => f64::sin,
        Math::Cos => f64::cos,
        Math::Tan => f64::tan,
        Math::ATan => f64::atan,
        Math::ASin => f64::asin,
        Math::ACos => f64::acos,
        Math::Degrees => |value| value * (180.0 / PI),
        Math::Radians => |value| value * (PI / 180.0),
        Math::Floor
        | Math::Ceil
        | Math::Trunc
        | Math::IsNan
        | Math::IsInf
        | Math::IsFinite
        | Math::Pow
        | Math::ATan2
        | Math::FMod
        | Math::CopySign
        | Math::Gcd => return None,
    })
}

/// Returns the computation of a function from two floats to a float.
fn of_two(function: Math) -> Option<OfTwo> {
    Some(match function {
        Math::Pow => |a, b| power(a, b).unwrap_or(f64::NAN),
        Math::ATan2 => f64::atan2,
        Math::FMod => |a, b| if b == 0.0 { f64::NAN } else { a % b },
        Math::CopySign => f64::copysign,
        Math::Log => |value, base| match value > 0.0 && base > 0.0 && base != 1.0 {
            true => value.ln() / base.ln(),
            false => f64::NAN,
        },
        _ => return None,
    })
}

/// The functions that make an `int` or a `bool` of a number.
fn of_another_type(function: Math, value: &Numbers, mask: &mut Mask) -> Answer<Column> {
    /// 2 to the power of 63: the least float that is too large.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let rounding: OfOne = match function {
        Math::Floor => f64::floor,
        Math::Ceil => f64::ceil,
        Math::Trunc => f64::trunc,
        Math::IsNan => return Ok(asked(&value.floats(), f64::is_nan)),
        Math::IsInf => return Ok(asked(&value.floats(), f64::is_infinite)),
        Math::IsFinite => return Ok(asked(&value.floats(), f64::is_finite)),
        _ => return Err(Refused("a call with these arguments")),
    };
    if let Some(ints) = value.ints() {
        return Ok(Column::Int(ints));
    }
    let one = |value: f64| Some(rounding(value)).filter(|whole| (-LIMIT..LIMIT).contains(whole));
    let floats = value.floats();
    let whole =
        floats.iter().enumerate().map(|(row, value)| mask.or(row, one(*value).map(|whole| whole as i64), 0));
    Ok(Column::ints(whole.collect()))
}

fn asked(values: &Rc<Vec<f64>>, of: fn(f64) -> bool) -> Column {
    Column::of_bools(values.iter().map(|value| of(*value)).collect())
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
