//! [`KernelRun`]: a partition's records on their way through kernels.
//!
//! Records come in chunks: of a stream of lists, of a range, or of any iterator over lists. Each chunk's results come back
//! as a list of objects with the records that were handed back, and where their results belong; or they go into a sum,
//! a fold or a table without ever being objects.

use super::block::{Block, ROWS_AT_MOST};
use super::sink::KernelSink;
use super::{arrays, objects, program, random};
use crate::objects::Objects;
use crate::records::Lists;
use crate::timing::{self, TimedFunction};
use firesteel_kernels::{Column, JoinResults, Joined, Mask, Outcome, Run};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList, PyRange, PyRangeMethods, PyString, PyTuple};
use std::ops::Range;
use std::rc::Rc;

/// Steps that run in the kernels, over the records of one partition.
#[pyclass(unsendable)]
pub(crate) struct KernelRun {
    run: Run,
    source: Source,
    /// Those that have come and are not through.
    waiting: Option<(Records, usize)>,
    records: u64,
    handed_back: u64,
    /// The clock of the function in whose place the steps run.
    timed: Option<TimedFunction>,
    /// The generator of random numbers, if a step draws some.
    generator: Option<Py<PyAny>>,
    /// Functions behind could change arrays of the records.
    may_change: bool,
}

enum Source {
    Lists(Py<Lists>),
    Iterator(Py<PyIterator>),
    Range { start: i64, step: i64, left: usize },
}

/// Records that came together.
#[derive(Clone)]
enum Records {
    Objects(Rc<Py<PyList>>),
    Lines(Objects),
    Range {
        start: i64,
        step: i64,
        count: usize,
    },
    /// Typed already.
    Columns(Column, usize),
}

/// Records that go through the kernels together.
struct Chunk {
    records: Records,
    rows: Range<usize>,
    may_change: bool,
}

/// The outcome of a chunk: results, as a block, or as a list if many records were handed back, with these and the number of results
/// before theirs; or no results, and all records.
pub(super) type Piece<'py> = (Option<Bound<'py, PyAny>>, Option<Bound<'py, PyList>>);

/// A result that a sink has not taken, with the iterator over those behind it.
type Left<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// The outcome of feeding: how a sink has taken all, or 0; else what it has not taken, and the piece behind that.
type Fed<'py> = (u8, Option<Left<'py>>, Option<Piece<'py>>);

