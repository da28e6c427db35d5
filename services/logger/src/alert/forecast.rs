//! When a volume will be full at this rate.

/// Fewer points say nothing.
const POINTS_MIN: usize = 8;
/// Points must cover at least this part of the window, one in so many.
const COVER: i64 = 12;

/// The line through what was free.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Octets a second by which it grows less; positive.
    pub rate: f64,
    /// Seconds until nothing is free.
    pub left: f64,
}

/// A forecast from points of time and free octets, in the order of time, the last one being now. Nothing
/// where it does not shrink, neither over the whole window nor in its last third, or where too little
/// is known.
#[must_use]
pub fn forecast(points: &[(i64, f64)], window: i64) -> Option<Forecast> {
    let &(now, free) = points.last()?;
    let from = now.saturating_sub(window);
    let begin = points.partition_point(|(at, _)| *at < from);
    let points = points.get(begin..)?;
    let &(first, _) = points.first()?;
    if points.len() < POINTS_MIN || now.saturating_sub(first) < window / COVER {
        return None;
    }
    let third = now.saturating_sub(now.saturating_sub(first) / 3);
    let late = points.partition_point(|(at, _)| *at < third);
    let slope = slope(points)?.max(slope(points.get(late..)?)?);
    (slope < 0.0).then(|| Forecast {
        rate: -slope,
        left: free / -slope,
    })
}

/// The slope of the line of least squares, in octets a second.
fn slope(points: &[(i64, f64)]) -> Option<f64> {
    let count = f64::from(
        u32::try_from(points.len())
            .ok()
            .filter(|count| *count > 1)?,
    );
    let &(first, _) = points.first()?;
    // Times near zero keep the sums exact.
    let points = points
        .iter()
        .map(|(at, free)| (seconds(at.saturating_sub(first)), *free));
    let points: Vec<(f64, f64)> = points.collect();
    let mean_time = points.iter().map(|(at, _)| at).sum::<f64>() / count;
    let mean_free = points.iter().map(|(_, free)| free).sum::<f64>() / count;
    let (mut above, mut below) = (0.0, 0.0);
    for (at, free) in points {
        above += (at - mean_time) * (free - mean_free);
        below += (at - mean_time) * (at - mean_time);
    }
    (below > 0.0).then(|| above / below)
}

fn seconds(seconds: i64) -> f64 {
    f64::from(i32::try_from(seconds).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: i64 = 6 * 3_600;
    const GIGABYTE: f64 = 1e9;

    fn points(count: u32, free: impl Fn(f64) -> f64) -> Vec<(i64, f64)> {
        (0..count)
            .map(|minute| {
                (
                    1_790_000_000 + i64::from(minute) * 60,
                    free(f64::from(minute)),
                )
            })
            .collect()
    }

    #[test]
    fn a_steady_rate_is_found() {
        let filling = points(120, |minute| 50.0 * GIGABYTE - minute * 0.1 * GIGABYTE);
        let found = forecast(&filling, WINDOW).unwrap();
        assert!(
            (found.rate * 60.0 / GIGABYTE - 0.1).abs() < 1e-6,
            "{found:?}"
        );
        // 38.1 GB are left at 0.1 GB a minute.
        assert!((found.left / 60.0 - 381.0).abs() < 0.1, "{found:?}");
    }

    #[test]
    fn what_has_stopped_filling_or_grows_has_no_forecast() {
        assert_eq!(forecast(&points(120, |_| GIGABYTE), WINDOW), None);
        assert_eq!(forecast(&points(120, |minute| minute), WINDOW), None);
        let copied = points(120, |minute| {
            if minute < 60.0 {
                9e9 - minute * 1e8
            } else {
                3e9
            }
        });
        assert_eq!(forecast(&copied, WINDOW), None);
        let just_begun = points(120, |minute| {
            if minute < 110.0 {
                9e9
            } else {
                9e9 - (minute - 110.0) * 1e6
            }
        });
        assert!(forecast(&just_begun, WINDOW).is_some());
    }

    #[test]
    fn little_knowledge_is_none() {
        assert_eq!(forecast(&[], WINDOW), None);
        assert_eq!(forecast(&points(7, |minute| 1e9 - minute), WINDOW), None);
        assert_eq!(
            forecast(&points(20, |minute| 1e9 - minute), WINDOW),
            None,
            "too short"
        );
        assert!(forecast(&points(31, |minute| 1e9 - minute), WINDOW).is_some());
        // What is older than the window does not count.
        let late = points(600, |minute| {
            if minute < 200.0 {
                9e9 - minute * 1e7
            } else {
                7e9
            }
        });
        assert_eq!(forecast(&late, WINDOW), None);
    }
}
