//! The parameters of a request, read as Spark reads them: what is no number, or no name of a known state, is refused as
//! if the path did not exist.

use super::answer::Refusal;
use firesteel_status::store::{
    ApplicationsAsk, JobStatus, StageAsk, StageStatus, TaskAsk, TaskSort, TaskStatus,
};
use percent_encoding::percent_decode_str;

/// The quantiles of a stage's tasks that are told with it if none are asked for.
const STAGE_QUANTILES: &str = "0.0,0.25,0.5,0.75,1.0";

/// The quantiles of a stage's tasks alone, likewise.
pub(super) const TASK_QUANTILES: &str = "0.05,0.25,0.5,0.75,0.95";

/// The most quantiles of a request.
const MAX_QUANTILES: usize = 1000;

/// The number of tasks of a list if none is asked for.
const LIST_LENGTH: i64 = 20;

/// Names and values, in the order of the request.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query such as `status=running&limit=3`.
    pub(super) fn of(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        };
        Parameters(pairs.map(pair).collect())
    }

    fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Reads a number.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.first(name) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| Refusal::not_found("HTTP 404 Not Found")),
        }
    }

    fn flag(&self, name: &str, default: bool) -> bool {
        self.first(name).map_or(default, |text| text.eq_ignore_ascii_case("true"))
    }

    fn named<T>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Refusal> {
        let unknown = || Refusal::not_found("HTTP 404 Not Found");
        self.all(name).map(|text| read(text).ok_or_else(unknown)).collect()
    }

    /// Reads the states of jobs that are asked for.
    pub(super) fn job_status(&self) -> Result<Vec<JobStatus>, Refusal> {
        self.named("status", JobStatus::named)
    }

    /// Reads the states of stages that are asked for.
    pub(super) fn stage_status(&self) -> Result<Vec<StageStatus>, Refusal> {
        self.named("status", StageStatus::named)
    }

    /// Reads how much of a stage is asked for.
    pub(super) fn stage_ask(&self, details: bool) -> Result<StageAsk, Refusal> {
        let task_status = self.named("taskStatus", task_status)?.into_iter().flatten().collect();
        let quantiles = self.quantiles(STAGE_QUANTILES)?;
        Ok(StageAsk {
            details: self.flag("details", details),
            task_status,
            summaries: self.flag("withSummaries", false).then_some(quantiles),
        })
    }

    /// Reads quantiles.
    pub(super) fn quantiles(&self, default: &str) -> Result<Vec<f64>, Refusal> {
        let texts = self.first("quantiles").unwrap_or(default).split(',');
        let read = |text: &str| {
            text.trim().parse::<f64>().map_err(|_| {
                Refusal::bad(format!(
                    "Bad value for parameter \"quantiles\".  Expected a double, got \"{text}\""
                ))
            })
        };
        texts.take(MAX_QUANTILES).map(read).collect()
    }

    /// Reads which page of tasks is asked for.
    pub(super) fn task_ask(&self) -> Result<TaskAsk, Refusal> {
        let (sort, descending) = match self.first("sortBy").unwrap_or("ID").to_ascii_uppercase().as_str() {
            "ID" => (TaskSort::Id, false),
            "RUNTIME" | "INCREASING_RUNTIME" => (TaskSort::RunTime, false),
            "-RUNTIME" | "DECREASING_RUNTIME" => (TaskSort::RunTime, true),
            _ => return Err(Refusal::not_found("HTTP 404 Not Found")),
        };
        let count = |number: Option<i64>, default: i64| number.unwrap_or(default).max(0) as usize;
        Ok(TaskAsk {
            offset: count(self.number("offset")?, 0),
            length: count(self.number("length")?, LIST_LENGTH),
            sort,
            descending,
            status: self.named("status", task_status)?.into_iter().flatten().collect(),
        })
    }

    /// Reads which applications are asked for.
    pub(super) fn applications_ask(&self, now: i64) -> Result<ApplicationsAsk, Refusal> {
        let known = |text: &str| matches!(text, "COMPLETED" | "RUNNING").then(|| text == "COMPLETED");
        let completed: Vec<bool> = self.named("status", |text| known(&text.to_ascii_uppercase()))?;
        let wants = |state: bool| completed.is_empty() || completed.contains(&state);
        Ok(ApplicationsAsk {
            completed: wants(true),
            running: wants(false),
            min_date: self.date("minDate")?,
            max_date: self.date("maxDate")?,
            min_end_date: self.date("minEndDate")?,
            max_end_date: self.date("maxEndDate")?,
            now,
            limit: self.number("limit")?.map_or(usize::MAX, |limit| limit.max(0) as usize),
        })
    }

    fn date(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.first(name) else { return Ok(None) };
        date(text).map(Some).ok_or_else(|| Refusal::bad(format!("Couldn't parse date: {text}")))
    }
}

/// Reads the state of a task. `UNKNOWN` is a state that no task is in.
fn task_status(text: &str) -> Option<Option<TaskStatus>> {
    match TaskStatus::named(text) {
        Some(status) => Some(Some(status)),
        None => text.eq_ignore_ascii_case("UNKNOWN").then_some(None),
    }
}

/// Reads `2026-11-29T01:41:12.627GMT` or `2026-11-29`, in milliseconds since 1970.
fn date(text: &str) -> Option<i64> {
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let mut parts = day.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(0..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let midnight = days_since_1970(year, month, day) * 86_400_000;
    let Some(time) = time else { return Some(midnight) };
    let time = time.trim_end_matches("GMT").trim_end_matches("UTC").trim_end_matches('Z');
    let mut parts = time.splitn(3, ':');
    let (hour, minute) = (parts.next()?.parse::<i64>().ok()?, parts.next()?.parse::<i64>().ok()?);
    let (second, ms) = parts.next()?.split_once('.')?;
    let (second, ms) = (second.parse::<i64>().ok()?, ms.parse::<i64>().ok()?);
    let in_range = (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..61).contains(&second)
        && (0..1000).contains(&ms);
    in_range.then(|| midnight + ((hour * 60 + minute) * 60 + second) * 1000 + ms)
}

/// Counts days, in years that begin in March (Howard Hinnant's `days_from_civil`).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Decodes `%20` and `+`.
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_written() {
        assert_eq!(date("2026-11-29T01:41:12.627GMT"), Some(1_795_916_472_627));
        assert_eq!(date("1970-01-02"), Some(86_400_000));
        for wrong in ["foo", "2026-13-01", "2026-11-29T01:41", "2026-11-29T25:00:00.000GMT", ""] {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_page_of_tasks_has_spark_s_defaults() {
        let ask = Parameters::of("").task_ask().unwrap();
        assert_eq!((ask.offset, ask.length, ask.sort, ask.descending), (0, 20, TaskSort::Id, false));
        let ask = Parameters::of("sortBy=-runtime&offset=-1&length=3&status=failed&status=UNKNOWN")
            .task_ask()
            .unwrap();
        assert_eq!((ask.offset, ask.length, ask.sort, ask.descending), (0, 3, TaskSort::RunTime, true));
        assert_eq!(ask.status, [TaskStatus::Failed]);
        assert!(Parameters::of("sortBy=foo").task_ask().is_err());
        assert!(Parameters::of("length=x").task_ask().is_err());
    }

    #[test]
    fn texts_are_decoded() {
        assert_eq!(decoded("a%20b+c%2Fd%zz%"), "a b c/d%zz%");
    }
}
