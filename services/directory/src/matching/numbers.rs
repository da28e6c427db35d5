//! Normal forms of numbers, booleans and UUIDs.

/// `TRUE` or `FALSE` (RFC 4517 §3.3.3).
pub(super) fn boolean(value: &[u8]) -> Option<Vec<u8>> {
    let upper = value.to_ascii_uppercase();
    matches!(upper.as_slice(), b"TRUE" | b"FALSE").then_some(upper)
}

/// A number of any size, so that forms sort as numbers do: a sign octet, how many digits, the
/// digits; below zero, count and digits are complemented.
pub(super) fn integer(value: &[u8]) -> Option<Vec<u8>> {
    let (negative, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let significant = digits.get(zeros..).unwrap_or_default();
    let count = u16::try_from(significant.len()).ok()?.to_be_bytes();
    let negative = negative && !significant.is_empty();
    let mut form = vec![if negative { b'-' } else { b'0' }];
    for octet in count.iter().chain(significant) {
        form.push(if negative { !octet } else { *octet });
    }
    Some(form)
}

/// The sixteen octets (RFC 4530 §2.1).
pub(super) fn uuid(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() != 36 {
        return None;
    }
    uuid::Uuid::try_parse_ascii(value)
        .ok()
        .map(|uuid| uuid.as_bytes().to_vec())
}
