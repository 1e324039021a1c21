//! The methods of `str`.
//!
//! What depends on Unicode's tables, which differ between versions of Python, is answered for ASCII alone; spaces are
//! the same in all.

use crate::answer::{Answer, Mask, Refused, texts};
use crate::column::{Column, List, Scalar, Text, TextBuilder};
use crate::cuts::{self, is_space, split};
use crate::layout;
use crate::program::Method;
use crate::sequences::list_of;
use crate::text;
use memchr::memmem;

pub(crate) fn call(method: Method, value: &Column, arguments: &[Column], mask: &mut Mask) -> Answer<Column> {
    let rows = mask.rows();
    let all = texts(value, rows)?;
    match (method, arguments) {
        (Method::Split, []) => Ok(split(&all, rows, words)),
        (Method::Split, [Column::Const(Scalar::None)]) => Ok(split(&all, rows, words)),
        (Method::Split, [Column::Const(Scalar::Str(by))]) => split_by(&all, by, u64::MAX, rows),
        (Method::Split, [Column::Const(Scalar::Str(by)), Column::Const(Scalar::Int(most))]) => {
            split_by(&all, by, u64::try_from(*most).unwrap_or(u64::MAX), rows)
        }
        (Method::Split, [Column::Const(Scalar::None), Column::Const(Scalar::Int(most))]) => {
            let most = usize::try_from(*most).unwrap_or(usize::MAX);
            Ok(split(&all, rows, |all, row, items| some_words(all, row, most, items)))
        }
        (Method::RSplit, [] | [Column::Const(Scalar::None)]) => Ok(split(&all, rows, words)),
        (Method::RSplit, [Column::Const(Scalar::Str(by))]) => {
            cuts::split_from_right(&all, by, u64::MAX, rows)
        }
        (Method::RSplit, [Column::Const(Scalar::Str(by)), Column::Const(Scalar::Int(most))]) => {
            cuts::split_from_right(&all, by, u64::try_from(*most).unwrap_or(u64::MAX), rows)
        }
        (Method::SplitAt, [Column::Const(Scalar::Tuple(what))]) => cuts::split_at(&all, what, rows),
        (Method::SplitLines, []) => Ok(cuts::lines(&all, mask)),
        (Method::Partition | Method::RPartition, [by]) => {
            Ok(cuts::partition(&all, &texts(by, rows)?, method == Method::RPartition, mask))
        }
        (Method::RemovePrefix, [part]) => Ok(cuts::without_prefix(&all, &texts(part, rows)?, rows)),
        (Method::RemoveSuffix, [part]) => Ok(cuts::without_suffix(&all, &texts(part, rows)?, rows)),
        (Method::RFind, [part]) => Ok(cuts::place(&all, &texts(part, rows)?, true, false, mask)),
        (Method::Index, [part]) => Ok(cuts::place(&all, &texts(part, rows)?, false, true, mask)),
        (Method::RIndex, [part]) => Ok(cuts::place(&all, &texts(part, rows)?, true, true, mask)),
        (Method::Capitalize, []) => Ok(changed(&all, mask, layout::capitalize)),
        (Method::SwapCase, []) => Ok(changed(&all, mask, layout::swap_case)),
        (Method::Title, []) => Ok(changed(&all, mask, layout::title)),
        (Method::Center | Method::LJust | Method::RJust | Method::ZFill, _) => {
            layout::filled(method, &all, arguments, mask)
        }
        (Method::IsAscii, []) => Ok(Column::bools((0..rows).map(|row| all.bytes(row).is_ascii()).collect())),
        (Method::Strip, _) => strip(&all, arguments, true, true, rows),
        (Method::LStrip, _) => strip(&all, arguments, true, false, rows),
        (Method::RStrip, _) => strip(&all, arguments, false, true, rows),
        (Method::Lower, []) => Ok(changed(&all, mask, <[u8]>::make_ascii_lowercase)),
        (Method::Upper, []) => Ok(changed(&all, mask, <[u8]>::make_ascii_uppercase)),
        (Method::Replace, [Column::Const(Scalar::Str(old)), new]) => {
            replace(&all, old, &texts(new, rows)?, mask)
        }
        (Method::StartsWith, [prefix]) => affixes(&all, prefix, rows, <[u8]>::starts_with),
        (Method::EndsWith, [suffix]) => affixes(&all, suffix, rows, <[u8]>::ends_with),
        (Method::Find, [part]) => Ok(find(&all, &texts(part, rows)?, rows)),
        (Method::Count, [Column::Const(Scalar::Str(part))]) if !part.is_empty() => {
            let finder = memmem::Finder::new(part.as_bytes());
            Ok(Column::ints((0..rows).map(|row| finder.find_iter(all.bytes(row)).count() as i64).collect()))
        }
        (Method::Join, [items]) => join(&all, &list_of(items, rows)?, mask),
        (
            Method::IsAlnum
            | Method::IsAlpha
            | Method::IsDecimal
            | Method::IsDigit
            | Method::IsLower
            | Method::IsNumeric
            | Method::IsSpace
            | Method::IsUpper,
            [],
        ) => Ok(classified(method, &all, mask)),
        _ => Err(Refused("a method with these arguments")),
    }
}

