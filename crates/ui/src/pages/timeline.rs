//! Pictures over time: lanes with bars, whose cost goes with their pixels and not with what they show.
//!
//! Bars come in two kinds. [`Bar`]s are few, have a name and lead to a page: jobs, stages. [`Lane::painted`] are many:
//! tasks. These are painted into columns, each of which knows how much of its time went into each [`Kind`], and is drawn as a
//! stack. Names stand beside the picture as text, so the picture can stretch with the window.

use crate::pages::format;
use crate::pages::markup::Markup;
use std::fmt::Write;
use std::ops::Range;

/// The width of a picture in its own units.
const WIDTH: i64 = 1000;

/// The most columns of all lanes of a picture together: the size of a page does not grow with the number of tasks.
const MAX_CELLS: usize = 3200;

/// The most columns of a lane: more than there are pixels would be painted for nobody.
const MAX_COLUMNS: usize = 500;

/// The step of a stack's heights: finer ones would be seen by nobody, and make more paths.
const STEP: i64 = 2;

/// The height of a lane that has names on its bars, and of one that is painted.
const TALL: i64 = 22;
const THIN: i64 = 16;

/// The number of lines in the background.
const TICKS: i64 = 5;

/// The thing that a time went into, which is its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reading: making ready, and blocks of other hosts.
    Reading,
    /// Computing, in the engine and in functions.
    Computing,
    /// Pickling and unpickling objects of Python.
    Pickling,
    /// Writing to a shuffle, or the result.
    Writing,
    /// Waiting for a slot, or for the driver.
    Waiting,
    /// An attempt that failed.
    Failed,
    /// An attempt that was told to stop.
    Killed,
    /// Something that runs, and has not told yet.
    Running,
    /// Something that succeeded.
    Done,
}

impl Kind {
    /// All of them, in the order in which a column stacks them.
    pub(crate) const ALL: [Kind; 9] = [
        Kind::Failed,
        Kind::Killed,
        Kind::Computing,
        Kind::Pickling,
        Kind::Reading,
        Kind::Writing,
        Kind::Running,
        Kind::Done,
        Kind::Waiting,
    ];

    /// Those of tasks, for a legend.
    pub(crate) const OF_TASKS: [Kind; 8] = [
        Kind::Waiting,
        Kind::Reading,
        Kind::Computing,
        Kind::Pickling,
        Kind::Writing,
        Kind::Running,
        Kind::Failed,
        Kind::Killed,
    ];

    /// Returns its class in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Kind::Reading => "k-reading",
            Kind::Computing => "k-computing",
            Kind::Pickling => "k-pickling",
            Kind::Writing => "k-writing",
            Kind::Waiting => "k-waiting",
            Kind::Failed => "k-failed",
            Kind::Killed => "k-killed",
            Kind::Running => "k-running",
            Kind::Done => "k-done",
        }
    }

    /// Returns its name in a legend.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Kind::Reading => "reading",
            Kind::Computing => "computing",
            Kind::Pickling => "pickling",
            Kind::Writing => "writing",
            Kind::Waiting => "waiting",
            Kind::Failed => "failed",
            Kind::Killed => "killed",
            Kind::Running => "running",
            Kind::Done => "done",
        }
    }

    /// Returns an explanation for a legend.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Kind::Reading => "making the task ready, and waiting for blocks of a shuffle",
            Kind::Computing => "operations and functions of the program",
            Kind::Pickling => "turning Python objects into bytes and back",
            Kind::Writing => "writing to a shuffle, encoding the result",
            Kind::Waiting => "waiting for a slot and for the driver",
            Kind::Failed => "attempts that failed",
            Kind::Killed => "attempts that were told to stop",
            Kind::Running => "running now: the task tells its times when it ends",
            Kind::Done => "ended well",
        }
    }
}

/// A bar with a name.
pub(crate) struct Bar {
    /// Its time, in milliseconds.
    pub(crate) time: Range<i64>,
    /// Its colour.
    pub(crate) kind: Kind,
    /// The text that is shown when it is pointed at.
    pub(crate) title: String,
    /// The page that it leads to.
    pub(crate) href: Option<String>,
}

/// One row of a picture.
pub(crate) struct Lane {
    /// The name beside it.
    pub(crate) label: String,
    /// The page that the name leads to.
    pub(crate) href: Option<String>,
    /// Its named bars.
    pub(crate) bars: Vec<Bar>,
    /// The rest of it.
    pub(crate) painted: Option<Canvas>,
}

/// Columns into which tasks are painted.
pub(crate) struct Canvas {
    window: Range<i64>,
    columns: Vec<[f32; Kind::ALL.len()]>,
    /// The number of tasks that can run in the lane at a time.
    slots: i64,
}