#[pymethods]
impl KernelRun {
    /// Makes a run of steps (names and programs) over a source: the engine's lists, a range, or an iterable of lists. A
    /// generator is that of the step that draws random numbers. Where functions behind may change arrays in place, no array of
    /// the records is given on as a copy.
    #[new]
    #[pyo3(signature = (steps, source, generator=None, may_change=false))]
    fn new(
        steps: Vec<(String, Bound<'_, PyAny>)>,
        source: &Bound<'_, PyAny>,
        generator: Option<Py<PyAny>>,
        may_change: bool,
    ) -> PyResult<Self> {
        let run = Run::new(program::steps(&steps)?);
        let source = if let Ok(lists) = source.cast::<Lists>() {
            Source::Lists(lists.clone().unbind())
        } else if let Ok(range) = source.cast::<PyRange>() {
            Source::Range { start: range.start()? as i64, step: range.step()? as i64, left: source.len()? }
        } else {
            Source::Iterator(source.try_iter()?.unbind())
        };
        Ok(KernelRun {
            run,
            source,
            waiting: None,
            records: 0,
            handed_back: 0,
            timed: timing::at_work(),
            generator,
            may_change,
        })
    }

    /// The number of records that came, and of those that were handed back.
    #[getter]
    fn figures(&self) -> (u64, u64) {
        (self.records, self.handed_back)
    }

    /// Waits for the next records; returns whether there are any.
    fn pull(&mut self, py: Python<'_>) -> PyResult<bool> {
        while self.waiting.as_ref().is_none_or(|(records, from)| *from >= records.len(py)) {
            match self.source.next(py)? {
                Some(records) => self.waiting = Some((records, 0)),
                None => {
                    self.waiting = None;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Returns the results of the next chunk; None at the end.
    fn next_piece<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Piece<'py>>> {
        let Some(chunk) = self.next_chunk(py)? else { return Ok(None) };
        let Some((column, mask)) = chunk.column(py)? else { return self.whole(py, &chunk).map(Some) };
        let Some(mut outcome) = self.over(py, column, mask)? else { return self.whole(py, &chunk).map(Some) };
        outcome.hand_back_nan();
        let (column, rows, back) = outcome.into_parts();
        self.gave_back(back.len());
        let back_at = chunk.at_places(py, &back)?;
        if back.len() * LARGE <= rows {
            let block = Bound::new(py, Block::new(column, rows))?;
            return Ok(Some((Some(block.into_any()), back_at)));
        }
        let list = objects::list(py, &column, rows)?;
        Ok(Some((Some(list.into_any()), back_at)))
    }

    /// Returns the records of the next chunk as they are; None at the end.
    fn next_records<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let Some(chunk) = self.next_chunk(py)? else { return Ok(None) };
        if let Records::Objects(list) = &chunk.records
            && chunk.rows == (0..list.bind(py).len())
        {
            self.gave_back(chunk.rows.len());
            return Ok(Some(list.bind(py).clone()));
        }
        Ok(self.whole(py, &chunk)?.1)
    }

    /// Returns the number of results of the next chunk and the records that were handed back; None at the end.
    fn next_count<'py>(&mut self, py: Python<'py>) -> PyResult<Option<(usize, Option<Bound<'py, PyList>>)>> {
        let Some(chunk) = self.next_chunk(py)? else { return Ok(None) };
        let outcome =
            chunk.column(py)?.map(|(column, mask)| self.over(py, column, mask)).transpose()?.flatten();
        let Some(outcome) = outcome else { return Ok(Some((0, self.whole(py, &chunk)?.1))) };
        let (_, rows, back) = outcome.into_parts();
        self.gave_back(back.len());
        if back.is_empty() {
            return Ok(Some((rows, None)));
        }
        let records = back.iter().map(|(_, row)| chunk.record(py, *row)).collect::<PyResult<Vec<_>>>()?;
        Ok(Some((rows, Some(PyList::new(py, records)?))))
    }

    /// Joins the next chunk, of pairs, with values that a sink has put together by key. Returns the results as a block, or as a list of
    /// those of several types; or nothing and the records, of which some cannot be joined here; None at the end.
    fn next_joined<'py>(
        &mut self,
        py: Python<'py>,
        with: &KernelSink,
        how: &str,
    ) -> PyResult<Option<Piece<'py>>> {
        let Some(chunk) = self.next_chunk(py)? else { return Ok(None) };
        let how = match how {
            "inner" => Joined::Inner,
            "left" => Joined::LeftOuter,
            "right" => Joined::RightOuter,
            "full" => Joined::FullOuter,
            "subtract" => Joined::Subtract,
            "intersect" => Joined::Intersect,
            other => return Err(PyValueError::new_err(format!("there is no join `{other}`"))),
        };
        let outcome = chunk.column(py)?.and_then(|(column, mask)| self.run.over(column, mask, None).ok());
        let joined = outcome.and_then(|mut outcome| {
            outcome.hand_back_nan();
            let (column, rows, back) = outcome.into_parts();
            if back.is_empty() { with.grouped()?.join(&column, rows, how) } else { None }
        });
        match joined {
            Some(results) => Ok(Some((Some(join_results(py, results)?), None))),
            None => self.whole(py, &chunk).map(Some),
        }
    }

