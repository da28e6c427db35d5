//! Dates: `date` and `date-time` of RFC 9051 §9.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

use super::cursor::{Cursor, Error};
use super::print::Wire;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The name of a month, from 1.
fn month(date: Date) -> &'static str {
    let index = usize::try_from(date.month() - 1).unwrap_or_default();
    MONTHS.get(index).copied().unwrap_or("Jan")
}

/// `date-text = date-day "-" date-month "-" date-year`
fn date_text(cursor: &mut Cursor<'_>) -> Result<Date, Error> {
    let day = cursor.number()?;
    cursor.expect(b'-', "a date")?;
    let name = cursor.run(|octet| octet.is_ascii_alphabetic());
    let month = MONTHS
        .iter()
        .position(|month| month.as_bytes().eq_ignore_ascii_case(name));
    cursor.expect(b'-', "a date")?;
    let year = cursor.number()?;
    month
        .and_then(|month| {
            let month = i8::try_from(month + 1).ok()?;
            Date::new(i16::try_from(year).ok()?, month, i8::try_from(day).ok()?).ok()
        })
        .map_or_else(|| cursor.expected("a date"), Ok)
}

/// `date = date-text / DQUOTE date-text DQUOTE`
pub(crate) fn date(cursor: &mut Cursor<'_>) -> Result<Date, Error> {
    let quoted = cursor.eat(b'"');
    let date = date_text(cursor)?;
    if quoted {
        cursor.expect(b'"', "the end of a date")?;
    }
    Ok(date)
}

pub(crate) fn print_date(wire: &mut impl Wire, date: Date) {
    wire.show(format_args!(
        "{}-{}-{:04}",
        date.day(),
        month(date),
        date.year()
    ));
}

/// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`
pub(crate) fn date_time(cursor: &mut Cursor<'_>) -> Result<Timestamp, Error> {
    cursor.expect(b'"', "a date and time")?;
    cursor.eat(b' ');
    let date = date_text(cursor)?;
    cursor.space()?;
    let hour = cursor.number()?;
    cursor.expect(b':', "a time")?;
    let minute = cursor.number()?;
    cursor.expect(b':', "a time")?;
    let second = cursor.number()?;
    cursor.space()?;
    let west = match cursor.peek() {
        Some(b'+') => false,
        Some(b'-') => true,
        _ => return cursor.expected("a time zone"),
    };
    cursor.eat(if west { b'-' } else { b'+' });
    let zone = cursor.number()?;
    cursor.expect(b'"', "the end of a date and time")?;
    timestamp(date, [hour, minute, second], zone, west)
        .map_or_else(|| cursor.expected("a date and time"), Ok)
}

fn timestamp(date: Date, time: [u32; 3], zone: u32, west: bool) -> Option<Timestamp> {
    let [hour, minute, second] = time.map(|part| i8::try_from(part).unwrap_or(i8::MAX));
    // A leap second is the last one that the calendar knows.
    let second = if second == 60 { 59 } else { second };
    let time = jiff::civil::Time::new(hour, minute, second, 0).ok()?;
    if zone > 2359 || zone % 100 > 59 {
        return None;
    }
    let seconds = i32::try_from((zone / 100 * 60 + zone % 100) * 60).ok()?;
    let offset = Offset::from_seconds(if west { -seconds } else { seconds }).ok()?;
    offset.to_timestamp(DateTime::from_parts(date, time)).ok()
}

/// A moment, in UTC: ` 1-Feb-2026 03:04:05 +0000`.
pub(crate) fn print_date_time(wire: &mut impl Wire, moment: Timestamp) {
    let at = Offset::UTC.to_datetime(moment);
    wire.show(format_args!(
        "\"{:2}-{}-{:04} {:02}:{:02}:{:02} +0000\"",
        at.day(),
        month(at.date()),
        at.year().max(0),
        at.hour(),
        at.minute(),
        at.second()
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Raw;
    use crate::grammar::cursor::Names;

    fn read<T>(
        text: &'static str,
        parse: impl Fn(&mut Cursor<'_>) -> Result<T, Error>,
    ) -> Option<T> {
        let raw = Raw {
            text: text.into(),
            literals: Vec::new(),
        };
        let mut cursor = Cursor::new(&raw, Names::Utf8);
        let value = parse(&mut cursor).ok()?;
        cursor.end().ok().map(|()| value)
    }

    #[test]
    fn moments_are_read_with_their_zone_and_printed_in_utc() {
        let moment = read("\" 7-Feb-1994 21:52:25 -0800\"", date_time).unwrap();
        let mut text = Vec::new();
        print_date_time(&mut text, moment);
        assert_eq!(text, b"\" 8-Feb-1994 05:52:25 +0000\"");
        assert_eq!(
            read("\"08-Feb-1994 05:52:25 +0000\"", date_time),
            Some(moment)
        );
        for bad in [
            "\"31-Feb-1994 21:52:25 -0800\"",
            "\"1-Feb-1994 24:00:00 +0000\"",
            "\"1-Feb-1994 00:00:00 +0060\"",
            "\"1-Feb-1994 00:00:00 UTC\"",
            "1-Feb-1994 00:00:00 +0000",
        ] {
            assert_eq!(read(bad, date_time), None, "{bad}");
        }
    }

    #[test]
    fn dates_may_be_quoted() {
        let day = Date::new(2026, 3, 1).unwrap();
        assert_eq!(read("1-Mar-2026", date), Some(day));
        assert_eq!(read("\"01-mar-2026\"", date), Some(day));
        assert_eq!(read("1-Foo-2026", date), None);
        let mut text = Vec::new();
        print_date(&mut text, day);
        assert_eq!(text, b"1-Mar-2026");
    }
}