impl Canvas {
    /// Returns an empty canvas for one of `lanes` lanes.
    pub(crate) fn new(window: &Range<i64>, lanes: usize, slots: i64) -> Self {
        let columns = (MAX_CELLS / lanes.max(1)).clamp(1, MAX_COLUMNS);
        Canvas { window: window.clone(), columns: vec![[0.0; Kind::ALL.len()]; columns], slots: slots.max(1) }
    }

    /// Paints a time.
    pub(crate) fn paint(&mut self, time: Range<i64>, kind: Kind) {
        if time.end < self.window.start || time.start > self.window.end {
            return;
        }
        let scale = self.columns.len() as f64 / length(&self.window);
        let place = |at: i64| (distance(&self.window, at) * scale).clamp(0.0, self.columns.len() as f64);
        let (from, to) = (place(time.start), place(time.end));
        let (first, last) = (from as usize, (to as usize).min(self.columns.len() - 1));
        for column in first..=last {
            let share = (to.min(column as f64 + 1.0) - from.max(column as f64)).max(0.0);
            self.columns[column][kind as usize] += share as f32;
        }
        // A failure is seen, however short it was.
        if matches!(kind, Kind::Failed | Kind::Killed) && first <= last {
            let cell = &mut self.columns[first][kind as usize];
            *cell = cell.max(0.3 * self.slots as f32);
        }
    }

    /// Appends, for each kind, one path with all its cells; equal neighbours are one cell.
    fn draw(&self, markup: &mut Markup, top: i64, height: i64) {
        // Columns are counted, not measured: whole numbers make short paths.
        let scale = format!("scale({:.4} 1)", WIDTH as f64 / self.columns.len() as f64);
        markup.open("g", &[("transform", &scale)]);
        // The sums are rounded, not the parts: else a column that is full would not look so.
        let mut sums = vec![0.0_f64; self.columns.len()];
        let full = height as f64;
        let rounded = |sum: f64| ((sum / STEP as f64).round() as i64 * STEP).min(height);
        for kind in Kind::ALL {
            let mut path = String::new();
            let mut run: Option<(usize, i64, i64)> = None;
            // One more than there are, so that the last run ends.
            let mut below = sums.iter_mut();
            for column in 0..=self.columns.len() {
                let cell = self.columns.get(column).zip(below.next()).map(|(shares, sum)| {
                    let base = rounded(*sum);
                    *sum += f64::from(shares[kind as usize]) / self.slots as f64 * full;
                    (base, rounded(*sum) - base)
                });
                if run.is_some_and(|(_, base, tall)| cell == Some((base, tall))) {
                    continue;
                }
                if let Some((first, base, tall)) = run.take()
                    && tall > 0
                {
                    let (wide, y) = (column - first, top + height - base - tall);
                    let _ = write!(path, "M{first} {y}h{wide}v{tall}h-{wide}z");
                }
                run = cell.map(|(base, tall)| (column, base, tall));
            }
            if !path.is_empty() {
                markup.empty("path", &[("class", &kind.class()), ("d", &path)]);
            }
        }
        markup.close("g");
    }
}

/// Returns the milliseconds of a window, at least one. Times of hostile logs lie anywhere, hence no integers.
fn length(window: &Range<i64>) -> f64 {
    (window.end as f64 - window.start as f64).max(1.0)
}

fn distance(window: &Range<i64>, at: i64) -> f64 {
    at as f64 - window.start as f64
}

/// Draws a picture of lanes over time.
pub(crate) fn timeline(label: &str, window: &Range<i64>, lanes: &[Lane]) -> Markup {
    let is_thin = lanes.iter().all(|lane| lane.bars.is_empty());
    let row = if is_thin { THIN } else { TALL };
    let mut markup = Markup::default();
    markup.open("figure", &[("class", if is_thin { &"timeline thin" } else { &"timeline" })]);
    markup.open("ul", &[("class", &"lanes")]);
    for lane in lanes {
        markup.open("li", &[("title", &lane.label)]);
        match &lane.href {
            Some(href) => markup.element("a", &[("href", href)], &lane.label),
            None => markup.text(&lane.label),
        }
        markup.close("li");
    }
    markup.close("ul");
    let height = row * lanes.len() as i64;
    let view_box = format!("0 0 {WIDTH} {height}");
    markup.open(
        "svg",
        &[
            ("class", &"bars"),
            ("viewBox", &view_box),
            ("height", &height),
            ("preserveAspectRatio", &"none"),
            ("role", &"group"),
            ("aria-label", &label),
        ],
    );
    draw_grid(&mut markup, height);
    for (at, lane) in lanes.iter().enumerate() {
        let top = row * at as i64;
        if let Some(canvas) = &lane.painted {
            canvas.draw(&mut markup, top + 1, row - 2);
        }
        lane.bars.iter().for_each(|bar| draw_bar(&mut markup, window, bar, top + 3, row - 6));
    }
    markup.close("svg");
    draw_axis(&mut markup, window);
    markup.close("figure");
    markup
}

