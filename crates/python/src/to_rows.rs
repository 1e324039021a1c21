//! Column batches as Python's rows: each column becomes a list of objects, and the lists become rows in the
//! interpreter's own loops (`firesteel.sql.rows`).

use crate::lookup::function;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, IntervalYearMonthType, Time64NanosecondType,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Fields};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyList, PyString};

/// Returns the rows of a batch.
pub(crate) fn rows<'py>(py: Python<'py>, batch: &RecordBatch) -> PyResult<Bound<'py, PyList>> {
    row_list(py, batch.schema().fields(), batch.columns(), batch.num_rows())
}

fn row_list<'py>(
    py: Python<'py>,
    fields: &Fields,
    columns: &[ArrayRef],
    count: usize,
) -> PyResult<Bound<'py, PyList>> {
    static ROWS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let names = PyList::new(py, fields.iter().map(|field| field.name().as_str()))?;
    let lists: PyResult<Vec<Bound<'_, PyList>>> = columns.iter().map(|column| list(py, column)).collect();
    let rows = function(py, &ROWS, "firesteel.sql.rows", "rows")?;
    Ok(rows.call1((names, PyList::new(py, lists?)?, count))?.cast_into::<PyList>()?)
}

/// Returns the values of a column.
fn list<'py>(py: Python<'py>, column: &ArrayRef) -> PyResult<Bound<'py, PyList>> {
    let none = || py.None().into_bound(py);
    match column.data_type() {
        DataType::Null => PyList::new(py, (0..column.len()).map(|_| none())),
        DataType::Boolean => {
            let values = column.as_boolean().iter();
            PyList::new(
                py,
                values.map(|value| value.map_or_else(none, |v| PyBool::new(py, v).to_owned().into_any())),
            )
        }
        DataType::Int8 => whole::<Int8Type>(py, column),
        DataType::Int16 => whole::<Int16Type>(py, column),
        DataType::Int32 => whole::<Int32Type>(py, column),
        DataType::Int64 => whole::<Int64Type>(py, column),
        DataType::Float32 => {
            let values = column.as_primitive::<Float32Type>().iter();
            PyList::new(
                py,
                values.map(|value| value.map_or_else(none, |v| PyFloat::new(py, f64::from(v)).into_any())),
            )
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>().iter();
            PyList::new(py, values.map(|value| value.map_or_else(none, |v| PyFloat::new(py, v).into_any())))
        }
        DataType::Utf8 => {
            let values = column.as_string::<i32>().iter();
            PyList::new(py, values.map(|value| value.map_or_else(none, |v| PyString::new(py, v).into_any())))
        }
        DataType::Binary => {
            let values = column.as_binary::<i32>().iter();
            PyList::new(py, values.map(|value| value.map_or_else(none, |v| PyBytes::new(py, v).into_any())))
        }
        DataType::Date32 => made::<Date32Type>(py, column, "dates"),
        DataType::Timestamp(_, Some(_)) => made::<TimestampMicrosecondType>(py, column, "timestamps"),
        DataType::Timestamp(_, None) => made::<TimestampMicrosecondType>(py, column, "timestamps_ntz"),
        DataType::Time64(_) => made::<Time64NanosecondType>(py, column, "times"),
        DataType::Duration(_) => made::<DurationMicrosecondType>(py, column, "durations"),
        DataType::Interval(_) => made::<IntervalYearMonthType>(py, column, "months"),
        DataType::Decimal128(..) => decimals(py, column),
        DataType::Struct(fields) => {
            let parts = column.as_struct();
            let list = row_list(py, fields, parts.columns(), parts.len())?;
            with_nulls(py, column, list)
        }
        DataType::List(_) => {
            let lists = column.as_list::<i32>();
            let values = list(py, lists.values())?;
            let parts = lists.offsets().windows(2).enumerate().map(|(row, ends)| match lists.is_null(row) {
                true => none(),
                false => values.get_slice(ends[0] as usize, ends[1] as usize).into_any(),
            });
            let parts: Vec<Bound<'_, PyAny>> = parts.collect();
            PyList::new(py, parts)
        }
        DataType::Map(..) => {
            static MAPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let map = column.as_map();
            let (keys, values) = (list(py, map.keys())?, list(py, map.values())?);
            let ends = PyList::new(py, map.offsets().iter())?;
            let maps = function(py, &MAPS, "firesteel.sql.rows", "maps")?;
            let list = maps.call1((keys, values, ends))?.cast_into::<PyList>()?;
            with_nulls(py, column, list)
        }
        other => Err(PyTypeError::new_err(format!("a column of {other} has no values in Python"))),
    }
}

/// Puts None where a column is null.
fn with_nulls<'py>(
    py: Python<'py>,
    column: &ArrayRef,
    list: Bound<'py, PyList>,
) -> PyResult<Bound<'py, PyList>> {
    for row in (0..column.len()).filter(|row| column.is_null(*row)) {
        list.set_item(row, py.None())?;
    }
    Ok(list)
}

fn whole<'py, T: ArrowPrimitiveType>(py: Python<'py>, column: &ArrayRef) -> PyResult<Bound<'py, PyList>>
where
    T::Native: IntoPyObject<'py>,
{
    PyList::new(py, column.as_primitive::<T>().iter())
}

/// Returns the objects that a function of `firesteel.sql.rows` makes of numbers.
fn made<'py, T: ArrowPrimitiveType>(
    py: Python<'py>,
    column: &ArrayRef,
    name: &str,
) -> PyResult<Bound<'py, PyList>>
where
    T::Native: IntoPyObject<'py>,
{
    let numbers = whole::<T>(py, column)?;
    let made = py.import("firesteel.sql.rows")?.getattr(name)?.call1((numbers,))?;
    Ok(made.cast_into::<PyList>()?)
}

fn decimals<'py>(py: Python<'py>, column: &ArrayRef) -> PyResult<Bound<'py, PyList>> {
    let array = column.as_primitive::<Decimal128Type>();
    let texts = (0..array.len()).map(|row| array.is_valid(row).then(|| array.value_as_string(row)));
    let texts = PyList::new(py, texts.collect::<Vec<Option<String>>>())?;
    let made = py.import("firesteel.sql.rows")?.getattr("decimals")?.call1((texts,))?;
    Ok(made.cast_into::<PyList>()?)
}
