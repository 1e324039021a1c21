//! Several functions in a row over batches: `map`, `filter`, `flatMap` and their kin.
//!
//! Every result knows its source row. A row that any function does not answer for is marked at the source, so that all
//! its results can be left out, and the interpreter runs the whole row of functions on that source record.

use crate::answer::{Answer, Mask, Refused};
use crate::column::{Column, List, Scalar};
use crate::eval::evaluate;
use crate::nans::mark_nan;
use crate::numbers;
use crate::program::Function;
use crate::random::Twister;
use crate::sequences::listed;

/// One operation of an RDD.
#[derive(Clone, Debug)]
pub enum Step {
    /// Gives `function(record)`.
    Map(Function),
    /// Gives the records for which `function(record)` is true.
    Filter(Function),
    /// Gives every item of `function(record)`.
    FlatMap(Function),
    /// Gives `(function(record), record)`.
    KeyBy(Function),
    /// Gives `(key, function(value))`.
    MapValues(Function),
    /// Gives `(key, item)` for every item of `function(value)`.
    FlatMapValues(Function),
    /// Gives the first item of each record.
    Keys,
    /// Gives the second item of each record.
    Values,
}

/// Operations in a row.
#[derive(Clone, Debug)]
pub struct Run {
    steps: Vec<Step>,
}

/// The results of a batch.
pub struct Outcome {
    /// The results, also those that mean nothing since their source row is marked.
    column: Column,
    rows: usize,
    /// The source row of each result, ascending; each row is its own where this is not said.
    origin: Option<Vec<u32>>,
    /// The source rows that are handed back.
    bad: Mask,
}

impl Run {
    /// Makes a run of operations.
    pub fn new(steps: Vec<Step>) -> Run {
        Run { steps }
    }

    /// Takes a batch through all operations. Rows that are marked already are handed back as well. Where a function draws
    /// random numbers, of `random`, the whole batch is refused if any row is marked.
    pub fn over(
        &self,
        column: Column,
        bad: Mask,
        mut random: Option<&mut Twister>,
    ) -> Result<Outcome, Refused> {
        let mut now = Outcome { rows: bad.rows(), column, origin: None, bad };
        for step in &self.steps {
            if now.rows == 0 {
                break;
            }
            now.take(step, random.as_deref_mut())?;
        }
        // Two lists of a record may be one to Python: a change to one would be a change to both.
        if now.column.lists() > 1 {
            return Err(Refused("several lists or arrays in a record"));
        }
        // An array of a table is one object to Python, in all records that have it.
        if now.column.has_shared() {
            return Err(Refused("an array of a table"));
        }
        if now.column.repeats_groups() {
            return Err(Refused("groups in many records each"));
        }
        if random.is_some() && now.bad.any() {
            return Err(Refused("random numbers beside a record for the interpreter"));
        }
        Ok(now)
    }
}

impl Outcome {
    /// Hands back each source row of which a result holds a float that is no number. Each such float is an object of its own
    /// to Python, and equal to itself in containers, so that objects made here would be other ones.
    pub fn hand_back_nan(&mut self) {
        let mut found = Mask::new(self.rows);
        mark_nan(&self.column, &mut found);
        self.mark(&found);
    }

    /// Returns whether all source rows were answered for.
    pub fn is_whole(&self) -> bool {
        !self.bad.any()
    }

    /// Returns the results whose source rows were answered for, their number, and for each other source row the number of
    /// results before its own.
    pub fn into_parts(self) -> (Column, usize, Vec<(usize, usize)>) {
        if !self.bad.any() {
            return (self.column, self.rows, vec![]);
        }
        let source = |row: usize| self.origin.as_ref().map_or(row, |origin| origin[row] as usize);
        let kept: Vec<u32> =
            (0..self.rows).filter(|row| !self.bad.has(source(*row))).map(|row| row as u32).collect();
        let mut back = vec![];
        let mut before = 0;
        for marked in (0..self.bad.rows()).filter(|row| self.bad.has(*row)) {
            while kept.get(before).is_some_and(|row| source(*row as usize) < marked) {
                before += 1;
            }
            back.push((before, marked));
        }
        (self.column.gather(&kept), kept.len(), back)
    }