    /// Adds the results of the next chunk to a sink. Returns 1, or 2 if the interpreter has computed them all; or None at the end;
    /// or 0 and what the sink has not taken, of which it takes no more from then on: a result with the iterator behind it, if it is of
    /// records that were handed back, and the results behind these. `again` returns an iterator over the results of records.
    fn feed<'py>(
        &mut self,
        py: Python<'py>,
        sink: &mut KernelSink,
        again: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Fed<'py>>> {
        let Some(chunk) = self.next_chunk(py)? else { return Ok(None) };
        let outcome =
            chunk.column(py)?.map(|(column, mask)| self.over(py, column, mask)).transpose()?.flatten();
        let Some(mut outcome) = outcome else {
            let Some(records) = self.whole(py, &chunk)?.1 else { return Ok(None) };
            let left = feed_again(sink, again, records.as_any())?;
            let is_large = chunk.rows.len() >= LARGE;
            return Ok(Some(match left {
                Some(left) => (0, Some(left), Some((None, None))),
                None => (if is_large { 2 } else { 1 }, None, None),
            }));
        };
        outcome.hand_back_nan();
        let (column, rows, back) = outcome.into_parts();
        self.gave_back(back.len());
        let column = column.spread(rows);
        sink.expect(&column, rows);
        let mut from = 0;
        for (at, (before, row)) in back.iter().enumerate() {
            let taken = feed_rows(py, sink, &column, rows, from..*before)?;
            if taken < *before {
                return Ok(Some((0, None, Some(rest(py, &chunk, &column, taken..rows, &back[at..])?))));
            }
            from = *before;
            let records = PyTuple::new(py, [chunk.record(py, *row)?])?;
            if let Some(left) = feed_again(sink, again, records.as_any())? {
                let rest = rest(py, &chunk, &column, from..rows, &back[at + 1..])?;
                return Ok(Some((0, Some(left), Some(rest))));
            }
        }
        let taken = feed_rows(py, sink, &column, rows, from..rows)?;
        if taken < rows {
            return Ok(Some((0, None, Some(rest(py, &chunk, &column, taken..rows, &[])?))));
        }
        Ok(Some((1, None, None)))
    }
}

/// Returns results of a join as a block, or as a list of those of several types.
fn join_results(py: Python<'_>, results: JoinResults) -> PyResult<Bound<'_, PyAny>> {
    match results {
        JoinResults::Alike(column, rows) => Ok(Bound::new(py, Block::new(column, rows))?.into_any()),
        JoinResults::Mixed { with, without, has_partner } => {
            let mut with = objects::list(py, &with.0.spread(with.1), with.1)?.into_iter();
            let mut without = objects::list(py, &without.0.spread(without.1), without.1)?.into_iter();
            let next = |has_partner: &bool| if *has_partner { with.next() } else { without.next() };
            let all: Vec<_> = has_partner.iter().filter_map(next).collect();
            Ok(PyList::new(py, all)?.into_any())
        }
    }
}

/// A chunk of so many records that could not be computed says something of those behind it.
const LARGE: usize = 32;

/// The most rows of a chunk that are added as objects: behind each the others begin again.
const ROWS_AS_OBJECTS: usize = 64;

/// Adds rows to a sink, those that it cannot take as they are as objects. Returns the row before which it has stopped.
fn feed_rows(
    py: Python<'_>,
    sink: &mut KernelSink,
    column: &Column,
    rows: usize,
    some: Range<usize>,
) -> PyResult<usize> {
    let mut from = some.start;
    for _ in 0..ROWS_AS_OBJECTS {
        from = sink.add_rows(column, rows, from..some.end);
        if from == some.end || !sink.add_row(py, column, from)? {
            return Ok(from);
        }
        from += 1;
    }
    Ok(sink.add_rows(column, rows, from..some.end))
}

/// Adds the results of records that were handed back to a sink. Returns one that it has not taken, with the iterator behind it.
///
/// One by one: a result that cannot be added fails before the function is called for the next record.
fn feed_again<'py>(
    sink: &mut KernelSink,
    again: &Bound<'py, PyAny>,
    records: &Bound<'py, PyAny>,
) -> PyResult<Option<Left<'py>>> {
    let results = again.call1((records,))?.try_iter()?;
    for result in results.clone() {
        let result = result?;
        if !sink.add_object(&result)? {
            return Ok(Some((result, results.into_any())));
        }
    }
    Ok(None)
}

