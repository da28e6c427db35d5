//! Sizes and durations as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A number of bytes, written `"50 MB"` (10⁶) or `"50 MiB"` (2²⁰).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(u64);

const SIZE_EXPECTED: &str = "a size with its unit, such as \"50 MB\"";
const SIZE_UNITS: &[(&str, u64)] = &[
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("KB", 1_000),
    ("B", 1),
];

impl ByteSize {
    /// So many bytes.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many times 2¹⁰ bytes.
    #[must_use]
    pub const fn kib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 10))
    }

    /// So many times 2²⁰ bytes.
    #[must_use]
    pub const fn mib(count: u64) -> Self {
        Self(count.saturating_mul(1 << 20))
    }

    /// The number of bytes.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The number of bytes, for sizes of things in memory.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = number_and_unit(text);
        let parsed = SIZE_UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .and_then(|(_, factor)| number.parse::<u64>().ok()?.checked_mul(*factor));
        parsed
            .map(Self)
            .ok_or_else(|| format!("expected {SIZE_EXPECTED}, found \"{text}\""))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = SIZE_UNITS
            .iter()
            .find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor))
            .unwrap_or(&("B", 1));
        write!(f, "{} {unit}", self.0 / factor)
    }
}

/// A span of time, written `"30s"`, `"5m"`, `"1h 30m"`, `"2d"` or `"250ms"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Period(Duration);

const PERIOD_EXPECTED: &str = "a duration with its unit, such as \"30s\"";
const PERIOD_UNITS: &[(&str, u64)] = &[
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl Period {
    /// So many milliseconds.
    #[must_use]
    pub const fn milliseconds(count: u64) -> Self {
        Self(Duration::from_millis(count))
    }

    /// So many seconds.
    #[must_use]
    pub const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }

    /// So many minutes.
    #[must_use]
    pub const fn minutes(count: u64) -> Self {
        Self(Duration::from_secs(count.saturating_mul(60)))
    }

    /// The span as the standard library has it.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Period> for Duration {
    fn from(period: Period) -> Self {
        period.0
    }
}

impl From<Duration> for Period {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("expected {PERIOD_EXPECTED}, found \"{text}\"");
        let mut total: u64 = 0;
        let mut parts = text.split_whitespace().peekable();
        if parts.peek().is_none() {
            return Err(refused());
        }
        for part in parts {
            let (number, unit) = number_and_unit(part);
            let milliseconds = PERIOD_UNITS
                .iter()
                .find(|(name, _)| *name == unit)
                .and_then(|(_, factor)| number.parse::<u64>().ok()?.checked_mul(*factor))
                .ok_or_else(refused)?;
            total = total.checked_add(milliseconds).ok_or_else(refused)?;
        }
        Ok(Self(Duration::from_millis(total)))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        let mut separator = "";
        for (unit, factor) in PERIOD_UNITS {
            if rest >= *factor {
                write!(f, "{separator}{}{unit}", rest / factor)?;
                rest %= factor;
                separator = " ";
            }
        }
        Ok(())
    }
}

fn number_and_unit(text: &str) -> (&str, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    (number, unit.trim_start())
}

/// Reads a type from a TOML string by its `FromStr`, and says what else it wanted.
pub(super) struct FromText<T> {
    expected: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> FromText<T> {
    pub(super) fn new(expected: &'static str, parse: fn(&str) -> Result<T, String>) -> Self {
        Self { expected, parse }
    }
}

impl<T> Visitor<'_> for FromText<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText::new(SIZE_EXPECTED, Self::from_str))
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText::new(PERIOD_EXPECTED, Self::from_str))
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_and_periods_need_their_unit() {
        assert_eq!("50 MB".parse(), Ok(ByteSize::bytes(50_000_000)));
        assert_eq!("1GiB".parse(), Ok(ByteSize::mib(1024)));
        assert_eq!("1h 30m".parse(), Ok(Period::minutes(90)));
        assert_eq!("250ms".parse(), Ok(Period::milliseconds(250)));
        for wrong in ["", "5", "MB", "5 mb", "5.5 MB", "-1 B", "99999999999 TB"] {
            assert!(wrong.parse::<ByteSize>().is_err(), "{wrong}");
        }
        for wrong in ["", "5", "s", "5 s", "1h30m", "99999999999999999d"] {
            assert!(wrong.parse::<Period>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn printed_sizes_and_periods_read_back(number in any::<u64>()) {
            let size = ByteSize::bytes(number);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
            let period = Period::milliseconds(number);
            prop_assert_eq!(period.to_string().parse(), Ok(period));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let (size, period) = (text.parse::<ByteSize>(), text.parse::<Period>());
            prop_assert!(size.is_err() || period.is_err());
        }
    }
}
