//! The sent date (RFC 5322 §3.3, with the obsolete forms of §4.3).

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;

/// Words of a date field that are looked at; a complete one has seven.
const WORDS_MAX: usize = 12;

/// When a message says that it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentDate {
    /// The day as written: what `SENTBEFORE`, `SENTON` and `SENTSINCE` compare, which disregard
    /// time and zone (RFC 9051 §6.4.4).
    pub day: Date,
    /// The instant.
    pub instant: Timestamp,
}

impl SentDate {
    /// Reads an unfolded Date value; `None` when it names no day. A missing time is midnight, an
    /// unknown zone UTC. The order of the words does not matter, so C's `asctime` form is read too.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut fields = DateFields::default();
        for word in words(value).take(WORDS_MAX) {
            fields.take(word);
        }
        fields.finish()
    }
}

/// Splits at white space, commas and comments.
fn words(value: &[u8]) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    value
        .split(move |&octet| {
            match octet {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth > 0 || octet == b')' || octet == b',' || octet.is_ascii_whitespace()
        })
        .filter_map(|word| std::str::from_utf8(word).ok())
        .filter(|word| !word.is_empty())
}

#[derive(Default)]
struct DateFields {
    day: Option<i8>,
    month: Option<i8>,
    year: Option<i16>,
    time: Option<Time>,
    zone: Option<i32>,
}

impl DateFields {
    fn take(&mut self, word: &str) {
        let digits = word.bytes().all(|octet| octet.is_ascii_digit());
        match word.as_bytes() {
            [b'+' | b'-', ..] if self.time.is_some() => self.zone = self.zone.or(zone(word)),
            _ if word.contains(':') => self.time = self.time.or_else(|| time(word)),
            _ if digits && self.day.is_none() && word.len() <= 2 => self.day = word.parse().ok(),
            _ if digits => self.year = self.year.or_else(|| year(word)),
            _ if word.contains('-') => word.split('-').for_each(|piece| self.take(piece)),
            _ if self.month.is_none() && month(word).is_some() => self.month = month(word),
            _ if self.time.is_some() => self.zone = self.zone.or_else(|| named_zone(word)),
            _ => {}
        }
    }

    fn finish(self) -> Option<SentDate> {
        let day = Date::new(self.year?, self.month?, self.day?).ok()?;
        let offset = Offset::from_seconds(self.zone.unwrap_or(0)).unwrap_or(Offset::UTC);
        let local = day.to_datetime(self.time.unwrap_or_else(Time::midnight));
        Some(SentDate {
            day,
            instant: offset.to_timestamp(local).ok()?,
        })
    }
}

fn month(word: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let start = word.get(..3)?.to_ascii_lowercase();
    (1..)
        .zip(MONTHS)
        .find(|(_, name)| *name == start)
        .map(|(number, _)| number)
}

/// RFC 5322 §4.3: two digits are 1950 to 2049, three count from 1900.
fn year(word: &str) -> Option<i16> {
    let year: i16 = word.parse().ok()?;
    match word.len() {
        1 | 2 if year < 50 => Some(year + 2000),
        1..=3 => Some(year + 1900),
        _ => Some(year),
    }
}

/// `hour:minute[:second]`; a leap second is the second before it.
fn time(word: &str) -> Option<Time> {
    let mut pieces = word.split(':').map(str::parse::<i8>);
    let hour = pieces.next()?.ok()?;
    let minute = pieces.next()?.ok()?;
    let second = pieces.next().and_then(Result::ok).unwrap_or(0);
    Time::new(hour, minute, second.min(59), 0).ok()
}

/// `+hhmm`, in seconds.
fn zone(word: &str) -> Option<i32> {
    let digits: i32 = word.get(1..)?.replace(':', "").parse().ok()?;
    let seconds = (digits / 100 * 60 + digits % 100).checked_mul(60)?;
    Some(if word.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}

/// RFC 5322 §4.3; military letters and unknown names are UTC.
fn named_zone(word: &str) -> Option<i32> {
    let hours = match word.to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        name if name.bytes().all(|octet| octet.is_ascii_alphabetic()) => 0,
        _ => return None,
    };
    Some(hours * 3600)
}
