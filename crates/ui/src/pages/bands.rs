//! Small pictures of shares: the progress of tasks, the memory of an executor, the parts of a stage's time.

use crate::pages::format;
use crate::pages::markup::Markup;

/// The width of a picture in its own units.
const WIDTH: f64 = 1000.0;

/// One part of a whole.
pub(crate) struct Part {
    /// Its size.
    pub(crate) size: i64,
    /// Its class in the style sheet.
    pub(crate) class: &'static str,
    /// The text that is shown when it is pointed at.
    pub(crate) title: String,
}

/// Draws parts beside each other, of a whole that may be more than their sum, with a line at `limit`.
pub(crate) fn bands(label: &str, parts: &[Part], whole: i64, limit: Option<i64>) -> Markup {
    let sum = parts.iter().fold(0, |sum: i64, part| sum.saturating_add(part.size.max(0)));
    let scale = WIDTH / whole.max(sum).max(1) as f64;
    let mut markup = Markup::default();
    markup.open(
        "svg",
        &[
            ("viewBox", &"0 0 1000 16"),
            ("preserveAspectRatio", &"none"),
            ("role", &"img"),
            ("aria-label", &label),
        ],
    );
    let mut start = 0.0;
    for part in parts.iter().filter(|part| part.size > 0) {
        // What is there is seen.
        let width = (part.size as f64 * scale).max(2.0);
        let (x, w) = (format!("{start:.1}"), format!("{width:.1}"));
        markup.open("rect", &[("class", &part.class), ("x", &x), ("width", &w), ("height", &16)]);
        markup.element("title", &[], &part.title);
        markup.close("rect");
        start += width;
    }
    if let Some(limit) = limit.filter(|limit| *limit > 0 && *limit < whole) {
        let x = format!("{:.1}", limit as f64 * scale);
        markup.empty(
            "line",
            &[
                ("class", &"limit"),
                ("x1", &x),
                ("x2", &x),
                ("y1", &0),
                ("y2", &16),
                ("vector-effect", &"non-scaling-stroke"),
            ],
        );
    }
    markup.close("svg");
    markup
}

/// The tasks of a job or stage.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tasks {
    /// All.
    pub(crate) total: i64,
    /// Those that have succeeded.
    pub(crate) done: i64,
    /// Those that run.
    pub(crate) running: i64,
    /// Attempts that failed.
    pub(crate) failed: i64,
    /// Attempts that were told to stop.
    pub(crate) killed: i64,
    /// Those that need not run.
    pub(crate) skipped: i64,
}

/// Draws how far the tasks are, and says it below.
pub(crate) fn progress(tasks: Tasks) -> Markup {
    let mut text = format!("{} of {}", format::count(tasks.done), format::count(tasks.total));
    let mut also = |count: i64, what: &str| {
        if count > 0 {
            text += &format!(", {} {what}", format::count(count));
        }
    };
    also(tasks.running, "running");
    also(tasks.failed, "failed");
    also(tasks.killed, "killed");
    also(tasks.skipped, "skipped");
    let part =
        |size, class, what: &str| Part { size, class, title: format!("{} {what}", format::count(size)) };
    let parts = [
        part(tasks.done, "k-done", "done"),
        part(tasks.running, "k-running", "running"),
        part(tasks.failed, "k-failed", "failed"),
    ];
    // Attempts that failed are made again, and so belong to no task of the whole.
    let whole = tasks.total.saturating_add(tasks.failed);
    let mut markup = Markup::default();
    markup.open("span", &[("class", &"progress")]);
    markup.append(&bands(&text, &parts, whole, None));
    markup.element("small", &[], &text);
    markup.close("span");
    markup
}

