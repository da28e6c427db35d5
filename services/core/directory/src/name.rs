//! Names: domains, e-mail addresses, identifiers. Checked once, here; normalized, so that equal
//! names are equal values.

mod address;
mod domain;
mod id;

use compact_str::CompactString;

pub use address::EmailAddress;
pub use domain::DomainName;
pub use id::{AccountId, CosId, DomainId, Id, ListId, ServerId, of};

/// Why a name is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadName {
    /// Not a domain name.
    #[error("{0:?} is not a domain name")]
    Domain(CompactString),
    /// Not an e-mail address.
    #[error("{0:?} is not an e-mail address")]
    Address(CompactString),
    /// Not an identifier.
    #[error("{0:?} is not a UUID")]
    Id(CompactString),
}

/// What a bad name shows of itself in messages.
fn shown(text: &str) -> CompactString {
    text.chars().take(80).collect()
}
