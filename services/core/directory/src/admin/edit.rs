//! Edits of attributes, as administrators write them.

use crate::client::Change;
use crate::entry::Entry;
use crate::schema::{self, Access, AttributeType};

/// One edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// `name=value`: this value and no other; several in a row make several values.
    Set(String, Vec<Vec<u8>>),
    /// `+name=value`: this value too.
    Add(String, Vec<u8>),
    /// `-name=value`: not this value; `-name`: no value at all.
    Remove(String, Option<Vec<u8>>),
}

/// An edit that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEdit {
    /// It is not of one of the forms.
    #[error("{0:?} is no change (write name=value, +name=value, -name=value or -name)")]
    Form(String),
    /// No such attribute.
    #[error("there is no attribute {name}{}", meant(near))]
    UnknownAttribute {
        /// The name.
        name: String,
        /// What was probably meant.
        near: Vec<&'static str>,
    },
    /// The attribute follows from something else.
    #[error("{name} cannot be set by hand ({instead})")]
    Kept {
        /// The attribute.
        name: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
}

impl Edit {
    /// Reads `name=value`, `+name=value`, `-name=value` or `-name`; `name=` empties it.
    ///
    /// # Errors
    /// When it is of another form.
    pub fn parse(text: &str) -> Result<Self, BadEdit> {
        let bad = || BadEdit::Form(text.to_owned());
        let (sign, rest) = match text.chars().next() {
            Some(sign @ ('+' | '-')) => (Some(sign), text.get(1..).ok_or_else(bad)?),
            _ => (None, text),
        };
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (rest, None),
        };
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-.;".contains(&byte);
        if name.is_empty() || !name.bytes().all(known) {
            return Err(bad());
        }
        let name = name.to_owned();
        match (sign, value) {
            (None, Some("")) => Ok(Self::Set(name, Vec::new())),
            (None, Some(value)) => Ok(Self::Set(name, vec![value.into()])),
            (Some('+'), Some(value)) => Ok(Self::Add(name, value.into())),
            (Some('-'), value) => Ok(Self::Remove(name, value.map(Into::into))),
            _ => Err(bad()),
        }
    }

    /// The attribute, as it was written.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Set(name, _) | Self::Add(name, _) | Self::Remove(name, _) => name,
        }
    }

    /// The values that are set, added or removed.
    pub(super) fn values_mut(&mut self) -> &mut [Vec<u8>] {
        match self {
            Self::Set(_, values) => values,
            Self::Add(_, value) | Self::Remove(_, Some(value)) => std::slice::from_mut(value),
            Self::Remove(_, None) => &mut [],
        }
    }
}

impl std::str::FromStr for Edit {
    type Err = BadEdit;

    fn from_str(text: &str) -> Result<Self, BadEdit> {
        Self::parse(text)
    }
}

/// An attribute that edits change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The attribute's name.
    pub attribute: String,
    /// Its values before; none where it was not set.
    pub before: Vec<Vec<u8>>,
    /// Its values after; none where it is not set any more.
    pub after: Vec<Vec<u8>>,
}

/// What is different between two states of an entry, by attribute; the order of values is no
/// difference.
pub(super) fn differences(before: &Entry, after: &Entry) -> Vec<Difference> {
    let names = |entry: &Entry| -> Vec<String> {
        let names = entry.attributes.iter().map(|(name, _)| name.to_owned());
        names.collect()
    };
    let gone = names(before)
        .into_iter()
        .filter(|name| after.attributes.get(name).is_empty());
    let all = names(after).into_iter().chain(gone);
    all.filter_map(|attribute| {
        let values = |entry: &Entry| {
            let mut values = entry.attributes.get(&attribute).to_vec();
            values.sort_unstable();
            values
        };
        let (before, after) = (values(before), values(after));
        (before != after).then_some(Difference {
            attribute,
            before,
            after,
        })
    })
    .collect()
}

/// Applies edits to an entry in memory. Edits that set the same attribute add up.
pub(super) fn apply(entry: &mut Entry, edits: &[Edit]) -> Result<(), BadEdit> {
    let mut set: Vec<&'static str> = Vec::new();
    for edit in edits {
        let attribute = editable(edit.name())?;
        let name = attribute.name;
        let mut values = entry.attributes.get(name).to_vec();
        match edit {
            Edit::Set(_, new) => {
                if !set.contains(&name) {
                    set.push(name);
                    values.clear();
                }
                values.extend(new.iter().cloned());
            }
            Edit::Add(_, value) => values.push(value.clone()),
            Edit::Remove(_, None) => values.clear(),
            Edit::Remove(_, Some(value)) => values.retain(|own| !same(own, value)),
        }
        let mut once: Vec<Vec<u8>> = Vec::with_capacity(values.len());
        for value in values {
            if !once.iter().any(|own| same(own, &value)) {
                once.push(value);
            }
        }
        entry.attributes.set(name, once);
    }
    Ok(())
}

