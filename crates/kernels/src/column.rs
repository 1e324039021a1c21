//! Columns: the values of one expression for all rows of a batch.
//!
//! Texts and lists are views: a span of a buffer for each row, so that splitting, stripping and slicing copy no text.
//! A column does not know how many rows it has, since a constant stands for any number.

use crate::numpy::Numpy;
use crate::record::Class;
use std::ops::Range;
use std::rc::Rc;

/// One value, of a constant or a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// `None`.
    None,
    /// A `bool`.
    Bool(bool),
    /// An `int` of 64 bits.
    Int(i64),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Str(Rc<str>),
    /// A `tuple`.
    Tuple(Vec<Scalar>),
}

/// Texts: spans of one buffer of UTF-8.
#[derive(Clone, Debug)]
pub struct Text {
    pub(crate) data: Rc<Vec<u8>>,
    /// Where each row's text begins and ends. It never cuts a character.
    pub(crate) spans: Rc<Vec<(u32, u32)>>,
    /// All of the buffer is ASCII.
    pub(crate) is_ascii: bool,
}

impl Text {
    pub(crate) fn new(data: Vec<u8>, spans: Vec<(u32, u32)>) -> Text {
        let is_ascii = data.is_ascii();
        Text { data: Rc::new(data), spans: Rc::new(spans), is_ascii }
    }

    /// Returns the same buffer with other spans.
    pub(crate) fn viewed(&self, spans: Vec<(u32, u32)>) -> Text {
        Text { data: self.data.clone(), spans: Rc::new(spans), is_ascii: self.is_ascii }
    }

    /// Returns the same texts, in a buffer of their own if they use less than half of theirs.
    fn without_slack(&self) -> Text {
        let used: usize = self.spans.iter().map(|(from, to)| (to - from) as usize).sum();
        if used >= self.data.len() / 2 {
            return self.clone();
        }
        let mut builder = TextBuilder { data: Vec::with_capacity(used), spans: vec![] };
        (0..self.rows()).for_each(|row| {
            builder.push_with(|data| data.extend_from_slice(self.bytes(row)));
        });
        builder.build()
    }

    /// Returns the bytes of a row's text.
    #[inline]
    pub fn bytes(&self, row: usize) -> &[u8] {
        let (from, to) = self.spans[row];
        &self.data[from as usize..to as usize]
    }

    /// Returns a row's text.
    #[inline]
    pub fn get(&self, row: usize) -> &str {
        std::str::from_utf8(self.bytes(row)).unwrap_or_default()
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.spans.len()
    }
}

/// Makes texts, row by row.
#[derive(Default)]
pub struct TextBuilder {
    data: Vec<u8>,
    spans: Vec<(u32, u32)>,
}

impl TextBuilder {
    /// Makes a builder for so many rows.
    pub fn with_rows(rows: usize) -> TextBuilder {
        TextBuilder { data: Vec::with_capacity(rows * 16), spans: Vec::with_capacity(rows) }
    }

    /// Adds a row. Returns `false`, and adds an empty row, if the buffer is full.
    pub fn push(&mut self, text: &str) -> bool {
        self.push_with(|data| data.extend_from_slice(text.as_bytes()))
    }

    /// Adds a row of what `write` appends, which has to be UTF-8.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let from = self.data.len();
        write(&mut self.data);
        let fits = u32::try_from(self.data.len()).is_ok();
        if !fits {
            self.data.truncate(from);
        }
        self.spans.push((from as u32, self.data.len() as u32));
        fits
    }

    /// Returns the texts.
    pub fn build(self) -> Text {
        Text::new(self.data, self.spans)
    }
}

/// Lists: spans of one column of items.
#[derive(Clone, Debug)]
pub struct List {
    pub(crate) spans: Rc<Vec<(u32, u32)>>,
    pub(crate) items: Rc<Column>,
}

