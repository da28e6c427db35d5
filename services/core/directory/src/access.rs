//! Who may do what: grants (`zimbraACE`) as far as mail flow asks for them.
//!
//! A value reads `GRANTEE-ID TYPE [MOD]RIGHT`. A denial beats a permission of the same reach, and a
//! grant to a person beats one to a group or domain.

use compact_str::CompactString;

/// Rights that mail flow asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To send mail to a list.
    SendToList,
    /// To send as an account.
    SendAs,
    /// To send on behalf of an account.
    SendOnBehalfOf,
    /// To send as a list.
    SendAsList,
    /// To send on behalf of a list.
    SendOnBehalfOfList,
}

impl Right {
    /// As grants spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendToList => "sendToDistList",
            Self::SendAs => "sendAs",
            Self::SendOnBehalfOf => "sendOnBehalfOf",
            Self::SendAsList => "sendAsDistList",
            Self::SendOnBehalfOfList => "sendOnBehalfOfDistList",
        }
    }
}

/// Whom a grant is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// An account, by its `zimbraId`.
    Account(CompactString),
    /// A list or group, by its `zimbraId`.
    Group(CompactString),
    /// The accounts of a domain, by its `zimbraId`.
    Domain(CompactString),
    /// Every account here.
    Authenticated,
    /// Everybody.
    Public,
    /// A guest, by address.
    Guest(CompactString),
}

/// One grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whom it is for.
    pub grantee: Grantee,
    /// Whether it denies.
    pub deny: bool,
    /// The right, as it is spelled.
    pub right: CompactString,
}

impl Grant {
    /// Reads a value of `zimbraACE`; nothing when it is of a sort that mail flow never asks about.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split(' ').filter(|word| !word.is_empty());
        let (id, kind, right) = (words.next()?, words.next()?, words.next()?);
        let id = id.to_ascii_lowercase().into();
        let grantee = match kind {
            "usr" => Grantee::Account(id),
            "grp" => Grantee::Group(id),
            "dom" => Grantee::Domain(id),
            "all" => Grantee::Authenticated,
            "pub" => Grantee::Public,
            "gst" => Grantee::Guest(id.split(':').next()?.into()),
            _ => return None,
        };
        let (deny, right) = match right.strip_prefix('-') {
            Some(right) => (true, right),
            None => (false, right.trim_start_matches(['+', '*', '^'])),
        };
        Some(Self {
            grantee,
            deny,
            right: right.into(),
        })
    }
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub struct Asker {
    /// The `zimbraId` of the account, when it is one of ours.
    pub account: Option<String>,
    /// The `zimbraId` of its domain.
    pub domain: Option<String>,
    /// The `zimbraId`s of the lists it is a member of.
    pub groups: Vec<String>,
    /// The address, when it is known.
    pub address: Option<String>,
}

/// The answer that the nearest matching grant gives; nothing when none matches.
#[must_use]
pub fn decide<'a>(
    grants: impl IntoIterator<Item = &'a Grant>,
    right: Right,
    asker: &Asker,
) -> Option<bool> {
    let mut nearest: Option<(u8, bool)> = None;
    for grant in grants
        .into_iter()
        .filter(|grant| grant.right == right.name())
    {
        let Some(distance) = distance(&grant.grantee, asker) else {
            continue;
        };
        nearest = match nearest {
            Some((known, _)) if known < distance => nearest,
            Some((known, allowed)) if known == distance => Some((known, allowed && !grant.deny)),
            _ => Some((distance, !grant.deny)),
        };
    }
    nearest.map(|(_, allowed)| allowed)
}

/// How far a grantee is from who asks; nothing when it is not about them.
fn distance(grantee: &Grantee, asker: &Asker) -> Option<u8> {
    let same = |own: &Option<String>, id: &str| {
        own.as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(id))
    };
    let matches = match grantee {
        Grantee::Account(id) => (same(&asker.account, id), 0),
        Grantee::Guest(address) => (same(&asker.address, address), 0),
        Grantee::Group(id) => (
            asker.groups.iter().any(|own| own.eq_ignore_ascii_case(id)),
            1,
        ),
        Grantee::Domain(id) => (same(&asker.domain, id), 2),
        Grantee::Authenticated => (asker.account.is_some(), 3),
        Grantee::Public => (true, 4),
    };
    matches.0.then_some(matches.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(values: &[&str], asker: &Asker) -> Option<bool> {
        let grants: Vec<_> = values
            .iter()
            .filter_map(|value| Grant::parse(value))
            .collect();
        decide(&grants, Right::SendToList, asker)
    }

    #[test]
    fn the_nearest_grant_decides_and_a_denial_beats_a_permission() {
        let alice = Asker {
            account: Some("A1".into()),
            domain: Some("d1".into()),
            groups: vec!["g1".into()],
            address: None,
        };
        assert_eq!(allowed(&["a1 usr sendToDistList"], &alice), Some(true));
        assert_eq!(allowed(&["b2 usr sendToDistList"], &alice), None);
        assert_eq!(
            allowed(&["d1 dom sendToDistList", "g1 grp -sendToDistList"], &alice),
            Some(false)
        );
        assert_eq!(
            allowed(&["a1 usr sendToDistList", "a1 usr -sendToDistList"], &alice),
            Some(false)
        );
        let stranger = Asker::default();
        assert_eq!(
            allowed(
                &["00000000-0000-0000-0000-000000000000 all sendToDistList"],
                &stranger
            ),
            None
        );
        assert_eq!(allowed(&["x pub sendToDistList"], &stranger), Some(true));
        assert_eq!(Grant::parse("a1 usr"), None);
    }

    proptest::proptest! {
        #[test]
        fn reading_a_grant_never_panics(text in "\\PC{0,60}") {
            if let Some(grant) = Grant::parse(&text) {
                proptest::prop_assert!(!grant.right.starts_with('-') || grant.deny);
            }
        }
    }
}
