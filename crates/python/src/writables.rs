//! Writables: Hadoop's classes as Python's types, and back.

use firesteel_io::hadoop::Value;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyString, PyTuple};

/// Returns the value as a Python object.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Boolean(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Byte(value) => value.into_pyobject(py)?.into_any(),
        Value::Short(value) => value.into_pyobject(py)?.into_any(),
        Value::Int(value) | Value::VInt(value) => value.into_pyobject(py)?.into_any(),
        Value::Long(value) | Value::VLong(value) => value.into_pyobject(py)?.into_any(),
        Value::Float(value) => PyFloat::new(py, f64::from(*value)).into_any(),
        Value::Double(value) => PyFloat::new(py, *value).into_any(),
        Value::Text(value) => PyString::new(py, value).into_any(),
        Value::Bytes(value) => PyByteArray::new(py, value).into_any(),
        Value::Map(entries) => {
            let dict = PyDict::new(py);
            for (key, value) in entries {
                dict.set_item(to_python(py, key)?, to_python(py, value)?)?;
            }
            dict.into_any()
        }
    })
}

/// Returns a pair of values as a Python object.
pub(crate) fn pair<'py>(py: Python<'py>, (key, value): &(Value, Value)) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, [to_python(py, key)?, to_python(py, value)?])
}

/// Returns the value of the class that a Python value becomes by itself, or of the one that is asked for, by
/// its full or last name. A value that would be read back as another one is rejected: a class that is asked
/// for never changes the written value.
pub(crate) fn to_value(object: &Bound<'_, PyAny>, class: Option<&str>) -> PyResult<Value> {
    let Some(asked) = class else {
        return by_type(object).ok_or_else(|| refused(object, NO_CLASS));
    };
    let short = asked.strip_prefix(PACKAGE).unwrap_or(asked);
    if !ASKED_FOR.contains(&short) {
        let known = ASKED_FOR.join(", ");
        let message =
            format!("`{asked}` is no class that can be written here: leave it out, or use one of {known}");
        return Err(PyTypeError::new_err(message));
    }
    as_class(object, short).ok_or_else(|| {
        let what = format!(
            "{short}: it would not come back as the same value. Make it one first, such as by mapValues(...), or leave the class out"
        );
        refused(object, &what)
    })
}

/// The package of Hadoop's own classes.
const PACKAGE: &str = "org.apache.hadoop.io.";

/// The classes that may be asked for.
const ASKED_FOR: [&str; 13] = [
    "NullWritable",
    "BooleanWritable",
    "ByteWritable",
    "ShortWritable",
    "IntWritable",
    "LongWritable",
    "VIntWritable",
    "VLongWritable",
    "FloatWritable",
    "DoubleWritable",
    "Text",
    "BytesWritable",
    "MapWritable",
];

const NO_CLASS: &str =
    "a Writable; int, float, str, bytes, bool, None and dicts of these can be, and `map` makes them";

/// Returns a class of Hadoop's by its full name.
pub(crate) fn full_name(class: &str) -> String {
    if class.contains('.') { class.to_string() } else { format!("{PACKAGE}{class}") }
}

fn refused(object: &Bound<'_, PyAny>, what: &str) -> PyErr {
    let shown = object.repr().map_or_else(|_| "a value".into(), |shown| shown.to_string());
    let shown: String = shown.chars().take(200).collect();
    let kind = object.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
    PyTypeError::new_err(format!("{shown}, of type {kind}, cannot be written as {what}"))
}

/// Returns the value as one of a class that was asked for, if it is read back as an equal one.
fn as_class(object: &Bound<'_, PyAny>, class: &str) -> Option<Value> {
    let natural = by_type(object)?;
    let whole = match &natural {
        Value::Int(number) => Some(i64::from(*number)),
        Value::Long(number) => Some(*number),
        _ => None,
    };
    let double = match &natural {
        Value::Double(number) => Some(*number),
        _ => {
            whole.map(|number| number as f64).filter(|double| Some(*double as i128) == whole.map(i128::from))
        }
    };
    match (class, natural) {
        ("NullWritable", Value::Null) => Some(Value::Null),
        ("BooleanWritable", Value::Boolean(value)) => Some(Value::Boolean(value)),
        ("ByteWritable", _) => Some(Value::Byte(whole?.try_into().ok()?)),
        ("ShortWritable", _) => Some(Value::Short(whole?.try_into().ok()?)),
        ("IntWritable", _) => Some(Value::Int(whole?.try_into().ok()?)),
        ("LongWritable", _) => Some(Value::Long(whole?)),
        ("VIntWritable", _) => Some(Value::VInt(whole?.try_into().ok()?)),
        ("VLongWritable", _) => Some(Value::VLong(whole?)),
        ("FloatWritable", _) => {
            let (double, float) = (double?, double? as f32);
            let is_same = f64::from(float) == double || double.is_nan();
            is_same.then_some(Value::Float(float))
        }
        ("DoubleWritable", _) => Some(Value::Double(double?)),
        ("Text", Value::Text(text)) => Some(Value::Text(text)),
        ("BytesWritable", Value::Bytes(bytes)) => Some(Value::Bytes(bytes)),
        ("MapWritable", Value::Map(entries)) => Some(Value::Map(entries)),
        _ => None,
    }
}

fn by_type(object: &Bound<'_, PyAny>) -> Option<Value> {
    if object.is_none() {
        return Some(Value::Null);
    }
    if object.is_instance_of::<PyBool>() {
        return object.is_truthy().ok().map(Value::Boolean);
    }
    if object.is_instance_of::<PyInt>() {
        // Written as PySpark writes them: in the first class that fits.
        let short = object.extract::<i32>().ok().map(Value::Int);
        return short.or_else(|| object.extract::<i64>().ok().map(Value::Long));
    }
    if object.is_instance_of::<PyFloat>() {
        return object.extract().ok().map(Value::Double);
    }
    if object.is_instance_of::<PyString>() {
        return object.extract().ok().map(Value::Text);
    }
    if object.is_instance_of::<PyBytes>() || object.is_instance_of::<PyByteArray>() {
        return object.extract().ok().map(Value::Bytes);
    }
    let dict = object.cast::<PyDict>().ok()?;
    let entries = dict.iter().map(|(key, value)| Some((by_type(&key)?, by_type(&value)?)));
    entries.collect::<Option<Vec<_>>>().map(Value::Map)
}
