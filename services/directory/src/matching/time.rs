//! Generalized time (RFC 4517 §3.3.13), in every form that it may be written.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// `YYYYMMDDhhmmss[.fraction]` in UTC, without trailing zeros of the fraction: forms sort by time.
pub(super) fn generalized(value: &[u8]) -> Option<Vec<u8>> {
    let time = parse(std::str::from_utf8(value).ok()?)?;
    let mut form = time.strftime("%Y%m%d%H%M%S").to_string();
    let nanoseconds = time.subsec_nanosecond();
    if nanoseconds > 0 {
        form.push_str(format!(".{nanoseconds:09}").trim_end_matches('0'));
    }
    Some(form.into_bytes())
}

fn parse(text: &str) -> Option<Timestamp> {
    let (local, offset) = zone(text)?;
    let (whole, fraction) = match local.split_once(['.', ',']) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (local, None),
    };
    if !whole.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| whole.get(from..from + 2)?.parse::<i8>().ok();
    // Minutes and seconds may be absent; a fraction is one of the last unit that is there.
    let (minute, second, unit) = match whole.len() {
        10 => (0, 0, 3600),
        12 => (part(10)?, 0, 60),
        14 => (part(10)?, part(12)?, 1),
        _ => return None,
    };
    let date = Date::new(whole.get(..4)?.parse().ok()?, part(4)?, part(6)?).ok()?;
    // A leap second has no place in the clock; it is the second before.
    let time = Time::new(part(8)?, minute, second.min(59), 0).ok()?;
    let utc = TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()?;
    let beyond = fraction.map_or(Some(0), |digits| nanoseconds(digits, unit))?;
    utc.checked_add(SignedDuration::from_nanos(beyond))
        .ok()?
        .checked_sub(offset)
        .ok()
}

/// The text before the zone, and how far the zone is ahead of UTC.
fn zone(text: &str) -> Option<(&str, SignedDuration)> {
    if let Some(local) = text.strip_suffix(['Z', 'z']) {
        return Some((local, SignedDuration::ZERO));
    }
    let at = text.rfind(['+', '-'])?;
    let (local, zone) = text.split_at_checked(at)?;
    let (sign, digits) = zone.split_at_checked(1)?;
    if !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = match digits.len() {
        2 => 0,
        4 => digits.get(2..)?.parse().ok()?,
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let ahead = SignedDuration::from_secs(hours * 3600 + minutes * 60);
    Some((local, if sign == "-" { -ahead } else { ahead }))
}

fn nanoseconds(digits: &str, unit: i64) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let first: String = digits.chars().chain("000000000".chars()).take(9).collect();
    Some(first.parse::<i64>().ok()? * unit)
}
