//! Which attributes of an entry are shown, and how (RFC 4511 §4.5.1.8).

use std::collections::HashSet;

use roost_core_directory::schema::{Kind, Usage};

use crate::entry::Entry;
use crate::root::SUBSCHEMA_DN;
use crate::schema::{Attribute, AttributeId, Schema};
use crate::wire::response::Shown;

/// All user attributes.
const ALL_USER: &str = "*";
/// All operational attributes (RFC 3673).
const ALL_OPERATIONAL: &str = "+";

/// What a request selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selection {
    user: bool,
    operational: bool,
    named: HashSet<AttributeId>,
}

impl Selection {
    /// Reads a list of attributes. `1.1` stands for none; names that are not known select nothing.
    pub(crate) fn new(schema: &Schema, names: &[String]) -> Self {
        let mut selection = Self {
            user: names.is_empty(),
            operational: false,
            named: HashSet::new(),
        };
        for name in names {
            match name.as_str() {
                ALL_USER => selection.user = true,
                ALL_OPERATIONAL => selection.operational = true,
                name => selection.name(schema, name),
            }
        }
        selection
    }

    fn name(&mut self, schema: &Schema, name: &str) {
        // RFC 4529: all attributes of an object class.
        if let Some(class) = name.strip_prefix('@').and_then(|name| schema.class(name)) {
            self.named.extend(class.must.iter().chain(&class.may));
            return;
        }
        let description = name.split_once(';').map_or(name, |(name, _)| name);
        if let Some(attribute) = schema.attribute(description) {
            self.named.extend(&attribute.family);
        }
    }

    /// Whether an attribute is selected.
    pub(crate) fn selects(&self, attribute: &Attribute) -> bool {
        let all = match attribute.row.usage {
            Usage::User => self.user,
            Usage::Operational | Usage::Server => self.operational,
        };
        all || self.named.contains(&attribute.id)
    }
}

/// What an entry shows of what it does not hold: names and relations.
#[derive(Debug)]
pub(crate) struct Derived {
    name: String,
    has_subordinates: Option<bool>,
}

impl Derived {
    pub(crate) fn of(entry: &Entry, has_subordinates: Option<bool>) -> Self {
        Self {
            name: entry.dn.to_string(),
            has_subordinates,
        }
    }

    /// The name, as the entry of an answer has it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// The attributes that are selected and may be read.
pub(crate) fn shown<'a>(
    schema: &'a Schema,
    entry: &'a Entry,
    derived: &'a Derived,
    selection: &Selection,
    readable: &dyn Fn(AttributeId) -> bool,
) -> Vec<Shown<'a>> {
    let visible = |id: AttributeId| selection.selects(schema.get(id)) && readable(id);
    let mut shown: Vec<Shown<'a>> = entry
        .attributes()
        .filter(|(id, _)| visible(*id))
        .map(|(id, values)| Shown {
            name: shown_name(schema.get(id)),
            values: values.iter().map(Vec::as_slice).collect(),
        })
        .collect();
    let known = &schema.known;
    let has_subordinates = derived
        .has_subordinates
        .map(|has| if has { "TRUE" } else { "FALSE" });
    for (id, value) in [
        (known.entry_dn, Some(derived.name.as_str())),
        (known.subschema_subentry, Some(SUBSCHEMA_DN)),
        (known.has_subordinates, has_subordinates),
    ] {
        if let Some(value) = value.filter(|_| visible(id)) {
            shown.push(Shown {
                name: schema.get(id).name,
                values: vec![value.as_bytes()],
            });
        }
    }
    shown
}

/// RFC 4522, RFC 4523 §2.1: certificates travel as `;binary`, and say so.
fn shown_name(attribute: &Attribute) -> &'static str {
    match (attribute.row.kind, attribute.name) {
        (Kind::Certificate, "userCertificate") => "userCertificate;binary",
        (Kind::Certificate, "cACertificate") => "cACertificate;binary",
        (_, name) => name,
    }
}
