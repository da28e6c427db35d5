//! The name of a message in the queue, as logs, `Received` fields and administrators use it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Names a message for as long as it is queued, and for ever in the logs: it grows with time and
/// is never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QueueId(pub u64);

/// Crockford's base 32: no I, L, O, U, so that it can be read over the telephone.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Digits of a printed id: 55 bits of microseconds last until the year 3111.
const LENGTH: usize = 11;

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in (0..LENGTH).rev() {
            let digit = (self.0 >> (place * 5)) & 31;
            let byte = DIGITS.get(usize::try_from(digit).unwrap_or_default());
            write!(f, "{}", char::from(*byte.unwrap_or(&b'0')))?;
        }
        Ok(())
    }
}

/// The text is no queue id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a queue id is 11 characters long, digits and letters as `roostctl queue list` prints them"
)]
pub struct NotAnId;

impl FromStr for QueueId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        if text.len() != LENGTH {
            return Err(NotAnId);
        }
        let mut value: u64 = 0;
        for byte in text.bytes() {
            let digit = DIGITS.iter().position(|d| *d == byte.to_ascii_uppercase());
            let digit = u64::try_from(digit.ok_or(NotAnId)?).map_err(|_| NotAnId)?;
            value = (value << 5) | digit;
        }
        Ok(Self(value))
    }
}

/// Gives out ids: the time in microseconds, or one more than the last where two meet or the clock
/// was set back.
#[derive(Debug, Default)]
pub struct QueueIds {
    last: u64,
}

impl QueueIds {
    /// Never gives out `id` or a smaller one again.
    pub fn seen(&mut self, id: QueueId) {
        self.last = self.last.max(id.0);
    }

    /// The next id.
    pub fn next(&mut self, now: Timestamp) -> QueueId {
        let time = u64::try_from(now.as_microsecond()).unwrap_or_default();
        self.last = time.max(self.last + 1);
        QueueId(self.last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_grow_even_when_the_clock_is_set_back() {
        let mut ids = QueueIds::default();
        let first = ids.next(Timestamp::from_second(1_000).unwrap());
        let second = ids.next(Timestamp::from_second(10).unwrap());
        assert!(second > first);
        ids.seen(QueueId(5_000_000_000));
        assert!(ids.next(Timestamp::UNIX_EPOCH).0 > 5_000_000_000);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(value in 0u64..(1 << 55)) {
            let text = QueueId(value).to_string();
            prop_assert_eq!(text.parse(), Ok(QueueId(value)));
            prop_assert_eq!(text.to_lowercase().parse(), Ok(QueueId(value)));
        }

        #[test]
        fn any_text_is_refused_or_read(text in ".*") {
            if let Ok(id) = text.parse::<QueueId>() {
                prop_assert_eq!(id.to_string(), text.to_uppercase());
            }
        }
    }
}