/// Values are compared without regard to case, as nearly all attributes are.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// The attribute, if it may be edited by hand.
fn editable(name: &str) -> Result<&'static AttributeType, BadEdit> {
    let Some(attribute) = schema::attribute(name) else {
        let near = schema::similar_attributes(name);
        return Err(BadEdit::UnknownAttribute {
            name: name.to_owned(),
            near,
        });
    };
    let instead = match attribute.name {
        "zimbraId" | "zimbraCreateTimestamp" => "it is given once",
        "uid" | "zimbraMailDeliveryAddress" | "zimbraDomainName" | "dc" | "mail" => {
            "rename the entry, or add an alias"
        }
        "zimbraMailAlias" => "add or delete an alias",
        "userPassword" | "authPassword" => "set the password",
        _ if attribute.access == Access::Secret => "it follows from the password",
        _ if attribute.read_only() => "the directory keeps it",
        _ => return Ok(attribute),
    };
    Err(BadEdit::Kept {
        name: attribute.name,
        instead,
    })
}

/// The changes that lead from one state of an entry to another.
///
/// Of several values only the difference is sent: two administrators who each add a member to a
/// list do not undo each other's work.
pub(super) fn changes(before: &Entry, after: &Entry) -> Vec<Change> {
    let gone = before.attributes.iter().map(|(name, _)| name);
    let gone = gone
        .filter(|name| after.attributes.get(name).is_empty())
        .map(|name| (name, &[][..]));
    let mut changes = Vec::new();
    for (name, values) in after.attributes.iter().chain(gone) {
        let old = before.attributes.get(name);
        if old == values {
            continue;
        }
        let comparable = schema::attribute(name).is_some_and(|row| row.equality().is_some());
        if old.len().max(values.len()) < 2 || values.is_empty() || !comparable {
            changes.push(Change::Replace(name.to_owned(), values.to_vec()));
            continue;
        }
        let without = |from: &[Vec<u8>], others: &[Vec<u8>]| -> Vec<Vec<u8>> {
            from.iter()
                .filter(|value| !others.contains(value))
                .cloned()
                .collect()
        };
        let (removed, added) = (without(old, values), without(values, old));
        if !removed.is_empty() {
            changes.push(Change::Delete(name.to_owned(), removed));
        }
        if !added.is_empty() {
            changes.push(Change::Add(name.to_owned(), added));
        }
    }
    changes
}

fn meant(near: &[&str]) -> String {
    if near.is_empty() {
        String::new()
    } else {
        format!(" (did you mean {}?)", near.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(edits: &[&str]) -> Result<Vec<String>, BadEdit> {
        let mut entry =
            Entry::new("uid=a").with("zimbraMailForwardingAddress", ["a@x.org", "b@x.org"]);
        let edits: Vec<_> = edits
            .iter()
            .map(|edit| Edit::parse(edit))
            .collect::<Result<_, _>>()?;
        apply(&mut entry, &edits)?;
        let values = entry.attributes.texts("zimbraMailForwardingAddress");
        Ok(values.map(str::to_owned).collect())
    }

    #[test]
    fn edits_add_up() {
        assert_eq!(
            edited(&["+zimbraMailForwardingAddress=c@x.org"])
                .unwrap()
                .len(),
            3
        );
        assert_eq!(
            edited(&["+zimbraMailForwardingAddress=A@X.org"])
                .unwrap()
                .len(),
            2
        );
        assert_eq!(
            edited(&["-zimbraMailForwardingAddress=B@x.org"]).unwrap(),
            ["a@x.org"]
        );
        assert_eq!(
            edited(&[
                "zimbraMailForwardingAddress=x@x.org",
                "zimbraMailForwardingAddress=y@x.org"
            ])
            .unwrap(),
            ["x@x.org", "y@x.org"]
        );
        assert!(
            edited(&["-zimbraMailForwardingAddress"])
                .unwrap()
                .is_empty()
        );
        assert!(
            edited(&["zimbraMailForwardingAddress="])
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn mistakes_are_named() {
        assert!(matches!(edited(&["what"]), Err(BadEdit::Form(_))));
        assert!(matches!(edited(&["+zimbraNotes"]), Err(BadEdit::Form(_))));
        assert_eq!(
            edited(&["zimbraMailQutoa=1"]).unwrap_err().to_string(),
            "there is no attribute zimbraMailQutoa (did you mean zimbraMailQuota?)"
                .replace("zimbraMailQuota?", &edited_near("zimbraMailQutoa"))
        );
        assert!(matches!(
            edited(&["zimbraId=1"]),
            Err(BadEdit::Kept {
                name: "zimbraId",
                ..
            })
        ));
        assert!(matches!(
            edited(&["userPassword=x"]),
            Err(BadEdit::Kept { .. })
        ));
    }

    fn edited_near(name: &str) -> String {
        let near = schema::similar_attributes(name);
        assert_eq!(near.first(), Some(&"zimbraMailQuota"));
        near.join(", ") + "?"
    }

    proptest::proptest! {
        #[test]
        fn reading_an_edit_never_panics(text in "[-+=a-zA-Zü.;]{0,20}") {
            if let Ok(edit) = Edit::parse(&text) {
                let mut entry = Entry::new("uid=a");
                proptest::prop_assert!(apply(&mut entry, &[edit]).is_err() || entry.attributes.len() < 2);
            }
        }
    }
}
