//! The daemons' log lines, each with its daemon's name before it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};

use crate::output::{Colour, say};

/// Lines that are kept back while the suite starts; the oldest go first.
const HELD_MAX: usize = 2000;
/// The width of the longest short name.
const NAME_WIDTH: usize = 9;

/// Where lines go; cheap to clone. Closed at first, so that they come after the welcome.
#[derive(Clone)]
pub(super) struct Lines(Arc<Inner>);

struct Inner {
    colour: bool,
    held: Mutex<Option<VecDeque<String>>>,
}

impl Lines {
    pub(super) fn new(colour: Colour) -> Self {
        Self(Arc::new(Inner {
            colour: colour.on(&io::stderr()),
            held: Mutex::new(Some(VecDeque::new())),
        }))
    }

    /// Prints what was kept back, and every line from now on.
    pub(super) fn open(&self) {
        if let Ok(mut held) = self.0.held.lock() {
            // Under the lock, so that no newer line comes before them.
            held.take()
                .into_iter()
                .flatten()
                .for_each(|line| say(&line));
        }
    }

    /// A line of a daemon.
    pub(super) fn line(&self, daemon: &str, text: &str) {
        self.put(format!("{} {text}", self.prefix(daemon)));
    }

    /// A line about a daemon.
    pub(super) fn notice(&self, daemon: &'static str, text: &str) {
        let text = match self.0.colour {
            true => format!("\x1b[1m{daemon} {text}\x1b[0m"),
            false => format!("{daemon} {text}"),
        };
        self.put(format!("{} {text}", self.prefix("roostctl")));
    }

    fn put(&self, line: String) {
        let Ok(mut held) = self.0.held.lock() else {
            return;
        };
        match held.as_mut() {
            None => say(&line),
            Some(held) => {
                if held.len() >= HELD_MAX {
                    held.pop_front();
                }
                held.push_back(line);
            }
        }
    }

    fn prefix(&self, daemon: &str) -> String {
        let short = daemon.strip_prefix("roost-").unwrap_or(daemon);
        let code = match short {
            "directory" => "35",
            "store" => "36",
            "mta" => "33",
            "snmp" => "34",
            "logger" => "32",
            _ => "1",
        };
        match self.0.colour {
            true => format!("\x1b[{code}m{short:NAME_WIDTH$} │\x1b[0m"),
            false => format!("{short:NAME_WIDTH$} |"),
        }
    }
}
