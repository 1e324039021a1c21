//! The page of a flame graph: where the code of executors stood, sampled for some seconds because this page was asked for.

use crate::pages::format::{count, percent};
use crate::pages::frame::Frame;
use crate::pages::looking::{Looking, NoPage, sample_ask};
use crate::pages::markup::Markup;
use crate::pages::paging::encoded;
use crate::site::{SampledStack, Samples};
use askama::Template;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The height of a row of the picture, in pixels.
const ROW: usize = 19;

/// The most rows, boxes and lines of the table. Boxes that are narrower than a part of the whole are left out.
const MOST_ROWS: usize = 120;
const MOST_BOXES: usize = 3000;
const NARROWEST: f64 = 0.001;
const MOST_FRAMES: usize = 25;

/// The most letters of a frame.
const FRAME_LETTERS: usize = 300;

#[derive(Template)]
#[template(path = "flame.html")]
struct FlamePage {
    frame: Frame,
    title: String,
    executors: Vec<Choice>,
    stage: String,
    seconds: u32,
    unavailable: Option<String>,
    is_taken: bool,
    told: String,
    picture: Markup,
    left_out: String,
    folded: String,
    frames: Vec<FrameRow>,
}

struct Choice {
    value: String,
    label: String,
    is_chosen: bool,
}

struct FrameRow {
    frame: String,
    own: String,
    all: String,
}

/// Makes the page.
pub(super) fn make(looking: &Looking<'_>, frame: Frame) -> Result<String, NoPage> {
    let ask = sample_ask(looking.fields);
    let (samples, unavailable) = match &looking.asked.samples {
        None => (Samples::default(), None),
        Some(Ok(samples)) => (samples.clone(), None),
        Some(Err(why)) => (Samples::default(), Some(why.0.clone())),
    };
    let is_taken = matches!(looking.asked.samples, Some(Ok(_)));
    let whole = tree(looking, &samples);
    let (picture, hidden) = draw(&whole);
    let chosen = ask.executor.clone().unwrap_or_default();
    let choice = |value: String, label: String| Choice { is_chosen: value == chosen, value, label };
    let mut executors = vec![choice(String::new(), "all executors".into())];
    let there = looking.view().executors(false).into_iter();
    executors.extend(there.map(|executor| choice(executor.id.clone(), format!("executor {}", executor.id))));
    let stage = ask.stage.map_or_else(String::new, |stage| stage.to_string());
    let folded = format!(
        "{}/executors/flameGraph/?executorId={}&stage={stage}&seconds={}&format=folded",
        looking.here.base,
        encoded(&chosen),
        ask.seconds
    );
    let mut title = match &ask.executor {
        Some(executor) => format!("Flame graph of executor {executor}"),
        None => "Flame graph of all executors".into(),
    };
    if let Some(stage) = ask.stage {
        let _ = write!(title, ", stage {stage}");
    }
    let page = FlamePage {
        frame,
        title,
        executors,
        stage,
        seconds: ask.seconds,
        unavailable,
        is_taken,
        told: told(&samples, whole.all),
        picture,
        left_out: if hidden > 0 {
            format!("{} narrow boxes are left out.", count(hidden as i64))
        } else {
            String::new()
        },
        folded,
        frames: frames(&whole),
    };
    Ok(page.render()?)
}

/// Returns the samples as other tools take them: a line for each stack, outermost frame first, with the number of its samples.
pub(super) fn folded(looking: &Looking<'_>) -> Result<String, NoPage> {
    let samples = match &looking.asked.samples {
        Some(Ok(samples)) => samples,
        Some(Err(why)) => return Err(NoPage::Refused(axum::http::StatusCode::CONFLICT, why.0.clone())),
        None => {
            let text = "The address lacks the time to sample for: seconds=5";
            return Err(NoPage::Refused(axum::http::StatusCode::BAD_REQUEST, text.into()));
        }
    };
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for stack in &samples.stacks {
        let plain = |frame: &str| frame.replace(';', ":").replace(|c: char| c.is_control(), " ");
        let frames: Vec<String> = frames_of(looking, stack).iter().map(|frame| plain(frame)).collect();
        *lines.entry(frames.join(";")).or_default() += stack.count;
    }
    let mut text = String::new();
    for (stack, count) in lines {
        let _ = writeln!(text, "{stack} {count}");
    }
    Ok(text)
}

