//! Hadoop's classes as Python's types, and back.

use firesteel_io::hadoop::Value;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyString, PyTuple};

/// The value as Python knows it.
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

/// A pair of values.
pub(crate) fn pair<'py>(py: Python<'py>, (key, value): &(Value, Value)) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, [to_python(py, key)?, to_python(py, value)?])
}

/// The class that a Python value becomes by itself, or the one that is asked for, by its full or last name.
pub(crate) fn to_value(object: &Bound<'_, PyAny>, class: Option<&str>) -> PyResult<Value> {
    let class = class.map(|class| class.rsplit('.').next().unwrap_or(class));
    let refused = |what: &str| {
        let shown = object.repr().map_or_else(|_| "a value".into(), |shown| shown.to_string());
        let shown: String = shown.chars().take(200).collect();
        PyTypeError::new_err(format!("{shown} cannot be written as {what}"))
    };
    Ok(match class {
        Some("NullWritable") => Value::Null,
        Some("BooleanWritable") => Value::Boolean(object.is_truthy()?),
        Some("ByteWritable") => Value::Byte(object.extract().map_err(|_| refused("ByteWritable"))?),
        Some("ShortWritable") => Value::Short(object.extract().map_err(|_| refused("ShortWritable"))?),
        Some("IntWritable") => Value::Int(object.extract().map_err(|_| refused("IntWritable"))?),
        Some("LongWritable") => Value::Long(object.extract().map_err(|_| refused("LongWritable"))?),
        Some("VIntWritable") => Value::VInt(object.extract().map_err(|_| refused("VIntWritable"))?),
        Some("VLongWritable") => Value::VLong(object.extract().map_err(|_| refused("VLongWritable"))?),
        Some("FloatWritable") => Value::Float(object.extract().map_err(|_| refused("FloatWritable"))?),
        Some("DoubleWritable") => Value::Double(object.extract().map_err(|_| refused("DoubleWritable"))?),
        Some("Text") => Value::Text(object.str()?.to_string()),
        Some("BytesWritable") => Value::Bytes(object.extract().map_err(|_| refused("BytesWritable"))?),
        Some("MapWritable") | None => by_type(object).ok_or_else(|| {
            refused("a Writable; int, float, str, bytes, bool, None and dicts of these can be, and `map` makes them")
        })?,
        Some(other) => {
            let message = format!("`{other}` is no class that can be written here; leave it out, or use one of Hadoop's usual Writables");
            return Err(PyTypeError::new_err(message));
        }
    })
}

fn by_type(object: &Bound<'_, PyAny>) -> Option<Value> {
    if object.is_none() {
        return Some(Value::Null);
    }
    if object.is_instance_of::<PyBool>() {
        return object.is_truthy().ok().map(Value::Boolean);
    }
    if object.is_instance_of::<PyInt>() {
        // As PySpark writes them: whatever fits.
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
