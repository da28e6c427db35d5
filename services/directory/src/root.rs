//! The entries that are not in the tree: the root DSE (RFC 4512 §5.1) and the schema (§4.2).

use roost_core_directory::schema::{Rule, Syntax};

use crate::controls;
use crate::dn::{Dn, DnKey};
use crate::entry::Entry;
use crate::schema::Schema;
use crate::store::Found;

/// Where the schema is read.
pub const SUBSCHEMA_DN: &str = "cn=Subschema";

/// Extended operations.
pub mod extension {
    /// StartTLS (RFC 4511 §4.14).
    pub const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
    /// Who am I (RFC 4532).
    pub const WHO_AM_I: &str = "1.3.6.1.4.1.4203.1.11.3";
    /// Password modify (RFC 3062).
    pub const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";
    /// Cancel (RFC 3909).
    pub const CANCEL: &str = "1.3.6.1.1.8";
    /// With which parameters an account's SCRAM keys were made.
    pub const SCRAM_PARAMETERS: &str = "1.3.6.1.4.1.32473.1.6.1";
    /// Whether a SCRAM proof is right.
    pub const SCRAM_VERIFY: &str = "1.3.6.1.4.1.32473.1.6.2";

    /// All of them.
    pub const ALL: &[&str] = &[
        START_TLS,
        WHO_AM_I,
        PASSWORD_MODIFY,
        CANCEL,
        SCRAM_PARAMETERS,
        SCRAM_VERIFY,
    ];
}

/// Features (RFC 4512 §5.1): all operational attributes (RFC 3673), attributes by class (RFC 4529),
/// true and false filters (RFC 4526), increment (RFC 4525).
const FEATURES: &[&str] = &[
    "1.3.6.1.4.1.4203.1.5.1",
    "1.3.6.1.4.1.4203.1.5.2",
    "1.3.6.1.4.1.4203.1.5.3",
    "1.3.6.1.1.14",
];

/// SASL mechanisms of a bind.
pub const MECHANISMS: &[&str] = &["PLAIN", "EXTERNAL"];

/// What the server says of itself.
#[must_use]
pub fn root_dse(schema: &Schema, contexts: &[Dn]) -> Found {
    let contexts: Vec<String> = contexts.iter().map(ToString::to_string).collect();
    let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    build(
        schema,
        Dn::ROOT,
        vec![
            ("objectClass", vec!["top".to_owned()]),
            ("structuralObjectClass", vec!["top".to_owned()]),
            ("namingContexts", contexts),
            ("supportedLDAPVersion", vec!["3".to_owned()]),
            ("supportedControl", texts(controls::SUPPORTED)),
            ("supportedExtension", texts(extension::ALL)),
            ("supportedFeatures", texts(FEATURES)),
            ("supportedSASLMechanisms", texts(MECHANISMS)),
            ("vendorName", vec!["Roost".to_owned()]),
            ("vendorVersion", vec![env!("CARGO_PKG_VERSION").to_owned()]),
        ],
    )
}

/// The schema (RFC 4512 §4.2).
#[must_use]
pub fn subschema(schema: &Schema) -> Found {
    let rules = || Rule::ALL.iter();
    build(
        schema,
        Dn::parse(SUBSCHEMA_DN).unwrap_or_default(),
        vec![
            (
                "objectClass",
                ["top", "subentry", "subschema"].map(str::to_owned).to_vec(),
            ),
            ("structuralObjectClass", vec!["subentry".to_owned()]),
            ("cn", vec!["Subschema".to_owned()]),
            (
                "ldapSyntaxes",
                Syntax::ALL.iter().map(|syntax| syntax.describe()).collect(),
            ),
            (
                "matchingRules",
                rules().map(|rule| rule.describe()).collect(),
            ),
            (
                "matchingRuleUse",
                rules().filter_map(|rule| rule.describe_use()).collect(),
            ),
            (
                "attributeTypes",
                schema.attributes().map(|one| one.row.describe()).collect(),
            ),
            (
                "objectClasses",
                schema.classes().map(|one| one.row.describe()).collect(),
            ),
        ],
    )
}

fn build(schema: &Schema, dn: Dn, attributes: Vec<(&str, Vec<String>)>) -> Found {
    let mut entry = Entry::new(dn);
    for (name, values) in attributes {
        if let Some(attribute) = schema.attribute(name) {
            entry.set(
                attribute.id,
                values.into_iter().map(String::into_bytes).collect(),
            );
        }
    }
    let key: DnKey = entry.dn.key(schema);
    Found {
        id: 0,
        parent: 0,
        key,
        entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_attribute_of_these_entries() {
        let schema = Schema::new();
        assert_eq!(
            root_dse(&schema, &[Dn::parse("dc=x").unwrap()])
                .entry
                .attributes()
                .count(),
            10
        );
        assert_eq!(subschema(&schema).entry.attributes().count(), 8);
    }
}
