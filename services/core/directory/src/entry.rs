//! Entries as plain data: a name and attributes with values.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::schema::{self, Violation};

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its distinguished name, as the server wrote it.
    pub dn: String,
    /// What it holds.
    pub attributes: Attributes,
}

impl Entry {
    /// An entry without attributes.
    #[must_use]
    pub fn new(dn: impl Into<String>) -> Self {
        Self {
            dn: dn.into(),
            attributes: Attributes::default(),
        }
    }

    /// Adds values to an attribute.
    #[must_use]
    pub fn with<V: Into<Vec<u8>>>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.attributes.add(name, values);
        self
    }

    /// Whether it has this object class.
    #[must_use]
    pub fn is_a(&self, class: &str) -> bool {
        self.attributes
            .texts("objectClass")
            .any(|own| own.eq_ignore_ascii_case(class))
    }

    /// Checks it against the schema.
    ///
    /// # Errors
    /// The first violation found.
    pub fn check(&self) -> Result<(), Violation> {
        schema::check_entry(self.attributes.texts("objectClass"), self.attributes.iter())
    }
}

/// The attributes of an entry. Names are found without regard to case and under all their aliases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<CompactString, Vec<Vec<u8>>>);

impl Attributes {
    /// Adds values to an attribute.
    pub fn add<V: Into<Vec<u8>>>(&mut self, name: &str, values: impl IntoIterator<Item = V>) {
        let mut values = values.into_iter().map(Into::into).peekable();
        if values.peek().is_some() {
            self.0.entry(canonical(name)).or_default().extend(values);
        }
    }

    /// Replaces the values of an attribute; no values remove it.
    pub fn set<V: Into<Vec<u8>>>(&mut self, name: &str, values: impl IntoIterator<Item = V>) {
        let values: Vec<_> = values.into_iter().map(Into::into).collect();
        if values.is_empty() {
            self.0.remove(&canonical(name));
        } else {
            self.0.insert(canonical(name), values);
        }
    }

    /// The values of an attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> &[Vec<u8>] {
        self.0
            .get(name)
            .or_else(|| self.0.get(&canonical(name)))
            .map_or(&[], Vec::as_slice)
    }

    /// The values of an attribute that are text.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name)
            .iter()
            .filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first value of an attribute, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).next()
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[Vec<u8>])> {
        self.0
            .iter()
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// How many attributes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The schema's spelling of a name (without options such as `;binary`), or lower case if it has none.
fn canonical(name: &str) -> CompactString {
    let base = name.split(';').next().unwrap_or(name);
    match schema::attribute(base) {
        Some(attribute) => attribute.name.into(),
        None => base.to_ascii_lowercase().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_under_every_spelling() {
        let entry = Entry::new("uid=a")
            .with("gn", ["Alice"])
            .with("GIVENNAME", ["Ali"]);
        assert_eq!(
            entry.attributes.texts("givenName").collect::<Vec<_>>(),
            ["Alice", "Ali"]
        );
        assert_eq!(entry.attributes.len(), 1);
        let certificate = Entry::new("uid=a").with("userCertificate;binary", [vec![1, 2]]);
        assert_eq!(certificate.attributes.get("userCertificate"), [vec![1, 2]]);
    }
}
