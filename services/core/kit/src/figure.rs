//! Figures as people read them.

use serde::{Deserialize, Serialize};

/// How values are written for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// How many.
    Count,
    /// How many a minute.
    PerMinute,
    /// A part of one, shown in percent.
    Ratio,
    /// Octets.
    Bytes,
    /// Seconds.
    Seconds,
}

/// A value for people.
#[must_use]
pub fn written(value: f64, unit: Unit) -> String {
    const UNITS: [&str; 5] = ["", "k", "M", "G", "T"];
    let short = |mut value: f64| {
        let mut at = 0;
        while value.abs() >= 1_000.0 && at + 1 < UNITS.len() {
            value /= 1_000.0;
            at += 1;
        }
        let unit = UNITS.get(at).copied().unwrap_or_default();
        let digits = match value.abs() {
            ..0.000_001 => return "0".to_owned(),
            ..10.0 if value.fract().abs() > 0.05 => 1,
            _ => 0,
        };
        let digits = if value.abs() < 0.1 { 2 } else { digits };
        match (at, unit) {
            (0, _) => format!("{value:.digits$}"),
            (_, unit) => format!("{value:.digits$} {unit}"),
        }
    };
    match unit {
        Unit::Count => short(value),
        Unit::PerMinute => format!("{}/min", short(value)),
        Unit::Ratio => format!("{:.0} %", value * 100.0),
        Unit::Bytes => match short(value) {
            text if text.ends_with(|last: char| last.is_ascii_digit()) => format!("{text} B"),
            text => format!("{text}B"),
        },
        Unit::Seconds => match value {
            ..120.0 => format!("{value:.0} s"),
            ..7_200.0 => format!("{:.0} min", value / 60.0),
            ..172_800.0 => format!("{:.0} h", value / 3_600.0),
            _ => format!("{:.0} d", value / 86_400.0),
        },
    }
}

/// Values as a line of blocks, a character each; a gap is a space. The greatest value is a whole block,
/// zero the lowest one.
#[must_use]
pub fn sparkline(values: &[Option<f64>]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let seen = values.iter().filter_map(|value| *value);
    let top = seen.fold(0.0_f64, f64::max);
    let block = |value: f64| {
        let part = if top > 0.0 { value.max(0.0) / top } else { 0.0 };
        let found = (1_u8..=8)
            .zip(BLOCKS)
            .find(|(eighth, _)| part <= f64::from(*eighth) / 8.0);
        found.map_or('█', |(_, block)| block)
    };
    values
        .iter()
        .map(|value| value.map_or(' ', block))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_for_people() {
        for (value, unit, text) in [
            (0.0, Unit::Count, "0"),
            (3.0, Unit::Count, "3"),
            (0.25, Unit::PerMinute, "0.2/min"),
            (1_234.0, Unit::Count, "1.2 k"),
            (0.5, Unit::Ratio, "50 %"),
            (999.0, Unit::Bytes, "999 B"),
            (52_000_000.0, Unit::Bytes, "52 MB"),
            (90.0, Unit::Seconds, "90 s"),
            (10_000.0, Unit::Seconds, "3 h"),
        ] {
            assert_eq!(written(value, unit), text, "{value}");
        }
    }

    #[test]
    fn a_sparkline_shows_gaps_and_goes_from_zero_to_the_greatest() {
        let values = [Some(0.0), Some(1.0), None, Some(4.0), Some(8.0)];
        assert_eq!(sparkline(&values), "▁▁ ▄█");
        assert_eq!(sparkline(&[Some(0.0), None]), "▁ ");
        assert_eq!(sparkline(&[]), "");
    }
}