/// Draws how many of a stage's tasks took how long: `counts` over `buckets` of equal width from 0 to `longest`.
pub(crate) fn histogram(label: &str, counts: &[i64], longest: i64) -> Markup {
    const HEIGHT: f64 = 90.0;
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let each = WIDTH / counts.len().max(1) as f64;
    let mut markup = Markup::default();
    markup.open("figure", &[("class", &"histogram")]);
    markup.open(
        "svg",
        &[
            ("viewBox", &"0 0 1000 90"),
            ("preserveAspectRatio", &"none"),
            ("role", &"img"),
            ("aria-label", &label),
        ],
    );
    let base: &[(&'static str, &dyn std::fmt::Display)] =
        &[("x1", &0), ("x2", &1000), ("y1", &90), ("y2", &90), ("vector-effect", &"non-scaling-stroke")];
    markup.empty("line", base);
    for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = (*count as f64 / most * HEIGHT).max(2.0);
        let range = |at: usize| format::duration(longest.saturating_mul(at as i64) / counts.len() as i64);
        let (x, width) = (format!("{:.1}", at as f64 * each), format!("{:.1}", (each - 2.0).max(1.0)));
        let (y, tall) = (format!("{:.1}", HEIGHT - height), format!("{height:.1}"));
        markup.open("rect", &[("x", &x), ("y", &y), ("width", &width), ("height", &tall)]);
        let title = format!("{} tasks: {} to {}", format::count(*count), range(at), range(at + 1));
        markup.element("title", &[], &title);
        markup.close("rect");
    }
    markup.close("svg");
    markup.open("svg", &[("class", &"axis"), ("aria-hidden", &"true")]);
    for (x, anchor, ms) in [("0%", "start", 0), ("50%", "middle", longest / 2), ("100%", "end", longest)] {
        markup.element("text", &[("x", &x), ("y", &12), ("text-anchor", &anchor)], &format::duration(ms));
    }
    markup.close("svg");
    markup.close("figure");
    markup
}

/// Draws the quantiles of a figure as a box: from the first to the third quartile, with a line at the median.
pub(crate) fn spread(quantiles: [f64; 5]) -> Markup {
    let scale = 88.0 / quantiles[4].max(f64::MIN_POSITIVE);
    let place = |at: usize| format!("{:.1}", 1.0 + (quantiles[at] * scale).clamp(0.0, 88.0));
    let wide = format!("{:.1}", ((quantiles[3] - quantiles[1]) * scale).clamp(1.0, 88.0));
    let mut markup = Markup::default();
    markup.open("svg", &[("class", &"spread"), ("viewBox", &"0 0 90 14"), ("aria-hidden", &"true")]);
    let (from, to) = (place(0), place(4));
    markup.empty("line", &[("class", &"range"), ("x1", &from), ("x2", &to), ("y1", &7), ("y2", &7)]);
    markup
        .empty("rect", &[("class", &"box"), ("x", &place(1)), ("y", &2), ("width", &wide), ("height", &10)]);
    let middle = place(2);
    markup.empty("line", &[("class", &"middle"), ("x1", &middle), ("x2", &middle), ("y1", &1), ("y2", &13)]);
    markup.close("svg");
    markup
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_what_it_draws() {
        let tasks = Tasks { total: 1200, done: 600, running: 2, failed: 1, ..Tasks::default() };
        let markup = progress(tasks).to_string();
        assert!(markup.contains("<small>600 of 1,200, 2 running, 1 failed</small>"), "{markup}");
        assert!(markup.contains("class=\"k-done\" x=\"0.0\" width=\"499.6\""), "{markup}");
        assert!(progress(Tasks::default()).to_string().contains("0 of 0"));
    }

    #[test]
    fn hostile_figures_draw_something() {
        let part = |size| Part { size, class: "", title: "<x>".into() };
        let markup = bands("", &[part(i64::MAX), part(i64::MAX), part(-5)], 10, Some(3)).to_string();
        assert_eq!(markup.matches("<rect").count(), 2);
        assert!(!markup.contains("<x>"));
        histogram("", &[], i64::MAX);
        histogram("", &[i64::MAX, 0, 3], i64::MAX);
        assert!(!spread([f64::NAN; 5]).to_string().contains("inf"));
        assert!(spread([0.0; 5]).to_string().contains("spread"));
    }
}