impl List {
    /// Returns the items of all lists, and where each row's begin and end in them.
    pub fn parts(&self) -> (&Column, &[(u32, u32)]) {
        (&self.items, &self.spans)
    }

    /// Returns the lists of the rows at these positions.
    fn gather(&self, at: &[u32]) -> List {
        List { spans: pick(&self.spans, at), items: self.items.clone() }
    }

    fn slice(&self, some: Range<usize>) -> List {
        List { spans: cut(&self.spans, some), items: self.items.clone() }.without_slack()
    }

    /// Returns the lists of `self`, and after them those of `other`; `None` if their types differ.
    fn followed_by(&self, other: &List) -> Option<List> {
        if Rc::ptr_eq(&self.items, &other.items) {
            return Some(List { spans: joined(&self.spans, &other.spans), items: self.items.clone() });
        }
        let begin = self.items.rows()?;
        let items = self.items.followed_by(begin, &other.items, other.items.rows()?)?;
        let moved: Vec<_> =
            other.spans.iter().map(|(from, to)| (from + begin as u32, to + begin as u32)).collect();
        Some(List { spans: joined(&self.spans, &moved), items: Rc::new(items) })
    }

    /// Returns the same lists over items of their own, one behind the other, if they use less than half of theirs.
    pub(crate) fn without_slack(&self) -> List {
        let used: usize = self.spans.iter().map(|(from, to)| (to - from) as usize).sum();
        let end = self.spans.iter().map(|(_, to)| *to as usize).max().unwrap_or(0);
        if used >= end / 2 {
            return self.clone();
        }
        let at: Vec<u32> = self.spans.iter().flat_map(|(from, to)| *from..*to).collect();
        let mut end = 0;
        let moved = self.spans.iter().map(|(from, to)| {
            let begin = end;
            end += to - from;
            (begin, end)
        });
        List { spans: Rc::new(moved.collect()), items: Rc::new(self.items.gather(&at)) }
    }
}

/// The values of all rows.
#[derive(Clone, Debug)]
pub enum Column {
    /// The same value in each row.
    Const(Scalar),
    /// `bool`.
    Bool(Rc<Vec<bool>>),
    /// `int`, of 64 bits.
    Int(Rc<Vec<i64>>),
    /// `float`.
    Float(Rc<Vec<f64>>),
    /// `str`.
    Text(Text),
    /// `list`, of items of one type.
    List(List),
    /// The values of a key, as `groupByKey` gives them: an iterable with a length, of values of one type. Nothing changes
    /// one, so copies of it are as good, and it is neither equal to a list nor has an item at an index.
    Group(List),
    /// `tuple`, of so many columns.
    Tuple(Vec<Column>),
    /// Instances of a class with names for their values, tuples or not, of so many columns.
    Record(Class, Vec<Column>),
    /// Values of numpy's types.
    Numpy(Numpy),
}

impl Column {
    pub(crate) fn bools(values: Vec<bool>) -> Column {
        Column::Bool(Rc::new(values))
    }

    /// Makes a column of numbers.
    pub fn ints(values: Vec<i64>) -> Column {
        Column::Int(Rc::new(values))
    }

    /// Makes a column of floating-point numbers.
    pub fn floats(values: Vec<f64>) -> Column {
        Column::Float(Rc::new(values))
    }

    /// Makes a column of truth values.
    pub fn of_bools(values: Vec<bool>) -> Column {
        Column::bools(values)
    }

    /// Returns the column with its constants written out, each row by itself.
    pub fn spread(&self, rows: usize) -> Column {
        match self {
            Column::Const(scalar) => spread(scalar, rows),
            Column::Tuple(parts) => Column::Tuple(parts.iter().map(|part| part.spread(rows)).collect()),
            Column::Record(class, parts) => {
                Column::Record(class.clone(), parts.iter().map(|part| part.spread(rows)).collect())
            }
            Column::Bool(_)
            | Column::Int(_)
            | Column::Float(_)
            | Column::Text(_)
            | Column::List(_)
            | Column::Group(_)
            | Column::Numpy(_) => self.clone(),
        }
    }