fn is_ascii_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | 0x1c..=0x1f)
}

/// The words of a text, between spaces.
fn words(all: &Text, row: usize, items: &mut Vec<(u32, u32)>) {
    let (begin, end) = all.spans[row];
    let bytes = all.bytes(row);
    if !all.is_ascii && !bytes.is_ascii() {
        let text = all.get(row);
        let within = |word: &str| (word.as_ptr() as usize - text.as_ptr() as usize) as u32;
        let words = text.split(is_space).filter(|word| !word.is_empty());
        items.extend(words.map(|word| (begin + within(word), begin + within(word) + word.len() as u32)));
        return;
    }
    let mut from = None;
    for (at, byte) in bytes.iter().enumerate() {
        match (is_ascii_space(*byte), from) {
            (false, None) => from = Some(begin + at as u32),
            (true, Some(start)) => {
                items.push((start, begin + at as u32));
                from = None;
            }
            (false, Some(_)) | (true, None) => {}
        }
    }
    items.extend(from.map(|start| (start, end)));
}

/// The first words of a text, and the rest as it is from the next one on.
fn some_words(all: &Text, row: usize, most: usize, items: &mut Vec<(u32, u32)>) {
    let from = items.len();
    words(all, row, items);
    if items.len() - from > most {
        let rest = (items[from + most].0, all.spans[row].1);
        items.truncate(from + most);
        items.push(rest);
    }
}

fn split_by(all: &Text, by: &str, most: u64, rows: usize) -> Answer<Column> {
    if by.is_empty() {
        return Err(Refused("an empty separator"));
    }
    let finder = memmem::Finder::new(by.as_bytes());
    Ok(split(all, rows, |all, row, items| {
        let (begin, end) = all.spans[row];
        let (mut from, mut left) = (begin, most);
        for found in finder.find_iter(all.bytes(row)) {
            if left == 0 {
                break;
            }
            items.push((from, begin + found as u32));
            from = begin + found as u32 + by.len() as u32;
            left -= 1;
        }
        items.push((from, end));
    }))
}

fn strip(all: &Text, arguments: &[Column], left: bool, right: bool, rows: usize) -> Answer<Column> {
    let stripped: Box<dyn Fn(char) -> bool> = match arguments {
        [] | [Column::Const(Scalar::None)] => Box::new(is_space),
        [Column::Const(Scalar::Str(characters))] => {
            let characters = characters.clone();
            Box::new(move |character| characters.contains(character))
        }
        _ => return Err(Refused("a method with these arguments")),
    };
    let spans = (0..rows).map(|row| {
        let (begin, mut text) = (all.spans[row].0, all.get(row));
        let whole = text.len();
        if left {
            text = text.trim_start_matches(&*stripped);
        }
        let from = begin + (whole - text.len()) as u32;
        if right {
            text = text.trim_end_matches(&*stripped);
        }
        (from, from + text.len() as u32)
    });
    let spans = spans.collect();
    Ok(Column::Text(all.viewed(spans)))
}

/// Changes the letters of texts in ASCII.
fn changed(all: &Text, mask: &mut Mask, change: fn(&mut [u8])) -> Column {
    let mut made = TextBuilder::with_rows(mask.rows());
    for row in 0..mask.rows() {
        let bytes = all.bytes(row);
        let write = |data: &mut Vec<u8>| {
            let from = data.len();
            data.extend_from_slice(bytes);
            change(&mut data[from..]);
        };
        if !made.push_with(write) || !(all.is_ascii || bytes.is_ascii()) {
            mask.set(row);
        }
    }
    Column::Text(made.build())
}

