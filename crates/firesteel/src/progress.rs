//! The bar in the terminal, for jobs that take longer than half a second. Nothing where standard error is no terminal.

use crate::driver::Driver;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Arc, PoisonError, Weak};
use std::thread;
use std::time::Duration;

/// How often the bar is drawn.
const REFRESH: Duration = Duration::from_millis(200);
/// A bar appears when there was something to show this many times in a row: after about half a second.
const PATIENCE: u32 = 2;

/// Starts to watch a driver; ends with it.
pub(crate) fn watch(driver: &Arc<Driver>) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    let driver = Arc::downgrade(driver);
    // Without the thread there is no bar; nothing else depends on it.
    let _ = thread::Builder::new().name("firesteel-progress".into()).spawn(move || draw(&driver));
}

fn draw(driver: &Weak<Driver>) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        bar.set_style(style);
    }
    let mut busy = 0;
    loop {
        thread::sleep(REFRESH);
        let Some(driver) = driver.upgrade() else { break };
        let width = terminal_width();
        let line = driver.status.lock().unwrap_or_else(PoisonError::into_inner).progress_line(width);
        drop(driver);
        match line {
            Some(line) => {
                busy += 1;
                if busy > PATIENCE {
                    bar.set_message(line);
                    bar.tick();
                }
            }
            None => {
                busy = 0;
                bar.set_message("");
                bar.tick();
            }
        }
    }
    bar.finish_and_clear();
}

fn terminal_width() -> usize {
    let (_, columns) = console::Term::stderr().size();
    usize::from(columns)
}
