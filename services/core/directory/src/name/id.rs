//! Identifiers.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use super::{BadName, shown};

/// The `zimbraId` of an entry of some kind.
pub struct Id<K>(uuid::Uuid, PhantomData<fn() -> K>);

/// Kinds of entry that [`Id`]s belong to.
pub mod of {
    /// An account.
    pub enum Account {}
    /// A domain.
    pub enum Domain {}
    /// A class of service.
    pub enum Cos {}
    /// A distribution list.
    pub enum List {}
    /// A server.
    pub enum Server {}
}

/// The identifier of an account.
pub type AccountId = Id<of::Account>;
/// The identifier of a domain.
pub type DomainId = Id<of::Domain>;
/// The identifier of a class of service.
pub type CosId = Id<of::Cos>;
/// The identifier of a distribution list.
pub type ListId = Id<of::List>;
/// The identifier of a server.
pub type ServerId = Id<of::Server>;

impl<K> Id<K> {
    /// Reads an identifier; the case of its letters does not matter.
    ///
    /// # Errors
    /// When it is not a UUID.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        uuid::Uuid::try_parse(text)
            .map(Self::from_uuid)
            .map_err(|_| BadName::Id(shown(text)))
    }

    /// A new one, random.
    #[must_use]
    pub fn random() -> Self {
        Self::from_uuid(uuid::Uuid::new_v4())
    }

    /// From a UUID.
    #[must_use]
    pub const fn from_uuid(uuid: uuid::Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The UUID.
    #[must_use]
    pub const fn uuid(self) -> uuid::Uuid {
        self.0
    }
}

// By hand: derived ones would ask the same of `K`, which is never a value.
impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
