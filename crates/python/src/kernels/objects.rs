//! Python's objects as columns, and columns as objects.
//!
//! Only objects whose types are exactly `int`, `float`, `bool`, `str`, `None` or `tuple` become columns, plain named
//! tuples, plain frozen dataclasses, and arrays and floats of numpy: another class may mean anything. The first records
//! say which type a column has; a record of another type is marked, and the interpreter's.

use super::arrays::{self, ArraysBuilder};
use crate::lookup::function;
use firesteel_kernels::{Class, Column, List, Mask, Scalar, Single, Text, TextBuilder};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use std::ops::Range;

/// Records that are looked at for the type of most.
const LOOK_AT: usize = 32;

/// So many of one type in a row say that most are of it.
const SURE: usize = 4;

/// A column that is being made of objects.
enum Builder {
    None,
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Text(TextBuilder),
    Tuple(Vec<Builder>),
    Record(Class, Vec<Builder>),
    Arrays(ArraysBuilder),
}

/// A class of records as the interpreter has it.
struct Shape {
    kind: Py<PyAny>,
    /// The names of the values of an instance that is no tuple.
    names: Vec<Py<PyString>>,
    /// Instances have a dict, and so could have more values.
    has_dict: bool,
}

/// Returns a class of named tuples or a dataclass as the kernels have it; nothing for another one.
pub(super) fn class(kind: &Bound<'_, PyAny>) -> PyResult<Option<Class>> {
    let py = kind.py();
    let shape = py.import("firesteel.native.records")?.call_method1("shape_of", (kind,))?;
    let Some((fields, is_tuple, has_dict)) = shape.extract::<Option<(Vec<String>, bool, bool)>>()? else {
        return Ok(None);
    };
    // The class lives as long as this does, so that no other one has its address.
    let names = fields.iter().map(|name| PyString::new(py, name).unbind()).collect();
    let shape = Shape { kind: kind.clone().unbind(), names, has_dict };
    Ok(Some(Class::new(kind.as_ptr() as usize, fields, is_tuple, Box::new(shape))))
}

fn shape(class: &Class) -> PyResult<&Shape> {
    let shape = class.of().downcast_ref::<Shape>();
    shape.ok_or_else(|| PyTypeError::new_err("a class of records of someone else"))
}

/// Returns what the interpreter has as the class.
fn kind<'py>(py: Python<'py>, class: &Class) -> PyResult<Bound<'py, PyAny>> {
    Ok(shape(class)?.kind.bind(py).clone())
}

/// Returns the values of an instance; nothing of an object of another class, or one with other values than its class says.
fn values<'py>(object: &Bound<'py, PyAny>, class: &Class) -> Option<Vec<Bound<'py, PyAny>>> {
    let (py, shape) = (object.py(), shape(class).ok()?);
    if !object.get_type().is(shape.kind.bind(py)) {
        return None;
    }
    if class.is_tuple() {
        let tuple = object.cast::<PyTuple>().ok()?;
        return (tuple.len() == class.items()).then(|| tuple.iter().collect());
    }
    if !shape.has_dict {
        return shape.names.iter().map(|name| object.getattr(name.bind(py)).ok()).collect();
    }
    let values = object.getattr(intern!(py, "__dict__")).ok()?.cast_into_exact::<PyDict>().ok()?;
    let found = shape.names.iter().map(|name| values.get_item(name.bind(py)).ok().flatten());
    found.collect::<Option<Vec<_>>>().filter(|found| found.len() == values.len())
}

/// Returns a builder for instances of a class of records; `None` for an object of another class.
fn like_instance(object: &Bound<'_, PyAny>, rows: usize) -> Option<Builder> {
    let class = class(object.get_type().as_any()).ok().flatten()?;
    let parts = values(object, &class)?;
    let parts = parts.iter().map(|part| Builder::like(part, rows)).collect::<Option<Vec<_>>>()?;
    Some(Builder::Record(class, parts))
}

/// Returns some records of a list as a column; `None` if most cannot be in one. Others that cannot are marked.
pub(crate) fn column(list: &Bound<'_, PyList>, some: Range<usize>) -> PyResult<Option<(Column, Mask)>> {
    let rows = some.len();
    let Some(mut builder) = likely(list, &some)? else { return Ok(None) };
    let (mut mask, mut marked) = (Mask::new(rows), 0);
    for (row, at) in some.enumerate() {
        // A list can be shared, and a function may have made it shorter.
        let Ok(item) = list.get_item(at) else { return Ok(None) };
        if !builder.push(&item) {
            mask.set(row);
            marked += 1;
        }
    }
    let column = if marked * 2 <= rows { builder.build() } else { None };
    Ok(column.map(|column| (column, mask)))
}

