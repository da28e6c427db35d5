//! For whom a session is: the connection's peer, or the client that a trusted proxy speaks for.

use std::net::{IpAddr, SocketAddr};

use parking_lot::Mutex;
use roost_kit::fields::Escaped;
use roost_kit::net::{Networks, Peer};

/// Longest name of a proxy's session that is kept for the log, in octets.
const VIA_MAX: usize = 64;

/// Whoever is served by a session.
#[derive(Debug)]
pub(crate) struct Caller {
    connected: Peer,
    trusted: bool,
    client: Mutex<Option<Client>>,
}

/// The client that a proxy speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Client {
    peer: Peer,
    /// What the proxy calls its session.
    via: String,
}

impl Caller {
    pub(crate) fn new(connected: Peer, proxies: &Networks) -> Self {
        Self {
            connected,
            trusted: proxies.contain_peer(connected),
            client: Mutex::new(None),
        }
    }

    /// Whether the peer may speak for others.
    pub(crate) const fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// Whoever is served.
    pub(crate) fn peer(&self) -> Peer {
        let client = self.client.lock();
        client.as_ref().map_or(self.connected, |client| client.peer)
    }

    /// What the proxy in front calls its session; empty without one.
    pub(crate) fn via(&self) -> String {
        let client = self.client.lock();
        client
            .as_ref()
            .map(|client| client.via.clone())
            .unwrap_or_default()
    }

    /// A peer says for whom it speaks. Answers whether it is one that may, and has said whom.
    pub(crate) fn speaks_for<'a>(
        &self,
        fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> bool {
        if !self.trusted {
            return false;
        }
        let (mut address, mut port, mut via) = (None, 0, String::new());
        for (name, value) in fields {
            let text = std::str::from_utf8(value).unwrap_or_default();
            match name.to_ascii_lowercase().as_slice() {
                b"x-originating-ip" | b"addr" => address = text.parse::<IpAddr>().ok(),
                b"x-originating-port" | b"port" => port = text.parse().unwrap_or(0),
                b"x-session-id" | b"session" => {
                    let kept = value.get(..VIA_MAX).unwrap_or(value);
                    via = Escaped(kept).to_string();
                }
                _ => {}
            }
        }
        let Some(address) = address else {
            return false;
        };
        *self.client.lock() = Some(Client {
            peer: Peer::remote(SocketAddr::new(address, port)),
            via,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: [(&[u8], &[u8]); 3] = [
        (b"X-Originating-IP", b"192.0.2.7"),
        (b"x-originating-port", b"5600"),
        (b"x-session-id", b"abc\n"),
    ];

    #[test]
    fn only_a_trusted_proxy_speaks_for_others() {
        let stranger = Peer::remote("198.51.100.1:9".parse().unwrap());
        let caller = Caller::new(stranger, &Networks::loopback());
        assert!(!caller.speaks_for(FIELDS.into_iter()));
        assert_eq!(caller.peer(), stranger);
        let proxy = Caller::new(Peer::Local, &Networks::loopback());
        assert!(!proxy.speaks_for([(&b"name"[..], &b"Thunderbird"[..])].into_iter()));
        assert_eq!(proxy.peer(), Peer::Local);
        assert!(proxy.speaks_for(FIELDS.into_iter()));
        assert_eq!(proxy.peer().to_string(), "192.0.2.7:5600");
        assert_eq!(proxy.via(), "abc\\n");
    }
}
