//! Tickets by which clients resume sessions (RFC 8446 §2.2) at any of several servers.
//!
//! Servers that share a secret file make the same keys of it, a new one every [`EPOCH`], without
//! talking to each other: key = HMAC-SHA-256(secret, purpose, number of the epoch). A ticket is good
//! in the epoch it was made in and in the next. What protects past sessions is that the secret is
//! replaced now and then; the files of it are read again like certificates.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use rustls::server::ProducesTickets;

use crate::clock::Clock;
use crate::secret::Secret;

/// How long a key is used, in seconds.
const EPOCH: i64 = 6 * 3600;
/// What keys are made for.
const PURPOSE: &[u8] = b"roost tls session ticket 1";
/// The number of the epoch in front of a ticket.
const NUMBER: usize = 8;
/// Octets that a secret has at least.
pub(super) const SECRET_MIN: usize = 32;

/// Makes and opens tickets.
pub(super) struct Tickets {
    secret: hmac::Key,
    clock: Clock,
}

impl Tickets {
    pub(super) fn new(secret: &Secret<Vec<u8>>, clock: Clock) -> Self {
        Self {
            secret: hmac::Key::new(hmac::HMAC_SHA256, secret.expose()),
            clock,
        }
    }

    fn epoch(&self) -> i64 {
        self.clock.now().as_second().div_euclid(EPOCH)
    }

    fn key(&self, epoch: i64) -> Option<LessSafeKey> {
        let mut making = hmac::Context::with_key(&self.secret);
        making.update(PURPOSE);
        making.update(&epoch.to_be_bytes());
        let key = UnboundKey::new(&AES_256_GCM, making.sign().as_ref()).ok()?;
        Some(LessSafeKey::new(key))
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets")
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(2 * EPOCH).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let epoch = self.epoch();
        let number = epoch.to_be_bytes();
        let mut nonce = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).ok()?;
        let mut sealed = plain.to_vec();
        self.key(epoch)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(number),
                &mut sealed,
            )
            .ok()?;
        Some([&number[..], &nonce, &sealed].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (number, rest) = ticket.split_at_checked(NUMBER)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let number: [u8; NUMBER] = number.try_into().ok()?;
        let epoch = i64::from_be_bytes(number);
        let now = self.epoch();
        if epoch != now && epoch.checked_add(1) != Some(now) {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut opened = sealed.to_vec();
        let plain = self
            .key(epoch)?
            .open_in_place(nonce, Aad::from(number), &mut opened);
        plain.ok().map(|plain| plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_ticket_is_good_at_every_server_for_two_epochs() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let tickets = |octet| Tickets::new(&Secret::new(vec![octet; SECRET_MIN]), clock.clone());
        let (one, two, stranger) = (tickets(1), tickets(1), tickets(2));
        let ticket = one.encrypt(b"session").unwrap();
        assert_eq!(two.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        assert_eq!(stranger.decrypt(&ticket), None);
        let mut broken = ticket.clone();
        *broken.last_mut().unwrap() ^= 1;
        assert_eq!(two.decrypt(&broken), None);
        for length in 0..ticket.len() {
            assert_eq!(two.decrypt(&ticket[..length]), None);
        }
        let epoch = Duration::from_secs(EPOCH.unsigned_abs());
        clock.advance(epoch);
        assert!(two.decrypt(&ticket).is_some());
        clock.advance(epoch);
        assert_eq!(two.decrypt(&ticket), None);
    }
}