/// Returns a builder for the type of most of the first records, of those that are not None if there are such.
fn likely(list: &Bound<'_, PyList>, some: &Range<usize>) -> PyResult<Option<Builder>> {
    let mut found: Vec<(Builder, Bound<'_, PyAny>, usize)> = vec![];
    for at in some.clone().take(LOOK_AT) {
        let item = list.get_item(at)?;
        let Some(one) = Builder::like(&item, 0) else { continue };
        let counts = usize::from(!item.is_none());
        match found.iter_mut().find(|(known, ..)| known.is_like(&one)) {
            Some((.., count)) => *count += counts,
            None => found.push((one, item, counts)),
        }
        // Nothing else has been seen so far: most likely nothing will be.
        if let [(.., SURE..)] = found[..] {
            break;
        }
    }
    // The first of those that are as many.
    let most = found.into_iter().rev().max_by_key(|(.., count)| *count);
    Ok(most.and_then(|(_, item, _)| Builder::like(&item, some.len())))
}

impl Builder {
    /// Returns whether both are for objects of one type.
    fn is_like(&self, other: &Builder) -> bool {
        let all = |one: &[Builder], two: &[Builder]| {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.is_like(two))
        };
        match (self, other) {
            (Builder::Tuple(one), Builder::Tuple(two)) => all(one, two),
            (Builder::Record(class, one), Builder::Record(of, two)) => class.is(of) && all(one, two),
            (one, two) => std::mem::discriminant(one) == std::mem::discriminant(two),
        }
    }

    /// Makes a builder for objects such as this one, if they can be in a column.
    fn like(object: &Bound<'_, PyAny>, rows: usize) -> Option<Builder> {
        if object.is_exact_instance_of::<PyString>() {
            return Some(Builder::Text(TextBuilder::with_rows(rows)));
        }
        if object.is_exact_instance_of::<PyInt>() {
            return Some(Builder::Int(Vec::with_capacity(rows)));
        }
        if object.is_exact_instance_of::<PyFloat>() {
            return Some(Builder::Float(Vec::with_capacity(rows)));
        }
        if object.is_exact_instance_of::<PyBool>() {
            return Some(Builder::Bool(Vec::with_capacity(rows)));
        }
        if object.is_none() {
            return Some(Builder::None);
        }
        let Ok(tuple) = object.cast_exact::<PyTuple>() else {
            let arrays = ArraysBuilder::like(object).map(Builder::Arrays);
            return arrays.or_else(|| like_instance(object, rows));
        };
        let parts = tuple.iter().map(|part| Builder::like(&part, rows)).collect::<Option<Vec<_>>>()?;
        (!parts.is_empty()).then_some(Builder::Tuple(parts))
    }

    /// Adds an object. Returns `false`, and adds something else, if it has another type.
    fn push(&mut self, object: &Bound<'_, PyAny>) -> bool {
        match self {
            Builder::None => object.is_none(),
            Builder::Arrays(values) => values.push(object),
            Builder::Bool(values) => {
                let fits = object.is_exact_instance_of::<PyBool>();
                values.push(fits && object.is_truthy().unwrap_or(false));
                fits
            }
            Builder::Int(values) => {
                let value =
                    object.is_exact_instance_of::<PyInt>().then(|| object.extract::<i64>().ok()).flatten();
                values.push(value.unwrap_or(0));
                value.is_some()
            }
            Builder::Float(values) => {
                let value = object.cast_exact::<PyFloat>().ok().map(|float| float.value());
                values.push(value.unwrap_or(0.0));
                value.is_some()
            }
            Builder::Text(texts) => {
                let text = object.cast_exact::<PyString>().ok();
                match text.and_then(|text| text.to_str().ok().map(|text| texts.push(text))) {
                    Some(fits) => fits,
                    None => {
                        texts.push("");
                        false
                    }
                }
            }
            Builder::Tuple(parts) => match object.cast_exact::<PyTuple>() {
                Ok(tuple) if tuple.len() == parts.len() => {
                    let mut fits = true;
                    for (part, item) in parts.iter_mut().zip(tuple.iter()) {
                        fits &= part.push(&item);
                    }
                    fits
                }
                _ => {
                    parts.iter_mut().for_each(Builder::push_blank);
                    false
                }
            },
            Builder::Record(class, parts) => {
                if let Some(values) = values(object, class) {
                    let pushed = parts.iter_mut().zip(&values).map(|(part, item)| part.push(item));
                    pushed.fold(true, |fits, pushed| fits & pushed)
                } else {
                    parts.iter_mut().for_each(Builder::push_blank);
                    false
                }
            }
        }
    }

    fn push_blank(&mut self) {
        match self {
            Builder::None => {}
            Builder::Arrays(values) => values.push_blank(),
            Builder::Bool(values) => values.push(false),
            Builder::Int(values) => values.push(0),
            Builder::Float(values) => values.push(0.0),
            Builder::Text(texts) => drop(texts.push("")),
            Builder::Tuple(parts) | Builder::Record(_, parts) => {
                parts.iter_mut().for_each(Builder::push_blank);
            }
        }
    }

    /// Returns the column; `None` of more than one may have.
    fn build(self) -> Option<Column> {
        let all = |parts: Vec<Builder>| parts.into_iter().map(Builder::build).collect::<Option<Vec<_>>>();
        Some(match self {
            Builder::None => Column::Const(Scalar::None),
            Builder::Bool(values) => Column::of_bools(values),
            Builder::Int(values) => Column::ints(values),
            Builder::Float(values) => Column::floats(values),
            Builder::Text(texts) => Column::Text(texts.build()),
            Builder::Tuple(parts) => Column::Tuple(all(parts)?),
            Builder::Record(class, parts) => Column::Record(class, all(parts)?),
            Builder::Arrays(values) => values.build()?,
        })
    }
}

