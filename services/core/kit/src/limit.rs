//! Rates, and what a failed login costs. Memory is bounded: a map that is full forgets the entry
//! that has been idle longest.

mod logins;
mod rate;

pub use logins::LoginDelays;
pub use rate::{KeyedRates, Rate, TokenBucket};

use std::net::{IpAddr, Ipv6Addr};

/// What counts as one address in a limit: an IPv4 address, or an IPv6 /64, since a host can use
/// all of its network. An IPv4 address mapped into IPv6 is the IPv4 address.
#[must_use]
pub fn address_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_one_address() {
        let key = |text: &str| address_key(text.parse().unwrap()).to_string();
        assert_eq!(key("192.0.2.1"), "192.0.2.1");
        assert_eq!(key("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