    fn take(&mut self, step: &Step, random: Option<&mut Twister>) -> Answer<()> {
        match step {
            Step::Map(function) => self.column = self.applied(function, self.column.clone(), random)?,
            Step::Filter(function) => {
                let truths = self.applied(function, self.column.clone(), random)?;
                let truths = numbers::truths(&truths, self.rows)?;
                let kept: Vec<u32> = (0..self.rows as u32).filter(|row| truths[*row as usize]).collect();
                if kept.len() < self.rows {
                    self.choose(self.column.gather(&kept), &kept);
                }
            }
            Step::FlatMap(function) => {
                let lists = self.applied(function, self.column.clone(), random)?;
                let (items, rows) = exploded(lists, self.rows)?;
                self.choose(items, &rows);
            }
            Step::KeyBy(function) => {
                let key = self.applied(function, self.column.clone(), random)?;
                self.column = Column::Tuple(vec![key, self.column.clone()]);
            }
            Step::MapValues(function) => {
                let (key, value) = pair(&self.column)?;
                self.column = Column::Tuple(vec![key, self.applied(function, value, random)?]);
            }
            Step::FlatMapValues(function) => {
                let (key, value) = pair(&self.column)?;
                // All pairs of a key that is a list would have the same list.
                if key.lists() > 0 {
                    return Err(Refused("a list as a key"));
                }
                let lists = self.applied(function, value, random)?;
                let (items, rows) = exploded(lists, self.rows)?;
                self.choose(Column::Tuple(vec![key.gather(&rows), items]), &rows);
            }
            Step::Keys => self.column = part(&self.column, 0)?,
            Step::Values => self.column = part(&self.column, 1)?,
        }
        Ok(())
    }

    /// Computes a function of a column, and marks the source rows of what it does not answer for.
    fn applied(
        &mut self,
        function: &Function,
        argument: Column,
        random: Option<&mut Twister>,
    ) -> Answer<Column> {
        let mut mask = Mask::new(self.rows);
        let result = evaluate(function, &[argument], random, &mut mask)?;
        self.mark(&mask);
        Ok(result)
    }

    /// Marks the source rows of rows that are marked.
    fn mark(&mut self, mask: &Mask) {
        if !mask.any() {
            return;
        }
        for row in (0..self.rows).filter(|row| mask.has(*row)) {
            self.bad.set(self.origin.as_ref().map_or(row, |origin| origin[row] as usize));
        }
    }

    /// Goes on with other rows, of which each comes from one of the present ones.
    fn choose(&mut self, column: Column, from: &[u32]) {
        let origin = match &self.origin {
            None => from.to_vec(),
            Some(origin) => from.iter().map(|row| origin[*row as usize]).collect(),
        };
        (self.column, self.rows, self.origin) = (column, from.len(), Some(origin));
    }
}

/// Returns the items of all lists, and the row of each.
fn exploded(lists: Column, rows: usize) -> Answer<(Column, Vec<u32>)> {
    let list = match lists {
        Column::List(list) | Column::Group(list) => list,
        Column::Record(class, _) if !class.is_tuple() => {
            return Err(Refused("items of a value of this type"));
        }
        Column::Tuple(parts) | Column::Record(_, parts) => match listed(&parts, rows)? {
            Column::List(list) => list,
            _ => return Err(Refused("items of several types")),
        },
        Column::Const(_)
        | Column::Bool(_)
        | Column::Int(_)
        | Column::Float(_)
        | Column::Text(_)
        | Column::Numpy(_) => return Err(Refused("items of a value of this type")),
    };
    let List { spans, items } = list;
    let total: u64 = spans.iter().map(|(from, to)| u64::from(to - from)).sum();
    if u32::try_from(total).is_err() {
        return Err(Refused("more items than a batch may have"));
    }
    let owners = spans.iter().enumerate();
    let owners = owners.flat_map(|(row, (from, to))| (*from..*to).map(move |_| row as u32)).collect();
    let at: Vec<u32> = spans.iter().flat_map(|(from, to)| *from..*to).collect();
    Ok((items.gather(&at), owners))
}

/// Takes pairs apart, as `for key, value in pairs` does.
fn pair(column: &Column) -> Answer<(Column, Column)> {
    if let Some([one, two]) = column.parts() {
        return Ok((one.clone(), two.clone()));
    }
    match column {
        Column::Const(Scalar::Tuple(items)) if items.len() == 2 => {
            Ok((Column::Const(items[0].clone()), Column::Const(items[1].clone())))
        }
        _ => Err(Refused("records that are no pairs")),
    }
}

fn part(column: &Column, at: usize) -> Answer<Column> {
    if let Some(part) = column.parts().and_then(|parts| parts.get(at)) {
        return Ok(part.clone());
    }
    match column {
        Column::Const(Scalar::Tuple(items)) if items.len() > at => Ok(Column::Const(items[at].clone())),
        _ => Err(Refused("records that are no tuples")),
    }
}
