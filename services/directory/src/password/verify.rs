//! Checks a password against a stored hash, in every scheme that Zimbra, OpenLDAP, 389 and system
//! databases leave behind (RFC 2307 and its descendants).

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;

use argon2::PasswordVerifier;

use super::argon::{self, Memory};
use super::md5_crypt::md5_crypt;

/// Rounds of PBKDF2 that an imported hash may ask for.
const PBKDF2_ROUNDS_MAX: u32 = 5_000_000;

/// Cost of a bcrypt hash: each step doubles the time, 14 takes about a second.
const BCRYPT_COST_MAX: u32 = 16;

/// Base64 as found in hashes: with or without padding.
pub(super) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The scheme of a stored value and what follows it. `None` for a clear password.
#[must_use]
pub fn scheme(stored: &[u8]) -> Option<(String, &[u8])> {
    let inner = stored.strip_prefix(b"{")?;
    let end = inner.iter().position(|octet| *octet == b'}')?;
    let (name, rest) = inner.split_at_checked(end)?;
    let valid =
        |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'/' | b'_');
    if name.is_empty() || !name.iter().all(valid) {
        return None;
    }
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    is_known(&name).then(|| (name, rest.get(1..).unwrap_or_default()))
}

fn is_known(scheme: &str) -> bool {
    const SCHEMES: &[&str] = &[
        "ARGON2",
        "SSHA",
        "SHA",
        "SSHA256",
        "SHA256",
        "SSHA384",
        "SHA384",
        "SSHA512",
        "SHA512",
        "SMD5",
        "MD5",
        "CRYPT",
        "BCRYPT",
        "PBKDF2",
        "PBKDF2-SHA1",
        "PBKDF2-SHA256",
        "PBKDF2-SHA512",
        "CLEARTEXT",
    ];
    SCHEMES.contains(&scheme)
}

/// The password itself, where a value holds it in clear: as it is, or marked `{CLEARTEXT}`.
#[must_use]
pub fn clear(stored: &[u8]) -> Option<&[u8]> {
    match scheme(stored) {
        None => Some(stored),
        Some((name, rest)) if name == "CLEARTEXT" => Some(rest),
        Some(_) => None,
    }
}

/// Whether `password` is the one behind `stored`. A hash that cannot be read fits no password.
#[must_use]
pub fn verify(stored: &[u8], password: &[u8], memory: &mut Memory) -> bool {
    let Some((scheme, rest)) = scheme(stored) else {
        return same(stored, password);
    };
    let text = std::str::from_utf8(rest).unwrap_or_default();
    match scheme.as_str() {
        "ARGON2" => argon::verify(text, password, memory),
        "SSHA" | "SHA" => salted::<Sha1>(rest, password),
        "SSHA256" | "SHA256" => salted::<Sha256>(rest, password),
        "SSHA384" | "SHA384" => salted::<Sha384>(rest, password),
        "SSHA512" | "SHA512" => salted::<Sha512>(rest, password),
        "SMD5" | "MD5" => salted::<Md5>(rest, password),
        "CRYPT" | "BCRYPT" => crypt(text, password, memory),
        "PBKDF2" | "PBKDF2-SHA1" | "PBKDF2-SHA256" | "PBKDF2-SHA512" => {
            pbkdf2(&scheme, text, password).unwrap_or(false)
        }
        "CLEARTEXT" => same(rest, password),
        _ => false,
    }
}

fn same(one: &[u8], other: &[u8]) -> bool {
    bool::from(one.ct_eq(other))
}

/// Base64 of the digest of password and salt, followed by the salt; without one in `{SHA}`, `{MD5}`.
fn salted<D: Digest>(encoded: &[u8], password: &[u8]) -> bool {
    let Ok(octets) = LENIENT.decode(encoded.trim_ascii()) else {
        return false;
    };
    let Some((digest, salt)) = octets.split_at_checked(<D as Digest>::output_size()) else {
        return false;
    };
    let own = D::new()
        .chain_update(password)
        .chain_update(salt)
        .finalize();
    same(&own, digest)
}

