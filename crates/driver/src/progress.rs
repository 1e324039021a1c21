//! The progress bar in the terminal, for jobs that take longer than half a second. There is none where
//! standard error is no terminal.

use crate::driver::Driver;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;
use std::io::IsTerminal;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

/// The interval at which the bar is drawn.
const REFRESH: Duration = Duration::from_millis(200);
/// The number of draws in a row with something to show before the bar appears: after about half a second.
const PATIENCE: u32 = 2;

/// The bar of one context.
pub(crate) struct Progress {
    bar: ProgressBar,
    is_shown: Mutex<bool>,
}

impl Progress {
    /// Starts a thread that watches a driver and ends with it. `None` where there is no terminal.
    pub(crate) fn watch(driver: &Arc<Driver>) -> Option<Arc<Progress>> {
        if !std::io::stderr().is_terminal() {
            return None;
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template("{msg}").ok()?);
        let progress = Arc::new(Progress { bar, is_shown: Mutex::new(false) });
        let (watched, driver) = (progress.clone(), Arc::downgrade(driver));
        let thread = thread::Builder::new().name("firesteel-progress".into());
        thread.spawn(move || watched.draw_until_end(&driver)).ok()?;
        Some(progress)
    }

    fn draw_until_end(&self, driver: &Weak<Driver>) {
        let mut busy = 0;
        loop {
            thread::sleep(REFRESH);
            let Some(driver) = driver.upgrade() else { break };
            busy = self.draw(&driver, busy);
        }
        self.hide();
    }

    /// Draws the bar. The status is read under the bar's lock, so that a bar that is hidden at a job's end is
    /// not drawn again. Returns the number of draws in a row with something to show.
    fn draw(&self, driver: &Driver, busy: u32) -> u32 {
        let mut is_shown = self.is_shown.lock();
        let status = driver.status.lock();
        let (_, columns) = console::Term::stderr().size();
        let line = status.progress_line(usize::from(columns));
        drop(status);
        let Some(line) = line else { return 0 };
        if busy >= PATIENCE {
            if !*is_shown {
                self.bar.reset();
            }
            self.bar.set_message(line);
            self.bar.tick();
            *is_shown = true;
        }
        busy + 1
    }

    /// Hides the bar, so that the program's next output starts on a line of its own.
    pub(crate) fn hide(&self) {
        let mut is_shown = self.is_shown.lock();
        if std::mem::take(&mut *is_shown) {
            self.bar.finish_and_clear();
        }
    }
}
