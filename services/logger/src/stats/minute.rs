//! Looks → slots of a minute, which is the finest resolution that is kept.

use std::collections::HashMap;

use super::resolution::{LEVELS, floor};
use super::series::{Key, Kind, Reading};

/// A counter that was not seen for so long, in seconds, begins anew: a mean over the gap would show
/// in no slot of it.
const GAP_MAX: i64 = 600;

/// What a slot says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slot {
    /// The mean of the values.
    pub mean: f64,
    /// The least of them.
    pub low: f64,
    /// The greatest of them.
    pub high: f64,
    /// How many there were.
    pub count: u32,
}

impl Slot {
    /// A slot of one value.
    #[must_use]
    pub const fn of(value: f64) -> Self {
        Self {
            mean: value,
            low: value,
            high: value,
            count: 1,
        }
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let count = self.count.saturating_add(other.count);
        let (own, others) = (f64::from(self.count), f64::from(other.count));
        Self {
            mean: self.mean.mul_add(own, other.mean * others) / (own + others).max(1.0),
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            count,
        }
    }
}

/// A whole minute.
#[derive(Debug, Clone, Default)]
pub struct Minute {
    /// When it began, in seconds since 1970.
    pub at: i64,
    /// What was seen in it.
    pub slots: Vec<(Key, Kind, Slot)>,
}

/// Turns counters into rates and gathers the values of a minute.
#[derive(Debug, Default)]
pub struct Gatherer {
    /// Where each counter stood, and when.
    counters: HashMap<Key, (f64, i64)>,
    /// When the open minute began.
    open: i64,
    slots: HashMap<Key, (Kind, Slot)>,
}

impl Gatherer {
    /// Takes a look of the second `at`; gives the minute before where this begins a new one. A clock
    /// that is set back begins one too.
    pub fn take(&mut self, at: i64, readings: Vec<Reading>) -> Option<Minute> {
        let [finest, ..] = LEVELS;
        let minute = floor(at, finest.step);
        let done = (minute != self.open).then(|| self.close()).flatten();
        self.open = minute;
        for Reading { key, kind, value } in readings {
            let value = match kind {
                Kind::Level => Some(value),
                Kind::Rate => self.rate(&key, value, at),
            };
            let Some(value) = value else { continue };
            let slot = Slot::of(value);
            self.slots
                .entry(key)
                .and_modify(|(_, gathered)| *gathered = gathered.with(slot))
                .or_insert((kind, slot));
        }
        done
    }

    /// The open minute as far as it is known; at the end of the daemon.
    pub fn close(&mut self) -> Option<Minute> {
        let slots = std::mem::take(&mut self.slots);
        if slots.is_empty() {
            return None;
        }
        // Counters of daemons that are gone for good must not be remembered for ever.
        let open = self.open;
        self.counters
            .retain(|_, (_, seen)| open.saturating_sub(*seen) <= GAP_MAX);
        let mut slots: Vec<_> = slots
            .into_iter()
            .map(|(key, (kind, slot))| (key, kind, slot))
            .collect();
        slots.sort_by(|one, other| one.0.cmp(&other.0));
        Some(Minute {
            at: self.open,
            slots,
        })
    }

    /// How much a second since the last look. A counter that went back was begun anew by its daemon.
    fn rate(&mut self, key: &Key, value: f64, at: i64) -> Option<f64> {
        let before = match self.counters.get_mut(key) {
            Some(known) => std::mem::replace(known, (value, at)),
            None => {
                self.counters.insert(key.clone(), (value, at));
                return None;
            }
        };
        let seconds = at
            .checked_sub(before.1)
            .filter(|gap| (1..=GAP_MAX).contains(gap))?;
        let grown = match value >= before.0 {
            true => value - before.0,
            false => value,
        };
        let seconds = u32::try_from(seconds).ok()?;
        Some(grown / f64::from(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(name: &str, kind: Kind, value: f64) -> Reading {
        let key = Key {
            node: "n".to_owned(),
            name: name.to_owned(),
            labels: String::new(),
        };
        Reading { key, kind, value }
    }

    #[test]
    fn a_minute_has_mean_least_and_greatest() {
        let mut gatherer = Gatherer::default();
        for (at, value) in [(600, 1.0), (620, 5.0), (640, 3.0)] {
            assert!(
                gatherer
                    .take(at, vec![reading("q", Kind::Level, value)])
                    .is_none()
            );
        }
        let minute = gatherer
            .take(660, vec![reading("q", Kind::Level, 9.0)])
            .unwrap();
        assert_eq!(minute.at, 600);
        let expected = Slot {
            mean: 3.0,
            low: 1.0,
            high: 5.0,
            count: 3,
        };
        assert_eq!(minute.slots[0].2, expected);
        assert_eq!(gatherer.close().unwrap().slots[0].2, Slot::of(9.0));
        assert!(gatherer.close().is_none());
    }

    #[test]
    fn a_counter_becomes_a_rate_and_survives_its_daemons_restart() {
        let mut gatherer = Gatherer::default();
        let mut rates = Vec::new();
        // 30 in 60 s; then the daemon began anew and counted 6.
        for (at, value) in [(0, 100.0), (60, 130.0), (120, 6.0), (180, 6.0), (240, 6.0)] {
            let done = gatherer.take(at, vec![reading("c_total", Kind::Rate, value)]);
            rates.extend(done.map(|minute| minute.slots[0].2.mean));
        }
        assert_eq!(rates, [0.5, 0.1, 0.0]);
    }

    #[test]
    fn nothing_is_said_about_a_gap() {
        let mut gatherer = Gatherer::default();
        gatherer.take(0, vec![reading("c_total", Kind::Rate, 100.0)]);
        gatherer.take(6_000, vec![reading("c_total", Kind::Rate, 90_000.0)]);
        assert!(gatherer.close().is_none());
    }
}
