//! Patterns of dates and times, in Java's letters: the ones that people use. A pattern is compiled once into a
//! list of parts, which `parse` and `print` follow.

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) parts: Vec<Part>,
    text: String,
}

/// The meaning of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Year,
    Month,
    Day,
    DayOfYear,
    /// 0 to 23.
    Hour,
    /// 1 to 24.
    ClockHour,
    /// 1 to 12.
    HalfDayClockHour,
    /// 0 to 11.
    HalfDayHour,
    Minute,
    Second,
    Quarter,
}

/// How an offset is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffsetForm {
    /// The text of an offset of nothing, if not digits.
    pub(super) zero: Option<&'static str>,
    pub(super) colon: bool,
    /// True if minutes may be left out when there are none.
    pub(super) short: bool,
    /// True if seconds are written when there are some.
    pub(super) seconds: bool,
    /// `GMT` before it.
    pub(super) prefix: bool,
}

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Literal(String),
    /// So many digits; at least `min`. `reserve` digits at the end belong to the numbers that follow directly.
    Number {
        unit: Unit,
        min: usize,
        max: usize,
        reserve: usize,
    },
    /// The last two digits of a year from 2000.
    ShortYear,
    /// Digits behind the point, at most so many.
    Fraction(usize),
    MonthName {
        full: bool,
    },
    DayName {
        full: bool,
    },
    QuarterName,
    HalfDay,
    Era,
    Offset(OffsetForm),
    ZoneName,
    ZoneId,
    /// Parts that may be missing.
    Optional(Vec<Part>),
}

/// The most digits of a number whose width is open.
const OPEN_WIDTH: usize = 18;

impl Pattern {
    /// Compiles a pattern.
    pub(super) fn of(text: &str) -> Result<Pattern, String> {
        let characters: Vec<char> = text.chars().collect();
        let mut at = 0;
        let parts =
            compile(&characters, &mut at, 0).map_err(|what| format!("the pattern {text:?}: {what}"))?;
        Ok(Pattern { parts, text: text.to_string() })
    }

    /// Refuses letters that only serve writing, as Spark does.
    pub(super) fn check_reading(&self) -> Result<(), String> {
        let writes_alone = |part: &Part| matches!(part, Part::DayName { .. } | Part::QuarterName);
        match any(&self.parts, &writes_alone) {
            false => Ok(()),
            true => Err(format!(
                "the pattern {:?} has letters that only serve writing: E, Q. Leave them out to read",
                self.text
            )),
        }
    }

    pub(super) fn has_words(&self) -> bool {
        any(&self.parts, &|part| {
            matches!(part, Part::MonthName { .. } | Part::DayName { .. } | Part::HalfDay | Part::Era)
        })
    }
}

fn any(parts: &[Part], test: &dyn Fn(&Part) -> bool) -> bool {
    parts.iter().any(|part| match part {
        Part::Optional(parts) => any(parts, test),
        part => test(part),
    })
}

/// Compiles what follows, up to the end of the section in brackets that it is in.
fn compile(characters: &[char], at: &mut usize, depth: usize) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = vec![];
    while let Some(&character) = characters.get(*at) {
        let count = characters[*at..].iter().take_while(|other| **other == character).count();
        match character {
            '[' => {
                *at += 1;
                parts.push(Part::Optional(compile(characters, at, depth + 1)?));
            }
            ']' if depth > 0 => {
                *at += 1;
                reserve(&mut parts);
                return Ok(parts);
            }
            ']' => return Err("there is a ] without a [".into()),
            '\'' => {
                let text = quoted(characters, at)?;
                literal(&mut parts, &text);
            }
            '{' | '}' | '#' => return Err(format!("{character} is reserved")),
            letter if letter.is_ascii_alphabetic() => {
                parts.push(part_of(letter, count)?);
                *at += count;
            }
            other => {
                literal(&mut parts, other.encode_utf8(&mut [0; 4]));
                *at += 1;
            }
        }
    }
    reserve(&mut parts);
    // Java lets the last section be open.
    Ok(parts)
}

/// Reads text in quotes; two of them are one.
fn quoted(characters: &[char], at: &mut usize) -> Result<String, String> {
    let mut text = String::new();
    *at += 1;
    let start = *at;
    loop {
        match (characters.get(*at), characters.get(*at + 1)) {
            (None, _) => return Err("a quote does not close".into()),
            (Some('\''), Some('\'')) if *at > start => {
                text.push('\'');
                *at += 2;
            }
            (Some('\''), _) => {
                *at += 1;
                return Ok(if *at == start + 1 { "'".into() } else { text });
            }
            (Some(character), _) => {
                text.push(*character);
                *at += 1;
            }
        }
    }
}

