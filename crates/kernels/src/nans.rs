//! Not-a-number among values: each is an object of its own, and equal to itself in containers alone.

use crate::answer::Mask;
use crate::column::Column;
use crate::numpy::Numpy;

/// Returns whether a value is, or has, not-a-number: each is an object of its own, and equal to itself in containers.
pub(crate) fn has_nan(column: &Column, rows: usize) -> bool {
    match column {
        Column::Const(_) | Column::Bool(_) | Column::Int(_) | Column::Text(_) => false,
        Column::Float(values) => values.iter().any(|value| value.is_nan()),
        Column::Numpy(Numpy::Numbers(values)) => values.iter().any(|value| value.is_nan()),
        Column::Numpy(Numpy::Arrays(_) | Numpy::Truths(_)) => false,
        Column::Tuple(parts) | Column::Record(_, parts) => parts.iter().any(|part| has_nan(part, rows)),
        Column::List(_) | Column::Group(_) => {
            let mut found = Mask::new(rows);
            mark_nan(column, &mut found);
            found.any()
        }
    }
}

/// Marks the rows whose value is, or has, not-a-number.
pub(crate) fn mark_nan(column: &Column, mask: &mut Mask) {
    match column {
        Column::Float(values) | Column::Numpy(Numpy::Numbers(values)) => {
            for row in (0..mask.rows()).filter(|row| values[*row].is_nan()) {
                mask.set(row);
            }
        }
        Column::Tuple(parts) | Column::Record(_, parts) => {
            parts.iter().for_each(|part| mark_nan(part, mask));
        }
        Column::List(list) | Column::Group(list) => {
            let (items, spans) = list.parts();
            let mut of_items = Mask::new(spans.iter().map(|(_, to)| *to as usize).max().unwrap_or(0));
            mark_nan(items, &mut of_items);
            for (row, (from, to)) in spans.iter().enumerate().filter(|_| of_items.any()) {
                if (*from..*to).any(|item| of_items.has(item as usize)) {
                    mask.set(row);
                }
            }
        }
        // A constant is never one: the front end refuses it.
        // What is no number in an array is no object.
        Column::Numpy(Numpy::Arrays(_) | Numpy::Truths(_)) => {}
        Column::Const(_) | Column::Bool(_) | Column::Int(_) | Column::Text(_) => {}
    }
}