    /// Returns the rows at these positions.
    pub fn gather(&self, at: &[u32]) -> Column {
        match self {
            Column::Const(scalar) => Column::Const(scalar.clone()),
            Column::Bool(values) => Column::Bool(pick(values, at)),
            Column::Int(values) => Column::Int(pick(values, at)),
            Column::Float(values) => Column::Float(pick(values, at)),
            Column::Text(text) => Column::Text(Text { spans: pick(&text.spans, at), ..text.clone() }),
            Column::List(list) => Column::List(list.gather(at)),
            Column::Group(list) => Column::Group(list.gather(at)),
            Column::Tuple(parts) => Column::Tuple(parts.iter().map(|part| part.gather(at)).collect()),
            Column::Numpy(values) => Column::Numpy(values.gather(at)),
            Column::Record(class, parts) => {
                Column::Record(class.clone(), parts.iter().map(|part| part.gather(at)).collect())
            }
        }
    }

    /// Returns the rows of a range, with no more items of lists than they have use for.
    pub fn slice(&self, some: Range<usize>) -> Column {
        match self {
            Column::Const(scalar) => Column::Const(scalar.clone()),
            Column::Bool(values) => Column::Bool(cut(values, some)),
            Column::Int(values) => Column::Int(cut(values, some)),
            Column::Float(values) => Column::Float(cut(values, some)),
            Column::Text(text) => Column::Text(Text { spans: cut(&text.spans, some), ..text.clone() }),
            Column::List(list) => Column::List(list.slice(some)),
            Column::Group(list) => Column::Group(list.slice(some)),
            Column::Tuple(parts) => {
                Column::Tuple(parts.iter().map(|part| part.slice(some.clone())).collect())
            }
            Column::Numpy(values) => Column::Numpy(values.slice(some)),
            Column::Record(class, parts) => {
                Column::Record(class.clone(), parts.iter().map(|part| part.slice(some.clone())).collect())
            }
        }
    }

    /// Returns the rows of `self`, and after them those of `other`; `None` if their types differ.
    pub(crate) fn followed_by(&self, rows: usize, other: &Column, more: usize) -> Option<Column> {
        if let (Column::Const(one), Column::Const(two)) = (self, other)
            && is_same(one, two)
        {
            return Some(self.clone());
        }
        match (self.spread(rows), other.spread(more)) {
            (Column::Const(_), _) | (_, Column::Const(_)) => None,
            (Column::Bool(one), Column::Bool(two)) => Some(Column::Bool(joined(&one, &two))),
            (Column::Int(one), Column::Int(two)) => Some(Column::Int(joined(&one, &two))),
            (Column::Float(one), Column::Float(two)) => Some(Column::Float(joined(&one, &two))),
            (Column::Text(one), Column::Text(two)) => {
                // The two sides of a branch are mostly views of one buffer, which would double with each branch.
                if Rc::ptr_eq(&one.data, &two.data) {
                    let (data, is_ascii) = (one.data.clone(), one.is_ascii && two.is_ascii);
                    return Some(Column::Text(Text {
                        data,
                        spans: joined(&one.spans, &two.spans),
                        is_ascii,
                    }));
                }
                let (one, two) = (one.without_slack(), two.without_slack());
                let begin = u32::try_from(one.data.len()).ok()?;
                u32::try_from(one.data.len() + two.data.len()).ok()?;
                let moved: Vec<_> = two.spans.iter().map(|(from, to)| (from + begin, to + begin)).collect();
                Some(Column::Text(Text {
                    data: joined(&one.data, &two.data),
                    spans: joined(&one.spans, &moved),
                    is_ascii: one.is_ascii && two.is_ascii,
                }))
            }
            (Column::List(one), Column::List(two)) => one.followed_by(&two).map(Column::List),
            (Column::Group(one), Column::Group(two)) => one.followed_by(&two).map(Column::Group),
            (Column::Tuple(one), Column::Tuple(two)) if one.len() == two.len() => {
                let parts = one.iter().zip(&two).map(|(one, two)| one.followed_by(rows, two, more));
                Some(Column::Tuple(parts.collect::<Option<_>>()?))
            }
            (Column::Record(class, one), Column::Record(other, two)) if class.is(&other) => {
                let parts = one.iter().zip(&two).map(|(one, two)| one.followed_by(rows, two, more));
                Some(Column::Record(class, parts.collect::<Option<_>>()?))
            }
            (Column::Numpy(one), Column::Numpy(two)) => Some(Column::Numpy(one.followed_by(&two)?)),
            (
                Column::Bool(_)
                | Column::Int(_)
                | Column::Float(_)
                | Column::Text(_)
                | Column::List(_)
                | Column::Group(_)
                | Column::Tuple(_)
                | Column::Record(..)
                | Column::Numpy(_),
                _,
            ) => None,
        }
    }

