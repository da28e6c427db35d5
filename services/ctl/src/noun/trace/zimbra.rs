//! Stories as Zimbra's `zmmsgtrace` writes them, for scripts that read it.

use super::{Event, Story};
use crate::failure::Failure;
use crate::moment::local;
use crate::output::print;

pub(super) fn print_all(stories: &[Story]) -> Result<(), Failure> {
    // It goes through the log from its beginning.
    for story in stories.iter().rev() {
        print(&text(story))?;
    }
    print(&format!("{} messages found", stories.len()))
}

fn text(story: &Story) -> String {
    let mut text = format!("Message ID '{}'\n{} -->\n", story.message_id, story.from);
    for recipient in &story.recipients {
        text.push_str(&format!("\t{}\n", recipient.address));
    }
    for recipient in &story.recipients {
        text.push_str(&format!("  Recipient {}\n", recipient.address));
        for event in &story.events {
            match event.event.as_str() {
                "accepted" => {
                    let (address, name) = (event.get("peer"), event.get("client"));
                    let status = "sent";
                    hop(
                        event,
                        (name, host(address)),
                        (&event.host, ""),
                        status,
                        &mut text,
                    );
                }
                "delivery" if event.get("to").eq_ignore_ascii_case(&recipient.address) => {
                    let (name, address) = relay(event.get("relay"));
                    let from = (event.host.as_str(), "");
                    hop(
                        event,
                        from,
                        (name, address),
                        event.get("outcome"),
                        &mut text,
                    );
                }
                _ => {}
            }
        }
    }
    text
}

fn hop(event: &Event, from: (&str, &str), to: (&str, &str), status: &str, text: &mut String) {
    let time = local(&event.time);
    // Whole seconds.
    let time = time.split('.').next().unwrap_or_default();
    text.push_str(&format!(
        "  {time} - {} ({}) --> {} ({}) status {status}\n",
        from.0, from.1, to.0, to.1
    ));
}

/// `name[address]:port` as name and address.
fn relay(relay: &str) -> (&str, &str) {
    match relay.split_once('[') {
        Some((name, rest)) => (name, rest.split(']').next().unwrap_or_default()),
        None => (relay, ""),
    }
}

/// An address without its port.
fn host(peer: &str) -> &str {
    let address = peer.rsplit_once(':').map_or(peer, |(address, _)| address);
    address.trim_matches(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::super::tests::story;
    use super::*;

    #[test]
    fn scripts_find_what_they_know() {
        let expected = "\
Message ID 'm@x'
s@x -->
\ta@b
\tc@b
  Recipient a@b
  one - c.x (192.0.2.1) --> mx () status sent
  two - mx () --> st (::1) status deferred
  Recipient c@b
  one - c.x (192.0.2.1) --> mx () status sent
";
        assert_eq!(text(&story()), expected);
        assert_eq!(host("[2001:db8::1]:25"), "2001:db8::1");
    }
}
