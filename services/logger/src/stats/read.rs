//! Series as charts and tables want them: a window of time in equal steps.

use serde::{Deserialize, Serialize};

use super::database::DatabaseError;
use super::minute::Slot;
use super::resolution::{Level, floor};
use super::series::Kind;
use super::store::{Known, Point, Store};

/// Steps of a window where none are asked for.
const STEPS: i64 = 60;
/// The most steps of an answer.
pub const STEPS_MAX: i64 = 5_000;

/// A window of time, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When its first step begins.
    pub from: i64,
    /// When its last step ends.
    pub until: i64,
    /// Seconds of a step.
    pub step: i64,
    /// Of which resolution.
    pub level: Level,
}

impl Window {
    /// The last `since` seconds before `now` in steps of at least `step` seconds; as many as fit well
    /// into a line where it is not said. The window is moved to whole steps.
    #[must_use]
    pub fn last(now: i64, since: i64, step: Option<i64>) -> Self {
        let level = Level::reaching(since);
        let least = since.div_euclid(STEPS_MAX).saturating_add(1);
        let wanted = step.unwrap_or_else(|| since.div_euclid(STEPS)).max(least);
        let steps = wanted
            .max(1)
            .saturating_add(level.step - 1)
            .div_euclid(level.step);
        let step = steps.max(1).saturating_mul(level.step);
        // The step that is not over yet counts.
        let until = floor(now, step).saturating_add(step);
        let count = since.saturating_add(step - 1).div_euclid(step).max(1);
        Self {
            from: until.saturating_sub(count.saturating_mul(step)),
            until,
            step,
            level,
        }
    }
}

/// A series in a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// Of which node.
    pub node: String,
    /// The name of the series.
    pub name: String,
    /// Its labels, as `outcome="sent"`.
    pub labels: String,
    /// `level`, or `rate`: how much a second.
    pub kind: Kind,
    /// When the first step begins, in seconds since 1970.
    pub from: i64,
    /// Seconds of a step.
    pub step: i64,
    /// The mean of each step; nothing where nothing was seen.
    pub mean: Vec<Option<f64>>,
    /// The least value of each step.
    pub low: Vec<Option<f64>>,
    /// The greatest value of each step.
    pub high: Vec<Option<f64>>,
}

impl Chart {
    /// The last value that was seen.
    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.mean.iter().rev().find_map(|value| *value)
    }

    /// The mean over the window.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let seen: Vec<f64> = self.mean.iter().filter_map(|value| *value).collect();
        let count = u32::try_from(seen.len()).ok().filter(|count| *count > 0)?;
        Some(seen.iter().sum::<f64>() / f64::from(count))
    }

    /// The greatest value in the window.
    #[must_use]
    pub fn highest(&self) -> Option<f64> {
        self.high.iter().filter_map(|value| *value).reduce(f64::max)
    }

    /// The least value in the window.
    #[must_use]
    pub fn lowest(&self) -> Option<f64> {
        self.low.iter().filter_map(|value| *value).reduce(f64::min)
    }
}

/// Reads a series.
pub async fn chart(store: &Store, series: &Known, window: Window) -> Result<Chart, DatabaseError> {
    let points = store
        .read(series, window.level, window.from, window.until)
        .await?;
    let slots = steps(&points, window);
    let each = |pick: fn(&Slot) -> f64| slots.iter().map(|slot| slot.as_ref().map(pick)).collect();
    Ok(Chart {
        node: series.key.node.clone(),
        name: series.key.name.clone(),
        labels: series.key.labels.clone(),
        kind: series.kind,
        from: window.from,
        step: window.step,
        mean: each(|slot| slot.mean),
        low: each(|slot| slot.low),
        high: each(|slot| slot.high),
    })
}

/// Points gathered by step.
fn steps(points: &[Point], window: Window) -> Vec<Option<Slot>> {
    let count = (window.until - window.from).div_euclid(window.step);
    let mut steps: Vec<Option<Slot>> = vec![None; usize::try_from(count).unwrap_or_default()];
    for point in points {
        let step = (point.at - window.from).div_euclid(window.step);
        let step = usize::try_from(step)
            .ok()
            .and_then(|step| steps.get_mut(step));
        if let Some(step) = step {
            *step = Some(match step.take() {
                Some(gathered) => gathered.with(point.slot),
                None => point.slot,
            });
        }
    }
    steps
}

/// Whether a name fits a pattern in which `*` stands for anything. A pattern without a brace is about
/// the name alone.
#[must_use]
pub fn fits(pattern: &str, known: &Known) -> bool {
    let shown = known.key.shown();
    let text = match pattern.contains('{') {
        true => shown.as_str(),
        false => known.key.name.as_str(),
    };
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_whole_steps_of_a_resolution_that_reaches_back() {
        const DAY: i64 = 86_400;
        let now = 1_790_000_030;
        let day = Window::last(now, DAY, None);
        assert_eq!((day.step, day.level.step), (1_440, 60));
        assert!(day.from <= now - DAY + day.step && day.until > now);
        assert_eq!((day.until - day.from) % day.step, 0);
        let week = Window::last(now, 7 * DAY, Some(1));
        assert_eq!(week.step, 600);
        let year = Window::last(now, 365 * DAY, None);
        assert_eq!(year.level.step, 7_200);
        assert!((year.until - year.from) / year.step <= STEPS + 2);
        let hour = Window::last(now, 3_600, Some(90));
        assert_eq!(hour.step, 120);
    }

    #[test]
    fn points_are_gathered_by_step() {
        let window = Window {
            from: 0,
            until: 360,
            step: 120,
            level: Level::reaching(1),
        };
        let point = |at, value| Point {
            at,
            slot: Slot::of(value),
        };
        let found = steps(
            &[
                point(0, 1.0),
                point(60, 3.0),
                point(240, 7.0),
                point(360, 9.0),
            ],
            window,
        );
        let means: Vec<Option<f64>> = found
            .iter()
            .map(|slot| slot.map(|slot| slot.mean))
            .collect();
        assert_eq!(means, [Some(2.0), None, Some(7.0)]);
    }

    #[test]
    fn names_fit_patterns() {
        let known = |name: &str, labels: &str| {
            let mut known = Known::unknown();
            known.key.name = name.to_owned();
            known.key.labels = labels.to_owned();
            known
        };
        let queue = known("roost_mta_queue_messages", "");
        for (pattern, expected) in [
            ("roost_mta_queue_messages", true),
            ("roost_mta_queue", false),
            ("roost_mta_*", true),
            ("*queue*", true),
            ("*queue", false),
            ("*_mta_*_messages", true),
            ("*", true),
            ("", false),
        ] {
            assert_eq!(fits(pattern, &queue), expected, "{pattern}");
        }
        let sent = known("attempts", "outcome=\"sent\"");
        assert!(fits("attempts", &sent));
        assert!(fits("attempts{*sent*}", &sent));
        assert!(!fits("attempts{*failed*}", &sent));
    }
}