/// Returns texts as a column; texts for which a batch has no room are marked.
pub(super) fn texts<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> (Column, Mask) {
    let mut mask = Mask::new(texts.len());
    let mut builder = TextBuilder::with_rows(texts.len());
    for (row, text) in texts.enumerate() {
        if !builder.push(text) {
            mask.set(row);
        }
    }
    (Column::Text(builder.build()), mask)
}

/// Returns the values of a column as a list.
pub(crate) fn list<'py>(py: Python<'py>, column: &Column, rows: usize) -> PyResult<Bound<'py, PyList>> {
    match column {
        // The usual ones without a list in between.
        Column::Int(values) => PyList::new(py, values.iter()),
        Column::Float(values) => PyList::new(py, values.iter()),
        Column::Text(text) => PyList::new(py, (0..rows).map(|row| PyString::new(py, text.get(row)))),
        Column::Const(_)
        | Column::Bool(_)
        | Column::List(_)
        | Column::Group(_)
        | Column::Tuple(_)
        | Column::Record(..)
        | Column::Numpy(_) => PyList::new(py, objects(py, column, rows)?),
    }
}

fn objects<'py>(py: Python<'py>, column: &Column, rows: usize) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let any = |object: Result<Bound<'py, PyAny>, PyErr>| object;
    match column {
        Column::Const(scalar) => Ok(vec![of_scalar(py, scalar)?; rows]),
        Column::Bool(values) => {
            Ok(values.iter().map(|value| PyBool::new(py, *value).to_owned().into_any()).collect())
        }
        Column::Int(values) => {
            values.iter().map(|value| any(Ok(value.into_pyobject(py)?.into_any()))).collect()
        }
        Column::Float(values) => Ok(values.iter().map(|value| PyFloat::new(py, *value).into_any()).collect()),
        Column::Text(text) => Ok(of_texts(py, text, rows)),
        Column::Numpy(values) => arrays::objects(py, values),
        Column::List(list) => lists(py, list),
        Column::Group(list) => {
            static GROUP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
            let group = function(py, &GROUP, "firesteel.resultiterable", "ResultIterable")?;
            lists(py, list)?.into_iter().map(|list| group.call1((list,))).collect()
        }
        Column::Record(class, parts) => {
            let tuples = objects(py, &Column::Tuple(parts.clone()), rows)?;
            let (new, kind) = (py.get_type::<PyTuple>().getattr("__new__")?, kind(py, class)?);
            if !class.is_tuple() {
                let made = |tuple: Bound<'py, PyAny>| kind.call1(tuple.cast_into_exact::<PyTuple>()?);
                return tuples.into_iter().map(made).collect();
            }
            tuples.into_iter().map(|tuple| new.call1((&kind, tuple))).collect()
        }
        // The usual ones without a vector for each.
        Column::Tuple(parts) if parts.len() == 2 => {
            let (first, second) = (objects(py, &parts[0], rows)?, objects(py, &parts[1], rows)?);
            let pairs = first.into_iter().zip(second);
            pairs.map(|(first, second)| Ok(PyTuple::new(py, [first, second])?.into_any())).collect()
        }
        Column::Tuple(parts) => {
            let mut parts = parts
                .iter()
                .map(|part| Ok(objects(py, part, rows)?.into_iter()))
                .collect::<PyResult<Vec<_>>>()?;
            let tuple = |_| {
                let items: Vec<_> = parts.iter_mut().filter_map(Iterator::next).collect();
                Ok(PyTuple::new(py, items)?.into_any())
            };
            (0..rows).map(tuple).collect()
        }
    }
}