fn draw_grid(markup: &mut Markup, height: i64) {
    let path: String = (0..=TICKS).map(|tick| format!("M{} 0v{height}", WIDTH * tick / TICKS)).collect();
    markup.empty("path", &[("class", &"grid"), ("d", &path), ("vector-effect", &"non-scaling-stroke")]);
}

fn draw_bar(markup: &mut Markup, window: &Range<i64>, bar: &Bar, top: i64, height: i64) {
    let place = |at: i64| (distance(window, at) / length(window) * WIDTH as f64).clamp(0.0, WIDTH as f64);
    let (from, to) = (place(bar.time.start), place(bar.time.end));
    let (x, width) = (format!("{:.1}", from.min(WIDTH as f64 - 2.0)), format!("{:.1}", (to - from).max(2.0)));
    if let Some(href) = &bar.href {
        markup.open("a", &[("href", href)]);
    }
    let class = bar.kind.class();
    markup.open(
        "rect",
        &[("class", &class), ("x", &x), ("y", &top), ("width", &width), ("height", &height), ("rx", &1)],
    );
    markup.element("title", &[], &bar.title);
    markup.close("rect");
    if bar.href.is_some() {
        markup.close("a");
    }
}

/// Draws the times below the lanes, counted from the window's start.
fn draw_axis(markup: &mut Markup, window: &Range<i64>) {
    markup.open("svg", &[("class", &"axis"), ("height", &18), ("aria-hidden", &"true")]);
    for tick in 0..=TICKS {
        let ms = (length(window) * tick as f64 / TICKS as f64) as i64;
        let (anchor, x) = match tick {
            0 => ("start", "0%".to_owned()),
            TICKS => ("end", "100%".to_owned()),
            _ => ("middle", format!("{}%", 100 * tick / TICKS)),
        };
        markup.element("text", &[("x", &x), ("y", &13), ("text-anchor", &anchor)], &format::duration(ms));
    }
    markup.close("svg");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(painted: Canvas) -> Lane {
        Lane { label: "<b>".into(), href: None, bars: vec![], painted: Some(painted) }
    }

    #[test]
    fn a_million_tasks_cost_what_one_costs() {
        let window = 0..1_000_000;
        let picture = |tasks: i64| {
            let lanes: Vec<Lane> = (0..16)
                .map(|lane_index| {
                    let mut canvas = Canvas::new(&window, 16, 1);
                    for task in 0..tasks {
                        let each = 1_000_000 / tasks;
                        let middle = each * task + each * ((task + lane_index) % 7) / 7;
                        canvas.paint(each * task..middle, Kind::Computing);
                        canvas.paint(middle..each * (task + 1), Kind::Waiting);
                    }
                    lane(canvas)
                })
                .collect();
            timeline("tasks", &window, &lanes).len()
        };
        assert!(picture(60_000) < 300_000, "{}", picture(60_000));
        assert!(picture(1) < 10_000, "{}", picture(1));
    }

    #[test]
    fn a_short_failure_is_seen() {
        let window = 0..1_000_000;
        let mut canvas = Canvas::new(&window, 1, 4);
        canvas.paint(0..1_000_000, Kind::Computing);
        assert!(!timeline("", &window, &[lane(canvas)]).to_string().contains("k-failed"));
        let mut canvas = Canvas::new(&window, 1, 4);
        canvas.paint(500..501, Kind::Failed);
        canvas.paint(0..1_000_000, Kind::Computing);
        let picture = timeline("", &window, &[lane(canvas)]).to_string();
        assert!(picture.contains("k-failed") && picture.contains("&lt;b&gt;"), "{picture}");
    }

    #[test]
    fn times_outside_the_window_paint_nothing() {
        let window = 1000..2000;
        let mut canvas = Canvas::new(&window, 1, 1);
        canvas.paint(0..500, Kind::Failed);
        canvas.paint(2500..i64::MAX, Kind::Computing);
        canvas.paint(i64::MIN..0, Kind::Computing);
        let picture = timeline("", &window, &[lane(canvas)]).to_string();
        assert!(!picture.contains("k-"), "{picture}");
        let mut empty = Canvas::new(&(5..5), 1, 0);
        empty.paint(5..5, Kind::Computing);
    }
}
