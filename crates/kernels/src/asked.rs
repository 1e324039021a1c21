//! Functions whose bits are numpy's own: numpy itself computes them, for all rows of a batch in one call.
//!
//! `exp` and its kin are code of numpy's or of the C library, and differ between processors in the last bit; in which
//! order a product of two arrays is added up is a matter of the BLAS that numpy was built with. Neither can be computed again
//! here. But `exp` gives an item the same result wherever in an array it stands, and numpy multiplies many pairs of
//! arrays pair by pair: the front end asks for a function here only once it has compared that with what numpy gives for single
//! rows. As in [`crate::vectors`], a row is marked whose result is not finite, since numpy warns of it.

use crate::answer::{Answer, Mask, Refused};
use crate::column::Column;
use crate::library::Library;
use crate::numpy::{Arrays, Numpy};
use crate::program::Asked;
use crate::vectors::{Side, made, numbers};
use std::collections::BTreeMap;

/// The most items of arrays that are multiplied: numpy has been compared with itself for arrays as long as this.
const MOST_ITEMS: usize = 1024;

/// Calls a function that numpy computes.
pub(crate) fn call(
    function: Asked,
    library: &Library,
    arguments: &[Column],
    mask: &mut Mask,
) -> Answer<Column> {
    let two_arrays = || match arguments {
        [Column::Numpy(Numpy::Arrays(one)), Column::Numpy(Numpy::Arrays(two))] => Ok((one, two)),
        _ => Err(Refused("a product of something else than two arrays")),
    };
    match function {
        Asked::Cos
        | Asked::Exp
        | Asked::ExpM1
        | Asked::Log
        | Asked::Log10
        | Asked::Log1P
        | Asked::Log2
        | Asked::Sin
        | Asked::Tanh => match arguments {
            [value] => each(function, library, value, mask),
            _ => Err(Refused("a call with these arguments")),
        },
        Asked::Dot => {
            let (one, two) = two_arrays()?;
            // numpy takes arrays of one item for numbers here, and only here: so -0.0 stays what it is.
            Ok(numbers(products(library, one, two, |a, b| a * b, mask)?, mask))
        }
        Asked::MatMul => {
            let (one, two) = two_arrays()?;
            Ok(numbers(products(library, one, two, |a, b| 0.0 + a * b, mask)?, mask))
        }
        Asked::Norm => match arguments {
            [Column::Numpy(Numpy::Arrays(arrays))] => {
                let squares = products(library, arrays, arrays, |a, b| a * b, mask)?;
                Ok(numbers(squares.into_iter().map(f64::sqrt).collect(), mask))
            }
            _ => Err(Refused("the norm of something else than an array")),
        },
    }
}

/// The reason against a batch that numpy would raise something for.
const RAISED: Refused = Refused("something that numpy raises");

fn of_each(function: Asked, library: &Library, items: &[f64]) -> Answer<Vec<f64>> {
    if items.is_empty() {
        return Ok(vec![]);
    }
    library.of_each(function.name(), items).filter(|made| made.len() == items.len()).ok_or(RAISED)
}

fn each(function: Asked, library: &Library, value: &Column, mask: &mut Mask) -> Answer<Column> {
    match Side::of(value, mask)? {
        Side::Numbers(values) => Ok(numbers(of_each(function, library, &values)?, mask)),
        Side::Arrays(arrays) => {
            let items = of_each(function, library, &arrays.items())?;
            let mut from = 0;
            for (row, length) in arrays.lengths().enumerate() {
                let are_finite = items[from..from + length].iter().all(|item| item.is_finite());
                from += length;
                if !are_finite {
                    mask.set(row);
                }
            }
            made(items, arrays.lengths())
        }
    }
}

