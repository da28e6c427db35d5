//! The first part: for people.

use roost_proto_smtp::trace::Date;

use super::{Kind, Report, printable};
use crate::limits::REPORTED_MAX;

/// The notice's subject.
pub(super) fn subject(kind: Kind) -> &'static str {
    match kind {
        Kind::Failure => "Undelivered mail returned to sender",
        Kind::Delay => "Delayed mail (still being tried)",
        Kind::Success => "Successful mail delivery report",
    }
}

/// Writes the part with its header.
pub(super) fn write(report: &Report<'_>, smtputf8: bool, out: &mut Vec<u8>) {
    let charset = if smtputf8 { "utf-8" } else { "us-ascii" };
    let mut text = format!(
        "Content-Description: Notification\r\nContent-Type: text/plain; charset={charset}\r\n"
    );
    if smtputf8 {
        text.push_str("Content-Transfer-Encoding: 8bit\r\n");
    }
    text.push_str(&format!(
        "\r\nThis is the mail system at host {}.\r\n\r\n{}\r\n",
        report.host,
        opening(report)
    ));
    for (recipient, outcome) in report.recipients.iter().take(REPORTED_MAX) {
        // The address as the sender gave it: where it leads to is the recipient's own matter.
        let address = printable(&recipient.as_given(), smtputf8);
        text.push_str(&format!("\r\n<{address}>\r\n"));
        let said = match &outcome.remote {
            Some(remote) => format!("host {remote} said: {}", outcome.text),
            None => outcome.text.clone(),
        };
        wrap(&printable(&said, smtputf8), &mut text);
    }
    let rest = report.recipients.len().saturating_sub(REPORTED_MAX);
    if rest > 0 {
        text.push_str(&format!("\r\nand {rest} more recipients.\r\n"));
    }
    text.push_str(&closing(report));
    out.extend_from_slice(text.as_bytes());
}

fn opening(report: &Report<'_>) -> &'static str {
    match report.kind {
        Kind::Failure => {
            "Your message could not be delivered to the recipients below. It will not be\r\n\
             tried again. What the other side said:"
        }
        Kind::Delay => {
            "Your message has not been delivered yet to the recipients below. THERE IS\r\n\
             NOTHING YOU NEED TO DO: it is still being tried. What happened so far:"
        }
        Kind::Success => "Your message was delivered to the recipients below.",
    }
}

fn closing(report: &Report<'_>) -> String {
    let host = report.host;
    match report.kind {
        Kind::Failure => format!(
            "\r\nFor help, write to <postmaster@{host}>\r\nand include this notice. You may \
             leave out what it brings back of your message.\r\n"
        ),
        Kind::Delay => format!(
            "\r\nIt will be tried until {}; then it will be returned to you.\r\n",
            Date(report.retry_until)
        ),
        Kind::Success => "\r\nWhere the report says \"relayed\", the next host does not tell \
             whether a message\r\narrives; you will hear no more unless it fails.\r\n"
            .to_owned(),
    }
}

/// Appends `text` in lines of at most 76 characters where it has spaces to break at.
fn wrap(text: &str, out: &mut String) {
    let mut width = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if width == 0 || width + 1 + length > 72 {
            out.push_str(if width == 0 { "    " } else { "\r\n    " });
            width = length;
        } else {
            out.push(' ');
            width += 1 + length;
        }
        out.push_str(word);
    }
    out.push_str("\r\n");
}
