//! `[statistics]`: what is sampled, how long it is kept, and who hears of it daily.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Time;
use roost_kit::config::{ConfigError, Configuration, ListenSpec, Period};
use roost_kit::place;
use serde::{Deserialize, Deserializer, de};

/// The shortest time between two looks at the daemons.
const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// The longest: at least one look a minute.
const INTERVAL_MAX: Duration = Duration::from_secs(60);
/// The most series that can be asked for: about 6 GB.
const SERIES_MAX: u32 = 50_000;

/// `[statistics]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Statistics {
    /// How often daemons and host are looked at. A minute is kept as mean, least and greatest.
    pub interval: Period,
    /// The most series that are kept, of all nodes together. Each takes about 125 kB after a year.
    pub series: u32,
    /// Other nodes that are sampled too: host name, and where each daemon serves its health pages:
    /// `nodes = { "store2.example.org" = { roost-store = "192.0.2.7:7191" } }`.
    pub nodes: BTreeMap<String, BTreeMap<String, ListenSpec>>,
    /// How many days volumes by account are kept; by domain they are kept for 400.
    pub account_days: u16,
    /// The daily report.
    pub report: ReportSettings,
}

/// `[statistics.report]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportSettings {
    /// At which time of day the report of the day before is sent, such as `"06:30"`, by the node's
    /// time zone; `"never"` sends none.
    pub at: TimeOfDay,
    /// To whom. `postmaster` without a domain is whoever the mta has for that.
    pub to: Vec<String>,
}

/// A time of day, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOfDay(pub Option<Time>);

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "never" {
            return Ok(Self(None));
        }
        let time = Time::strptime("%H:%M", &text);
        time.map(|time| Self(Some(time))).map_err(|_| {
            de::Error::custom(format!(
                "expected a time such as \"06:30\" or \"never\", found \"{text}\""
            ))
        })
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Self {
            interval: Period::seconds(10),
            series: 2_000,
            nodes: BTreeMap::new(),
            account_days: 35,
            report: ReportSettings::default(),
        }
    }
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            at: TimeOfDay(Some(jiff::civil::time(6, 30, 0, 0))),
            to: vec!["postmaster".to_owned()],
        }
    }
}

impl Statistics {
    /// Reads and checks the table.
    pub fn load(configuration: &Configuration) -> Result<Self, ConfigError> {
        let this: Self = configuration.table("statistics")?;
        let wrong = |key: &str, problem: &str| {
            Err(configuration.error(format!("statistics.{key}"), problem))
        };
        if !(INTERVAL_MIN..=INTERVAL_MAX).contains(&this.interval.duration()) {
            return wrong("interval", "expected from 1s to 60s");
        }
        if !(1..=SERIES_MAX).contains(&this.series) {
            return wrong("series", "expected from 1 to 50000");
        }
        for daemon in this.nodes.values().flat_map(BTreeMap::keys) {
            if !place::DAEMONS.iter().any(|known| known.name == daemon) {
                return wrong("nodes", &format!("{daemon} is none of our daemons"));
            }
        }
        Ok(this)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_read_or_refused() {
        let read = |text: &str| {
            let text = format!("report = {{ at = \"{text}\" }}");
            toml::from_str::<Statistics>(&text).map(|statistics| statistics.report.at)
        };
        assert_eq!(
            read("06:05").unwrap().0,
            Some(jiff::civil::time(6, 5, 0, 0))
        );
        assert_eq!(read("never").unwrap().0, None);
        for text in ["24:00", "6", "noon", ""] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
