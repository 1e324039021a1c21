//! Texts filled up to a width, and with other letters. Letters are those of ASCII.

use crate::answer::{Answer, Mask, Refused};
use crate::column::{Column, Scalar, Text, TextBuilder};
use crate::numbers::Numbers;
use crate::program::Method;
use crate::text::{self, MOST_BYTES};

/// `value.ljust(width, fill)`, `rjust`, `center` and `zfill`.
pub(crate) fn filled(method: Method, all: &Text, arguments: &[Column], mask: &mut Mask) -> Answer<Column> {
    let (width, fill) = match arguments {
        [width] => (width, if method == Method::ZFill { "0" } else { " " }),
        [width, Column::Const(Scalar::Str(fill))]
            if method != Method::ZFill && fill.chars().nth(1).is_none() && !fill.is_empty() =>
        {
            (width, &**fill)
        }
        _ => return Err(Refused("a method with these arguments")),
    };
    let widths = Numbers::of(width, mask.rows()).and_then(|numbers| numbers.ints());
    let widths = widths.ok_or(Refused("a width that is no int"))?;
    let mut made = TextBuilder::with_rows(mask.rows());
    for (row, width) in widths.iter().enumerate() {
        let bytes = all.bytes(row);
        let width = u64::try_from(*width).unwrap_or(0);
        let fits = width <= MOST_BYTES / 4;
        let width = if fits { width as usize } else { 0 };
        let missing = width.saturating_sub(text::length(bytes));
        let (sign, left, right) = match method {
            Method::LJust => (0, 0, missing),
            Method::RJust => (0, missing, 0),
            Method::ZFill => (usize::from(matches!(bytes, [b'+' | b'-', ..])), missing, 0),
            _ => {
                let left = missing / 2 + (missing & width & 1);
                (0, left, missing - left)
            }
        };
        let write = |data: &mut Vec<u8>| {
            data.extend_from_slice(&bytes[..sign]);
            (0..left).for_each(|_| data.extend_from_slice(fill.as_bytes()));
            data.extend_from_slice(&bytes[sign..]);
            (0..right).for_each(|_| data.extend_from_slice(fill.as_bytes()));
        };
        if !made.push_with(write) || !fits {
            mask.set(row);
        }
    }
    Ok(Column::Text(made.build()))
}

/// `title`, each word with a capital.
pub(crate) fn title(bytes: &mut [u8]) {
    let mut is_within = false;
    for byte in bytes {
        if is_within {
            byte.make_ascii_lowercase();
        } else {
            byte.make_ascii_uppercase();
        }
        is_within = byte.is_ascii_alphabetic();
    }
}

/// `capitalize`, the first letter alone.
pub(crate) fn capitalize(bytes: &mut [u8]) {
    bytes.make_ascii_lowercase();
    if let Some(first) = bytes.first_mut() {
        first.make_ascii_uppercase();
    }
}

/// `swapcase`.
pub(crate) fn swap_case(bytes: &mut [u8]) {
    for byte in bytes {
        if byte.is_ascii_alphabetic() {
            *byte ^= 0x20;
        }
    }
}