/// Says what was sampled.
fn told(samples: &Samples, taken: u64) -> String {
    let seconds = samples.took_ms as f64 / 1000.0;
    let mut told = format!(
        "{} stacks of slots that ran tasks, in {} rounds over {seconds:.1} s.",
        count(taken as i64),
        count(samples.rounds as i64)
    );
    if samples.idle > 0 {
        let _ = write!(
            told,
            " Slots had no task in {} of all looks at them.",
            percent(samples.idle as i64, (samples.idle + taken) as i64)
        );
    }
    told
}

/// Returns the frames of a stack, outermost first, of which the first is the stage with its name.
fn frames_of(looking: &Looking<'_>, stack: &SampledStack) -> Vec<String> {
    let view = looking.view();
    let stage = stack.stage.map(|stage| {
        let attempt = view.attempt_ids(stage).into_iter().next_back().unwrap_or(0);
        let known = view.stage(stage, attempt, &Default::default());
        known.map_or_else(|| format!("stage {stage}"), |known| format!("stage {stage}: {}", known.name))
    });
    stage
        .into_iter()
        .chain(stack.frames.iter().cloned())
        .take(MOST_ROWS)
        .map(|frame| shortened(&frame))
        .collect()
}

fn shortened(frame: &str) -> String {
    match frame.char_indices().nth(FRAME_LETTERS) {
        Some((at, _)) => format!("{}…", &frame[..at]),
        None => frame.to_owned(),
    }
}

/// A frame with those that it has called.
#[derive(Debug, Default)]
struct Node {
    all: u64,
    own: u64,
    inner: BTreeMap<String, Node>,
}

fn tree(looking: &Looking<'_>, samples: &Samples) -> Node {
    let mut whole = Node::default();
    for stack in &samples.stacks {
        whole.add(&frames_of(looking, stack), stack.count);
    }
    whole
}

impl Node {
    fn add(&mut self, frames: &[String], count: u64) {
        let mut node = self;
        node.all += count;
        for frame in frames {
            node = node.inner.entry(frame.clone()).or_default();
            node.all += count;
        }
        node.own += count;
    }
}

/// Draws a tree from the top: a box for each frame, as wide as its part of all samples. Returns how many were too narrow, too.
fn draw(whole: &Node) -> (Markup, usize) {
    let mut markup = Markup::default();
    if whole.all == 0 {
        return (markup, 0);
    }
    // In the order of a walk, with an explicit stack: node, name, row, the samples before it.
    let (mut open, mut boxes, mut hidden, mut rows) = (vec![(whole, "all", 0, 0)], vec![], 0, 0);
    while let Some((node, name, row, before)) = open.pop() {
        let is_shown = node.all as f64 / whole.all as f64 >= NARROWEST && boxes.len() < MOST_BOXES;
        if !is_shown {
            hidden += 1;
            continue;
        }
        boxes.push((node, name, row, before));
        rows = rows.max(row + 1);
        let mut before = before;
        let mut inner = vec![];
        for (name, called) in &node.inner {
            inner.push((called, name.as_str(), row + 1, before));
            before += called.all;
        }
        open.extend(inner.into_iter().rev());
    }
    let part = |samples: u64| format!("{:.3}%", samples as f64 * 100.0 / whole.all as f64);
    markup.open(
        "svg",
        &[
            ("class", &"flame"),
            ("width", &"100%"),
            ("height", &(rows * ROW)),
            ("role", &"group"),
            ("aria-label", &"Flame graph"),
        ],
    );
    for (node, name, row, before) in boxes {
        let share = percent(node.all as i64, whole.all as i64);
        let title =
            format!("{name}: {} of {} samples, {share}", count(node.all as i64), count(whole.all as i64));
        let attributes: [(&'static str, &dyn std::fmt::Display); 9] = [
            ("class", &colour(name)),
            ("x", &part(before)),
            ("y", &(row * ROW)),
            ("width", &part(node.all)),
            ("height", &(ROW - 1)),
            ("tabindex", &"0"),
            ("role", &"img"),
            ("aria-label", &title),
            ("overflow", &"hidden"),
        ];
        markup.open("svg", &attributes);
        markup.element("title", &[], &title);
        markup.empty("rect", &[("width", &"100%"), ("height", &"100%")]);
        markup.element("text", &[("x", &4), ("y", &13)], name);
        markup.close("svg");
    }
    markup.close("svg");
    (markup, hidden)
}

/// Returns one of a few colours, the same for all frames of a file.
fn colour(frame: &str) -> &'static str {
    const COLOURS: [&str; 4] = ["f0", "f1", "f2", "f3"];
    let file = frame.split_once('(').map_or(frame, |(_, place)| place).split(':').next().unwrap_or_default();
    let sum = file.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    COLOURS[sum % COLOURS.len()]
}

