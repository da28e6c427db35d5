//! Times as senders write them, and back again to the octet.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Microseconds of a second and of a day.
const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// How a sender wrote a time, so that it can be written like that again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// RFC 3339 as RFC 5424 §6.2.3 narrows it.
    Rfc3339 {
        /// Digits of the fraction, 0 (no fraction) to 6.
        digits: u8,
        /// Minutes east of UTC; None is written `Z`.
        offset: Option<i16>,
    },
    /// As [`Style::Rfc3339`], but without a zone, as some programs write it in the place of the next
    /// one.
    Zoneless {
        /// Digits of the fraction, 0 (no fraction) to 6.
        digits: u8,
    },
    /// RFC 3164 §4.1.2, `Nov  4 09:05:01`: neither year nor zone.
    Bsd,
}

/// A time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// How it was written.
    pub style: Style,
    /// Microseconds since 1970: in UTC, or where there is no zone of the local time as if it were UTC,
    /// for [`Style::Bsd`] in the year 2000.
    pub value: i64,
    /// How many octets it took.
    pub length: usize,
}

impl Stamp {
    /// Reads a time at the beginning of `octets`. What [`Stamp::write`] would not write again to the
    /// octet is not read.
    #[must_use]
    pub fn read(octets: &[u8]) -> Option<Self> {
        let stamp = match octets.first() {
            Some(b'0'..=b'9') => rfc3339(octets),
            Some(b'A'..=b'Z') => bsd(octets),
            _ => None,
        }?;
        let mut again = Vec::with_capacity(stamp.length);
        write(stamp.style, stamp.value, &mut again);
        (octets.get(..stamp.length)? == again).then_some(stamp)
    }

    /// The moment that is meant by a line that came at `received`; `zone` is the local time's
    /// distance from UTC in microseconds.
    #[must_use]
    pub fn moment(&self, received: Timestamp, zone: i64) -> Option<Timestamp> {
        let micros = match self.style {
            Style::Rfc3339 { .. } => self.value,
            Style::Zoneless { .. } => self.value - zone,
            Style::Bsd => {
                // RFC 3164 has no year: the one that brings it nearest to its arrival.
                let now = received.as_microsecond();
                let (year, ..) = civil(now.div_euclid(DAY));
                let (_, month, day) = civil(self.value.div_euclid(DAY));
                let within = self.value.rem_euclid(DAY);
                (year - 1..=year + 1)
                    .map(|year| days(year, month, day) * DAY + within - zone)
                    .min_by_key(|micros| micros.abs_diff(now))?
            }
        };
        Timestamp::from_microsecond(micros).ok()
    }
}

/// How far local time is from UTC at a moment, in microseconds.
#[must_use]
pub fn local_zone(at: Timestamp) -> i64 {
    i64::from(TimeZone::system().to_offset(at).seconds()) * SECOND
}

/// Writes a time.
pub fn write(style: Style, value: i64, out: &mut Vec<u8>) {
    match style {
        Style::Rfc3339 { digits, offset } => {
            let local = value + i64::from(offset.unwrap_or(0)) * 60 * SECOND;
            date_and_time(local, digits, out);
            match offset {
                None => out.push(b'Z'),
                Some(minutes) => {
                    out.push(if minutes < 0 { b'-' } else { b'+' });
                    let minutes = i64::from(minutes.unsigned_abs());
                    number(minutes / 60, 2, out);
                    out.push(b':');
                    number(minutes % 60, 2, out);
                }
            }
        }
        Style::Zoneless { digits } => date_and_time(value, digits, out),
        Style::Bsd => {
            let (_, month, day) = civil(value.div_euclid(DAY));
            let name = usize::try_from(month - 1)
                .ok()
                .and_then(|at| MONTHS.get(at));
            out.extend_from_slice(name.map_or(b"???", |name| *name));
            out.push(b' ');
            match day < 10 {
                true => out.push(b' '),
                false => number(day / 10, 1, out),
            }
            number(day % 10, 1, out);
            out.push(b' ');
            clock(value.rem_euclid(DAY), out);
        }
    }
}

fn date_and_time(local: i64, digits: u8, out: &mut Vec<u8>) {
    let (year, month, day) = civil(local.div_euclid(DAY));
    number(year, 4, out);
    out.push(b'-');
    number(month, 2, out);
    out.push(b'-');
    number(day, 2, out);
    out.push(b'T');
    clock(local.rem_euclid(DAY), out);
    if digits > 0 {
        out.push(b'.');
        let scale = 10_i64.pow(6 - u32::from(digits.min(6)));
        number(local.rem_euclid(SECOND) / scale, digits, out);
    }
}

fn clock(of_day: i64, out: &mut Vec<u8>) {
    let seconds = of_day / SECOND;
    number(seconds / 3600, 2, out);
    out.push(b':');
    number(seconds / 60 % 60, 2, out);
    out.push(b':');
    number(seconds % 60, 2, out);
}

/// A number with leading zeros.
fn number(value: i64, width: u8, out: &mut Vec<u8>) {
    let mut scale = 10_i64.pow(u32::from(width.saturating_sub(1)));
    for _ in 0..width {
        let digit = u8::try_from(value / scale % 10).unwrap_or(0);
        out.push(b'0' + digit);
        scale = (scale / 10).max(1);
    }
}

