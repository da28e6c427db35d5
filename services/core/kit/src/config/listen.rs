//! Where a service listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::units::FromText;

const EXPECTED: &str =
    "an address and port such as \"127.0.0.1:143\" or \"[::1]:143\", or an absolute path";

/// One place to listen at: an address with its port, or the path of a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenSpec {
    /// `127.0.0.1:143`, `[::]:143`. Port 0 asks the system for a free one.
    Address(SocketAddr),
    /// `/run/roost/lmtp.sock`.
    Path(PathBuf),
}

impl FromStr for ListenSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Ok(Self::Path(PathBuf::from(text)));
        }
        text.parse()
            .map(Self::Address)
            .map_err(|_| format!("expected {EXPECTED}, found \"{text}\""))
    }
}

impl fmt::Display for ListenSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The places a service listens at: `"127.0.0.1:143"` or a list of such. Empty means that the
/// service is off, unless systemd hands it sockets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listen(Vec<ListenSpec>);

impl Listen {
    /// A loopback port; the usual default of health and metrics.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Self(vec![ListenSpec::Address(SocketAddr::from((
            [127, 0, 0, 1],
            port,
        )))])
    }

    /// The places.
    pub fn iter(&self) -> impl Iterator<Item = &ListenSpec> {
        self.0.iter()
    }

    /// Whether no place is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<ListenSpec> for Listen {
    fn from_iter<I: IntoIterator<Item = ListenSpec>>(places: I) -> Self {
        Self(places.into_iter().collect())
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for place in &self.0 {
            write!(f, "{separator}{place}")?;
            separator = ", ";
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for ListenSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(FromText::new(EXPECTED, Self::from_str))
    }
}

impl Serialize for ListenSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListenVisitor)
    }
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

struct ListenVisitor;

impl<'de> Visitor<'de> for ListenVisitor {
    type Value = Listen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{EXPECTED}, or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Listen, E> {
        let place = text.parse().map_err(E::custom)?;
        Ok(Listen(vec![place]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Listen, A::Error> {
        let mut places = Vec::new();
        while let Some(place) = list.next_element()? {
            places.push(place);
        }
        Ok(Listen(places))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listen_is_one_place_or_many() {
        let one: Listen = serde_json::from_str("\"[::1]:25\"").unwrap();
        let many: Listen = serde_json::from_str("[\"127.0.0.1:0\", \"/run/x\"]").unwrap();
        assert_eq!(one.to_string(), "[::1]:25");
        assert_eq!(many.to_string(), "127.0.0.1:0, /run/x");
        for wrong in ["\"143\"", "\"localhost:143\"", "7", "[\"x\"]"] {
            assert!(serde_json::from_str::<Listen>(wrong).is_err(), "{wrong}");
        }
    }
}
