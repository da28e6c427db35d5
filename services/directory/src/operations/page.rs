//! Cookies of paged results (RFC 2696): where a page ended, so that the next one goes on there.
//! The server remembers nothing; a cookie of another search is refused. It is no secret and no
//! right: whatever it says, each entry is checked for access.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::access::Identity;
use crate::dn::DnKey;
use crate::refuse::Refusal;
use crate::store::cursor::Position;
use crate::wire::request::Search;
use crate::wire::response::ResultCode;

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// After a candidate of the index or the tree.
    After(Position),
    /// After so many entries of a sorted answer.
    Sorted(u32),
}

/// A cookie's content: the place, and how many entries the pages before it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cookie {
    pub(super) place: Place,
    pub(super) returned: u32,
}

/// What must be the same on every page of a search. The page size may change (RFC 2696 §3).
pub(super) fn fingerprint(identity: &Identity, search: &Search) -> u64 {
    let mut hasher = DefaultHasher::new();
    identity.key.hash(&mut hasher);
    search.base.hash(&mut hasher);
    search.scope.hash(&mut hasher);
    search.filter.hash(&mut hasher);
    hasher.finish()
}

impl Cookie {
    pub(super) fn write(&self, fingerprint: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&fingerprint.to_be_bytes());
        bytes.extend_from_slice(&self.returned.to_be_bytes());
        match &self.place {
            Place::After(Position::Name(key)) => {
                bytes.push(b'n');
                bytes.extend_from_slice(key.as_bytes());
            }
            Place::After(Position::Number(number)) => {
                bytes.push(b'i');
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            Place::Sorted(count) => {
                bytes.push(b's');
                bytes.extend_from_slice(&count.to_be_bytes());
            }
        }
        bytes
    }

    pub(super) fn read(bytes: &[u8], fingerprint: u64) -> Result<Self, Refusal> {
        Self::parse(bytes, fingerprint).ok_or_else(|| {
            Refusal::new(
                ResultCode::UnwillingToPerform,
                "the paged results cookie is not one of this search",
            )
        })
    }

    fn parse(bytes: &[u8], fingerprint: u64) -> Option<Self> {
        let rest = bytes.strip_prefix(&fingerprint.to_be_bytes())?;
        let (returned, rest) = rest.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first()?;
        let place = match kind {
            b'n' => Place::After(Position::Name(DnKey::from_stored(rest.to_vec()))),
            b'i' => Place::After(Position::Number(i64::from_be_bytes(rest.try_into().ok()?))),
            b's' => Place::Sorted(u32::from_be_bytes(rest.try_into().ok()?)),
            _ => return None,
        };
        Some(Self {
            place,
            returned: u32::from_be_bytes(*returned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_comes_back_and_another_searchs_is_refused() {
        for place in [
            Place::After(Position::Name(DnKey::from_stored(b"dc=x\0".to_vec()))),
            Place::After(Position::Number(77)),
            Place::Sorted(9),
        ] {
            let cookie = Cookie {
                place,
                returned: 40,
            };
            let bytes = cookie.write(5);
            assert_eq!(Cookie::read(&bytes, 5).unwrap(), cookie);
            assert!(Cookie::read(&bytes, 6).is_err());
            assert!(Cookie::read(&bytes[..11], 5).is_err());
        }
    }
}
