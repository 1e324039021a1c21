//! Which endpoint a path means. Numbers must be numbers: what looks like an endpoint but is none is an attempt's id, or
//! nothing, as with Spark.

/// An application, or one attempt at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) application: String,
    pub(super) attempt: Option<String>,
}

/// The endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Version,
    Applications,
    Application(String),
    AttemptInfo(String, String),
    Jobs(Attempt),
    Job(Attempt, i64),
    Stages(Attempt),
    StageAttempts(Attempt, i64),
    Stage(Attempt, i64, i64),
    TaskSummary(Attempt, i64, i64),
    TaskList(Attempt, i64, i64),
    Executors(Attempt, Which),
    Threads(Attempt, String),
    /// Processes of other kinds, of which neither Spark's own applications nor ours have any.
    Processes(Attempt),
    Rdds(Attempt),
    Rdd(Attempt, i64),
    Environment(Attempt),
    Logs(Attempt),
    /// Queries in SQL: ours have none, and those of Spark's logs are not read.
    Queries(Attempt),
    Query(Attempt, i64),
    /// Streams, which neither ours have nor Spark's newer ones.
    Streaming(Attempt),
    /// Server-sent events, Firesteel's own.
    Changes(Attempt),
}

/// Which executors are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that are there.
    Active,
    /// Those that are gone, too.
    All,
}

impl Endpoint {
    /// Returns the endpoint of a path after `/api/v1/`, in segments.
    pub(super) fn of(segments: &[&str]) -> Option<Endpoint> {
        match segments {
            ["version"] => Some(Endpoint::Version),
            ["applications"] => Some(Endpoint::Applications),
            ["applications", application] => Some(Endpoint::Application((*application).to_owned())),
            ["applications", application, rest @ ..] => {
                let whole = Attempt { application: (*application).to_owned(), attempt: None };
                Endpoint::within(whole.clone(), rest).or_else(|| match rest {
                    [attempt] => Some(Endpoint::AttemptInfo(whole.application, (*attempt).to_owned())),
                    [attempt, rest @ ..] => {
                        Endpoint::within(Attempt { attempt: Some((*attempt).to_owned()), ..whole }, rest)
                    }
                    [] => None,
                })
            }
            _ => None,
        }
    }

    fn within(of: Attempt, rest: &[&str]) -> Option<Endpoint> {
        let endpoint = match rest {
            ["jobs"] => Endpoint::Jobs(of),
            ["jobs", job] => Endpoint::Job(of, number(job)?),
            ["stages"] => Endpoint::Stages(of),
            ["stages", stage] => Endpoint::StageAttempts(of, number(stage)?),
            ["stages", stage, attempt] => Endpoint::Stage(of, number(stage)?, number(attempt)?),
            ["stages", stage, attempt, "taskSummary"] => {
                Endpoint::TaskSummary(of, number(stage)?, number(attempt)?)
            }
            ["stages", stage, attempt, "taskList"] => {
                Endpoint::TaskList(of, number(stage)?, number(attempt)?)
            }
            ["executors"] => Endpoint::Executors(of, Which::Active),
            ["allexecutors"] => Endpoint::Executors(of, Which::All),
            ["executors", executor, "threads"] => Endpoint::Threads(of, (*executor).to_owned()),
            ["allmiscellaneousprocess"] => Endpoint::Processes(of),
            ["storage", "rdd"] => Endpoint::Rdds(of),
            ["storage", "rdd", rdd] => Endpoint::Rdd(of, number(rdd)?),
            ["environment"] => Endpoint::Environment(of),
            ["logs"] => Endpoint::Logs(of),
            ["sql"] => Endpoint::Queries(of),
            ["sql", query] => Endpoint::Query(of, number(query)?),
            ["streaming", _, ..] => Endpoint::Streaming(of),
            ["events"] => Endpoint::Changes(of),
            _ => return None,
        };
        Some(endpoint)
    }
}

/// Reads digits alone: Spark's ids are never negative.
fn number(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Option<Endpoint> {
        Endpoint::of(&path.split('/').collect::<Vec<_>>())
    }

    #[test]
    fn an_attempt_may_stand_before_the_endpoint() {
        let whole = Attempt { application: "a-1".into(), attempt: None };
        let second = Attempt { application: "a-1".into(), attempt: Some("2".into()) };
        assert_eq!(of("applications/a-1/jobs/3"), Some(Endpoint::Job(whole.clone(), 3)));
        assert_eq!(of("applications/a-1/2/jobs/3"), Some(Endpoint::Job(second.clone(), 3)));
        assert_eq!(of("applications/a-1/2/stages/3/0/taskList"), Some(Endpoint::TaskList(second, 3, 0)));
        assert_eq!(of("applications/a-1/2"), Some(Endpoint::AttemptInfo("a-1".into(), "2".into())));
        assert_eq!(of("applications/a-1/events"), Some(Endpoint::Changes(whole)));
    }

    #[test]
    fn what_is_no_number_is_no_endpoint() {
        for path in
            ["", "foo", "applications/a/jobs/x", "applications/a/stages/-1", "applications/a/jobs/1/2"]
        {
            assert_eq!(of(path), None, "{path}");
        }
        assert_eq!(of("applications/a/stages/99999999999999999999"), None);
    }
}
