//! What a proxy asks, out of its headers.

use std::net::IpAddr;

use axum::http::HeaderMap;

use super::Refused;

/// The longest value that is read, in octets: an address has at most 254.
const VALUE_MAX: usize = 1024;

/// What a proxy asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) login: Login,
    pub(super) service: Service,
    /// Where the user connects from.
    pub(super) client: Option<IpAddr>,
    /// The proxy's address that the user has connected to.
    pub(super) proxy: Option<IpAddr>,
    /// The host name that a user of the web asked for.
    pub(super) proxy_host: Option<String>,
    /// Whether the administrators' port is meant.
    pub(super) admin: bool,
}

/// Who it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Login {
    /// By the name that they gave.
    Name(String),
    /// By `zimbraId`.
    Id(String),
}

/// `Auth-Protocol`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Imap,
    ImapSsl,
    Pop3,
    Pop3Ssl,
    Http,
    HttpSsl,
}

impl Service {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "imap" => Some(Self::Imap),
            "imapssl" => Some(Self::ImapSsl),
            "pop3" => Some(Self::Pop3),
            "pop3ssl" => Some(Self::Pop3Ssl),
            "http" => Some(Self::Http),
            "httpssl" => Some(Self::HttpSsl),
            _ => None,
        }
    }

    /// The setting that names the server attribute that holds the port.
    pub(super) const fn port_attribute(self) -> &'static str {
        match self {
            Self::Imap => "zimbraReverseProxyImapPortAttribute",
            Self::ImapSsl => "zimbraReverseProxyImapSSLPortAttribute",
            Self::Pop3 => "zimbraReverseProxyPop3PortAttribute",
            Self::Pop3Ssl => "zimbraReverseProxyPop3SSLPortAttribute",
            Self::Http => "zimbraReverseProxyHttpPortAttribute",
            Self::HttpSsl => "zimbraReverseProxyHttpSSLPortAttribute",
        }
    }
}

impl Question {
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Refused> {
        let value = |name: &'static str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.filter(|value| !value.is_empty() && value.len() <= VALUE_MAX)
        };
        let required = |name| value(name).ok_or(Refused::Missing(name));
        let method = required("Auth-Method")?;
        let user = unescaped(required("Auth-User")?);
        let login = match method {
            "username" | "plain" | "other" => Login::Name(user),
            "zimbraId" => Login::Id(user),
            // departs: gssapi and certauth need an administrator's password with the question and a
            // token in the answer; our own proxy does neither by this service.
            _ => return Err(Refused::Method),
        };
        let service = Service::parse(required("Auth-Protocol")?).ok_or(Refused::Protocol)?;
        let address = |name| value(name).and_then(|text| text.parse().ok());
        Ok(Self {
            login,
            service,
            client: address("Client-IP"),
            proxy: address("X-Proxy-IP"),
            proxy_host: value("X-Proxy-Host").map(str::to_owned),
            admin: value("Auth-Zimbra-Admin").is_some_and(|text| text.eq_ignore_ascii_case("true")),
        })
    }
}

/// Undoes nginx's %XX. What is no escape stays as it is.
fn unescaped(text: &str) -> String {
    let digit = |octet: Option<&u8>| octet.and_then(|octet| char::from(*octet).to_digit(16));
    let octets = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(octets.len()), 0);
    while let Some(octet) = octets.get(at) {
        let escape = (digit(octets.get(at + 1)), digit(octets.get(at + 2)));
        match (octet, escape) {
            (b'%', (Some(high), Some(low))) => {
                plain.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            _ => {
                plain.push(*octet);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Blanks and percent signs as nginx wants them.
pub(super) fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace(' ', "%20")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let one = |(name, value): &(&'static str, &'static str)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_static(value))
        };
        pairs.iter().map(one).collect()
    }

    #[test]
    fn a_question_of_zimbras_nginx_is_read() {
        let asked = headers(&[
            ("Auth-Method", "username"),
            ("Auth-User", "al%20ice%40example.com%"),
            ("Auth-Pass", "_password_"),
            ("Auth-Protocol", "imapssl"),
            ("Auth-Login-Attempt", "1"),
            ("Client-IP", "192.0.2.7"),
            ("X-Proxy-IP", "198.51.100.1"),
        ]);
        let question = Question::read(&asked).unwrap();
        assert_eq!(
            question.login,
            Login::Name("al ice@example.com%".to_owned())
        );
        assert_eq!(question.service, Service::ImapSsl);
        assert_eq!(question.client, Some("192.0.2.7".parse().unwrap()));
        assert_eq!(escaped("al ice%"), "al%20ice%25");
    }

    #[test]
    fn what_is_missing_or_unknown_is_said() {
        for (pairs, said) in [
            (vec![], "missing header field Auth-Method"),
            (
                vec![("Auth-Method", "plain")],
                "missing header field Auth-User",
            ),
            (
                vec![("Auth-Method", "plain"), ("Auth-User", "a")],
                "missing header field Auth-Protocol",
            ),
            (
                vec![
                    ("Auth-Method", "plain"),
                    ("Auth-User", "a"),
                    ("Auth-Protocol", "smtp"),
                ],
                "unsupported protocol",
            ),
            (
                vec![
                    ("Auth-Method", "gssapi"),
                    ("Auth-User", "a"),
                    ("Auth-Protocol", "imap"),
                ],
                "unsupported auth method",
            ),
        ] {
            let refused = Question::read(&headers(&pairs)).unwrap_err();
            assert_eq!(refused.to_string(), said);
        }
    }
}
