//! The names of log fields, decided once, and how bytes of a peer are shown.
//!
//! `tracing` takes a constant as a name in braces: `info!({ fields::ACCOUNT } = %address, "…")`.
//! In the journal a field `queue_id` is `QUEUE_ID`, so that `journalctl QUEUE_ID=…` finds it.

use std::fmt;

/// One connection of a peer to us, or of us to a peer.
pub const SESSION: &str = "session";
/// The address of the other side.
pub const PEER: &str = "peer";
/// The service that took the connection: `imap`, `submission`, …
pub const SERVICE: &str = "service";
/// The account that signed in, by address.
pub const ACCOUNT: &str = "account";
/// The name of a message in the queue.
pub const QUEUE_ID: &str = "queue_id";
/// A `Message-ID`.
pub const MESSAGE_ID: &str = "message_id";
/// A mailbox, by number.
pub const MAILBOX: &str = "mailbox";
/// A folder, by name.
pub const FOLDER: &str = "folder";
/// The envelope's sender.
pub const FROM: &str = "from";
/// The envelope's recipient.
pub const TO: &str = "to";
/// The envelope's recipients, separated by spaces.
pub const RECIPIENTS: &str = "recipients";
/// By which a message with some subject is found, without saying the subject.
pub const SUBJECT_HASH: &str = "subject_hash";
/// How a message came: the `with` clause of its Received field (RFC 3848): A after a login, S over TLS.
pub const WITH: &str = "with";
/// Who took the message, as name and address.
pub const RELAY: &str = "relay";
/// From arrival to now.
pub const DELAY: &str = "delay";
/// The enhanced status code of RFC 3463.
pub const DSN: &str = "dsn";
/// `sent`, `deferred`, `bounced`, `refused`, …
pub const OUTCOME: &str = "outcome";
/// A number of octets.
pub const SIZE: &str = "size";
/// A chain of errors, as `error: cause: cause`.
pub const ERROR: &str = "error";
/// TLS version and cipher.
pub const TLS: &str = "tls";

/// How many bytes of a peer's text are logged.
pub const PEER_TEXT_MAX: usize = 200;

/// Bytes of a peer, cut to [`PEER_TEXT_MAX`] and escaped, so that they can neither forge a log line
/// nor fill the log.
#[derive(Clone, Copy)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.get(..PEER_TEXT_MAX).unwrap_or(self.0);
        for chunk in shown.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\\' => f.write_str("\\\\")?,
                    character if character.is_control() => {
                        write!(f, "{}", character.escape_default())?;
                    }
                    // Directional marks could reorder a line on the reader's screen.
                    '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                        write!(f, "{}", character.escape_unicode())?;
                    }
                    character => write!(f, "{character}")?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        if self.0.len() > PEER_TEXT_MAX {
            write!(f, "… ({} bytes)", self.0.len())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// An error with its causes, as `error: cause: cause`, for one log line.
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_a_peer_cannot_forge_a_line() {
        assert_eq!(
            Escaped(b"a\r\nb\x1b[31m\xff\\ \xe2\x80\xaeevil").to_string(),
            "a\\r\\nb\\u{1b}[31m\\xff\\\\ \\u{202e}evil"
        );
        assert_eq!(Escaped("grüße".as_bytes()).to_string(), "grüße");
    }

    #[test]
    fn bytes_of_a_peer_are_cut() {
        let long = vec![b'x'; PEER_TEXT_MAX + 1];
        let shown = Escaped(&long).to_string();
        assert!(shown.ends_with("x… (201 bytes)"), "{shown}");
    }
}