fn rfc3339(octets: &[u8]) -> Option<Stamp> {
    let mut read = Reader { octets, at: 0 };
    let year = read.number(4)?;
    read.skip(b'-')?;
    let month = read.number(2)?;
    read.skip(b'-')?;
    let day = read.number(2)?;
    read.skip(b'T')?;
    let of_day = read.clock()?;
    let mut digits = 0_u8;
    let mut fraction = 0;
    if read.peek() == Some(b'.') {
        read.at += 1;
        while let Some(digit) = read.peek().filter(u8::is_ascii_digit) {
            digits += 1;
            fraction = fraction * 10 + i64::from(digit - b'0');
            read.at += 1;
            if digits > 6 {
                return None;
            }
        }
        if digits == 0 {
            return None;
        }
        fraction *= 10_i64.pow(6 - u32::from(digits));
    }
    let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
    let local = is_date.then(|| days(year, month, day) * DAY + of_day + fraction)?;
    let offset = match read.peek() {
        Some(b'Z') => {
            read.at += 1;
            None
        }
        Some(sign @ (b'+' | b'-')) => {
            read.at += 1;
            let hours = read.number(2)?;
            read.skip(b':')?;
            let minutes = hours * 60 + read.number(2)?;
            let minutes = i16::try_from(minutes).ok()?;
            Some(if sign == b'-' { -minutes } else { minutes })
        }
        Some(b' ') => {
            return Some(Stamp {
                style: Style::Zoneless { digits },
                value: local,
                length: read.at,
            });
        }
        _ => return None,
    };
    Some(Stamp {
        style: Style::Rfc3339 { digits, offset },
        value: local - i64::from(offset.unwrap_or(0)) * 60 * SECOND,
        length: read.at,
    })
}

fn bsd(octets: &[u8]) -> Option<Stamp> {
    let name = octets.get(..3)?;
    let month = MONTHS.iter().position(|month| month.as_slice() == name)?;
    let mut read = Reader { octets, at: 3 };
    read.skip(b' ')?;
    let day = match read.peek()? {
        b' ' => {
            read.at += 1;
            read.number(1)?
        }
        _ => read.number(2)?,
    };
    read.skip(b' ')?;
    let of_day = read.clock()?;
    let month = i64::try_from(month).ok()? + 1;
    // A leap year, so that every day of a year is one.
    Some(Stamp {
        style: Style::Bsd,
        value: days(2000, month, day) * DAY + of_day,
        length: read.at,
    })
}

struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.octets.get(self.at).copied()
    }

    fn skip(&mut self, octet: u8) -> Option<()> {
        let is = self.peek()? == octet;
        self.at += 1;
        is.then_some(())
    }

    fn number(&mut self, width: usize) -> Option<i64> {
        let digits = self.octets.get(self.at..self.at + width)?;
        self.at += width;
        digits.iter().try_fold(0, |value, digit| {
            digit
                .is_ascii_digit()
                .then(|| value * 10 + i64::from(digit - b'0'))
        })
    }

    fn clock(&mut self) -> Option<i64> {
        let hours = self.number(2)?;
        self.skip(b':')?;
        let minutes = self.number(2)?;
        self.skip(b':')?;
        let seconds = self.number(2)?;
        let is_time = hours < 24 && minutes < 60 && seconds < 60;
        is_time.then_some(((hours * 60 + minutes) * 60 + seconds) * SECOND)
    }
}

/// Days since 1970 of a date in the Gregorian calendar: years begin in March, so that the leap day
/// is their last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day since 1970.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str, received: &str) -> String {
        let stamp = Stamp::read(text.as_bytes()).unwrap();
        assert_eq!(stamp.length, text.len());
        stamp
            .moment(received.parse().unwrap(), 0)
            .unwrap()
            .to_string()
    }

    #[test]
    fn times_are_what_their_senders_meant() {
        let received = "2026-11-24T16:11:19Z";
        for (text, expected) in [
            ("2026-11-24T16:11:19Z", "2026-11-24T16:11:19Z"),
            ("2026-11-24T16:11:19.5+01:30", "2026-11-24T14:41:19.5Z"),
            (
                "2026-11-24T16:11:19.000123-08:00",
                "2026-11-25T00:11:19.000123Z",
            ),
            ("1999-02-28T23:59:59.999Z", "1999-02-28T23:59:59.999Z"),
            ("Nov  4 09:05:01", "2026-11-04T09:05:01Z"),
            ("Nov 24 16:11:20", "2026-11-24T16:11:20Z"),
        ] {
            assert_eq!(moment(text, received), expected, "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_local() {
        let stamp = Stamp::read(b"2026-11-24T16:11:19.5 host").unwrap();
        let received = "2026-11-24T15:11:20Z".parse().unwrap();
        let moment = stamp.moment(received, 3_600_000_000).unwrap();
        assert_eq!(
            (stamp.length, moment.to_string().as_str()),
            (21, "2026-11-24T15:11:19.5Z")
        );
    }

    #[test]
    fn a_year_is_the_nearest_one() {
        let new_year = "2026-12-31T23:59:59Z";
        assert_eq!(moment("Jan  1 00:00:01", new_year), "2027-01-01T00:00:01Z");
        let after = "2027-01-01T00:00:05Z";
        assert_eq!(moment("Dec 31 23:59:59", after), "2026-12-31T23:59:59Z");
        assert_eq!(
            moment("Feb 29 12:00:00", "2028-03-01T00:00:00Z"),
            "2028-02-29T12:00:00Z"
        );
    }

    #[test]
    fn what_cannot_be_written_again_is_not_read() {
        for text in [
            "2026-11-24 16:11:19",
            "2026-02-30T16:11:19Z",
            "2026-11-24T24:00:00Z",
            "2026-11-24T16:11:19.1234567Z",
            "2026-11-24T16:11:19-00:00",
            "Nov 4 09:05:01",
            "Nov 04 09:05:01",
            "nov 24 16:11:19",
            "",
        ] {
            assert_eq!(Stamp::read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn calendars_agree() {
        for day in (-200_000..200_000).step_by(37) {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), day);
        }
        assert_eq!(civil(0), (1970, 1, 1));
    }
}
