//! What a submitted message lacks and a submission server may add (RFC 6409 §8): `Date`,
//! `Message-ID`, `From`. Nothing is ever changed or removed, so that no signature breaks.

use jiff::Timestamp;
use roost_proto_smtp::trace::Date;
use roost_proto_smtp::{Address, Domain};

use crate::header;
use crate::queue::QueueId;

/// What is known about a submitted message.
#[derive(Debug, Clone)]
pub(super) struct Submitted {
    pub(super) id: QueueId,
    pub(super) host: Domain,
    pub(super) sender: Option<Address>,
    pub(super) at: Timestamp,
}

/// The fields that a message with this beginning lacks.
pub(super) fn missing(beginning: &[u8], submitted: &Submitted) -> String {
    let (mut date, mut message_id, mut from) = (false, false, false);
    for field in header::fields(beginning) {
        date |= field.is("Date");
        message_id |= field.is("Message-ID");
        from |= field.is("From");
    }
    let mut added = String::new();
    if let (false, Some(sender)) = (from, &submitted.sender) {
        added.push_str(&format!("From: <{sender}>\r\n"));
    }
    if !date {
        added.push_str(&format!("Date: {}\r\n", Date(submitted.at)));
    }
    if !message_id {
        added.push_str(&format!(
            "Message-ID: <{}@{}>\r\n",
            submitted.id, submitted.host
        ));
    }
    let is_bare = header::fields(beginning).next().is_none();
    let has_end = beginning.starts_with(b"\r\n") || beginning.is_empty();
    if is_bare && !has_end {
        // A message without any header: what was sent is its body.
        added.push_str("\r\n");
    }
    added
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str, expected: &[&str]) {
        let submitted = Submitted {
            id: QueueId(1),
            host: "mx.example.test".parse().unwrap(),
            sender: Some("alice@example.test".parse().unwrap()),
            at: Timestamp::UNIX_EPOCH,
        };
        let added = missing(message.as_bytes(), &submitted);
        let names: Vec<_> = added
            .lines()
            .map(|l| l.split(':').next().unwrap())
            .collect();
        assert_eq!(names, expected, "{message:?}");
    }

    #[test]
    fn only_what_is_missing_is_added() {
        check("From: a\r\nDate: b\r\nMessage-Id: c\r\n\r\nx\r\n", &[]);
        check(
            "Subject: hi\r\n\r\nDate: in the body\r\n",
            &["From", "Date", "Message-ID"],
        );
        check("\r\nbody\r\n", &["From", "Date", "Message-ID"]);
        check("just words\r\n", &["From", "Date", "Message-ID", ""]);
        check("", &["From", "Date", "Message-ID"]);
    }
}
