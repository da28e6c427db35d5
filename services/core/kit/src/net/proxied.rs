//! The PROXY protocol: a balancer in front says whom it connects, before anything else is said.
//!
//! Both versions of haproxy's `doc/proxy-protocol.txt` are read, and the second written. Whether a
//! header is expected is the listener's setting, by the peer's address: a header from anybody else
//! is what it looks like, a mistake in the protocol that follows.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Peer;

/// The longest header that is read. §2.2: a receiver needs 216 octets and may refuse more than it
/// has room for; balancers that tell of TLS and certificates send a few hundred.
pub const HEADER_MAX: usize = 2048;

/// Version 1: §2.1, at most 107 octets with the line end.
const LINE_MAX: usize = 107;
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const FIXED: usize = 16;

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// The balancer itself asks: a health check.
    Local,
    /// It speaks for this client.
    Client(Peer),
}

/// What is there is no header, and will be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no header of the PROXY protocol")]
pub struct NoHeader;

impl From<NoHeader> for io::Error {
    fn from(error: NoHeader) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl Header {
    /// Reads a header and its length from the start of `octets`; nothing when more is needed.
    ///
    /// # Errors
    /// [`NoHeader`] as soon as it can be none, and past [`HEADER_MAX`].
    pub fn read(octets: &[u8]) -> Result<Option<(Self, usize)>, NoHeader> {
        let known = octets.len().min(SIGNATURE.len());
        if octets.get(..known) == SIGNATURE.get(..known) {
            return binary(octets);
        }
        let known = octets.len().min(6);
        match octets.get(..known) == b"PROXY ".get(..known) {
            true => line(octets),
            false => Err(NoHeader),
        }
    }

    /// How many octets may be read at this point without reading past the header.
    #[must_use]
    pub fn wanted(octets: &[u8]) -> usize {
        if octets.first() == Some(&b'P') {
            return 1;
        }
        match (octets.get(14), octets.get(15)) {
            (Some(high), Some(low)) => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                (FIXED + length).saturating_sub(octets.len()).max(1)
            }
            _ if octets.is_empty() => 1,
            _ => FIXED - octets.len().min(FIXED - 1),
        }
    }
}

fn line(octets: &[u8]) -> Result<Option<(Header, usize)>, NoHeader> {
    let Some(end) = octets.iter().position(|octet| *octet == b'\n') else {
        return match octets.len() < LINE_MAX {
            true => Ok(None),
            false => Err(NoHeader),
        };
    };
    let text = octets
        .get(..end)
        .and_then(|line| line.strip_suffix(b"\r"))
        .and_then(|line| std::str::from_utf8(line).ok())
        .filter(|_| end < LINE_MAX)
        .ok_or(NoHeader)?;
    let words: Vec<&str> = text.split(' ').collect();
    let header = match words.as_slice() {
        // §2.1: what follows UNKNOWN is not looked at.
        ["PROXY", "UNKNOWN", ..] => Header::Local,
        ["PROXY", family, source, _destination, port, _port] => {
            let address: IpAddr = source.parse().map_err(|_| NoHeader)?;
            if address.is_ipv4() != (*family == "TCP4") || !matches!(*family, "TCP4" | "TCP6") {
                return Err(NoHeader);
            }
            let port = port.parse().map_err(|_| NoHeader)?;
            Header::Client(Peer::remote(SocketAddr::new(address, port)))
        }
        _ => return Err(NoHeader),
    };
    Ok(Some((header, end + 1)))
}

fn binary(octets: &[u8]) -> Result<Option<(Header, usize)>, NoHeader> {
    let Some(&[command, family, high, low]) = octets.get(12..FIXED) else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if command >> 4 != 2 || FIXED + length > HEADER_MAX {
        return Err(NoHeader);
    }
    let Some(body) = octets.get(FIXED..FIXED + length) else {
        return Ok(None);
    };
    let header = match (command & 15, family) {
        (0, _) => Header::Local,
        (1, 0x11) => {
            let [a, b, c, d] = fixed(body, 0)?;
            client(Ipv4Addr::new(a, b, c, d).into(), body, 8)?
        }
        (1, 0x21) => {
            let address: [u8; 16] = fixed(body, 0)?;
            client(Ipv6Addr::from(address).into(), body, 32)?
        }
        // §2.2: of another family, nothing is known of the client.
        (1, _) => Header::Local,
        _ => return Err(NoHeader),
    };
    Ok(Some((header, FIXED + length)))
}

