//! The loops that trace fields show (RFC 5321 §6.3). The fields themselves are written by
//! `roost_proto_smtp::trace`.

use roost_proto_smtp::Address;
use roost_proto_smtp::trace::HOPS_MAX;

use crate::header;

/// What a message's header says about where it has been.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    received: usize,
    delivered_to: Vec<String>,
    /// Its `Message-ID`, as it stands there.
    pub message_id: Option<String>,
    /// The digest of its subject.
    pub subject_hash: Option<String>,
}

impl Trace {
    /// Reads it from the beginning of a message.
    #[must_use]
    pub fn read(content: &[u8]) -> Self {
        let mut trace = Self::default();
        for field in header::fields(content) {
            if field.is("Received") {
                trace.received += 1;
            } else if field.is("Delivered-To") && trace.delivered_to.len() < HOPS_MAX {
                trace.delivered_to.push(field.text().to_lowercase());
            } else if field.is("Message-ID") && trace.message_id.is_none() {
                trace.message_id = Some(field.text()).filter(|id| !id.is_empty());
            } else if field.is("Subject") && trace.subject_hash.is_none() {
                trace.subject_hash = Some(subject_hash(&field.text()));
            }
        }
        trace
    }

    /// Whether it passed more hosts than any honest way has.
    #[must_use]
    pub fn is_loop(&self) -> bool {
        self.received > HOPS_MAX
    }

    /// Whether it was already expanded by this list or forwarded by this account.
    #[must_use]
    pub fn has_passed(&self, address: &Address) -> bool {
        let address = address.to_string().to_lowercase();
        self.delivered_to.contains(&address)
    }
}

/// By what a message with this subject is found in the logs, which do not say the subject itself: the
/// first 16 digits of its BLAKE3, as it stands in the header, unfolded, with one space where there are
/// several.
#[must_use]
pub fn subject_hash(subject: &str) -> String {
    let words: Vec<&str> = subject.split_ascii_whitespace().collect();
    let digest = blake3::hash(words.join(" ").as_bytes()).to_hex();
    digest.chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_logs_say_of_a_message_is_read_once() {
        let trace = Trace::read(
            b"Message-ID:\r\n <a@b>\r\nSubject: Hello\r\n  world\r\nSubject: x\r\n\r\n",
        );
        assert_eq!(trace.message_id.as_deref(), Some("<a@b>"));
        assert_eq!(trace.subject_hash, Some(subject_hash("Hello world")));
        assert_eq!(subject_hash("Hello world"), "e7e6fb7d2869d109");
        assert_eq!(Trace::read(b"Message-ID: \r\n\r\n"), Trace::default());
    }

    #[test]
    fn one_hop_past_the_limit_is_a_loop() {
        let hops = |count| [&b"Received: x\r\n".repeat(count)[..], b"\r\n"].concat();
        assert!(!Trace::read(&hops(HOPS_MAX)).is_loop());
        assert!(Trace::read(&hops(HOPS_MAX + 1)).is_loop());
    }

    #[test]
    fn an_own_delivered_to_is_found_whatever_its_case() {
        let trace = Trace::read(b"Delivered-To: Team@Example.test\r\n\r\n");
        assert!(trace.has_passed(&"team@example.TEST".parse().unwrap()));
        assert!(!trace.has_passed(&"alice@example.test".parse().unwrap()));
    }
}
