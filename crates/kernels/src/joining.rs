//! Columns one behind the other: what is gathered before it goes through a shuffle.

use crate::column::{Column, List, Scalar, Text};
use crate::numpy::Numpy;
use std::rc::Rc;

impl Column {
    /// Returns whether another column has values of the same types, so that [`joined`] can put them together. Constants
    /// other than None are written out before.
    pub fn is_like(&self, other: &Column) -> bool {
        match (self, other) {
            (Column::Const(Scalar::None), Column::Const(Scalar::None))
            | (Column::Bool(_), Column::Bool(_))
            | (Column::Int(_), Column::Int(_))
            | (Column::Float(_), Column::Float(_))
            | (Column::Text(_), Column::Text(_)) => true,
            (Column::List(one), Column::List(two)) | (Column::Group(one), Column::Group(two)) => {
                one.items.is_like(&two.items)
            }
            (Column::Tuple(one), Column::Tuple(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.is_like(two))
            }
            (Column::Record(class, one), Column::Record(other, two)) if class.is(other) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.is_like(two))
            }
            (Column::Numpy(one), Column::Numpy(two)) => one.kind() == two.kind(),
            (
                Column::Const(_)
                | Column::Numpy(_)
                | Column::Record(..)
                | Column::Bool(_)
                | Column::Int(_)
                | Column::Float(_)
                | Column::Text(_)
                | Column::List(_)
                | Column::Group(_)
                | Column::Tuple(_),
                _,
            ) => false,
        }
    }

    /// Returns about how many bytes the values of so many rows have.
    pub fn bytes(&self, rows: usize) -> usize {
        match self {
            Column::Const(_) => 0,
            Column::Bool(_) => rows,
            Column::Int(_) | Column::Float(_) => rows * 8,
            Column::Numpy(values) => values.bytes(),
            Column::Text(text) => spanned(&text.spans) + rows * 4,
            Column::List(list) | Column::Group(list) => list.items.bytes(spanned(&list.spans)) + rows * 4,
            Column::Tuple(parts) | Column::Record(_, parts) => {
                parts.iter().map(|part| part.bytes(rows)).sum()
            }
        }
    }
}

fn spanned(spans: &[(u32, u32)]) -> usize {
    spans.iter().map(|(from, to)| (to - from) as usize).sum()
}

/// Puts columns one behind the other, each with the number of its rows; `None` if they have other types, or are too
/// much for one.
pub fn joined(columns: &[(Column, usize)]) -> Option<Column> {
    let (first, others) = columns.split_first()?;
    if !others.iter().all(|(other, _)| first.0.is_like(other)) {
        return None;
    }
    if others.is_empty() {
        return Some(first.0.clone());
    }
    join(&columns.iter().map(|(column, _)| column).collect::<Vec<_>>())
}

/// Joins columns of the same types.
fn join(columns: &[&Column]) -> Option<Column> {
    Some(match columns.first()? {
        Column::Const(scalar) => Column::Const(scalar.clone()),
        Column::Bool(_) => Column::of_bools(values(columns, |column| match column {
            Column::Bool(values) => Some(values),
            _ => None,
        })),
        Column::Int(_) => Column::ints(values(columns, |column| match column {
            Column::Int(values) => Some(values),
            _ => None,
        })),
        Column::Float(_) => Column::floats(values(columns, |column| match column {
            Column::Float(values) => Some(values),
            _ => None,
        })),
        Column::Text(_) => {
            let (mut data, mut spans) = (vec![], vec![]);
            for column in columns {
                let Column::Text(text) = column else { return None };
                for (from, to) in text.spans.iter() {
                    let begin = data.len() as u32;
                    data.extend_from_slice(&text.data[*from as usize..*to as usize]);
                    spans.push((begin, u32::try_from(data.len()).ok()?));
                }
            }
            Column::Text(Text::new(data, spans))
        }
        Column::List(_) => Column::List(join_lists(columns)?),
        Column::Group(_) => Column::Group(join_lists(columns)?),
        Column::Numpy(_) => {
            let values = columns.iter().map(|column| match column {
                Column::Numpy(values) => Some(values),
                _ => None,
            });
            Column::Numpy(Numpy::joined(&values.collect::<Option<Vec<_>>>()?)?)
        }
        Column::Tuple(parts) => Column::Tuple(join_parts(columns, parts.len())?),
        Column::Record(class, parts) => Column::Record(class.clone(), join_parts(columns, parts.len())?),
    })
}

/// Joins lists, or groups.
fn join_lists(columns: &[&Column]) -> Option<List> {
    let (mut items, mut spans, mut end) = (vec![], vec![], 0_u32);
    for column in columns {
        let (Column::List(list) | Column::Group(list)) = column else { return None };
        let at: Vec<u32> = list.spans.iter().flat_map(|(from, to)| *from..*to).collect();
        items.push(list.items.gather(&at));
        for (from, to) in list.spans.iter() {
            spans.push((end, end.checked_add(to - from)?));
            end += to - from;
        }
    }
    Some(List { spans: Rc::new(spans), items: Rc::new(join(&items.iter().collect::<Vec<_>>())?) })
}

/// Joins the parts of tuples or records.
fn join_parts(columns: &[&Column], count: usize) -> Option<Vec<Column>> {
    let part = |at: usize| {
        let parts = columns.iter().map(|column| match column {
            Column::Tuple(parts) | Column::Record(_, parts) => parts.get(at),
            _ => None,
        });
        join(&parts.collect::<Option<Vec<_>>>()?)
    };
    (0..count).map(part).collect()
}

fn values<'a, T: Copy + 'a>(
    columns: &[&'a Column],
    of: impl Fn(&'a Column) -> Option<&'a Rc<Vec<T>>>,
) -> Vec<T> {
    let parts: Vec<&[T]> = columns.iter().filter_map(|column| of(column)).map(|values| &values[..]).collect();
    parts.concat()
}
