//! An entry in memory.

use crate::dn::Dn;
use crate::matching;
use crate::schema::{Attribute, AttributeId, Schema};

/// A name and attributes. Attributes keep the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The name, as it was written.
    pub dn: Dn,
    attributes: Vec<(AttributeId, Vec<Vec<u8>>)>,
    /// Attributes that the schema of this version does not know; kept as they are.
    pub unknown: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// An entry without attributes.
    #[must_use]
    pub fn new(dn: Dn) -> Self {
        Self {
            dn,
            ..Self::default()
        }
    }

    /// The values of an attribute; none if it is absent.
    #[must_use]
    pub fn get(&self, attribute: AttributeId) -> &[Vec<u8>] {
        self.attributes
            .iter()
            .find(|(id, _)| *id == attribute)
            .map_or(&[], |(_, values)| values.as_slice())
    }

    /// The first value of an attribute as text.
    #[must_use]
    pub fn text(&self, attribute: AttributeId) -> Option<&str> {
        self.get(attribute)
            .first()
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The first value of the attribute of this name as text.
    #[must_use]
    pub fn text_of<'a>(&'a self, schema: &Schema, name: &str) -> Option<&'a str> {
        self.text(schema.attribute(name)?.id)
    }

    /// Whether the attribute of this name has this value, case aside.
    #[must_use]
    pub fn says(&self, schema: &Schema, name: &str, value: &str) -> bool {
        schema.attribute(name).is_some_and(|attribute| {
            self.get(attribute.id)
                .iter()
                .any(|own| own.eq_ignore_ascii_case(value.as_bytes()))
        })
    }

    /// Sets the values of an attribute; none removes it.
    pub fn set(&mut self, attribute: AttributeId, values: Vec<Vec<u8>>) {
        let place = self.attributes.iter().position(|(id, _)| *id == attribute);
        match (place, values.is_empty()) {
            (Some(place), true) => drop(self.attributes.remove(place)),
            (Some(place), false) => {
                if let Some((_, own)) = self.attributes.get_mut(place) {
                    *own = values;
                }
            }
            (None, true) => {}
            (None, false) => self.attributes.push((attribute, values)),
        }
    }

    /// Adds a value, without looking whether it is there.
    pub fn push(&mut self, attribute: AttributeId, value: Vec<u8>) {
        match self.attributes.iter_mut().find(|(id, _)| *id == attribute) {
            Some((_, values)) => values.push(value),
            None => self.attributes.push((attribute, vec![value])),
        }
    }

    /// The attributes with their values.
    pub fn attributes(&self) -> impl Iterator<Item = (AttributeId, &[Vec<u8>])> {
        self.attributes
            .iter()
            .map(|(id, values)| (*id, values.as_slice()))
    }

    /// Octets of names and values, about.
    #[must_use]
    pub fn size(&self) -> usize {
        let values = self.attributes.iter().flat_map(|(_, values)| values);
        values.map(|value| value.len() + 32).sum::<usize>() + self.attributes.len() * 32 + 256
    }

    /// Every object class of the entry, superiors included (RFC 4512 §3.3), as numbers.
    #[must_use]
    pub fn class_forms(&self, schema: &Schema) -> Vec<Vec<u8>> {
        let mut forms = Vec::new();
        for name in self.get(schema.known.object_class) {
            if let Some(class) = schema.class(&String::from_utf8_lossy(name)) {
                for id in &class.lineage {
                    let form = schema.get_class(*id).row.oid.to_string().into_bytes();
                    if !forms.contains(&form) {
                        forms.push(form);
                    }
                }
            }
        }
        forms
    }

    /// Whether the entry is of a class or one that derives from it.
    #[must_use]
    pub fn is_a(&self, schema: &Schema, class: &str) -> bool {
        let Some(wanted) = schema.class(class) else {
            return false;
        };
        self.get(schema.known.object_class).iter().any(|name| {
            schema
                .class(&String::from_utf8_lossy(name))
                .is_some_and(|class| class.lineage.contains(&wanted.id))
        })
    }
}

/// The form by which two values of an attribute are found equal; where the attribute has no rule of
/// equality, the value itself.
#[must_use]
pub fn value_form(schema: &Schema, attribute: &Attribute, value: &[u8]) -> Vec<u8> {
    attribute
        .row
        .equality()
        .and_then(|rule| matching::normalise(schema, rule, value))
        .unwrap_or_else(|| value.to_vec())
}
