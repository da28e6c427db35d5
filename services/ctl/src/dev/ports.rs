//! The suite's ports: the well-known ones, moved by an offset.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use roost_kit::place;

use crate::failure::Failure;

/// Name in `dev.json` and well-known port.
const SERVICES: [(&str, u16); 25] = [
    ("smtp", place::SMTP),
    ("submission", place::SUBMISSION),
    ("submissions", place::SUBMISSIONS),
    ("lmtp", place::LMTP),
    ("imap", place::IMAP),
    ("imaps", place::IMAPS),
    ("pop3", place::POP3),
    ("pop3s", place::POP3S),
    ("http", place::HTTP),
    ("https", place::HTTPS),
    ("store_imap", place::STORE_IMAP),
    ("store_imaps", place::STORE_IMAPS),
    ("store_pop3", place::STORE_POP3),
    ("store_pop3s", place::STORE_POP3S),
    ("lookup", place::LOOKUP),
    ("ldap", place::LDAP),
    ("ldaps", place::LDAPS),
    ("syslog", place::SYSLOG),
    ("syslog_tls", place::SYSLOG_TLS),
    ("directory_health", place::DIRECTORY_HEALTH),
    ("store_health", place::STORE_HEALTH),
    ("mta_health", place::MTA_HEALTH),
    ("snmp_health", place::SNMP_HEALTH),
    ("proxy_health", place::PROXY_HEALTH),
    ("logger_health", place::LOGGER_HEALTH),
];

/// Every port of the suite, all on this machine's loopback.
#[derive(Debug, Clone)]
pub(super) struct Ports {
    offset: u16,
}

impl Ports {
    /// All ports moved by `offset`; refused where one would be no port.
    pub(super) fn new(offset: u16) -> Result<Self, Failure> {
        for (name, port) in SERVICES {
            if port.checked_add(offset).is_none() {
                let most = u16::MAX - port;
                return Err(Failure::usage(format!(
                    "--offset {offset} is too large: {name} would be port {}",
                    u32::from(port) + u32::from(offset)
                ))
                .next(format!("choose at most {most}")));
            }
        }
        Ok(Self { offset })
    }

    /// Where a service listens.
    pub(super) fn address(&self, service: &str) -> SocketAddr {
        let port = SERVICES
            .iter()
            .find(|(name, _)| *name == service)
            .map_or(0, |(_, port)| *port);
        SocketAddr::from((Ipv4Addr::LOCALHOST, port.saturating_add(self.offset)))
    }

    /// Every service with its port.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, u16)> {
        SERVICES
            .iter()
            .map(|(name, _)| (*name, self.address(name).port()))
    }

    /// Fails when somebody holds one of the ports.
    pub(super) fn check_free(&self) -> Result<(), Failure> {
        for (name, _) in SERVICES {
            let address = self.address(name);
            if let Err(error) = TcpListener::bind(address) {
                let port = address.port();
                let other = match self.offset {
                    super::DEFAULT_OFFSET => 30_000,
                    _ => super::DEFAULT_OFFSET,
                };
                return Err(Failure::failed(
                    "port_in_use",
                    format!(
                        "cannot use port {port} ({name}) of {}: {error}",
                        address.ip()
                    ),
                )
                .next(format!("see who holds it: ss -ltnp 'sport = :{port}'"))
                .next(format!("or use other ports: roostctl dev --offset {other}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_moves_every_port() {
        let ports = Ports::new(20_000).unwrap();
        assert_eq!(ports.address("smtp").to_string(), "127.0.0.1:20025");
        assert_eq!(ports.address("store_health").port(), 27_191);
        let mut all: Vec<u16> = ports.all().map(|(_, port)| port).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), SERVICES.len());
        assert!(Ports::new(60_000).is_err());
    }

    #[test]
    fn a_port_in_use_is_named() {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = holder.local_addr().unwrap().port();
        let Some(offset) = port.checked_sub(place::SMTP) else {
            return;
        };
        let Ok(ports) = Ports::new(offset) else {
            return;
        };
        let text = ports.check_free().unwrap_err().text();
        assert!(text.contains(&format!("port {port} (smtp)")), "{text}");
        assert!(text.contains("--offset"), "{text}");
    }
}
