//! `zimbraMailTransport`: where mail goes next.

use std::fmt;

use compact_str::CompactString;

/// The port of LMTP where none is named.
const LMTP_PORT: u16 = 7025;
/// The port of SMTP where none is named.
const SMTP_PORT: u16 = 25;

/// A next hop.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `lmtp:HOST:PORT`: a store.
    Lmtp {
        /// The host.
        host: CompactString,
        /// The port.
        port: u16,
    },
    /// `smtp:HOST:PORT` or `smtp:[HOST]:PORT`: another mail server.
    Smtp {
        /// The host or domain.
        host: CompactString,
        /// The port.
        port: u16,
        /// Whether the host is a domain whose MX is asked for (no brackets, as Postfix reads it).
        mx: bool,
    },
}

impl Transport {
    /// Reads the attribute's value; nothing when it is of another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind.to_ascii_lowercase().as_str() {
            "lmtp" => {
                let rest = rest.strip_prefix("inet:").unwrap_or(rest);
                let (host, port, _) = target(rest, LMTP_PORT)?;
                Some(Self::Lmtp { host, port })
            }
            "smtp" | "relay" => {
                let (host, port, bracketed) = target(rest, SMTP_PORT)?;
                Some(Self::Smtp {
                    host,
                    port,
                    mx: !bracketed,
                })
            }
            _ => None,
        }
    }
}

/// Reads `HOST`, `HOST:PORT`, `[HOST]` or `[HOST]:PORT`.
fn target(text: &str, default: u16) -> Option<(CompactString, u16, bool)> {
    let (host, port, bracketed) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':'), true)
        }
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port), false),
            None => (text, None, false),
        },
    };
    let port = port.map_or(Some(default), |port| port.parse().ok())?;
    (!host.is_empty()).then(|| (host.to_ascii_lowercase().into(), port, bracketed))
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lmtp { host, port } => write!(f, "lmtp:{host}:{port}"),
            Self::Smtp {
                host,
                port,
                mx: true,
            } => write!(f, "smtp:{host}:{port}"),
            Self::Smtp {
                host,
                port,
                mx: false,
            } => write!(f, "smtp:[{host}]:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_read_as_they_are_written() {
        for text in [
            "lmtp:mail.example.com:7025",
            "smtp:mx.example.com:25",
            "smtp:[192.0.2.1]:2525",
        ] {
            assert_eq!(Transport::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Transport::parse("lmtp:Mail.Example.com"),
            Some(Transport::Lmtp {
                host: "mail.example.com".into(),
                port: 7025
            })
        );
        for bad in ["", "lmtp", "lmtp:", "smtp:host:none", "local:x", "smtp:[x"] {
            assert_eq!(Transport::parse(bad), None, "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn transports_survive_being_written(text in "(lmtp|smtp):\\[?[a-z.:0-9]{0,12}\\]?(:[0-9]{1,6})?") {
            if let Some(transport) = Transport::parse(&text) {
                proptest::prop_assert_eq!(Transport::parse(&transport.to_string()), Some(transport));
            }
        }
    }
}