fn replace(all: &Text, old: &str, new: &Text, mask: &mut Mask) -> Answer<Column> {
    if old.is_empty() {
        return Err(Refused("replacing the empty text"));
    }
    let finder = memmem::Finder::new(old.as_bytes());
    let mut made = TextBuilder::with_rows(mask.rows());
    for row in 0..mask.rows() {
        let bytes = all.bytes(row);
        let write = |data: &mut Vec<u8>| {
            let mut from = 0;
            for found in finder.find_iter(bytes) {
                data.extend_from_slice(&bytes[from..found]);
                data.extend_from_slice(new.bytes(row));
                from = found + old.len();
            }
            data.extend_from_slice(&bytes[from..]);
        };
        if !made.push_with(write) {
            mask.set(row);
        }
    }
    Ok(Column::Text(made.build()))
}

type HasAffix = fn(&[u8], &[u8]) -> bool;

fn affixes(all: &Text, wanted: &Column, rows: usize, has: HasAffix) -> Answer<Column> {
    if let Column::Const(Scalar::Tuple(choices)) = wanted {
        let choices: Option<Vec<&str>> = choices
            .iter()
            .map(|choice| if let Scalar::Str(text) = choice { Some(&**text) } else { None })
            .collect();
        let choices = choices.ok_or(Refused("a value that is no str"))?;
        let one = |row| choices.iter().any(|choice| has(all.bytes(row), choice.as_bytes()));
        return Ok(Column::bools((0..rows).map(one).collect()));
    }
    let wanted = texts(wanted, rows)?;
    Ok(Column::bools((0..rows).map(|row| has(all.bytes(row), wanted.bytes(row))).collect()))
}

fn find(all: &Text, part: &Text, rows: usize) -> Column {
    let one = |row: usize| {
        let bytes = all.bytes(row);
        let found = memmem::find(bytes, part.bytes(row));
        found.map_or(-1, |at| if all.is_ascii { at } else { text::length(&bytes[..at]) } as i64)
    };
    Column::ints((0..rows).map(one).collect())
}

fn join(between: &Text, list: &List, mask: &mut Mask) -> Answer<Column> {
    let count = list.spans.iter().map(|(_, to)| *to as usize).max().unwrap_or(0);
    let items = if count == 0 { TextBuilder::default().build() } else { texts(&list.items, count)? };
    let mut made = TextBuilder::with_rows(mask.rows());
    for (row, (from, to)) in list.spans.iter().enumerate() {
        let write = |data: &mut Vec<u8>| {
            for item in *from..*to {
                if item > *from {
                    data.extend_from_slice(between.bytes(row));
                }
                data.extend_from_slice(items.bytes(item as usize));
            }
        };
        if !made.push_with(write) {
            mask.set(row);
        }
    }
    Ok(Column::Text(made.build()))
}

fn classified(method: Method, all: &Text, mask: &mut Mask) -> Column {
    let one = |bytes: &[u8]| match method {
        Method::IsAlnum => !bytes.is_empty() && bytes.iter().all(u8::is_ascii_alphanumeric),
        Method::IsAlpha => !bytes.is_empty() && bytes.iter().all(u8::is_ascii_alphabetic),
        Method::IsDigit | Method::IsDecimal | Method::IsNumeric => {
            !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit)
        }
        Method::IsSpace => !bytes.is_empty() && bytes.iter().all(|byte| is_ascii_space(*byte)),
        Method::IsLower => {
            bytes.iter().any(u8::is_ascii_lowercase) && !bytes.iter().any(u8::is_ascii_uppercase)
        }
        _ => bytes.iter().any(u8::is_ascii_uppercase) && !bytes.iter().any(u8::is_ascii_lowercase),
    };
    let rows = 0..mask.rows();
    let classify = |row| {
        let bytes: &[u8] = all.bytes(row);
        (all.is_ascii || bytes.is_ascii()).then(|| one(bytes))
    };
    Column::bools(rows.map(|row| mask.or(row, classify(row), false)).collect())
}
