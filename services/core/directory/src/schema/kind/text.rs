//! Numbers, durations and times as text.

/// Reads an LDAP INTEGER: no leading zeros, no plus sign (RFC 4517 §3.3.16).
#[must_use]
pub fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits == "0" && text == digits
        || digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}

/// Reads a duration: digits and `ms`, `s`, `m`, `h`, `d` or nothing, which means seconds.
#[must_use]
pub fn duration(text: &str) -> Option<std::time::Duration> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at_checked(end)?;
    let number: u64 = digits.parse().ok()?;
    let seconds = match unit {
        "ms" => return Some(std::time::Duration::from_millis(number)),
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    number
        .checked_mul(seconds)
        .map(std::time::Duration::from_secs)
}

/// Reads the form of generalized time that directories write: `YYYYMMDDhhmmss[.fraction]Z`.
#[must_use]
pub fn time(text: &str) -> Option<jiff::Timestamp> {
    let text = text.strip_suffix(['Z', 'z'])?;
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if whole.len() != 14
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to)?.parse::<i8>().ok();
    let year = whole.get(..4)?.parse().ok()?;
    let nanoseconds = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    let date = jiff::civil::Date::new(year, part(4, 6)?, part(6, 8)?).ok()?;
    let time =
        jiff::civil::Time::new(part(8, 10)?, part(10, 12)?, part(12, 14)?, nanoseconds).ok()?;
    jiff::tz::TimeZone::UTC
        .to_timestamp(date.to_datetime(time))
        .ok()
}

/// Writes a point in time as [`time`] reads it, in whole seconds.
#[must_use]
pub fn generalized_time(time: jiff::Timestamp) -> String {
    time.strftime("%Y%m%d%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        let now: jiff::Timestamp = "2026-02-28T23:59:59Z".parse().unwrap();
        assert_eq!(generalized_time(now), "20260228235959Z");
        assert_eq!(time(&generalized_time(now)), Some(now));
    }

    #[test]
    fn a_negative_nought_is_no_number() {
        assert_eq!(
            ["0", "-1", "10"].map(integer),
            [Some(0), Some(-1), Some(10)]
        );
        assert_eq!(["-0", "01", "+1", "", "-"].map(integer), [None; 5]);
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "[-+0-9.,zZmshd ]{0,24}") {
            if let Some(number) = integer(&text) {
                prop_assert_eq!(number.to_string(), text.clone());
            }
            if let Some(time) = time(&text) {
                prop_assert!(generalized_time(time).len() >= 15);
            }
            if let Some(read) = duration(&text) {
                prop_assert!(text.starts_with(|first: char| first.is_ascii_digit()), "{read:?}");
            }
        }
    }
}
