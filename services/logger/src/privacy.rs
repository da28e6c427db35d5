//! Addresses that are not kept: where policy says so, the part before `@` of everything that looks
//! like an address is replaced by a keyed digest of the address before the line is stored. The same
//! address always gets the same digest, so that a message can still be traced, by whoever has the
//! address, or the digest; nobody can go back from one to the other without the key.

use std::fmt;
use std::path::{Path, PathBuf};

use roost_kit::disk::Disk;
use serde::Deserialize;

/// How many hexadecimal digits stand for a name.
const DIGITS: usize = 16;
/// What begins a digest, so that it is not replaced again.
const MARK: &[u8] = b"h-";
/// The longest part before `@` (RFC 5321 §4.5.3.1.1, and some more).
const NAME_MAX: usize = 128;

/// What is done with addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Addresses {
    /// They are kept as they come.
    #[default]
    Plain,
    /// Their part before `@` is replaced by a digest.
    Hashed,
}

/// The policy, and the key for it.
pub struct Privacy(Option<blake3::Hasher>);

impl fmt::Debug for Privacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Privacy").field(&self.0.is_some()).finish()
    }
}

impl Privacy {
    /// Nothing is replaced.
    #[must_use]
    pub const fn plain() -> Self {
        Self(None)
    }

    /// Addresses are replaced with this key.
    #[must_use]
    pub fn hashed(key: &[u8; 32]) -> Self {
        Self(Some(blake3::Hasher::new_keyed(key)))
    }

    /// As `policy` wants it; the key is in a file below `state`, where it is made if it is missing.
    ///
    /// # Errors
    /// When the key cannot be read or written.
    pub fn open(policy: Addresses, disk: &dyn Disk, state: &Path) -> anyhow::Result<Self> {
        if policy == Addresses::Plain {
            return Ok(Self::plain());
        }
        let path: PathBuf = state.join("address-key");
        if !disk.exists(&path)? {
            let key: [u8; 32] = rand::random();
            disk.write_atomically(&path, &key)?;
        }
        let key = disk.read(&path)?;
        let key = <[u8; 32]>::try_from(key.as_slice());
        let key = key.map_err(|_| anyhow::anyhow!("{} is no key of 32 bytes", path.display()))?;
        Ok(Self::hashed(&key))
    }

    /// Whether addresses are replaced.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A line as it is to be kept, if that differs from how it came.
    #[must_use]
    pub fn veil(&self, line: &[u8]) -> Option<Vec<u8>> {
        let hasher = self.0.as_ref()?;
        let mut veiled: Option<Vec<u8>> = None;
        let mut copied = 0;
        for at in memchr::memchr_iter(b'@', line) {
            let Some((begin, end)) = address(line, at, copied) else {
                continue;
            };
            let name = line.get(begin..at).unwrap_or_default();
            if name.starts_with(MARK) && name.len() == MARK.len() + DIGITS {
                continue;
            }
            let address = line.get(begin..end).unwrap_or_default();
            let out = veiled.get_or_insert_with(|| Vec::with_capacity(line.len() + 64));
            out.extend_from_slice(line.get(copied..begin).unwrap_or_default());
            out.extend_from_slice(MARK);
            let mut hasher = hasher.clone();
            hasher.update(&address.to_ascii_lowercase());
            let digest = hasher.finalize().to_hex();
            out.extend_from_slice(digest.as_bytes().get(..DIGITS).unwrap_or_default());
            copied = at;
        }
        let mut veiled = veiled?;
        veiled.extend_from_slice(line.get(copied..).unwrap_or_default());
        Some(veiled)
    }

    /// A word of a question as it stands in the lines.
    #[must_use]
    pub fn veiled(&self, word: &str) -> String {
        match self.veil(word.as_bytes()) {
            Some(veiled) => String::from_utf8_lossy(&veiled).into_owned(),
            None => word.to_owned(),
        }
    }
}

/// Where the address around the `@` at `at` begins and ends, not before `least`. The name of
/// structured data, `[name@number `, is none.
fn address(line: &[u8], at: usize, least: usize) -> Option<(usize, usize)> {
    let is_name = |octet: &u8| {
        octet.is_ascii_alphanumeric() || b"!#$%&'*+-/?^_`{|}~.=".contains(octet) || *octet >= 0x80
    };
    let is_host =
        |octet: &u8| octet.is_ascii_alphanumeric() || b"-._".contains(octet) || *octet >= 0x80;
    let before = line.get(least..at)?;
    let name = before
        .iter()
        .rev()
        .take(NAME_MAX)
        .take_while(|octet| is_name(octet))
        .count();
    // `from=a@b` is a name and an address, but for quotes `from="a@b"`, which end the name anyway.
    let begin = at - name;
    let word = line.get(begin..at)?;
    let begin = match memchr::memrchr(b'=', word) {
        Some(equals) => begin + equals + 1,
        None => begin,
    };
    let host = line
        .get(at + 1..)?
        .iter()
        .take_while(|octet| is_host(octet))
        .count();
    let end = at + 1 + host;
    let is_data = begin
        .checked_sub(1)
        .is_some_and(|before| line.get(before) == Some(&b'['))
        && line
            .get(at + 1..end)
            .is_some_and(|number| number.iter().all(u8::is_ascii_digit))
        && matches!(line.get(end), Some(b' ' | b']'));
    (begin < at && host > 0 && !is_data).then_some((begin, end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn veiled(line: &str) -> String {
        Privacy::hashed(&[7; 32]).veiled(line)
    }

    #[test]
    fn names_of_addresses_are_replaced_and_nothing_else() {
        let digest = veiled("alice@example.test");
        assert!(
            digest.starts_with("h-") && digest.ends_with("@example.test"),
            "{digest}"
        );
        let line = "<22>1 - mx a - - [roost@32473 from=\"Alice@Example.test\" to=\"\"] x a@b";
        let expected = format!(
            "<22>1 - mx a - - [roost@32473 from=\"{}\" to=\"\"] x {}",
            digest.replace("example", "Example"),
            veiled("a@b")
        );
        assert_eq!(veiled(line), expected);
        assert_eq!(
            veiled("to=<alice@example.test>,"),
            format!("to=<{digest}>,")
        );
        assert_eq!(veiled("to=alice@example.test "), format!("to={digest} "));
        for same in ["no address", "@example.test", "alice@", "[a@1 b]", ""] {
            assert_eq!(veiled(same), same);
        }
        assert_eq!(veiled(&digest), digest, "a digest stays");
        assert_eq!(Privacy::plain().veil(b"alice@example.test"), None);
    }

    #[test]
    fn a_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let disk = roost_kit::disk::RealDisk;
            Privacy::open(Addresses::Hashed, &disk, folder.path()).unwrap()
        };
        assert_eq!(open().veiled("a@b"), open().veiled("a@b"));
    }

    proptest! {
        #[test]
        fn any_octets_can_be_veiled(line in "[a@.=\\[\" é1]{0,40}") {
            let once = veiled(&line);
            prop_assert_eq!(veiled(&once), once);
        }
    }
}
