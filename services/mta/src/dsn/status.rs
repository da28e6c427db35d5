//! The second part: for programs (RFC 3464, RFC 6533).

use std::fmt::Write as _;

use roost_proto_smtp::trace::Date;

use super::{Kind, Report, printable};
use crate::envelope::{Recipient, original_recipient};
use crate::limits::REPORTED_MAX;
use crate::outcome::{Fate, Outcome};

/// Writes the part with its header.
pub(super) fn write(report: &Report<'_>, smtputf8: bool, out: &mut Vec<u8>) {
    let mut text = String::from("Content-Description: Delivery report\r\n");
    if smtputf8 {
        text.push_str(
            "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n",
        );
    } else {
        text.push_str("Content-Type: message/delivery-status\r\n");
    }
    text.push_str("\r\n");
    message_fields(report, smtputf8, &mut text);
    for (recipient, outcome) in report.recipients.iter().take(REPORTED_MAX) {
        text.push_str("\r\n");
        recipient_fields(report, (recipient, outcome), smtputf8, &mut text);
    }
    out.extend_from_slice(text.as_bytes());
}

/// RFC 3464 §2.2.
fn message_fields(report: &Report<'_>, smtputf8: bool, out: &mut String) {
    if let Some(id) = &report.envelope.parameters.envid {
        field(out, "Original-Envelope-Id", &printable(id, smtputf8));
    }
    field(out, "Reporting-MTA", &format!("dns; {}", report.host));
    if let Some(from) = report.received_from {
        let from = printable(from, smtputf8);
        field(out, "Received-From-MTA", &format!("dns; {from}"));
    }
    field(out, "Arrival-Date", &Date(report.arrived).to_string());
}

/// RFC 3464 §2.3.
fn recipient_fields(
    report: &Report<'_>,
    (recipient, outcome): (&Recipient, &Outcome),
    smtputf8: bool,
    out: &mut String,
) {
    if let Some(original) = &recipient.parameters.orcpt {
        let address = address(&original.kind, &original.address, smtputf8);
        field(out, "Original-Recipient", &address);
    }
    let last = original_recipient(&recipient.address);
    let last = address(&last.kind, &last.address, smtputf8);
    field(out, "Final-Recipient", &last);
    field(out, "Action", action(report.kind, outcome.fate));
    field(out, "Status", &outcome.status.to_string());
    if let Some(remote) = &outcome.remote {
        // RFC 3464 §2.3.5: the name of the host, without the address that we know it by besides.
        let name = remote
            .split_once('[')
            .map_or(remote.as_str(), |(name, _)| name);
        field(
            out,
            "Remote-MTA",
            &format!("dns; {}", printable(name, smtputf8)),
        );
    }
    let kind = if outcome.remote.is_some() {
        "smtp"
    } else {
        "x-roost"
    };
    let text = printable(&outcome.text, smtputf8);
    field(out, "Diagnostic-Code", &format!("{kind}; {text}"));
    field(out, "Last-Attempt-Date", &Date(outcome.at).to_string());
    field(out, "Final-Log-ID", &report.id.to_string());
    if report.kind == Kind::Delay {
        field(
            out,
            "Will-Retry-Until",
            &Date(report.retry_until).to_string(),
        );
    }
}

/// RFC 3464 §2.3.3.
fn action(kind: Kind, fate: Fate) -> &'static str {
    match (kind, fate) {
        (Kind::Failure, _) => "failed",
        (Kind::Delay, _) => "delayed",
        (Kind::Success, Fate::Expanded) => "expanded",
        (Kind::Success, Fate::Delivered) => "delivered",
        (Kind::Success, Fate::Handed | Fate::Relayed | Fate::Deferred | Fate::Failed) => "relayed",
    }
}

/// `type; address`. RFC 6533 §3: an internationalised address has the type `utf-8`, in xtext where
/// the part must be US-ASCII.
fn address(kind: &str, address: &str, smtputf8: bool) -> String {
    if address.is_ascii() || smtputf8 {
        format!(
            "{}; {}",
            printable(kind, false),
            printable(address, smtputf8)
        )
    } else {
        format!("utf-8; {}", ascii(address))
    }
}

/// An internationalised address in US-ASCII: `utf-8-addr-xtext` (RFC 6533 §3).
fn ascii(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for character in address.chars() {
        if character.is_ascii_graphic() && !matches!(character, '+' | '=' | '\\') {
            out.push(character);
        } else {
            // A String takes whatever is written to it.
            write!(out, "\\x{{{:02X}}}", u32::from(character)).unwrap_or_default();
        }
    }
    out
}

/// Appends `name: value`, folded at spaces where a line passes 78 characters (RFC 5322 §2.1.1).
fn field(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push(':');
    let mut width = name.len() + 1;
    for (index, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
        let length = word.chars().count() + 1;
        if index > 0 && width + length > 78 {
            out.push_str("\r\n   ");
            width = 3;
        }
        out.push(' ');
        out.push_str(word);
        width += length;
    }
    out.push_str("\r\n");
}
