//! What a server offers, as its reply to EHLO or LHLO says (RFC 5321 §4.1.1.1).

use roost_proto_sasl::{Mechanism, Mechanisms};

use crate::grammar::reply::Reply;
use crate::limits::PIPELINE_DEPTH;

/// An extension that the client makes use of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extension {
    /// RFC 2920.
    Pipelining,
    /// RFC 3207.
    StartTls,
    /// RFC 1870.
    Size,
    /// RFC 6152.
    EightBitMime,
    /// RFC 6531.
    SmtpUtf8,
    /// RFC 3461.
    Dsn,
    /// RFC 3030.
    Chunking,
    /// RFC 3030.
    BinaryMime,
    /// RFC 2034.
    EnhancedStatusCodes,
    /// RFC 8689.
    RequireTls,
}

impl Extension {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Pipelining, "PIPELINING"),
        (Self::StartTls, "STARTTLS"),
        (Self::Size, "SIZE"),
        (Self::EightBitMime, "8BITMIME"),
        (Self::SmtpUtf8, "SMTPUTF8"),
        (Self::Dsn, "DSN"),
        (Self::Chunking, "CHUNKING"),
        (Self::BinaryMime, "BINARYMIME"),
        (Self::EnhancedStatusCodes, "ENHANCEDSTATUSCODES"),
        (Self::RequireTls, "REQUIRETLS"),
    ];

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// What a server offers. Nothing, after HELO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    host: String,
    extensions: u16,
    size_max: Option<u64>,
    recipients_max: Option<usize>,
    mechanisms: Mechanisms,
}

impl Capabilities {
    pub(super) fn parse(reply: &Reply) -> Self {
        let mut lines = reply.text.split('\n');
        // RFC 5321 §4.1.1.1: the first line begins with the server's name.
        let greeting = lines.next().unwrap_or_default();
        let host = greeting.split_ascii_whitespace().next();
        let mut capabilities = Self {
            host: host.unwrap_or_default().to_owned(),
            ..Self::default()
        };
        for line in lines {
            capabilities.line(line.trim());
        }
        capabilities
    }

    fn line(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let keyword = words.next().unwrap_or_default();
        let known = Extension::ALL
            .into_iter()
            .find(|(_, name)| keyword.eq_ignore_ascii_case(name));
        if let Some((extension, _)) = known {
            self.extensions |= extension.bit();
        }
        if keyword.eq_ignore_ascii_case("SIZE") {
            // RFC 1870 §4: no number, or zero: no fixed limit.
            let size = words.next().and_then(|size| size.parse().ok());
            self.size_max = size.filter(|&size| size > 0);
        } else if keyword.eq_ignore_ascii_case("AUTH") {
            self.mechanisms = words
                .filter_map(|name| Mechanism::parse(name.as_bytes()))
                .collect();
        } else if keyword.eq_ignore_ascii_case("LIMITS") {
            // RFC 9422 §4
            self.recipients_max = words
                .filter_map(|limit| limit.split_once('='))
                .find(|(name, _)| name.eq_ignore_ascii_case("RCPTMAX"))
                .and_then(|(_, max)| max.parse().ok());
        }
    }

    /// The name that the server says it has; empty after HELO.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the server offers it.
    #[must_use]
    pub fn has(&self, extension: Extension) -> bool {
        self.extensions & extension.bit() != 0
    }

    /// The largest message that the server takes, where it says.
    #[must_use]
    pub fn size_max(&self) -> Option<u64> {
        self.size_max
    }

    /// How many recipients to send in one transaction: what the server says, at most a hundred, which
    /// every server takes (RFC 5321 §4.5.3.1.8).
    #[must_use]
    pub fn recipients_max(&self) -> usize {
        let max = self.recipients_max.unwrap_or(PIPELINE_DEPTH);
        max.clamp(1, PIPELINE_DEPTH)
    }

    /// The mechanisms of AUTH that we know too.
    #[must_use]
    pub fn mechanisms(&self) -> Mechanisms {
        self.mechanisms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_have_no_case_and_unknown_ones_are_passed_over() {
        let text = "mx.test greets you\npipelining\nSIZE 1000\nX-WHATEVER a b\n\
            AUTH plain CRAM-MD5\n8bitmime\nLIMITS MAILMAX=9 RCPTMAX=50\nSMTPUTF8";
        let capabilities = Capabilities::parse(&Reply::plain(250, text));
        assert!(capabilities.has(Extension::Pipelining));
        assert!(capabilities.has(Extension::EightBitMime));
        assert!(capabilities.has(Extension::SmtpUtf8));
        assert!(!capabilities.has(Extension::Dsn));
        assert_eq!(capabilities.size_max(), Some(1000));
        assert_eq!(capabilities.recipients_max(), 50);
        assert_eq!(capabilities.mechanisms().to_string(), "PLAIN");
        let bare = Capabilities::parse(&Reply::plain(250, "PIPELINING\nSIZE 0"));
        assert_eq!((bare.size_max(), bare.recipients_max()), (None, 100));
        assert!(!bare.has(Extension::Pipelining));
    }
}
