//! A message on its way into the store: its structure is read once, here.

use bytes::Bytes;
use roost_mailbox::{Flags, NewBlob};
use roost_mime::Structure;

/// Messages above this are read on a thread that may block: about a millisecond's work.
const AT_ONCE_MAX: usize = 256 * 1024;

/// A message with what was learnt of it.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) blob: NewBlob,
    /// What the message itself says of itself.
    pub(crate) flags: Flags,
    /// Its Message-ID, for the log.
    pub(crate) message_id: Option<String>,
    /// Under which name the mail server before us knows it, for the log.
    pub(crate) queue_id: Option<String>,
}

/// Reads a message.
pub(crate) async fn read(octets: Bytes) -> Content {
    if octets.len() <= AT_ONCE_MAX {
        return describe(octets);
    }
    let copy = octets.clone();
    match tokio::task::spawn_blocking(move || describe(copy)).await {
        Ok(content) => content,
        // The runtime is going away, or reading panicked: the message is taken all the same, and
        // described when it is first looked at.
        Err(error) => {
            tracing::error!(%error, "a message could not be described");
            Content {
                blob: NewBlob {
                    bytes: octets,
                    structure: Bytes::new(),
                },
                flags: Flags::NONE,
                message_id: None,
                queue_id: None,
            }
        }
    }
}

/// What is kept beside a message, derived from its octets.
pub(crate) fn structure(octets: &[u8]) -> Bytes {
    Structure::parse(octets).encode().into()
}

fn describe(octets: Bytes) -> Content {
    let structure = Structure::parse(&octets);
    let attached = structure.parts().any(|part| part.is_attachment());
    let header = structure.root().header.of(&octets);
    Content {
        flags: match attached {
            true => Flags::ATTACHMENT,
            false => Flags::NONE,
        },
        message_id: structure
            .envelope()
            .message_id
            .as_ref()
            .map(|id| id.to_text().into_owned()),
        queue_id: queue_id(header),
        blob: NewBlob {
            structure: structure.encode().into(),
            bytes: octets,
        },
    }
}

/// The identifier in the second Received field: the first is our own, the next the mail server's.
fn queue_id(header: &[u8]) -> Option<String> {
    let received = roost_mime::Fields::new(header)
        .filter(|field| field.is("Received"))
        .nth(1)?;
    let value = received.unfolded();
    let text = String::from_utf8_lossy(&value);
    let mut words = text.split_ascii_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("id"))?;
    Some(words.next()?.trim_end_matches(';').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_mail_servers_name_for_it_is_found() {
        let message = "Return-Path: <>\r\nReceived: from a by us with LMTP id ours;\r\n\tdate\r\n\
             Received: from b (c [192.0.2.1])\r\n\tby mx with ESMTP id 4Zx9;\r\n\tdate\r\n\
             Message-ID: <x@y>\r\nContent-Disposition: attachment\r\n\r\nbody\r\n";
        let content = read(Bytes::from_static(message.as_bytes())).await;
        assert_eq!(content.queue_id.as_deref(), Some("4Zx9"));
        assert_eq!(content.message_id.as_deref(), Some("<x@y>"));
        assert_eq!(content.flags, Flags::ATTACHMENT);
    }
}
