//! The story of one message, to be read from top to bottom.

use super::{Event, Recipient, Story};
use crate::moment::local;
use crate::output::human_bytes;

/// The width of what stands before a value.
const LABEL: usize = 10;

pub(super) fn text(story: &Story) -> String {
    let mut lines = Vec::new();
    let mut add = |label: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("{label:LABEL$}{value}"));
        }
    };
    add("Message", story.message_id.clone());
    add("Queue ID", story.queue_ids.join(", "));
    add("From", sender(story));
    add("Size", size(story));
    for (number, recipient) in story.recipients.iter().enumerate() {
        let label = if number == 0 { "To" } else { "" };
        add(label, self::recipient(recipient));
    }
    if story.hosts.len() > 1 {
        add("Hosts", story.hosts.join(", "));
    }
    lines.push(String::new());
    let many = story.hosts.len() > 1;
    let width = story
        .events
        .iter()
        .map(|event| place(event, many).len())
        .max()
        .unwrap_or(0);
    let times: Vec<String> = story
        .events
        .iter()
        .map(|event| local(&event.time))
        .collect();
    let time_width = times.iter().map(String::len).max().unwrap_or(0);
    for (event, time) in story.events.iter().zip(times) {
        let place = place(event, many);
        lines.push(format!(
            "{time:time_width$}  {place:width$}  {}",
            sentence(event)
        ));
    }
    lines.join("\n")
}

fn sender(story: &Story) -> String {
    let mut text = story.sender().to_owned();
    if !story.client.is_empty() {
        text.push_str(&format!(" from {}", story.client));
    }
    if !story.client_name.is_empty() {
        text.push_str(&format!(" ({})", story.client_name));
    }
    if !story.account.is_empty() {
        text.push_str(&format!(", signed in as {}", story.account));
    }
    text
}

fn size(story: &Story) -> String {
    let mut text = match story.size {
        0 => String::new(),
        size => human_bytes(size),
    };
    if !story.subject_hash.is_empty() {
        let separator = if text.is_empty() { "" } else { ", " };
        text.push_str(&format!("{separator}subject {}", story.subject_hash));
    }
    text
}

fn recipient(recipient: &Recipient) -> String {
    let mut text = format!("{}  {}", recipient.address, recipient.status);
    if !recipient.account.is_empty() {
        text.push_str(&format!(
            ": folder {} of {}",
            recipient.folder, recipient.account
        ));
    } else if recipient.status != "sent" && !recipient.reply.is_empty() {
        text.push_str(&format!(": {}", recipient.reply));
    } else if !recipient.relay.is_empty() && recipient.relay != "none" {
        text.push_str(&format!(": taken by {}", recipient.relay));
    }
    if recipient.attempts > 1 {
        text.push_str(&format!(" ({} attempts)", recipient.attempts));
    }
    text
}

fn place(event: &Event, many: bool) -> String {
    let daemon = event.daemon.trim_start_matches("roost-");
    match many {
        true => format!("{} {daemon}", event.host),
        false => daemon.to_owned(),
    }
}

/// What happened.
fn sentence(event: &Event) -> String {
    let get = |name| event.get(name);
    let reply = || match get("reply") {
        "" => String::new(),
        reply => format!(": {reply}"),
    };
    match event.event.as_str() {
        "accepted" => {
            let mut text = format!("accepted from {}", get("peer"));
            for (before, name, after) in [
                (" (", "client", ")"),
                (" by ", "with", ""),
                (", signed in as ", "account", ""),
                (", for ", "recipients", ""),
                (", ", "size", " octets"),
            ] {
                if !get(name).is_empty() {
                    text.push_str(&format!("{before}{}{after}", get(name)));
                }
            }
            text
        }
        "delivery" => {
            let via = match get("relay") {
                "" | "none" => String::new(),
                relay => format!(" by {relay}"),
            };
            format!("{} {}{via}{}", get("to"), get("outcome"), reply())
        }
        "delivered" => {
            let rule = match get("rule") {
                "" => String::new(),
                rule => format!(" by the rule {rule}"),
            };
            format!(
                "delivered to {}, folder {}{rule}",
                get("account"),
                get("folder")
            )
        }
        "destination cannot be reached; its mail waits" => format!(
            "{} deferred: {} cannot be reached: {}",
            get("recipients"),
            get("destination"),
            get("reason")
        ),
        "refused" | "deferred" if !get("to").is_empty() => {
            format!("{} {}{}", get("to"), event.event, reply())
        }
        "notice queued" => format!(
            "{} notice to {} queued as {}",
            get("kind").to_lowercase(),
            get("to"),
            get("queue_id")
        ),
        "done" => format!("{} done: nothing is left to do", get("queue_id")),
        other => {
            let fields = event
                .fields
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "target" | "queue_id"));
            let fields: Vec<String> = fields
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("{other} {}", fields.join(" "))
                .trim_end()
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::story;
    use super::*;

    #[test]
    fn a_story_is_read_from_top_to_bottom() {
        let text = text(&story());
        let expected = "\
Message   m@x
Queue ID  Q1
From      s@x from 192.0.2.1:9 (c.x)
Size      70 B, subject 3f2a
To        a@b  sent: folder Work of a@b (2 attempts)
          c@b  bounced: 550 5.1.1 no
Hosts     mx, st

one    mx mta    accepted from 192.0.2.1:9 (c.x) by ESMTPS, for a@b c@b, 70 octets
two    mx mta    a@b deferred by st[::1]:7025: 451 wait
three  st store  delivered to a@b, folder Work
four   mx mta    permanent notice to s@x queued as Q2";
        assert_eq!(text, expected);
    }
}
