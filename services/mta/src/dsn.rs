//! Delivery status notifications: what a sender is told about a message.
//!
//! | RFC | rule | module |
//! |---|---|---|
//! | 3461 | NOTIFY, RET, ENVID, ORCPT: who is told what | [`wanted`] and the queue, `status` |
//! | 3462, 6522 | multipart/report and its three parts | this module |
//! | 3464 | message/delivery-status and its fields | `status` |
//! | 6533 | the same with internationalised addresses | `status`, `returned` |
//! | 3834 | Auto-Submitted: auto-replied | this module |
//! | 5321 §4.5.5, §6.1 | sent from `<>`; a message from `<>` is never reported | [`wanted`] |
//!
//! Pure: text in, text out. The queue decides when; see `queue`.

use jiff::Timestamp;
use roost_proto_smtp::grammar::mail::Body;
use roost_proto_smtp::trace::Date;
use roost_proto_smtp::{Address, ReversePath};

use crate::envelope::{Envelope, Recipient};
use crate::outcome::{Fate, Outcome};
use crate::queue::QueueId;

mod returned;
mod status;
mod words;

pub use returned::Returned;

/// What a notice says.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum Kind {
    /// It will never arrive.
    Failure,
    /// It has not arrived yet; still trying.
    Delay,
    /// It has arrived, or left for where nobody reports.
    Success,
}

/// What `outcome` entitles the sender of `recipient` to hear: nothing, or one kind of notice.
///
/// `Deferred` asks for nothing here: being late is a matter of time, not of one attempt.
#[must_use]
pub fn wanted(envelope: &Envelope, recipient: &Recipient, outcome: &Outcome) -> Option<Kind> {
    // RFC 5321 §6.1, RFC 3461 §6.1: nothing is ever said about a message from the null path.
    destination(envelope, recipient)?;
    match outcome.fate {
        Fate::Failed if recipient.wants_failure() => Some(Kind::Failure),
        // RFC 3461 §5.2.2: the host that gave it to one without DSN reports "relayed".
        Fate::Delivered | Fate::Relayed | Fate::Expanded if recipient.wants_success() => {
            Some(Kind::Success)
        }
        Fate::Delivered
        | Fate::Handed
        | Fate::Relayed
        | Fate::Expanded
        | Fate::Deferred
        | Fate::Failed => None,
    }
}

/// Where a notice about `recipient` goes; nowhere for a message from the null path.
#[must_use]
pub fn destination<'a>(envelope: &'a Envelope, recipient: &'a Recipient) -> Option<&'a Address> {
    let sender = match &envelope.sender {
        ReversePath::Null => return None,
        ReversePath::Address(address) => address,
    };
    // RFC 5321 §3.9.2: errors of a list go to who looks after it.
    Some(recipient.errors_to.as_ref().unwrap_or(sender))
}

/// Everything that a notice is made of.
#[derive(Debug)]
pub struct Report<'a> {
    /// What it says.
    pub kind: Kind,
    /// Our host name.
    pub host: &'a str,
    /// The message's queue id.
    pub id: QueueId,
    /// Its envelope.
    pub envelope: &'a Envelope,
    /// Whom it is about, with their last outcome.
    pub recipients: Vec<(&'a Recipient, &'a Outcome)>,
    /// The client it came from, as its `Received` field names it.
    pub received_from: Option<&'a str>,
    /// When it came.
    pub arrived: Timestamp,
    /// Until when we go on trying; for [`Kind::Delay`].
    pub retry_until: Timestamp,
    /// What of it is brought back.
    pub returned: Returned<'a>,
}

/// A notice, ready to be queued with the null reverse-path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Header and body.
    pub content: Vec<u8>,
    /// BODY=.
    pub body: Body,
    /// Whether handing it on needs SMTPUTF8.
    pub smtputf8: bool,
}

/// Writes the notice to `to`, under the queue id `id`.
#[must_use]
pub fn compose(report: &Report<'_>, to: &Address, id: QueueId, now: Timestamp) -> Notice {
    // RFC 6533 §4: the international types only where the message itself was such, because only
    // then the way back is known to carry them.
    let smtputf8 = report.envelope.is_utf8();
    let boundary = boundary(report, id);
    let mut out = Vec::with_capacity(4096 + report.returned.bytes.len());
    header(report, (to, id, now), &boundary, &mut out);
    open(&boundary, &mut out);
    words::write(report, smtputf8, &mut out);
    open(&boundary, &mut out);
    status::write(report, smtputf8, &mut out);
    open(&boundary, &mut out);
    returned::write(&report.returned, smtputf8, &mut out);
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let body = if out.is_ascii() {
        Body::SevenBit
    } else {
        Body::EightBitMime
    };
    Notice {
        content: out,
        body,
        smtputf8,
    }
}

fn header(
    report: &Report<'_>,
    (to, id, now): (&Address, QueueId, Timestamp),
    boundary: &str,
    out: &mut Vec<u8>,
) {
    let host = report.host;
    let subject = words::subject(report.kind);
    let mut text = format!(
        "Date: {}\r\nFrom: Mail Delivery System <MAILER-DAEMON@{host}>\r\nTo: <{to}>\r\n\
         Subject: {subject}\r\nMessage-ID: <{id}.dsn@{host}>\r\n",
        Date(now),
    );
    if let Some(message_id) = report.returned.message_id() {
        // Lets a mail program show the notice beside the message that it is about.
        text.push_str(&format!(
            "In-Reply-To: {message_id}\r\nReferences: {message_id}\r\n"
        ));
    }
    // RFC 3834 §3.1.7: no responder may answer this.
    text.push_str("Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n");
    text.push_str(&format!(
        "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n"
    ));
    let eight = !report.returned.bytes.is_ascii() || report.envelope.is_utf8();
    if eight {
        text.push_str("Content-Transfer-Encoding: 8bit\r\n");
    }
    text.push_str("\r\nThis is a MIME-encapsulated message.\r\n");
    out.extend_from_slice(text.as_bytes());
}

/// A delimiter that does not occur in what is brought back (RFC 2046 §5.1.1).
fn boundary(report: &Report<'_>, id: QueueId) -> String {
    let mut boundary = format!("=_{id}.{}", report.id);
    let mut tries = 0_u32;
    while memchr::memmem::find(&report.returned.bytes, boundary.as_bytes()).is_some() {
        tries += 1;
        boundary = format!("=_{id}.{}.{tries}", report.id);
    }
    boundary
}

fn open(boundary: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
}

/// `text` as it may stand in a notice: in US-ASCII unless international, without line breaks and
/// control characters.
fn printable(text: &str, smtputf8: bool) -> String {
    let fits = |c: char| !c.is_control() && (smtputf8 || c.is_ascii());
    text.chars()
        .map(|c| if fits(c) { c } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests;
