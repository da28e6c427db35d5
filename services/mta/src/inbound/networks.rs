//! Networks whose hosts are trusted (`zimbraMtaMyNetworks`).

use std::net::IpAddr;
use std::str::FromStr;

/// A network: an address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// The text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a network such as 192.0.2.0/24 or [2001:db8::]/32")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    /// Reads `192.0.2.0/24`, `[2001:db8::]/32` (as Postfix writes it), or one address.
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address = address.strip_prefix('[').unwrap_or(address);
        let address = address.strip_suffix(']').unwrap_or(address);
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let most = width(address);
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| NotANetwork))?;
        match bits <= most {
            true => Ok(Self { address, bits }),
            false => Err(NotANetwork),
        }
    }
}

impl Network {
    /// Whether `address` is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if address.is_ipv4() != self.address.is_ipv4() {
            return false;
        }
        let shift = width(address) - self.bits;
        let differing = value(address) ^ value(self.address);
        differing.checked_shr(shift).unwrap_or(0) == 0
    }
}

/// The networks of a setting's values, each of which may name several. What cannot be read is
/// trusted by nobody, and logged.
pub fn read<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Network> {
    let words = values.flat_map(|value| value.split([' ', ',', '\t']));
    let read = |word: &str| match word.parse() {
        Ok(network) => Some(network),
        Err(error) => {
            tracing::warn!(word, %error, "zimbraMtaMyNetworks has a value that cannot be used");
            None
        }
    };
    words
        .filter(|word| !word.is_empty())
        .filter_map(read)
        .collect()
}

fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn value(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_hosts_only() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7", "::ffff:192.0.2.7", "192.0.2.8"),
            ("[2001:db8::]/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("0.0.0.0/0", "203.0.113.1", "2001:db8::1"),
            ("::/0", "2001:db8::1", "203.0.113.1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{outside}");
        }
        for wrong in ["", "192.0.2.0/33", "x/8", "192.0.2.0/-1", "[::1/8/8"] {
            assert_eq!(wrong.parse::<Network>(), Err(NotANetwork), "{wrong}");
        }
    }

    #[test]
    fn a_value_may_name_several() {
        assert_eq!(
            read(["127.0.0.0/8 [::1]/128,bad", "10.0.0.0/8"].into_iter()).len(),
            3
        );
    }
}
