//! How far an import is: a bar on a terminal, else a line now and then.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::say;

/// How often a line is written where no bar can be.
const LINE_PERIOD: Duration = Duration::from_secs(30);

/// The progress of an import; cheap to clone.
#[derive(Clone)]
pub(super) struct Progress(Arc<Inner>);

struct Inner {
    bar: ProgressBar,
    quiet: bool,
    on_terminal: bool,
    lines: std::sync::Mutex<Duration>,
}

impl Progress {
    pub(super) fn new(total: usize, quiet: bool) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        let target = match on_terminal && !quiet {
            true => ProgressDrawTarget::stderr_with_hz(8),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(total as u64), target);
        let template = "{wide_bar} {human_pos}/{human_len} messages  {per_sec}  ETA {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self(Arc::new(Inner {
            bar,
            quiet,
            on_terminal,
            lines: std::sync::Mutex::new(LINE_PERIOD),
        }))
    }

    /// One message is done.
    pub(super) fn advance(&self) {
        let inner = &self.0;
        inner.bar.inc(1);
        if inner.on_terminal || inner.quiet {
            return;
        }
        let Ok(mut next) = inner.lines.lock() else {
            return;
        };
        if inner.bar.elapsed() >= *next {
            *next += LINE_PERIOD;
            let (done, total) = (inner.bar.position(), inner.bar.length().unwrap_or(0));
            let (rate, left) = (inner.bar.per_sec(), inner.bar.eta().as_secs());
            say(&format!(
                "{done} of {total} messages, {rate:.0} a second, {left} s left"
            ));
        }
    }

    pub(super) fn finish(&self) {
        self.0.bar.finish_and_clear();
    }
}