    /// Returns how many lists and arrays each row holds that a program could change.
    pub(crate) fn lists(&self) -> usize {
        match self {
            Column::List(_) => 1,
            Column::Group(list) => list.items.lists(),
            Column::Tuple(parts) | Column::Record(_, parts) => parts.iter().map(Column::lists).sum(),
            Column::Numpy(values) => values.arrays(),
            Column::Const(_) | Column::Bool(_) | Column::Int(_) | Column::Float(_) | Column::Text(_) => 0,
        }
    }

    /// Returns whether rows share groups, and these would be very large if each row had its own. To Python they are one
    /// object in many places.
    pub(crate) fn repeats_groups(&self) -> bool {
        /// As many items are no harm.
        const ITEMS: usize = 1 << 22;
        match self {
            Column::Group(list) => {
                let used: usize = list.spans.iter().map(|(from, to)| (to - from) as usize).sum();
                used > ITEMS && list.items.rows().is_none_or(|rows| used / 2 > rows)
                    || list.items.repeats_groups()
            }
            Column::List(list) => list.items.repeats_groups(),
            Column::Tuple(parts) | Column::Record(_, parts) => parts.iter().any(Column::repeats_groups),
            Column::Numpy(_) => false,
            Column::Const(_) | Column::Bool(_) | Column::Int(_) | Column::Float(_) | Column::Text(_) => false,
        }
    }

    /// Returns whether there are arrays of a table, which are the program's own.
    pub(crate) fn has_shared(&self) -> bool {
        match self {
            Column::Tuple(parts) | Column::Record(_, parts) => parts.iter().any(Column::has_shared),
            Column::Numpy(values) => values.are_shared(),
            Column::List(list) | Column::Group(list) => list.items.has_shared(),
            Column::Const(_) | Column::Bool(_) | Column::Int(_) | Column::Float(_) | Column::Text(_) => false,
        }
    }

    /// Returns the same values, with arrays that are the program's own: no result may be one of them.
    #[must_use]
    pub fn shared(self) -> Column {
        let all = |parts: Vec<Column>| parts.into_iter().map(Column::shared).collect();
        match self {
            Column::Tuple(parts) => Column::Tuple(all(parts)),
            Column::Record(class, parts) => Column::Record(class, all(parts)),
            Column::Numpy(values) => Column::Numpy(values.shared()),
            Column::Const(_)
            | Column::Bool(_)
            | Column::Int(_)
            | Column::Float(_)
            | Column::Text(_)
            | Column::List(_)
            | Column::Group(_) => self,
        }
    }

    /// Returns the items of tuples of two.
    #[must_use]
    pub fn pair(&self) -> Option<(&Column, &Column)> {
        let Column::Tuple(parts) = self else { return None };
        let [one, two] = &parts[..] else { return None };
        Some((one, two))
    }

