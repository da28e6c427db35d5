//! Trace fields (RFC 5321 §4.4) and the loops that they show (§6.3).

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::TimeZone;

use crate::header;
use crate::limits::RECEIVED_MAX;

/// The date-time of RFC 5322 §3.3.
#[must_use]
pub fn date(time: Timestamp) -> String {
    let printer = DateTimePrinter::new();
    let zoned = time.to_zoned_datetime(TimeZone::UTC);
    // It fails for years beyond 9999 only.
    printer
        .zoned_datetime_to_string(&zoned)
        .unwrap_or_else(|_| "Thu, 1 Jan 1970 00:00:00 +0000".to_owned())
}

/// What a message's header says about where it has been.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    received: usize,
    delivered_to: Vec<String>,
}

impl Trace {
    /// Reads it from the beginning of a message.
    #[must_use]
    pub fn read(content: &[u8]) -> Self {
        let mut trace = Self::default();
        for field in header::fields(content) {
            if field.is("Received") {
                trace.received += 1;
            } else if field.is("Delivered-To") && trace.delivered_to.len() < RECEIVED_MAX {
                trace.delivered_to.push(field.text().to_lowercase());
            }
        }
        trace
    }

    /// Whether it passed more hosts than any honest way has.
    #[must_use]
    pub fn is_loop(&self) -> bool {
        self.received > RECEIVED_MAX
    }

    /// Whether it was already expanded by this list or forwarded by this account.
    #[must_use]
    pub fn has_passed(&self, address: &str) -> bool {
        let address = address.to_lowercase();
        self.delivered_to.contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_rfc_5322() {
        let time = Timestamp::from_second(1_700_000_000).unwrap();
        assert_eq!(date(time), "Tue, 14 Nov 2023 22:13:20 +0000");
    }

    #[test]
    fn one_hop_past_the_limit_is_a_loop() {
        let hops = |count| [&b"Received: x\r\n".repeat(count)[..], b"\r\n"].concat();
        assert!(!Trace::read(&hops(RECEIVED_MAX)).is_loop());
        assert!(Trace::read(&hops(RECEIVED_MAX + 1)).is_loop());
    }

    #[test]
    fn an_own_delivered_to_is_found_whatever_its_case() {
        let trace = Trace::read(b"Delivered-To: Team@Example.test\r\n\r\n");
        assert!(trace.has_passed("team@example.TEST"));
        assert!(!trace.has_passed("alice@example.test"));
    }
}
