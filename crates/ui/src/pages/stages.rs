//! The page of all stages.

use crate::pages::format::{count, duration};
use crate::pages::frame::{Fact, Frame, fact};
use crate::pages::looking::{Looking, NoPage};
use crate::pages::rows::{Filter, StageRow, Table, filters, stage_table};
use askama::Template;
use firesteel_status::store::{StageAsk, StageData, StageStatus};

#[derive(Template)]
#[template(path = "stages.html")]
struct StagesPage {
    frame: Frame,
    facts: Vec<Fact>,
    shown: String,
    filters: Vec<Filter>,
    table: Table<StageRow>,
}

/// Makes the page.
pub(super) fn make(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let all = looking.view().stages(&[], &StageAsk::default());
    let number = |status| all.iter().filter(|stage| stage.status == status).count();
    let states = [
        ("running", "ACTIVE", number(StageStatus::Active)),
        ("waiting", "PENDING", number(StageStatus::Pending)),
        ("succeeded", "COMPLETE", number(StageStatus::Complete)),
        ("failed", "FAILED", number(StageStatus::Failed)),
        ("skipped", "SKIPPED", number(StageStatus::Skipped)),
    ];
    let sum = |figure: fn(&StageData) -> i64| {
        all.iter().fold(0, |sum: i64, stage| sum.saturating_add(figure(stage)))
    };
    let facts = vec![
        fact("Running", count(states[0].2 as i64)),
        fact("Succeeded", count(states[2].2 as i64)),
        fact("Failed", count(states[3].2 as i64)),
        fact("Tasks succeeded", count(sum(|stage| stage.num_complete_tasks))),
        fact("Tasks failed", count(sum(|stage| stage.num_failed_tasks))),
        fact("Task time", duration(sum(|stage| stage.executor_run_time))),
    ];
    let ask = looking.ask();
    let base = format!("{}/stages/?", looking.here.base);
    let filters = filters(&base, &ask, &states);
    let wanted = ask.show.as_deref().and_then(StageStatus::named);
    let chosen: Vec<StageData> =
        all.into_iter().filter(|stage| wanted.is_none_or(|wanted| stage.status == wanted)).collect();
    let shown = count(chosen.len() as i64);
    let table = stage_table(looking, chosen, base);
    Ok(StagesPage { frame, facts, shown, filters, table }.render()?)
}
