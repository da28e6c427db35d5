//! Moments as people write them.

use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use roost_kit::clock::Clock;
use roost_kit::config::Period;

const EXPECTED: &str = "expected a time such as \"2026-11-24 16:00\", \"16:00\", \"today\", \"yesterday\" or \"2h\" ago";

/// A moment: in local time where no zone is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl Moment {
    /// In milliseconds since 1970.
    pub(crate) fn milliseconds(self) -> i64 {
        self.0.as_millisecond()
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let now = Clock::system().now();
        read(text.trim(), now, &TimeZone::system())
            .map(Self)
            .ok_or_else(|| EXPECTED.to_owned())
    }
}

fn read(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let ago = text.strip_suffix("ago").unwrap_or(text).trim();
    if let Ok(period) = ago.parse::<Period>() {
        return now.checked_sub(period.duration()).ok();
    }
    let today = zone.to_datetime(now).date();
    let civil = match text {
        "now" => return Some(now),
        "today" => today.to_datetime(Time::midnight()),
        "yesterday" => {
            let before = today.checked_sub(1.day()).ok()?;
            before.to_datetime(Time::midnight())
        }
        text => {
            if !text.contains('-')
                && let Ok(time) = text.parse::<Time>()
            {
                today.to_datetime(time)
            } else if let Ok(civil) = text.replacen(' ', "T", 1).parse::<DateTime>() {
                civil
            } else {
                text.parse::<Date>().ok()?.to_datetime(Time::midnight())
            }
        }
    };
    zone.to_timestamp(civil).ok()
}

/// A moment of an answer in local time, to the millisecond.
pub(crate) fn local(moment: &str) -> String {
    match moment.parse::<Timestamp>() {
        Ok(moment) => TimeZone::system()
            .to_datetime(moment)
            .strftime("%Y-%m-%d %H:%M:%S%.3f")
            .to_string(),
        Err(_) => moment.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_moments_in_many_ways() {
        let now: Timestamp = "2026-11-24T16:11:19Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let at = |text: &str| read(text, now, &zone).map(|moment| moment.to_string());
        for (text, expected) in [
            ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
            ("2026-11-23 10:00", "2026-11-23T09:00:00Z"),
            ("2026-11-23", "2026-11-22T23:00:00Z"),
            ("08:30", "2026-11-24T07:30:00Z"),
            ("today", "2026-11-23T23:00:00Z"),
            ("yesterday", "2026-11-22T23:00:00Z"),
            ("2h", "2026-11-24T14:11:19Z"),
            ("1d 1h ago", "2026-11-23T15:11:19Z"),
            ("now", "2026-11-24T16:11:19Z"),
        ] {
            assert_eq!(at(text).as_deref(), Some(expected), "{text}");
        }
        for wrong in ["", "soon", "25:00", "2026-13-01", "5"] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}
