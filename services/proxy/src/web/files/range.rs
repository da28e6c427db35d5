//! Which part of a file is wanted (RFC 9110 §14).

use hyper::header::{HeaderMap, IF_RANGE, RANGE};

/// A part.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it; also where several parts are asked for at once, which may be refused (§14.2).
    Whole,
    /// So many octets from there.
    Part { from: u64, length: u64 },
    /// What is not there.
    Beyond,
}

/// What a request wants of `size` octets that are named by `tag`.
pub(super) fn wanted(headers: &HeaderMap, size: u64, tag: &str) -> Wanted {
    let text = headers.get(RANGE).and_then(|value| value.to_str().ok());
    let Some(range) = text.and_then(|text| text.strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    // §13.1.5: a date would need the file to be older than a second; a tag is exact.
    if headers
        .get(IF_RANGE)
        .is_some_and(|own| own.as_bytes() != tag.as_bytes())
    {
        return Wanted::Whole;
    }
    let Some((first, last)) = range
        .trim()
        .split_once('-')
        .filter(|_| !range.contains(','))
    else {
        return Wanted::Whole;
    };
    let number = |text: &str| {
        let plain = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
        plain.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let (from, end) = match (number(first), number(last)) {
        (Some(from), Some(last)) if last >= from => (from, size.min(last.saturating_add(1))),
        (Some(from), None) if last.is_empty() => (from, size),
        (None, Some(count)) if first.is_empty() => (size.saturating_sub(count), size),
        _ => return Wanted::Whole,
    };
    match end.checked_sub(from) {
        Some(length) if length > 0 => Wanted::Part { from, length },
        _ => Wanted::Beyond,
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn a_range_is_within_the_file() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part { from: 0, length: 1 }),
            (
                "bytes=90-",
                Wanted::Part {
                    from: 90,
                    length: 10,
                },
            ),
            (
                "bytes=-10",
                Wanted::Part {
                    from: 90,
                    length: 10,
                },
            ),
            (
                "bytes=-1000",
                Wanted::Part {
                    from: 0,
                    length: 100,
                },
            ),
            (
                "bytes=50-999",
                Wanted::Part {
                    from: 50,
                    length: 50,
                },
            ),
            ("bytes=100-", Wanted::Beyond),
            ("bytes=-0", Wanted::Beyond),
            ("bytes=99999999999999999999-", Wanted::Beyond),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,3-4", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
        ] {
            let value = HeaderValue::from_static(range);
            let headers = HeaderMap::from_iter([(RANGE, value)]);
            assert_eq!(wanted(&headers, 100, "\"a\""), expected, "{range}");
        }
    }

    #[test]
    fn a_part_of_another_version_is_not_asked_for() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static("bytes=0-0"));
        headers.insert(IF_RANGE, HeaderValue::from_static("\"b\""));
        assert_eq!(wanted(&headers, 100, "\"a\""), Wanted::Whole);
        assert!(matches!(
            wanted(&headers, 100, "\"b\""),
            Wanted::Part { .. }
        ));
    }
}
