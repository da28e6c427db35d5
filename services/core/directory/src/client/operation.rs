//! One LDAP operation as data, so that it can be sent again on another connection.

use std::collections::HashSet;

use ldap3::{Ldap, LdapError, Mod, Scope, SearchEntry, SearchOptions};

use crate::entry::Entry;

/// LDAP result codes (RFC 4511 §A.1) that callers tell apart.
pub(crate) mod code {
    pub(crate) const SUCCESS: u32 = 0;
    pub(crate) const SIZE_LIMIT_EXCEEDED: u32 = 4;
    pub(crate) const NO_SUCH_OBJECT: u32 = 32;
    pub(crate) const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
    pub(crate) const INVALID_CREDENTIALS: u32 = 49;
    pub(crate) const INSUFFICIENT_ACCESS: u32 = 50;
    pub(crate) const BUSY: u32 = 51;
    pub(crate) const UNAVAILABLE: u32 = 52;
    pub(crate) const UNWILLING_TO_PERFORM: u32 = 53;
    pub(crate) const NOT_ALLOWED_ON_NON_LEAF: u32 = 66;
    pub(crate) const ENTRY_ALREADY_EXISTS: u32 = 68;
}

/// A change of one attribute.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Adds values.
    Add(String, Vec<Vec<u8>>),
    /// Removes values; none given removes all.
    Delete(String, Vec<Vec<u8>>),
    /// Replaces all values; none given removes all, present or not.
    Replace(String, Vec<Vec<u8>>),
}

/// An operation.
#[derive(Debug, Clone)]
pub(crate) enum Operation<'a> {
    Search {
        base: &'a str,
        scope: Scope,
        filter: &'a str,
        attributes: &'a [&'a str],
        /// The most entries to send; 0 for as many as the server likes.
        limit: i32,
    },
    Bind {
        dn: &'a str,
        password: &'a str,
    },
    Add(&'a Entry),
    Modify {
        dn: &'a str,
        changes: &'a [Change],
    },
    Rename {
        dn: &'a str,
        rdn: &'a str,
        parent: Option<&'a str>,
    },
    Delete(&'a str),
    Extended {
        oid: &'a str,
        value: Vec<u8>,
    },
    /// RFC 3062.
    SetPassword {
        dn: &'a str,
        password: &'a str,
    },
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) code: u32,
    pub(crate) text: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) value: Option<Vec<u8>>,
}

impl Operation<'_> {
    /// What it is called in messages.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Search { .. } => "search",
            Self::Bind { .. } => "bind",
            Self::Add(_) => "add",
            Self::Modify { .. } => "modify",
            Self::Rename { .. } => "rename",
            Self::Delete(_) => "delete",
            Self::Extended { .. } => "extended operation",
            Self::SetPassword { .. } => "password modify",
        }
    }

    /// Whether doing it twice is the same as doing it once.
    pub(crate) const fn is_repeatable(&self) -> bool {
        matches!(
            self,
            Self::Search { .. } | Self::Bind { .. } | Self::Extended { .. }
        )
    }

    /// Sends it and waits for the answer.
    pub(crate) async fn perform(&self, ldap: &mut Ldap) -> Result<Answer, LdapError> {
        let result = match self {
            Self::Search {
                base,
                scope,
                filter,
                attributes,
                limit,
            } => {
                ldap.with_search_options(SearchOptions::new().sizelimit(*limit));
                let answer = ldap
                    .search(base, *scope, filter, attributes.to_vec())
                    .await?;
                let entries = answer
                    .0
                    .into_iter()
                    .filter(|one| !one.is_ref())
                    .map(entry)
                    .collect();
                return Ok(Answer {
                    entries,
                    ..Answer::of(answer.1)
                });
            }
            Self::Bind { dn, password } => ldap.simple_bind(dn, password).await?,
            Self::Add(entry) => ldap.add(&entry.dn, attributes(entry)).await?,
            Self::Modify { dn, changes } => {
                ldap.modify(dn, changes.iter().map(modification).collect())
                    .await?
            }
            Self::Rename { dn, rdn, parent } => ldap.modifydn(dn, rdn, true, *parent).await?,
            Self::Delete(dn) => ldap.delete(dn).await?,
            Self::Extended { oid, value } => {
                let request = ldap3::exop::Exop {
                    name: Some((*oid).to_owned()),
                    val: Some(value.clone()),
                };
                let answer = ldap.extended(request).await?;
                return Ok(Answer {
                    value: answer.0.val,
                    ..Answer::of(answer.1)
                });
            }
            Self::SetPassword { dn, password } => {
                let request = ldap3::exop::PasswordModify {
                    user_id: Some(dn),
                    old_pass: None,
                    new_pass: Some(password),
                };
                ldap.extended(request).await?.1
            }
        };
        Ok(Answer::of(result))
    }
}

impl Answer {
    fn of(result: ldap3::LdapResult) -> Self {
        Self {
            code: result.rc,
            text: result.text,
            ..Self::default()
        }
    }
}

fn attributes(entry: &Entry) -> Vec<(Vec<u8>, HashSet<Vec<u8>>)> {
    let pair = |(name, values): (&str, &[Vec<u8>])| (name.into(), values.iter().cloned().collect());
    entry.attributes.iter().map(pair).collect()
}

fn modification(change: &Change) -> Mod<Vec<u8>> {
    let set = |values: &Vec<Vec<u8>>| values.iter().cloned().collect();
    match change {
        Change::Add(name, values) => Mod::Add(name.clone().into(), set(values)),
        Change::Delete(name, values) => Mod::Delete(name.clone().into(), set(values)),
        Change::Replace(name, values) => Mod::Replace(name.clone().into(), set(values)),
    }
}

fn entry(raw: ldap3::ResultEntry) -> Entry {
    let raw = SearchEntry::construct(raw);
    let mut entry = Entry::new(raw.dn);
    for (name, values) in raw.attrs {
        entry.attributes.add(&name, values);
    }
    for (name, values) in raw.bin_attrs {
        entry.attributes.add(&name, values);
    }
    entry
}
