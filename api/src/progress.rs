//! Progress bars on the terminal; silent if stderr is not a terminal.

use std::sync::Mutex;

use engine::progress::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// One bar per step.
#[derive(Debug, Default)]
pub struct Bars(Mutex<Option<ProgressBar>>);

impl Bars {
    /// Creates a progress display before its first step.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        act(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Progress for Bars {
    fn begin(&self, step: &str, rows: Option<u64>) {
        let known = "{msg:22} {bar:40} {human_pos}/{human_len} ({per_sec})";
        let unknown = "{msg:22} {spinner} {human_pos} ({per_sec})";
        let template = if rows.is_some() { known } else { unknown };
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = rows.map_or_else(ProgressBar::no_length, ProgressBar::new);
        bar.set_style(style);
        bar.set_message(step.to_owned());
        self.with(|known| *known = Some(bar));
    }

    fn advance(&self, rows: u64) {
        self.with(|bar| {
            if let Some(bar) = bar {
                bar.inc(rows);
            }
        });
    }

    fn finish(&self) {
        self.with(|bar| {
            if let Some(bar) = bar.take() {
                bar.finish();
            }
        });
    }
}