/// crypt(3): `$1$`, `$2.$`, `$5$`, `$6$`, `$y$`, and PHC strings.
fn crypt(text: &str, password: &[u8], memory: &mut Memory) -> bool {
    let mut parts = text.split('$');
    if parts.next() != Some("") {
        return false;
    }
    match parts.next().unwrap_or_default() {
        "1" => match (parts.next(), parts.next()) {
            (Some(salt), Some(hash)) => {
                same(&md5_crypt(password, salt.as_bytes()), hash.as_bytes())
            }
            _ => false,
        },
        "2a" | "2b" | "2x" | "2y" => {
            let cost = parts.next().and_then(|cost| cost.parse::<u32>().ok());
            cost.is_some_and(|cost| cost <= BCRYPT_COST_MAX)
                && bcrypt::verify(password, text).unwrap_or(false)
        }
        "5" | "6" => sha_crypt::ShaCrypt::default()
            .verify_password(password, text)
            .is_ok(),
        "y" => yescrypt::Yescrypt::default()
            .verify_password(password, text)
            .is_ok(),
        "argon2id" | "argon2i" | "argon2d" => argon::verify(text, password, memory),
        _ => false,
    }
}

/// `rounds$salt$hash` in base64 with `.` for `+` (OpenLDAP's `pw-pbkdf2`, and passlib).
fn pbkdf2(scheme: &str, text: &str, password: &[u8]) -> Option<bool> {
    let mut parts = text.split('$');
    let rounds: u32 = parts.next()?.parse().ok()?;
    let decode = |part: &str| LENIENT.decode(part.replace('.', "+")).ok();
    let salt = decode(parts.next()?)?;
    let hash = decode(parts.next()?)?;
    if rounds == 0 || rounds > PBKDF2_ROUNDS_MAX || hash.is_empty() || hash.len() > 64 {
        return None;
    }
    let mut own = vec![0; hash.len()];
    match scheme {
        "PBKDF2-SHA256" => ::pbkdf2::pbkdf2_hmac::<Sha256>(password, &salt, rounds, &mut own),
        "PBKDF2-SHA512" => ::pbkdf2::pbkdf2_hmac::<Sha512>(password, &salt, rounds, &mut own),
        _ => ::pbkdf2::pbkdf2_hmac::<Sha1>(password, &salt, rounds, &mut own),
    }
    Some(same(&own, &hash))
}