/// Returns some of a chunk's results, the last.
fn rest<'py>(
    py: Python<'py>,
    chunk: &Chunk,
    column: &Column,
    some: Range<usize>,
    back: &[(usize, usize)],
) -> PyResult<Piece<'py>> {
    let list = objects::list(py, &column.slice(some.clone()), some.len())?;
    let moved: Vec<_> = back.iter().map(|(before, row)| (before - some.start, *row)).collect();
    Ok((Some(list.into_any()), chunk.at_places(py, &moved)?))
}

impl KernelRun {
    /// Takes a batch through all steps; `None` if they cannot. Random numbers that were drawn are gone from Python's
    /// generator, too, unless the batch is handed back: then its records draw them.
    fn over(&self, py: Python<'_>, column: Column, mask: Mask) -> PyResult<Option<Outcome>> {
        let Some(generator) = &self.generator else {
            return Ok(self.run.over(column, mask, None).ok());
        };
        let generator = generator.bind(py);
        let Some(mut twister) = random::taken(generator)? else { return Ok(None) };
        let Ok(mut outcome) = self.run.over(column, mask, Some(&mut twister)) else { return Ok(None) };
        outcome.hand_back_nan();
        if !outcome.is_whole() {
            return Ok(None);
        }
        random::given(generator, &twister)?;
        Ok(Some(outcome))
    }

    /// Counts records that were handed back.
    fn gave_back(&mut self, records: usize) {
        self.handed_back += records as u64;
        self.timed.iter().for_each(|timed| timed.natively(0, records));
    }

    /// Hands a chunk back.
    fn whole<'py>(&mut self, py: Python<'py>, chunk: &Chunk) -> PyResult<Piece<'py>> {
        self.gave_back(chunk.rows.len());
        if let Records::Columns(..) = &chunk.records
            && let Some((column, _)) = chunk.column(py)?
        {
            return Ok((None, Some(objects::list(py, &column, chunk.rows.len())?)));
        }
        let records =
            chunk.rows.clone().map(|row| chunk.records.record(py, row)).collect::<PyResult<Vec<_>>>()?;
        Ok((None, Some(PyList::new(py, records)?)))
    }

    fn next_chunk(&mut self, py: Python<'_>) -> PyResult<Option<Chunk>> {
        if !self.pull(py)? {
            return Ok(None);
        }
        let Some((records, from)) = self.waiting.take() else { return Ok(None) };
        let rows = from..records.len(py).min(from + ROWS_AT_MOST);
        self.records += rows.len() as u64;
        self.timed.iter().for_each(|timed| timed.natively(rows.len(), 0));
        self.waiting = Some((records.clone(), rows.end));
        Ok(Some(Chunk { records, rows, may_change: self.may_change }))
    }
}

