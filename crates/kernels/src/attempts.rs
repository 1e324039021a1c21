//! `try`: rows for which an operation surely raises the one exception of its kind take the handler's block.
//!
//! A row is marked for many reasons, of which an exception is one. Only where no other can be it goes on in the handler:
//! `int("12345678901234567890")` is marked, too, but is a number to CPython.

use crate::answer::{Answer, Mask, texts};
use crate::column::Column;
use crate::numbers::Numbers;
use crate::parts::{Blocks, Part, Registers, read, sides_of};
use crate::program::{Attempt, Binary, Builtin, Op};

/// Computes an operation, and what is behind it on both ways.
pub(crate) fn attempted(
    blocks: &dyn Blocks,
    one: &Attempt,
    mut registers: Registers,
    mask: &mut Mask,
) -> Answer<Vec<Part>> {
    let rows = mask.rows();
    let op = &one.instruction.op;
    let mut marked = Mask::new(rows);
    let value = blocks.op(op, &registers, &mut marked)?;
    let raised: Vec<bool> = if marked.any() { raised(op, &registers, &marked)? } else { vec![false; rows] };
    for row in (0..rows).filter(|row| marked.has(*row) && !raised[*row]) {
        mask.set(row);
    }
    registers[one.instruction.into] = Some(value);
    if !raised.contains(&true) {
        return blocks.block(&one.goes_on, registers, mask);
    }
    let some =
        |wanted: bool| (0..rows as u32).filter(|row| raised[*row as usize] == wanted).collect::<Vec<_>>();
    let sides = [(&one.goes_on, some(false), vec![]), (&one.caught, some(true), vec![])];
    sides_of(blocks, sides.into_iter().filter(|(_, rows, _)| !rows.is_empty()), &registers, mask)
}

/// Returns for which of the marked rows CPython raises the exception of this kind of operation.
fn raised(op: &Op, registers: &[Option<Column>], marked: &Mask) -> Answer<Vec<bool>> {
    let rows = marked.rows();
    let each = |raises: &dyn Fn(usize) -> bool| (0..rows).map(|row| marked.has(row) && raises(row)).collect();
    Ok(match op {
        // ValueError
        Op::Call(Builtin::Int, arguments) if arguments.len() == 1 => {
            let value = read(registers, arguments[0])?;
            if Numbers::of(value, rows).is_some() {
                return Ok(vec![false; rows]);
            }
            let all = texts(value, rows)?;
            each(&|row| is_no_int(all.bytes(row)))
        }
        Op::Call(Builtin::Float, arguments) if arguments.len() == 1 => {
            let value = read(registers, arguments[0])?;
            if Numbers::of(value, rows).is_some() {
                return Ok(vec![false; rows]);
            }
            let all = texts(value, rows)?;
            each(&|row| is_no_float(all.bytes(row)))
        }
        Op::Unpacked(value, ..) => {
            let is_list = matches!(read(registers, *value)?, Column::List(_) | Column::Group(_));
            each(&|_| is_list)
        }
        // IndexError
        Op::Item(value, _) => {
            let has_items = matches!(read(registers, *value)?, Column::List(_) | Column::Text(_));
            each(&|_| has_items)
        }
        // ZeroDivisionError
        Op::Binary(Binary::Divide | Binary::FloorDivide | Binary::Remainder, a, b)
        | Op::InPlace(Binary::Divide | Binary::FloorDivide | Binary::Remainder, a, b) => {
            let numbers = (Numbers::of(read(registers, *a)?, rows), Numbers::of(read(registers, *b)?, rows));
            match numbers {
                (Some(_), Some(by)) => {
                    let by = by.floats();
                    each(&|row| by[row] == 0.0)
                }
                _ => vec![false; rows],
            }
        }
        _ => vec![false; rows],
    })
}

/// Returns whether `int()` surely refuses a text: one of ASCII that is no row of digits. How many digits it may have is a
/// matter of the interpreter's settings.
fn is_no_int(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii();
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let is_number = !digits.is_empty()
        && digits
            .split(|byte| *byte == b'_')
            .all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    // A vertical tab is a space to `int`, and not to Rust.
    bytes.is_ascii() && !bytes.contains(&0x0b) && !is_number
}

/// Returns whether `float()` surely refuses a text of ASCII that no kernel has read: not one with underscores, and none of
/// the names of infinity and of what is no number.
fn is_no_float(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii();
    let name =
        text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text).to_ascii_lowercase();
    bytes.is_ascii()
        && !bytes.contains(&b'_')
        && !bytes.contains(&0x0b)
        && ![&b"nan"[..], b"inf", b"infinity"].contains(&&name[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_number_to_python_is_not_refused() {
        for text in ["12", " -1_2 ", "99999999999999999999", "１２", "x１", "\u{b}12"] {
            assert!(!is_no_int(text.as_bytes()), "{text:?}");
        }
        for text in ["", " ", "x", "1.5", "1__2", "_1", "1_", "--1", "0x1", "12\0", "\x1c1"] {
            assert!(is_no_int(text.as_bytes()), "{text:?}");
        }
        for text in ["nan", "-Infinity", " INF ", "1_0", "１"] {
            assert!(!is_no_float(text.as_bytes()), "{text:?}");
        }
        for text in ["", ".", "x", "1e", "1.5.", "0x1", "infinit", "+-1", "1\0"] {
            assert!(is_no_float(text.as_bytes()), "{text:?}");
        }
    }
}