fn client(address: IpAddr, body: &[u8], port_at: usize) -> Result<Header, NoHeader> {
    let port = u16::from_be_bytes(fixed(body, port_at)?);
    Ok(Header::Client(Peer::remote(SocketAddr::new(address, port))))
}

fn fixed<const N: usize>(body: &[u8], at: usize) -> Result<[u8; N], NoHeader> {
    body.get(at..at + N)
        .and_then(|octets| octets.try_into().ok())
        .ok_or(NoHeader)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn peer(text: &str) -> Header {
        Header::Client(Peer::remote(text.parse().unwrap()))
    }

    fn version2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let mut octets = SIGNATURE.to_vec();
        octets.extend([0x20 | command, family]);
        octets.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        octets.extend(body);
        octets
    }

    #[test]
    fn lines_are_read() {
        for (line, header) in [
            (
                "PROXY TCP4 192.0.2.7 198.51.100.1 5600 143\r\n",
                peer("192.0.2.7:5600"),
            ),
            (
                "PROXY TCP6 2001:db8::7 2001:db8::1 5600 143\r\n",
                peer("[2001:db8::7]:5600"),
            ),
            ("PROXY UNKNOWN\r\n", Header::Local),
            ("PROXY UNKNOWN a b c d\r\n", Header::Local),
        ] {
            let read = Header::read(format!("{line}a LOGOUT\r\n").as_bytes());
            assert_eq!(read, Ok(Some((header, line.len()))), "{line}");
        }
    }

    #[test]
    fn the_binary_form_is_read_whatever_follows_the_addresses() {
        let body = [
            192, 0, 2, 7, 198, 51, 100, 1, 0x15, 0xe0, 0, 143, 4, 0, 1, 9,
        ];
        let octets = version2(1, 0x11, &body);
        let header = peer("192.0.2.7:5600");
        assert_eq!(Header::read(&octets), Ok(Some((header, octets.len()))));
        let mut v6 = [0; 36];
        v6[0..2].copy_from_slice(&[0x20, 0x01]);
        v6[15] = 7;
        v6[33] = 9;
        let octets = version2(1, 0x21, &v6);
        let header = peer("[2001::7]:9");
        assert_eq!(Header::read(&octets), Ok(Some((header, octets.len()))));
        let local = version2(0, 0, &[]);
        assert_eq!(Header::read(&local), Ok(Some((Header::Local, 16))));
    }

    #[test]
    fn what_is_no_header_is_refused_as_soon_as_that_is_clear() {
        let long = format!("PROXY TCP4 {}", "1".repeat(LINE_MAX));
        for octets in [
            &b"a"[..],
            b"GET / HTTP/1.1\r\n",
            b"PROXX",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 5600\r\n",
            b"PROXY TCP4 2001:db8::7 2001:db8::1 5600 143\r\n",
            b"PROXY TCP9 192.0.2.7 198.51.100.1 5600 143\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 70000 143\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 5600 143\n",
            long.as_bytes(),
            b"\r\n\r\n\0\r\nQUIX",
            &version2(2, 0x11, &[0; 12]),
            &version2(1, 0x11, &[0; 6]),
            &version2(1, 0x11, &[0; HEADER_MAX]),
        ] {
            assert_eq!(Header::read(octets), Err(NoHeader), "{octets:?}");
        }
    }

    proptest! {
        #[test]
        fn a_header_in_pieces_is_the_header(cut in 0usize..58) {
            let octets = version2(1, 0x11, &[1; 42]);
            prop_assert_eq!(Header::read(&octets[..cut]), Ok(None));
            prop_assert!(cut + Header::wanted(&octets[..cut]) <= octets.len());
        }

        #[test]
        fn any_octets_are_read_without_panic(octets in any::<Vec<u8>>()) {
            if let Ok(Some((_, length))) = Header::read(&octets) {
                prop_assert!(length <= octets.len());
            }
            prop_assert!(Header::wanted(&octets) > 0);
        }
    }
}
