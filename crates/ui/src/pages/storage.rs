//! The pages of persisted RDDs.

use crate::pages::bands::{Tasks, progress};
use crate::pages::format::{bytes, count};
use crate::pages::frame::{Fact, Frame, fact};
use crate::pages::looking::{Looking, NoPage};
use crate::pages::markup::Markup;
use crate::pages::paging::{Column, Pages, ROWS};
use crate::pages::rows::sort;
use askama::Template;
use firesteel_status::store::{RddPartitionInfo, RddStorageInfo};

#[derive(Template)]
#[template(path = "storage.html")]
struct StoragePage {
    frame: Frame,
    facts: Vec<Fact>,
    rows: Vec<RddRow>,
}

struct RddRow {
    id: i64,
    href: String,
    name: String,
    level: String,
    progress: Markup,
    memory: String,
    disk: String,
}

#[derive(Template)]
#[template(path = "rdd.html")]
struct RddPage {
    frame: Frame,
    id: i64,
    name: String,
    facts: Vec<Fact>,
    progress: Markup,
    places: Vec<PlaceRow>,
    pages: Pages,
    columns: Vec<Column>,
    partitions: Vec<PartitionRow>,
}

struct PlaceRow {
    address: String,
    memory: String,
    left: String,
    disk: String,
}

struct PartitionRow {
    name: String,
    level: String,
    memory: String,
    disk: String,
    executors: String,
}

fn kept(rdd: &RddStorageInfo) -> Markup {
    progress(Tasks { total: rdd.num_partitions, done: rdd.num_cached_partitions, ..Tasks::default() })
}

/// Makes the page of all of them.
pub(super) fn make(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let rdds = looking.view().rdds();
    let sum = |figure: fn(&RddStorageInfo) -> i64| {
        rdds.iter().fold(0, |sum: i64, rdd| sum.saturating_add(figure(rdd)))
    };
    let facts = vec![
        fact("RDDs", count(rdds.len() as i64)),
        fact("In memory", bytes(sum(|rdd| rdd.memory_used))),
        fact("On disk", bytes(sum(|rdd| rdd.disk_used))),
    ];
    let row = |rdd: &RddStorageInfo| RddRow {
        id: rdd.id,
        href: format!("{}/storage/rdd/?id={}", looking.here.base, rdd.id),
        name: rdd.name.clone(),
        level: rdd.storage_level.clone(),
        progress: kept(rdd),
        memory: bytes(rdd.memory_used),
        disk: bytes(rdd.disk_used),
    };
    Ok(StoragePage { frame, facts, rows: rdds.iter().map(row).collect() }.render()?)
}

/// Makes the page of one.
pub(super) fn make_rdd(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let id = looking.number("id")?;
    let rdd = looking.view().rdd(id);
    let missing = || {
        NoPage::Unknown(format!(
            "Of RDD {id} nothing is kept: it is not persisted, or not yet, or not any more."
        ))
    };
    let rdd = rdd.ok_or_else(missing)?;
    let mut partitions: Vec<(usize, RddPartitionInfo)> =
        rdd.partitions.clone().unwrap_or_default().into_iter().enumerate().collect();
    let base = format!("{}/storage/rdd/?id={id}&", looking.here.base);
    let pages = Pages::new(base, &looking.ask(), partitions.len(), "block", false);
    sort(&mut partitions, &pages, |one, other| {
        let order = match pages.sort() {
            "memory" => one.1.memory_used.cmp(&other.1.memory_used),
            "disk" => one.1.disk_used.cmp(&other.1.disk_used),
            "executors" => one.1.executors.cmp(&other.1.executors),
            _ => std::cmp::Ordering::Equal,
        };
        order.then(one.0.cmp(&other.0))
    });
    let row = |(_, one): &(usize, RddPartitionInfo)| PartitionRow {
        name: one.block_name.clone(),
        level: one.storage_level.clone(),
        memory: bytes(one.memory_used),
        disk: bytes(one.disk_used),
        executors: one.executors.join(", "),
    };
    let places = rdd.data_distribution.iter().flatten().map(|place| PlaceRow {
        address: place.address.clone().unwrap_or_default(),
        memory: bytes(place.memory_used),
        left: bytes(place.memory_remaining),
        disk: bytes(place.disk_used),
    });
    let page = RddPage {
        frame,
        id,
        name: rdd.name.clone(),
        facts: vec![
            fact("Level", rdd.storage_level.clone()),
            fact("In memory", bytes(rdd.memory_used)),
            fact("On disk", bytes(rdd.disk_used)),
        ],
        progress: kept(&rdd),
        places: places.collect(),
        columns: vec![
            pages.column("block", "Block", false),
            Column { label: "Level", href: None, order: None, is_number: false },
            pages.column("memory", "In memory", true),
            pages.column("disk", "On disk", true),
            pages.column("executors", "Executors", false),
        ],
        partitions: partitions.iter().skip(pages.offset()).take(ROWS).map(row).collect(),
        pages,
    };
    Ok(page.render()?)
}
