//! Rates, and what a failed login costs. Memory is bounded: a map that is full forgets the entry
//! that has been idle longest.

mod logins;
mod rate;

pub use logins::{Attempt, LoginGuard, Ticket, TooMany};
pub use rate::{KeyedRates, Rate, TokenBucket};

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

/// What counts as one network in a limit: 24 bits of an IPv4 address, 48 of an IPv6 address, which
/// is what one customer has.
#[must_use]
pub fn network_key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 80)))
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
    #[test]
    fn a_network_is_what_one_customer_has() {
        let key = |text: &str| network_key(text.parse().unwrap()).to_string();
        assert_eq!(key("192.0.2.200"), "192.0.2.0");
        assert_eq!(key("2001:db8:1:2:3:4:5:6"), "2001:db8:1::");
    }
}