/// A salted hash for tests of other modules, cheap to make.
#[cfg(test)]
pub(crate) fn ssha(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let mut octets = Sha1::new()
        .chain_update(password)
        .chain_update(salt)
        .finalize()
        .to_vec();
    octets.extend_from_slice(salt);
    format!("{{SSHA}}{}", LENIENT.encode(octets)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(stored: &[u8], password: &[u8]) -> bool {
        super::verify(stored, password, &mut Memory::default())
    }

    /// Each was made by another program: slappasswd with its modules, crypt(3) of glibc and
    /// libxcrypt, Python's hashlib.
    const OF_SECRET: &[&str] = &[
        "{SSHA}pggIHGl+PcllAGxF84PzT2J4C2J9msw1",
        "{SMD5}v+gpI3aYpuU7gA//6Tmt4LryzKE=",
        "{SSHA256}hsmuCV3g8m9esTyXRk5gY5BDO2GOKQ8jKdVq+fIbzCdZbHfJENGY5g==",
        "{SSHA512}bWG+MHNVc4UzLwB3aCFFr8ANUNcQDaDH08ffNAX9bh+BcSoNnPb8GHlR3Bnq3fRD6GODcL9q8dFOu0eLlthnIS4vKridhlat",
        "{ARGON2}$argon2i$v=19$m=4096,t=3,p=1$wlbVREOPZh4YvmnxRuZZ+w$7Q7/DefKYLQAKpA9/4QGE0P8AovksD9SCMB+il0TG5U",
        "{CRYPT}$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
        "{crypt}$1$ab$dslkcXxVH.x8LwW1W/oAB/",
        "{CRYPT}$5$saltstring$C3o4O1TC6aRHF4FI.QSZMXtHbaj2gSXr4sUc/3NcUi.",
        "{CRYPT}$5$rounds=10000$saltstringsaltst$nRVJUfBu7b60x4u50TScFun8GLsggmlJvebgklaft49",
        "{CRYPT}$6$saltstring$AIsRs/Ee56G/tC8MEHhvReZTfx8u3rXXMl6eYrjCG9ibix19DxoMBLogdTET5Ukw9Sf7eZTITsuk0Ry5qulYz.",
        "{CRYPT}$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
        "{CRYPT}$y$j9T$F5Jx5fExrKuPp53xLKQ..1$GmcwIgvdUC9qLWcKCi6gklUa1dM3ziD43YxYNURLKy0",
        "{PBKDF2}10000$AAECAwQFBgcICQoLDA0OD/v/$EJPbirqrPVkOTASsCp8rsZPen50",
        "{PBKDF2-SHA1}10000$AAECAwQFBgcICQoLDA0OD/v/$EJPbirqrPVkOTASsCp8rsZPen50",
        "{PBKDF2-SHA256}10000$AAECAwQFBgcICQoLDA0OD/v/$5ZcpEZBz/vQ/uHCVm7K0QpFVoaoCc1cD7xIp1geLKEA",
        "{PBKDF2-SHA512}10000$AAECAwQFBgcICQoLDA0OD/v/$hhxtXDKYjRG7wOQIJZRUzrNfzScyCtRj.kU1VKmT.SToZRgKRaYBhFtF7XHjKyEn/6Sgoozum2c4MSuMqMrH0A",
        "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
        "{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
        "{CLEARTEXT}secret",
        "secret",
    ];

    #[test]
    fn hashes_of_other_programs_fit_their_password_only() {
        for stored in OF_SECRET {
            assert!(verify(stored.as_bytes(), b"secret"), "{stored}");
            assert!(!verify(stored.as_bytes(), b"Secret"), "{stored}");
            assert!(!verify(stored.as_bytes(), b""), "{stored}");
        }
    }

    #[test]
    fn hashes_that_cannot_be_read_or_cost_too_much_fit_nothing() {
        for stored in [
            "{SSHA}",
            "{SSHA}!!",
            "{SHA}AAAA",
            "{CRYPT}ab",
            "{CRYPT}$9$a$b",
            "{CRYPT}$1$",
            "{MD5}",
            "{PBKDF2}x",
            "{PBKDF2}0$AA$AA",
            "{PBKDF2}4000000000$c2FsdA$AAAA",
            "{ARGON2}",
            "{ARGON2}$argon2id$v=19$m=4194304,t=3,p=1$wlbVREOPZh4YvmnxRuZZ+w$7Q7/DefKYLQAKpA9/4QGE0P8AovksD9SCMB+il0TG5U",
            "{CRYPT}$2b$31$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
        ] {
            assert!(!verify(stored.as_bytes(), b"secret"), "{stored}");
        }
    }

    #[test]
    fn braces_alone_are_no_scheme() {
        assert_eq!(scheme(b"{secret"), None);
        assert_eq!(scheme(b"{my}secret"), None);
        assert_eq!(clear(b"{my}secret"), Some(&b"{my}secret"[..]));
        assert_eq!(clear(b"{CLEARTEXT}x"), Some(&b"x"[..]));
        assert_eq!(clear(b"{SSHA}x"), None);
        assert!(verify(&ssha(b"tulip", b"salt"), b"tulip"));
    }

    #[test]
    fn our_own_hashes_are_read_back() {
        let hash = crate::password::hash::hash(b"tulip", &mut Memory::default()).unwrap();
        assert!(crate::password::hash::is_current(&hash));
        assert!(verify(&hash, b"tulip"));
        assert!(!verify(&hash, b"rose"));
    }

    #[test]
    fn memory_that_is_used_again_changes_nothing() {
        let mut memory = Memory::default();
        let one = crate::password::hash::hash(b"tulip", &mut memory).unwrap();
        let other = crate::password::hash::hash(b"rose", &mut memory).unwrap();
        for _ in 0..2 {
            assert!(super::verify(&one, b"tulip", &mut memory));
            assert!(super::verify(&other, b"rose", &mut memory));
            assert!(!super::verify(&other, b"tulip", &mut memory));
            memory.shrink(0);
        }
    }
}
