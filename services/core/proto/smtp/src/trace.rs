//! Trace fields (RFC 5321 §4.4) as pure functions: Received, Return-Path, and how often a message has
//! been round.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::grammar::address::{Address, ReversePath};
use crate::grammar::domain::Domain;
use crate::session::{Client, Tls};

/// Most Received fields before a message counts as looping. RFC 5321 §6.3: at least 100.
pub const HOPS_MAX: usize = 100;

/// The `with` clause: `ESMTPSA` and its kin (RFC 3848, RFC 6531 §4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct With {
    /// LMTP, not SMTP.
    pub lmtp: bool,
    /// The client said EHLO.
    pub extended: bool,
    /// Under TLS.
    pub tls: bool,
    /// After AUTH.
    pub authenticated: bool,
    /// With SMTPUTF8.
    pub utf8: bool,
}

impl fmt::Display for With {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self {
                lmtp: true,
                utf8: true,
                ..
            } => "UTF8LMTP",
            Self { lmtp: true, .. } => "LMTP",
            Self { utf8: true, .. } => "UTF8SMTP",
            Self { extended: true, .. } => "ESMTP",
            Self { .. } => return f.write_str("SMTP"),
        })?;
        if self.tls {
            f.write_str("S")?;
        }
        if self.authenticated {
            f.write_str("A")?;
        }
        Ok(())
    }
}

/// What a Received field says.
#[derive(Clone, Debug)]
pub struct Received<'a> {
    /// From whom.
    pub client: &'a Client,
    /// By whom.
    pub by: &'a Domain,
    /// By which protocol.
    pub with: With,
    /// Under which identifier it is found in logs.
    pub id: &'a str,
    /// For whom: only where there is one recipient, or Bcc would be no secret (RFC 5321 §7.6).
    pub recipient: Option<&'a Address>,
    /// When.
    pub at: Timestamp,
}

impl fmt::Display for Received<'_> {
    /// The whole field, folded, with its CRLF.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Received: from ")?;
        match &self.client.hello {
            Some(hello) => f.write_str(&word(&hello.name))?,
            None => f.write_str("unknown")?,
        }
        write!(f, " ({})", Origin(self.client))?;
        if let Some(tls) = self.client.tls() {
            write!(f, "\r\n\t({})", TlsComment(tls))?;
        }
        write!(
            f,
            "\r\n\tby {} (Roost) with {} id {}",
            self.by,
            self.with,
            word(self.id)
        )?;
        if let Some(recipient) = self.recipient {
            write!(f, "\r\n\tfor <{recipient}>")?;
        }
        write!(f, ";\r\n\t{}\r\n", Date(self.at))
    }
}

/// `name [address]`: the TCP-info of RFC 5321 §4.4.
struct Origin<'a>(&'a Client);

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.name {
            Some(name) => write!(f, "{name} ")?,
            None => f.write_str("unknown ")?,
        }
        match self.0.address {
            Some(IpAddr::V6(address)) => write!(f, "[IPv6:{address}]"),
            Some(IpAddr::V4(address)) => write!(f, "[{address}]"),
            None => f.write_str("[local]"),
        }
    }
}

struct TlsComment<'a>(&'a Tls);

impl fmt::Display for TlsComment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, cipher) = (word(&self.0.version), word(&self.0.cipher));
        write!(f, "using {version} with cipher {cipher}")
    }
}

/// A peer's word made fit for a header field: no white space, no controls, no comment.
fn word(text: &str) -> String {
    let fit =
        |char: char| !char.is_control() && !char.is_whitespace() && !"()<>;,\\\"".contains(char);
    let word: String = text.chars().filter(|&char| fit(char)).take(255).collect();
    match word.is_empty() {
        true => "unknown".to_owned(),
        false => word,
    }
}

/// A date as header fields have it (RFC 5322 §3.3), in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub Timestamp);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%a, %d %b %Y %H:%M:%S +0000"))
    }
}