/// Multiplies arrays of each row, and adds up. Rows of one length are given to numpy together; `of_one` multiplies arrays of one
/// item. A row whose arrays differ in length, or are longer than any that were compared, is marked.
fn products(
    library: &Library,
    one: &Arrays,
    two: &Arrays,
    of_one: fn(f64, f64) -> f64,
    mask: &mut Mask,
) -> Answer<Vec<f64>> {
    let mut sums = vec![0.0; mask.rows()];
    let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, sum) in sums.iter_mut().enumerate() {
        match (one.get(row), two.get(row)) {
            (a, b) if a.len() != b.len() || a.len() > MOST_ITEMS => mask.set(row),
            ([], _) => {}
            ([a], b) => *sum = of_one(*a, b[0]),
            (a, _) => by_length.entry(a.len()).or_default().push(row),
        }
    }
    let gathered = |arrays: &Arrays, rows: &[usize]| -> Vec<f64> {
        rows.iter().flat_map(|row| arrays.get(*row)).copied().collect()
    };
    for (length, rows) in by_length {
        // The weights of a model, on either side, are the same for all rows.
        let (one, two) = match (one.only(), two.only()) {
            (Some(of_all), None) => (of_all.to_vec(), gathered(two, &rows)),
            (None, Some(of_all)) => (gathered(one, &rows), of_all.to_vec()),
            (Some(_), Some(_)) | (None, None) => (gathered(one, &rows), gathered(two, &rows)),
        };
        let made = library.products(&one, &two, length).filter(|made| made.len() == rows.len());
        for (row, sum) in rows.iter().zip(made.ok_or(RAISED)?) {
            sums[*row] = sum;
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::Ask;

    /// Adds one to each item, and products backwards; refuses what is as long as it says.
    struct Strange(usize);

    impl Ask for Strange {
        fn of_each(&self, _: &str, items: &[f64]) -> Option<Vec<f64>> {
            Some(items.iter().map(|item| item + 1.0).collect())
        }

        fn products(&self, one: &[f64], two: &[f64], length: usize) -> Option<Vec<f64>> {
            let rows = one.len().max(two.len()) / length;
            let at = |items: &[f64], row: usize, place| items[row * length % items.len() + place];
            let sum = |row| {
                (0..length).rev().fold(0.0, |sum, place| sum + at(one, row, place) * at(two, row, place))
            };
            (length != self.0).then(|| (0..rows).map(sum).collect())
        }
    }

    fn arrays(rows: &[&[f64]]) -> Column {
        made(rows.concat(), rows.iter().map(|row| row.len())).expect("few items")
    }

    fn called(function: Asked, arguments: &[Column], rows: usize) -> (Answer<Column>, Vec<bool>) {
        let mut mask = Mask::new(rows);
        let column = call(function, &Library::new(Strange(5)), arguments, &mut mask);
        (column, (0..rows).map(|row| mask.has(row)).collect())
    }

    fn floats(column: Answer<Column>) -> Vec<f64> {
        match column.expect("a column") {
            Column::Numpy(Numpy::Numbers(values)) => values.to_vec(),
            Column::Numpy(Numpy::Arrays(arrays)) => arrays.items(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_of_one_length_are_asked_for_together_and_keep_their_places() {
        let one = arrays(&[&[1.0, 2.0], &[], &[3.0], &[1.0, 1.0, 1.0], &[5.0, 6.0], &[1.0]]);
        let two = arrays(&[&[1.0, 10.0], &[], &[-0.0], &[1.0, 2.0, 3.0], &[1.0, 10.0], &[1.0, 2.0]]);
        let (column, marked) = called(Asked::Dot, &[one, two], 6);
        assert_eq!(floats(column), [21.0, 0.0, 0.0, 6.0, 65.0, 0.0]);
        assert_eq!(marked, [false, false, false, false, false, true]);
    }

    #[test]
    fn one_array_for_all_rows_stands_on_either_side() {
        let Column::Numpy(weights) = arrays(&[&[1.0, 10.0]]) else { panic!() };
        let weights = Column::Numpy(weights.gather(&[0, 0, 0]));
        let rows = arrays(&[&[1.0, 2.0], &[3.0, 4.0], &[5.0, 6.0]]);
        assert_eq!(floats(called(Asked::Dot, &[weights.clone(), rows.clone()], 3).0), [21.0, 43.0, 65.0]);
        assert_eq!(floats(called(Asked::Dot, &[rows, weights.clone()], 3).0), [21.0, 43.0, 65.0]);
        assert_eq!(floats(called(Asked::Norm, &[weights], 3).0), [101f64.sqrt(); 3]);
    }

    #[test]
    fn zeros_keep_their_sign_in_the_product_of_one_item_but_not_in_a_sum() {
        let (one, two) = (arrays(&[&[-0.0]]), arrays(&[&[1.0]]));
        assert!(floats(called(Asked::Dot, &[one.clone(), two.clone()], 1).0)[0].is_sign_negative());
        assert!(floats(called(Asked::MatMul, &[one, two], 1).0)[0].is_sign_positive());
    }

    #[test]
    fn what_numpy_refuses_and_long_arrays_are_not_answered_for() {
        let row = arrays(&[&[0.0; 5]]);
        assert!(called(Asked::MatMul, &[row.clone(), row], 1).0.is_err());
        let row = arrays(&[&[0.0; MOST_ITEMS + 1]]);
        assert_eq!(called(Asked::MatMul, &[row.clone(), row], 1).1, [true]);
    }

    #[test]
    fn a_row_whose_result_is_not_finite_is_marked() {
        let rows = arrays(&[&[1.0, f64::INFINITY], &[], &[2.0]]);
        let (column, marked) = called(Asked::Exp, &[rows], 3);
        assert_eq!((floats(column)[2], marked), (3.0, vec![true, false, false]));
        let (column, marked) = called(Asked::Log, &[Column::floats(vec![1.0, f64::NAN])], 2);
        assert_eq!((floats(column)[0], marked), (2.0, vec![false, true]));
    }
}
