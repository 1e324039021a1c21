//! Formats as data: what the front end has made of `format(value, "...")` and of what stands before `%`.

/// A format, as `format(value, "...")` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// The filling, if it is not a space, or with `zero` a 0.
    pub fill: Option<char>,
    /// Where the value stands; by default texts at the left, and numbers at the right.
    pub align: Option<Align>,
    /// `+` or a space: stands before numbers that are not negative.
    pub sign: Option<char>,
    /// A 0 stood before the width.
    pub zero: bool,
    /// The least number of characters.
    pub width: usize,
    /// The sign between groups of three digits.
    pub grouping: Option<char>,
    /// The digits behind the point, or the most characters of a text.
    pub precision: Option<usize>,
    /// The type that was named.
    pub kind: Kind,
}

/// Where a value stands within its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// `<`
    Left,
    /// `>`
    Right,
    /// `^`
    Center,
    /// `=`: at the right, with its sign at the left.
    Numeric,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As its type is by default.
    Default,
    /// `d`, and `i` and `u` of `%`.
    Decimal,
    /// `x`
    Hex,
    /// `X`
    UpperHex,
    /// `o`
    Octal,
    /// `b`
    Binary,
    /// `f`
    Fixed,
    /// `e`
    Scientific,
    /// `g`
    General,
    /// `%`
    Percentage,
    /// `s`
    Text,
    /// `s` of `%`: whatever the value is, as `str` makes it.
    AnyText,
    /// `r` of `%`: whatever the value is, as `repr` makes it.
    Repr,
}

impl Align {
    /// Returns the one with Python's sign for it.
    pub fn named(sign: char) -> Option<Align> {
        Some(match sign {
            '<' => Align::Left,
            '>' => Align::Right,
            '^' => Align::Center,
            '=' => Align::Numeric,
            _ => return None,
        })
    }
}

impl Kind {
    /// Returns the one with Python's letter for it; `str` and `repr` stand for what `%s` and `%r` do.
    pub fn named(letter: &str) -> Option<Kind> {
        Some(match letter {
            "" => Kind::Default,
            "d" => Kind::Decimal,
            "x" => Kind::Hex,
            "X" => Kind::UpperHex,
            "o" => Kind::Octal,
            "b" => Kind::Binary,
            "f" => Kind::Fixed,
            "e" => Kind::Scientific,
            "g" => Kind::General,
            "%" => Kind::Percentage,
            "s" => Kind::Text,
            "str" => Kind::AnyText,
            "repr" => Kind::Repr,
            _ => return None,
        })
    }
}

/// A piece of what stands before `%`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it is.
    Literal(String),
    /// The place of a value.
    Value(Format),
}
