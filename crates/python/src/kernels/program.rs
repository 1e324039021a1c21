//! Programs, as the tuples that `firesteel.native.lowering` makes.

use super::lookup::KernelTable;
use super::{arrays, objects};
use firesteel_kernels::{
    Align, Asked, Attempt, Binary, Block, Builtin, Collection, Comparison, Each, End, Exit, Format, Function,
    Instruction, Kind, Lookup, Loop, Math, Method, NumpyFunction, Op, Piece, Register, Scalar, Source, Step,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString, PyTuple};

/// Reads the steps of a run: pairs of the operation's name and its program, or None.
pub(super) fn steps(steps: &[(String, Bound<'_, PyAny>)]) -> PyResult<Vec<Step>> {
    let read = steps.iter().map(|(name, program)| {
        Ok(match name.as_str() {
            "map" => Step::Map(function(program)?),
            "filter" => Step::Filter(function(program)?),
            "flatMap" => Step::FlatMap(function(program)?),
            "keyBy" => Step::KeyBy(function(program)?),
            "mapValues" => Step::MapValues(function(program)?),
            "flatMapValues" => Step::FlatMapValues(function(program)?),
            "keys" => Step::Keys,
            "values" => Step::Values,
            other => return Err(unknown(other)),
        })
    });
    read.collect()
}

/// Reads a function.
pub(super) fn function(program: &Bound<'_, PyAny>) -> PyResult<Function> {
    let (parameters, registers, draws, body): (usize, usize, Vec<Register>, Bound<'_, PyTuple>) =
        program.extract()?;
    let function = Function { parameters, registers, draws, body: block(&body)? };
    match function.is_sound() {
        true => Ok(function),
        false => Err(PyValueError::new_err("a program for the kernels reads a register before it is set")),
    }
}

/// An instruction as it is written: its register, its name and its arguments.
type Written<'py> = (Register, String, Bound<'py, PyTuple>);

/// Reads a block.
fn block(block: &Bound<'_, PyTuple>) -> PyResult<Block> {
    let instructions: Vec<Written<'_>> = block.get_item(0)?.extract()?;
    let ending = block.get_item(1)?.cast_into::<PyTuple>()?;
    let instructions = instructions.iter().map(instruction).collect::<PyResult<_>>()?;
    Ok(Block { instructions, end: end(&ending)? })
}

/// Reads an instruction.
fn instruction((into, name, arguments): &Written<'_>) -> PyResult<Instruction> {
    Ok(Instruction { into: *into, op: op(name, arguments)? })
}

fn op(name: &str, arguments: &Bound<'_, PyTuple>) -> PyResult<Op> {
    let word = || arguments.get_item(0)?.extract::<String>();
    let from = |begin: usize| -> PyResult<Vec<Register>> {
        arguments.iter().skip(begin).map(|argument| argument.extract()).collect()
    };
    let register = |at: usize| -> PyResult<Register> { arguments.get_item(at)?.extract() };
    let known = |found: Option<_>, word: &str| found.ok_or_else(|| unknown(word));
    Ok(match name {
        "const" => Op::Const(scalar(&arguments.get_item(0)?)?),
        "binary" => {
            Op::Binary(Binary::named(&word()?).ok_or_else(|| unknown(name))?, register(1)?, register(2)?)
        }
        "in_place" => {
            Op::InPlace(Binary::named(&word()?).ok_or_else(|| unknown(name))?, register(1)?, register(2)?)
        }
        "compare" => {
            Op::Compare(Comparison::named(&word()?).ok_or_else(|| unknown(name))?, register(1)?, register(2)?)
        }
        "contains" => Op::Contains(register(0)?, register(1)?),
        "is_none" => Op::IsNone(register(0)?),
        "not" => Op::Not(register(0)?),
        "negative" => Op::Negative(register(0)?),
        "tuple" => Op::Tuple(from(0)?),
        "list" => Op::List(from(0)?),
        "unpacked" => Op::Unpacked(register(0)?, register(1)?, register(2)?),
        "item" => Op::Item(register(0)?, register(1)?),
        "slice" => Op::Slice(register(0)?, register(1)?, register(2)?),
        "joined" => Op::Joined(from(0)?),
        "call" => Op::Call(Builtin::named(&word()?).ok_or_else(|| unknown(name))?, from(1)?),
        "method" => Op::Method(known(Method::named(&word()?), name)?, register(1)?, from(2)?),
        "each" => each(arguments)?,
        "math" => Op::Math(Math::named(&word()?).ok_or_else(|| unknown(name))?, from(1)?),
        "stepped" => {
            Op::Stepped(register(1)?, register(2)?, register(3)?, arguments.get_item(0)?.extract::<i64>()?)
        }
        "format" => Op::Format(format(&arguments.get_item(0)?)?, register(1)?),
        "percent" => Op::Percent(pieces(&arguments.get_item(0)?)?, register(1)?),
        "found" => Op::Found(table(arguments)?, register(1)?),
        "made" => Op::Made(objects::class(&arguments.get_item(0)?)?.ok_or_else(|| unknown(name))?, from(1)?),
        "attribute" => Op::Attribute(word()?, register(1)?),
        "collect" => Op::Collect(Collection::named(&word()?).ok_or_else(|| unknown(name))?, from(1)?),
        "numpy" => Op::Numpy(NumpyFunction::named(&word()?).ok_or_else(|| unknown(name))?, from(1)?),
        "asked" => {
            Op::Asked(Asked::named(&word()?).ok_or_else(|| unknown(name))?, arrays::library(), from(1)?)
        }
        "looked_up" => Op::LookedUp(table(arguments)?, register(1)?),
        other => return Err(unknown(other)),
    })
}

fn table(arguments: &Bound<'_, PyTuple>) -> PyResult<Lookup> {
    Ok(arguments.get_item(0)?.extract::<PyRef<'_, KernelTable>>()?.lookup.clone())
}

/// A format as it is written: fill, align, sign, whether there is a zero, width, grouping, precision and type.
type WrittenFormat =
    (Option<char>, Option<char>, Option<char>, bool, usize, Option<char>, Option<usize>, String);

fn format(written: &Bound<'_, PyAny>) -> PyResult<Format> {
    let (fill, align, sign, zero, width, grouping, precision, kind): WrittenFormat = written.extract()?;
    let align =
        align.map(|align| Align::named(align).ok_or_else(|| unknown(&align.to_string()))).transpose()?;
    let kind = Kind::named(&kind).ok_or_else(|| unknown(&kind))?;
    Ok(Format { fill, align, sign, zero, width, grouping, precision, kind })
}

/// Reads what stands before `%`: texts, and formats.
fn pieces(written: &Bound<'_, PyAny>) -> PyResult<Vec<Piece>> {
    let piece = |piece: Bound<'_, PyAny>| match piece.cast_exact::<PyString>() {
        Ok(text) => Ok(Piece::Literal(text.to_str()?.into())),
        Err(_) => Ok(Piece::Value(format(&piece)?)),
    };
    written.cast_exact::<PyTuple>()?.iter().map(piece).collect()
}

/// Reads a constant.
pub(super) fn scalar(value: &Bound<'_, PyAny>) -> PyResult<Scalar> {
    if value.is_none() {
        return Ok(Scalar::None);
    }
    if value.is_exact_instance_of::<PyBool>() {
        return Ok(Scalar::Bool(value.extract()?));
    }
    if value.is_exact_instance_of::<PyInt>() {
        return Ok(Scalar::Int(value.extract()?));
    }
    if value.is_exact_instance_of::<PyFloat>() {
        return Ok(Scalar::Float(value.extract()?));
    }
    if let Ok(text) = value.cast_exact::<PyString>() {
        return Ok(Scalar::Str(text.to_str()?.into()));
    }
    let items = value.cast_exact::<PyTuple>()?;
    Ok(Scalar::Tuple(items.iter().map(|item| scalar(&item)).collect::<PyResult<_>>()?))
}

/// Reads the end of a block.
fn end(end: &Bound<'_, PyTuple>) -> PyResult<End> {
    let register = |at| end.get_item(at)?.extract::<Register>();
    let inner = |at: usize| block(&end.get_item(at)?.cast_into::<PyTuple>()?);
    let name: String = end.get_item(0)?.extract()?;
    Ok(match name.as_str() {
        "return" => End::Return(register(1)?),
        "branch" => End::Branch(register(1)?, Box::new(inner(2)?), Box::new(inner(3)?)),
        "exit" => End::Exit(register(1)?, end.get_item(2)?.extract()?),
        "loop" => End::Loop(Box::new(turns(end)?)),
        "attempt" => End::Attempt(Box::new(Attempt {
            instruction: instruction(&end.get_item(1)?.extract()?)?,
            goes_on: inner(2)?,
            caught: inner(3)?,
        })),
        "decline" => End::Decline,
        other => return Err(unknown(other)),
    })
}

/// Reads a loop: its source or None, the registers of an item and of the state, the state's first values, the body, and the
/// exits.
fn turns(end: &Bound<'_, PyTuple>) -> PyResult<Loop> {
    let over = end.get_item(1)?;
    let source = if over.is_none() { None } else { Some(source(&over.cast_into::<PyTuple>()?)?) };
    let exits: Vec<(Vec<Register>, Bound<'_, PyTuple>)> = end.get_item(6)?.extract()?;
    let exits = exits.into_iter().map(|(values, inner)| Ok(Exit { values, block: block(&inner)? }));
    Ok(Loop {
        source,
        item: end.get_item(2)?.extract()?,
        state: end.get_item(3)?.extract()?,
        initial: end.get_item(4)?.extract()?,
        body: block(&end.get_item(5)?.cast_into::<PyTuple>()?)?,
        exits: exits.collect::<PyResult<_>>()?,
    })
}

/// Reads a comprehension: its source, the register of an item, the body, and whether its values are lists of what it gives.
fn each(arguments: &Bound<'_, PyTuple>) -> PyResult<Op> {
    Ok(Op::Each(Box::new(Each {
        source: source(&arguments.get_item(0)?.cast_into::<PyTuple>()?)?,
        item: arguments.get_item(1)?.extract()?,
        body: block(&arguments.get_item(2)?.cast_into::<PyTuple>()?)?,
        flattens: arguments.get_item(3)?.extract()?,
    })))
}

fn source(of: &Bound<'_, PyTuple>) -> PyResult<Source> {
    let register = |at| of.get_item(at)?.extract::<Register>();
    let inner = |at: usize| source(&of.get_item(at)?.cast_into::<PyTuple>()?);
    let name: String = of.get_item(0)?.extract()?;
    Ok(match name.as_str() {
        "items" => Source::Items(register(1)?),
        "range" => Source::Range(register(1)?, register(2)?, register(3)?),
        "enumerate" => Source::Enumerate(Box::new(inner(1)?), register(2)?),
        "zip" => Source::Zip((1..of.len()).map(inner).collect::<PyResult<_>>()?),
        other => return Err(unknown(other)),
    })
}

fn unknown(word: &str) -> PyErr {
    PyValueError::new_err(format!("the kernels have nothing of the name `{word}`"))
}