    /// Returns the items of tuples, also of those with names: not the fields of other classes, which have no items.
    pub(crate) fn parts(&self) -> Option<&[Column]> {
        match self {
            Column::Tuple(parts) => Some(parts),
            Column::Record(class, parts) => class.is_tuple().then_some(&parts[..]),
            Column::Const(_)
            | Column::Bool(_)
            | Column::Int(_)
            | Column::Float(_)
            | Column::Text(_)
            | Column::List(_)
            | Column::Group(_)
            | Column::Numpy(_) => None,
        }
    }

    /// Returns the number of rows, unless constants stand for any number of them.
    pub(crate) fn rows(&self) -> Option<usize> {
        match self {
            Column::Const(_) => None,
            Column::Bool(values) => Some(values.len()),
            Column::Int(values) => Some(values.len()),
            Column::Float(values) => Some(values.len()),
            Column::Text(text) => Some(text.rows()),
            Column::List(list) | Column::Group(list) => Some(list.spans.len()),
            Column::Numpy(values) => Some(values.rows()),
            Column::Tuple(parts) | Column::Record(_, parts) => parts.iter().find_map(Column::rows),
        }
    }
}

/// Returns whether two constants are one, bit by bit.
fn is_same(one: &Scalar, two: &Scalar) -> bool {
    match (one, two) {
        (Scalar::Float(one), Scalar::Float(two)) => one.to_bits() == two.to_bits(),
        (Scalar::Tuple(one), Scalar::Tuple(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| is_same(one, two))
        }
        _ => one == two,
    }
}

fn cut<T: Copy>(values: &[T], some: Range<usize>) -> Rc<Vec<T>> {
    Rc::new(values[some].to_vec())
}

fn pick<T: Copy>(values: &[T], at: &[u32]) -> Rc<Vec<T>> {
    Rc::new(at.iter().map(|row| values[*row as usize]).collect())
}

fn joined<T: Copy>(one: &[T], two: &[T]) -> Rc<Vec<T>> {
    Rc::new([one, two].concat())
}

fn spread(scalar: &Scalar, rows: usize) -> Column {
    match scalar {
        // There is nothing of `None` to write out.
        Scalar::None => Column::Const(Scalar::None),
        Scalar::Bool(value) => Column::bools(vec![*value; rows]),
        Scalar::Int(value) => Column::ints(vec![*value; rows]),
        Scalar::Float(value) => Column::floats(vec![*value; rows]),
        Scalar::Str(text) => {
            Column::Text(Text::new(text.as_bytes().to_vec(), vec![(0, text.len() as u32); rows]))
        }
        Scalar::Tuple(items) => Column::Tuple(items.iter().map(|item| spread(item, rows)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &Text) -> Vec<&str> {
        (0..text.rows()).map(|row| text.get(row)).collect()
    }

    #[test]
    fn the_sides_of_branches_share_their_buffer_and_what_is_not_used_is_left_behind() {
        let all = Text::new("one two three four".into(), vec![(0, 3), (4, 7), (8, 13), (14, 18)]);
        let mut column = Column::Text(all.clone());
        for _ in 0..40 {
            let (left, right) = (column.gather(&[0, 1]), column.gather(&[2, 3]));
            column = left.followed_by(2, &right, 2).expect("both are texts");
        }
        let Column::Text(joined) = &column else { panic!("{column:?}") };
        assert_eq!((texts(joined), joined.data.len()), (texts(&all), all.data.len()));
        let (mut column, other) =
            (Column::Text(all.viewed(vec![(0, 1)])), Text::new("x".into(), vec![(0, 1)]));
        for rows in 1..20 {
            column = column.followed_by(rows, &Column::Text(other.clone()), 1).expect("both are texts");
        }
        let Column::Text(joined) = &column else { panic!("{column:?}") };
        assert_eq!((joined.get(0), joined.get(19), joined.data.len()), ("o", "x", 20));
    }
}
