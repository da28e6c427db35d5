//! Searches, and the filters they are made of.

use std::fmt::Write as _;

use ldap3::{Scope, ldap_escape};

use super::Directory;
use super::operation::{Operation, code};
use super::unavailable::{Cause, Unavailable};
use crate::entry::Entry;

/// Everything that users may read, in one round trip.
const ALL: &[&str] = &["*"];

/// A search below the root or some entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Find<'a> {
    /// Where.
    pub(crate) base: &'a str,
    /// How deep.
    pub(crate) scope: Scope,
    /// What.
    pub(crate) filter: &'a str,
    /// Which attributes.
    pub(crate) attributes: &'a [&'a str],
    /// How many at most; 0 for all.
    pub(crate) limit: i32,
}

impl<'a> Find<'a> {
    /// All entries of the whole tree that match.
    pub(crate) const fn anywhere(filter: &'a str) -> Self {
        Self {
            base: "",
            scope: Scope::Subtree,
            filter,
            attributes: ALL,
            limit: 0,
        }
    }

    /// All entries below one that match.
    pub(crate) const fn below(base: &'a str, filter: &'a str) -> Self {
        Self {
            base,
            ..Self::anywhere(filter)
        }
    }

    /// Only these attributes.
    pub(crate) const fn only(mut self, attributes: &'a [&'a str]) -> Self {
        self.attributes = attributes;
        self
    }

    /// So many at most.
    pub(crate) const fn limit(mut self, limit: i32) -> Self {
        self.limit = limit;
        self
    }
}

impl Directory {
    /// The entries that match. A base that does not exist has none.
    pub(crate) async fn find(&self, find: Find<'_>) -> Result<Vec<Entry>, Unavailable> {
        let Find {
            base,
            scope,
            filter,
            attributes,
            limit,
        } = find;
        let operation = Operation::Search {
            base,
            scope,
            filter,
            attributes,
            limit,
        };
        let answer = self.service().run(&operation).await?;
        match answer.code {
            code::SUCCESS | code::NO_SUCH_OBJECT => Ok(answer.entries),
            code::SIZE_LIMIT_EXCEEDED if limit > 0 => Ok(answer.entries),
            code => Err(Cause::Answer {
                what: "search",
                code,
                text: answer.text,
            }
            .into()),
        }
    }

    /// One entry by its name.
    pub(crate) async fn one(
        &self,
        dn: &str,
        attributes: &[&str],
    ) -> Result<Option<Entry>, Unavailable> {
        let scope = Scope::Base;
        let find = Find {
            base: dn,
            scope,
            filter: "(objectClass=*)",
            attributes,
            limit: 0,
        };
        Ok(self.find(find).await?.into_iter().next())
    }

    /// One entry by its name, with all its attributes.
    pub(crate) async fn entry(&self, dn: &str) -> Result<Option<Entry>, Unavailable> {
        self.one(dn, ALL).await
    }
}

/// `(attribute=value)`, the value escaped.
pub(crate) fn equal(attribute: &str, value: &str) -> String {
    format!("({attribute}={})", ldap_escape(value))
}

/// `(&…)` of filters.
pub(crate) fn all(filters: &[&str]) -> String {
    format!("(&{})", filters.concat())
}

/// `(|…)` of one value compared with several attributes.
pub(crate) fn any(attributes: &[&str], values: impl IntoIterator<Item = String>) -> String {
    let mut filter = String::from("(|");
    for value in values {
        let value = ldap_escape(value);
        for attribute in attributes {
            // Writing to a string cannot fail.
            let _written = write!(filter, "({attribute}={value})");
        }
    }
    filter.push(')');
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_break_out_of_a_filter() {
        assert_eq!(equal("mail", "a)(uid=*"), r"(mail=a\29\28uid=\2a)");
        assert_eq!(
            all(&["(a=1)", &any(&["x", "y"], ["*".to_owned()])]),
            r"(&(a=1)(|(x=\2a)(y=\2a)))"
        );
    }
}