fn lists<'py>(py: Python<'py>, list: &List) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let (items, spans) = list.parts();
    lists_of(py, items, spans.iter().map(|(from, to)| *from as usize..*to as usize))
}

/// Returns lists of a column's values: for each span, those that stand there.
pub(super) fn lists_of<'py>(
    py: Python<'py>,
    items: &Column,
    spans: impl Iterator<Item = Range<usize>> + Clone,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let any = |list: PyResult<Bound<'py, PyList>>| Ok(list?.into_any());
    match items {
        Column::Int(values) => spans.map(|span| any(PyList::new(py, &values[span]))).collect(),
        Column::Float(values) => spans.map(|span| any(PyList::new(py, &values[span]))).collect(),
        Column::Const(_)
        | Column::Bool(_)
        | Column::Text(_)
        | Column::List(_)
        | Column::Group(_)
        | Column::Tuple(_)
        | Column::Record(..)
        | Column::Numpy(_) => {
            let count = spans.clone().map(|span| span.end).max().unwrap_or(0);
            let items = objects(py, items, count)?;
            spans.map(|span| any(PyList::new(py, &items[span]))).collect()
        }
    }
}

fn of_texts<'py>(py: Python<'py>, text: &Text, rows: usize) -> Vec<Bound<'py, PyAny>> {
    (0..rows).map(|row| PyString::new(py, text.get(row)).into_any()).collect()
}

fn of_scalar<'py>(py: Python<'py>, scalar: &Scalar) -> PyResult<Bound<'py, PyAny>> {
    Ok(match scalar {
        Scalar::None => py.None().into_bound(py),
        Scalar::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Scalar::Int(value) => value.into_pyobject(py)?.into_any(),
        Scalar::Float(value) => PyFloat::new(py, *value).into_any(),
        Scalar::Str(text) => PyString::new(py, text).into_any(),
        Scalar::Tuple(items) => {
            let items = items.iter().map(|item| of_scalar(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(py, items)?.into_any()
        }
    })
}

/// Returns an object as a value by itself; nothing of one that the kernels do not merge or compare. Nor of a tuple with a NaN
/// in it ([`Single::tuple`]).
pub(super) fn single(object: &Bound<'_, PyAny>) -> Option<Single> {
    if let Ok(text) = object.cast_exact::<PyString>() {
        return text.to_str().ok().map(|text| Single::Text(text.to_string()));
    }
    if object.is_exact_instance_of::<PyInt>() {
        let value = object.extract::<i64>().map(i128::from).or_else(|_| object.extract());
        return value.ok().map(Single::Int);
    }
    if let Ok(float) = object.cast_exact::<PyFloat>() {
        return Some(Single::Float(float.value()));
    }
    if object.is_exact_instance_of::<PyBool>() {
        return object.is_truthy().ok().map(Single::Bool);
    }
    if object.is_none() {
        return Some(Single::None);
    }
    let tuple = object.cast_exact::<PyTuple>().ok()?;
    Single::tuple(tuple.iter().map(|item| single(&item)))
}

/// Returns a value by itself as an object.
pub(super) fn of_single<'py>(py: Python<'py>, single: &Single) -> PyResult<Bound<'py, PyAny>> {
    Ok(match single {
        Single::None => py.None().into_bound(py),
        Single::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Single::Int(value) => match i64::try_from(*value) {
            Ok(value) => value.into_pyobject(py)?.into_any(),
            Err(_) => value.into_pyobject(py)?.into_any(),
        },
        Single::Float(value) => PyFloat::new(py, *value).into_any(),
        Single::Text(text) => PyString::new(py, text).into_any(),
        Single::Tuple(items) => {
            let items = items.iter().map(|item| of_single(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(py, items)?.into_any()
        }
    })
}