fn literal(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Literal(last)) => last.push_str(text),
        _ => parts.push(Part::Literal(text.to_string())),
    }
}

/// Leaves digits to the numbers of a fixed width that follow a number directly.
fn reserve(parts: &mut [Part]) {
    for i in 0..parts.len() {
        let fixed = parts[i + 1..].iter().map_while(|part| match part {
            Part::Number { min, max, .. } if min == max => Some(*max),
            Part::ShortYear => Some(2),
            _ => None,
        });
        let width = fixed.sum();
        if let Part::Number { min, max, reserve, .. } = &mut parts[i]
            && min != max
        {
            *reserve = width;
        }
    }
}

fn part_of(letter: char, count: usize) -> Result<Part, String> {
    let number = |unit: Unit, most: usize| {
        let max = if count == 1 { OPEN_WIDTH } else { count };
        if count > most {
            Err(too_many(letter))
        } else {
            Ok(Part::Number { unit, min: count, max, reserve: 0 })
        }
    };
    match (letter, count) {
        ('y', 2) => Ok(Part::ShortYear),
        ('y', 3..=6) => Ok(Part::Number { unit: Unit::Year, min: count, max: OPEN_WIDTH, reserve: 0 }),
        ('y', _) => number(Unit::Year, 6),
        ('M' | 'L', 3) => Ok(Part::MonthName { full: false }),
        ('M' | 'L', 4) => Ok(Part::MonthName { full: true }),
        ('M' | 'L', _) => number(Unit::Month, 2),
        ('d', _) => number(Unit::Day, 2),
        ('D', 2) => Ok(Part::Number { unit: Unit::DayOfYear, min: 2, max: 3, reserve: 0 }),
        ('D', _) => number(Unit::DayOfYear, 3),
        ('H', _) => number(Unit::Hour, 2),
        ('k', _) => number(Unit::ClockHour, 2),
        ('h', _) => number(Unit::HalfDayClockHour, 2),
        ('K', _) => number(Unit::HalfDayHour, 2),
        ('m', _) => number(Unit::Minute, 2),
        ('s', _) => number(Unit::Second, 2),
        ('S', 1..=9) => Ok(Part::Fraction(count)),
        ('a', 1) => Ok(Part::HalfDay),
        ('E', 1..=3) => Ok(Part::DayName { full: false }),
        ('E', 4) => Ok(Part::DayName { full: true }),
        ('Q' | 'q', 1 | 2) => number(Unit::Quarter, 2),
        ('Q' | 'q', 3) => Ok(Part::QuarterName),
        ('G', 1..=3) => Ok(Part::Era),
        ('z', 1..=3) => Ok(Part::ZoneName),
        ('V', 2) => Ok(Part::ZoneId),
        ('X' | 'x' | 'Z' | 'O', _) => offset_form(letter, count).map(Part::Offset),
        ('Y' | 'W' | 'w' | 'u' | 'e' | 'c', _) => Err(format!(
            "the letter {letter} stands for weeks, which Spark does not read or write either; years are y"
        )),
        ('S' | 'a' | 'E' | 'Q' | 'q' | 'G' | 'V', _) => Err(too_many(letter)),
        _ => Err(format!(
            "the letter {letter}{} is not known here; use y M d D H h K k m s S a E Q G z V X x Z O",
            if count > 1 { format!(", {count} times,") } else { String::new() }
        )),
    }
}

fn too_many(letter: char) -> String {
    format!("there are too many or too few of the letter {letter}")
}

fn offset_form(letter: char, count: usize) -> Result<OffsetForm, String> {
    let zero = if letter == 'X' { Some("Z") } else { None };
    let form = |colon, short, seconds| OffsetForm { zero, colon, short, seconds, prefix: false };
    Ok(match (letter, count) {
        ('X' | 'x', 1) => form(false, true, false),
        ('X' | 'x', 2) | ('Z', 1..=3) => form(false, false, false),
        ('X' | 'x', 3) => form(true, false, false),
        ('X' | 'x', 4) => form(false, false, true),
        ('X' | 'x', 5) => form(true, false, true),
        ('Z', 5) => OffsetForm { zero: Some("Z"), ..form(true, false, true) },
        ('Z' | 'O', 4) => OffsetForm { prefix: true, ..form(true, false, true) },
        _ => return Err(too_many(letter)),
    })
}