impl Source {
    fn next(&mut self, py: Python<'_>) -> PyResult<Option<Records>> {
        match self {
            Source::Lists(lists) => {
                let mut lists = lists.bind(py).borrow_mut();
                let Some(objects) = lists.next_objects()? else { return Ok(None) };
                if objects.lines().is_some() {
                    return Ok(Some(Records::Lines(objects)));
                }
                if let Some((column, rows)) = objects.typed()? {
                    lists.given(rows);
                    return Ok(Some(Records::Columns(column, rows)));
                }
                let list = objects.list(py)?;
                lists.given(list.len());
                Ok(Some(Records::Objects(Rc::new(list.unbind()))))
            }
            Source::Iterator(lists) => match lists.bind(py).clone().next().transpose()? {
                Some(list) => {
                    if let Ok(block) = list.cast::<Block>() {
                        let block = block.borrow();
                        let (column, rows) = block.parts();
                        return Ok(Some(Records::Columns(column.clone(), rows)));
                    }
                    let list = list.cast_into::<PyList>();
                    let list = list.map_err(|_| PyTypeError::new_err("kernels run over lists of records"))?;
                    Ok(Some(Records::Objects(Rc::new(list.unbind()))))
                }
                None => Ok(None),
            },
            Source::Range { start, step, left } => {
                let count = ROWS_AT_MOST.min(*left);
                let records = Records::Range { start: *start, step: *step, count };
                *left -= count;
                *start = start.wrapping_add(step.wrapping_mul(count as i64));
                Ok((count > 0).then_some(records))
            }
        }
    }
}

impl Records {
    fn len(&self, py: Python<'_>) -> usize {
        match self {
            Records::Objects(list) => list.bind(py).len(),
            Records::Lines(objects) => objects.lines().map_or(0, <[String]>::len),
            Records::Range { count, .. } => *count,
            Records::Columns(_, rows) => *rows,
        }
    }

    fn record<'py>(&self, py: Python<'py>, row: usize) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Records::Objects(list) => list.bind(py).get_item(row),
            Records::Lines(objects) => {
                let line = objects.lines().and_then(|lines| lines.get(row)).map_or("", String::as_str);
                Ok(PyString::new(py, line).into_any())
            }
            Records::Range { start, step, .. } => {
                Ok((start + step * row as i64).into_pyobject(py)?.into_any())
            }
            Records::Columns(column, _) => objects::list(py, &column.slice(row..row + 1), 1)?.get_item(0),
        }
    }
}

impl Chunk {
    /// Returns the records as a column, with those marked that cannot be in it; `None` if that is not to be computed here.
    fn column(&self, py: Python<'_>) -> PyResult<Option<(Column, Mask)>> {
        let Some((column, mask)) = self.read(py)? else { return Ok(None) };
        let is_trusted = !arrays::has_any(&column) || arrays::are_trusted(py)?;
        Ok(is_trusted.then_some((column, mask)))
    }

    fn read(&self, py: Python<'_>) -> PyResult<Option<(Column, Mask)>> {
        match &self.records {
            Records::Objects(list) => {
                let read = objects::column(list.bind(py), self.rows.clone())?;
                Ok(read.map(|(column, mask)| (if self.may_change { column.shared() } else { column }, mask)))
            }
            Records::Lines(lines) => {
                let lines = lines.lines().unwrap_or_default();
                Ok(Some(objects::texts(lines[self.rows.clone()].iter().map(String::as_str))))
            }
            Records::Range { start, step, .. } => {
                let numbers = self.rows.clone().map(|row| start + step * row as i64);
                Ok(Some((Column::ints(numbers.collect()), Mask::new(self.rows.len()))))
            }
            Records::Columns(column, rows) if self.rows == (0..*rows) => {
                Ok(Some((column.clone(), Mask::new(*rows))))
            }
            Records::Columns(column, _) => {
                Ok(Some((column.slice(self.rows.clone()), Mask::new(self.rows.len()))))
            }
        }
    }

    fn record<'py>(&self, py: Python<'py>, row: usize) -> PyResult<Bound<'py, PyAny>> {
        self.records.record(py, self.rows.start + row)
    }

    /// Returns records with the number of results before theirs; None of none.
    fn at_places<'py>(
        &self,
        py: Python<'py>,
        back: &[(usize, usize)],
    ) -> PyResult<Option<Bound<'py, PyList>>> {
        if back.is_empty() {
            return Ok(None);
        }
        let places = back.iter().map(|(before, row)| Ok((*before, self.record(py, *row)?)));
        Ok(Some(PyList::new(py, places.collect::<PyResult<Vec<_>>>()?)?))
    }
}