/// The Return-Path field that final delivery puts on top (RFC 5321 §4.4), with its CRLF.
#[must_use]
pub fn return_path(sender: &ReversePath) -> String {
    format!("Return-Path: {sender}\r\n")
}

/// How many times the message was received, and whether it was already delivered to `recipient`.
/// Reads only the header section, so the first chunk that holds it is enough.
#[must_use]
pub fn hops(message: &[u8]) -> usize {
    fields(message)
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"Received"))
        .count()
}

/// Whether a Delivered-To field names `recipient`: the message comes back to where it was.
#[must_use]
pub fn was_delivered_to(message: &[u8], recipient: &Address) -> bool {
    let name = recipient.to_string();
    fields(message).any(|(field, value)| {
        field.eq_ignore_ascii_case(b"Delivered-To")
            && value.trim_ascii().eq_ignore_ascii_case(name.as_bytes())
    })
}

/// The fields of the header section: name and the rest of the first line.
fn fields(message: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    message
        .split(|&octet| octet == b'\n')
        .take_while(|line| !line.trim_ascii_end().is_empty())
        .filter(|line| !line.starts_with(b" ") && !line.starts_with(b"\t"))
        .filter_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            let (name, value) = line.split_at(colon);
            Some((name.trim_ascii_end(), value.get(1..)?))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::command::{Hello, HelloVerb};
    use crate::session::Security;

    fn client(hello: &str) -> Client {
        let mut client = Client::new(Some("2001:db8::1".parse().unwrap()), Security::None);
        client.hello = Some(Hello {
            verb: HelloVerb::Ehlo,
            name: hello.into(),
        });
        client
    }

    #[test]
    fn a_received_field_says_all_of_it() {
        let mut client = client("laptop");
        client.name = Some("host.example".parse().unwrap());
        client.security = Security::Tls(Tls {
            version: "TLS1.3".into(),
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
        });
        let received = Received {
            client: &client,
            by: &"mx.example.test".parse().unwrap(),
            with: With {
                extended: true,
                tls: true,
                authenticated: true,
                ..With::default()
            },
            id: "4Zx",
            recipient: Some(&"bob@example.test".parse().unwrap()),
            at: "2026-11-24T08:30:00Z".parse().unwrap(),
        };
        assert_eq!(
            received.to_string(),
            "Received: from laptop (host.example [IPv6:2001:db8::1])\r\n\
             \t(using TLS1.3 with cipher TLS13_AES_256_GCM_SHA384)\r\n\
             \tby mx.example.test (Roost) with ESMTPSA id 4Zx\r\n\
             \tfor <bob@example.test>;\r\n\
             \tTue, 24 Nov 2026 08:30:00 +0000\r\n"
        );
    }

    #[test]
    fn a_client_cannot_write_header_fields() {
        let client = client("x)\r\nSubject:");
        let received = Received {
            client: &client,
            by: &"mx.example.test".parse().unwrap(),
            with: With::default(),
            id: "1",
            recipient: None,
            at: Timestamp::UNIX_EPOCH,
        };
        let field = received.to_string();
        assert!(
            field.starts_with("Received: from xSubject: (unknown [IPv6:2001:db8::1])\r\n\tby ")
        );
        assert!(field.ends_with("with SMTP id 1;\r\n\tThu, 01 Jan 1970 00:00:00 +0000\r\n"));
    }

    #[test]
    fn hops_and_deliveries_are_counted_in_the_header_only() {
        let message = b"received: a\r\n\tReceived: folded\r\nReceived : b\r\n\
            Delivered-To: Bob@example.test\r\nReceived-SPF: c\r\n\r\nReceived: body\r\n";
        assert_eq!(hops(message), 2);
        assert!(was_delivered_to(
            message,
            &"bob@example.test".parse().unwrap()
        ));
        assert!(!was_delivered_to(
            message,
            &"eve@example.test".parse().unwrap()
        ));
        assert_eq!(hops(b""), 0);
        assert_eq!(return_path(&ReversePath::Null), "Return-Path: <>\r\n");
    }
}
