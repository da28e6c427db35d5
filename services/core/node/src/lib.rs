//! What is known of a node at a moment, from outside: [`Watcher`] asks each of its daemons for `/readyz`
//! and `/metrics`, the mta for its queue, and the operating system for the volumes.
//!
//! | module | what it decides |
//! |---|---|
//! | [`exposition`] | reading the metrics of a daemon |
//! | `look` | whom to ask, and how long |
//! | `queue` | the queue by destination |
//! | `volume` | file systems that hold state |

mod alert;
pub mod exposition;
mod look;
mod queue;
mod volume;

pub use alert::Alert;
pub use look::Watcher;
pub use queue::{Destination, by_destination};
pub use volume::Volume;

use jiff::Timestamp;

pub use exposition::{Figures, Sample};

/// The node as it was found.
#[derive(Debug, Clone)]
pub struct Node {
    /// When.
    pub at: Timestamp,
    /// The node's host name.
    pub name: String,
    /// Each daemon, in the order of [`roost_kit::place::DAEMONS`].
    pub services: Vec<Service>,
    /// The queue by destination; nothing where the mta does not answer.
    pub queue: Option<Vec<Destination>>,
    /// The volumes that hold state.
    pub volumes: Vec<Volume>,
    /// The alerts that the logger tells people of; nothing where it does not answer, or the node has none.
    pub alerts: Option<Vec<Alert>>,
}

/// How a daemon is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It serves.
    Up = 1,
    /// It runs, and says why it does not serve as it should.
    NotReady = 2,
    /// It does not answer.
    Down = 3,
}

/// A daemon.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its place in the table of services, from 1; the same for the daemon's whole life.
    pub index: u32,
    /// Its name, such as `roost-store`.
    pub name: &'static str,
    /// How it is.
    pub state: State,
    /// Since when it is so, as far as we saw it.
    pub since: Timestamp,
    /// Why it is not well.
    pub reason: String,
    /// What it counts; empty where it does not answer.
    pub figures: Figures,
}

impl Node {
    /// A daemon, by name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The worst state of any daemon.
    #[must_use]
    pub fn state(&self) -> State {
        let states = self.services.iter().map(|service| service.state);
        states.max_by_key(|state| *state as u8).unwrap_or(State::Up)
    }
}

impl Service {
    /// Its version, as it says.
    #[must_use]
    pub fn version(&self) -> &str {
        let build = self.figures.all("roost_build_info").first();
        build
            .and_then(|build| build.label("version"))
            .unwrap_or_default()
    }

    /// When it started, as it says.
    #[must_use]
    pub fn started(&self) -> Option<Timestamp> {
        let seconds = self.figures.total("process_start_time_seconds");
        match seconds {
            0 => None,
            seconds => Timestamp::from_second(i64::try_from(seconds).ok()?).ok(),
        }
    }

    /// One of its own figures: `name` without the daemon's prefix.
    #[must_use]
    pub fn total(&self, name: &str) -> u64 {
        self.figures.total(&self.metric(name))
    }

    /// The same, of the samples that have a label.
    #[must_use]
    pub fn total_where(&self, name: &str, label: &str, value: &str) -> u64 {
        self.figures.total_where(&self.metric(name), label, value)
    }

    /// The full name of one of its metrics.
    #[must_use]
    pub fn metric(&self, name: &str) -> String {
        format!("{}_{name}", self.name.replace('-', "_"))
    }
}