/// Returns the frames in which most samples were taken themselves. A frame that calls itself counts once for each sample.
fn frames(whole: &Node) -> Vec<FrameRow> {
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut open: Vec<(&Node, &str, Vec<&str>)> =
        whole.inner.iter().map(|(name, node)| (node, name.as_str(), vec![])).collect();
    while let Some((node, name, callers)) = open.pop() {
        let sum = sums.entry(name).or_default();
        sum.0 += node.own;
        if !callers.contains(&name) {
            sum.1 += node.all;
        }
        let mut callers = callers;
        callers.push(name);
        open.extend(node.inner.iter().map(|(name, node)| (node, name.as_str(), callers.clone())));
    }
    let mut rows: Vec<(&str, (u64, u64))> = sums.into_iter().collect();
    rows.sort_by_key(|(name, (own, all))| (std::cmp::Reverse((*own, *all)), *name));
    let share = |samples: u64| percent(samples as i64, whole.all as i64);
    let row = |(name, (own, all)): (&str, (u64, u64))| FrameRow {
        frame: name.into(),
        own: share(own),
        all: share(all),
    };
    rows.into_iter().take(MOST_FRAMES).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(stacks: &[(&[&str], u64)]) -> Node {
        let mut whole = Node::default();
        for (frames, count) in stacks {
            whole.add(&frames.iter().map(|frame| (*frame).to_owned()).collect::<Vec<_>>(), *count);
        }
        whole
    }

    #[test]
    fn boxes_are_as_wide_as_their_part_of_the_samples() {
        let whole = whole(&[(&["stage 1", "f (a.py:1)", "<b>"], 3), (&["stage 1", "g"], 1)]);
        let (picture, hidden) = draw(&whole);
        let picture = picture.to_string();
        assert_eq!(hidden, 0);
        assert!(picture.contains("x=\"0.000%\" y=\"38\" width=\"75.000%\""), "{picture}");
        assert!(picture.contains("x=\"75.000%\" y=\"38\" width=\"25.000%\""), "{picture}");
        assert!(picture.contains("&lt;b&gt;: 3 of 4 samples, 75") && !picture.contains("<b>"), "{picture}");
        assert!(draw(&Node::default()).0.to_string().is_empty());
    }

    #[test]
    fn a_recursion_counts_once_and_narrow_boxes_are_left_out() {
        let recursive = whole(&[(&["f", "g", "f"], 9), (&["h"], 1)]);
        let rows = frames(&recursive);
        assert_eq!((rows[0].frame.as_str(), rows[0].own.as_str()), ("f", rows[0].all.as_str()));
        assert!(rows[0].own.starts_with("90"), "{}", rows[0].own);
        let narrow = whole(&[(&["wide"], 10_000), (&["narrow", "inner"], 1)]);
        let (picture, hidden) = draw(&narrow);
        assert_eq!(hidden, 1);
        assert!(!picture.to_string().contains("narrow"));
    }

    #[test]
    fn deep_and_many_stacks_draw_a_bounded_picture() {
        let mut whole = Node::default();
        for n in 0..20_000_u32 {
            whole.add(&[format!("f{n}"), format!("g{n}")], 100);
        }
        whole.add(&vec!["deep".to_owned(); 119], 1_000_000);
        let (picture, hidden) = draw(&whole);
        assert!(picture.len() < 2 << 20 && hidden >= 19_000, "{} {hidden}", picture.len());
        assert!(!frames(&whole).is_empty());
    }
}
