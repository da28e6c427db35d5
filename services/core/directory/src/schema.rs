//! The schema: one table of every attribute type and object class, and what follows from it.
//!
//! | question | answer |
//! |---|---|
//! | what an attribute is, who has it, what it inherits | [`attribute`], [`AttributeType`] |
//! | what an entry of a class must and may have | [`class`], [`ObjectClass`] |
//! | whether an entry keeps to the schema | [`check_entry`], [`check_values`] |
//! | what a subschema subentry says (RFC 4512 §4.2) | `describe` of each row |
//! | what OpenLDAP loads | [`openldap`] |
//!
//! Names are found without regard to case and under all their aliases and object identifiers.

mod attribute;
mod check;
mod class;
mod describe;
pub mod kind;
mod oid;
pub mod openldap;
mod syntax;
mod table;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use attribute::{Access, AttributeType, Source, Usage};
pub use check::{Violation, check_entry, check_values, structural};
pub use class::{Carrier, ClassKind, ObjectClass};
pub use kind::{Expected, Kind};
pub use oid::Oid;
pub use syntax::{Rule, Syntax};

/// Every attribute type, in the table's order.
pub fn attributes() -> impl Iterator<Item = &'static AttributeType> {
    table::ATTRIBUTES.iter().copied().flatten()
}

/// Every object class; each after those it derives from.
pub fn classes() -> impl Iterator<Item = &'static ObjectClass> {
    table::CLASSES.iter()
}

/// The attribute type of this name, alias or object identifier. Options (`;binary`) are not part of it.
#[must_use]
pub fn attribute(name: &str) -> Option<&'static AttributeType> {
    static INDEX: LazyLock<HashMap<String, &'static AttributeType>> = LazyLock::new(|| {
        attributes()
            .flat_map(|row| {
                row.names()
                    .map(str::to_ascii_lowercase)
                    .chain([row.oid.to_string()])
                    .map(move |name| (name, row))
            })
            .collect()
    });
    find(&INDEX, name)
}

/// The object class of this name or object identifier.
#[must_use]
pub fn class(name: &str) -> Option<&'static ObjectClass> {
    static INDEX: LazyLock<HashMap<String, &'static ObjectClass>> = LazyLock::new(|| {
        classes()
            .flat_map(|row| {
                [
                    (row.name.to_ascii_lowercase(), row),
                    (row.oid.to_string(), row),
                ]
            })
            .collect()
    });
    find(&INDEX, name)
}

fn find<T: Copy>(index: &HashMap<String, T>, name: &str) -> Option<T> {
    index
        .get(name)
        .or_else(|| index.get(&name.to_ascii_lowercase()))
        .copied()
}

/// The names of attribute types that look like this one, nearest first: for error messages.
#[must_use]
pub fn similar_attributes(name: &str) -> Vec<&'static str> {
    crate::near::nearest(name, attributes().map(|row| row.name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_and_numbers_are_used_once() {
        let mut seen = HashSet::new();
        for row in attributes() {
            for name in row
                .names()
                .map(str::to_ascii_lowercase)
                .chain([row.oid.to_string()])
            {
                assert!(
                    seen.insert(name.clone()),
                    "attribute {name} is declared twice"
                );
            }
        }
        for row in classes() {
            for name in [
                row.name.to_ascii_lowercase() + " class",
                row.oid.to_string(),
            ] {
                assert!(seen.insert(name.clone()), "class {name} is declared twice");
            }
        }
    }

    #[test]
    fn rows_name_only_what_exists_and_defaults_are_good_values() {
        for row in attributes() {
            if let Some(superior) = row.superior {
                assert!(
                    attribute(superior).is_some(),
                    "{} derives from {superior}",
                    row.name
                );
            }
            assert_eq!(check_values(row, row.default), Ok(()));
            assert!(
                !row.inherited || row.on.len() > 1,
                "{} inherits from nobody",
                row.name
            );
        }
        for class in classes() {
            assert!(
                class
                    .superior
                    .is_none_or(|name| self::class(name).is_some()),
                "{}",
                class.name
            );
            for name in class.must().chain(class.may()) {
                assert!(attribute(name).is_some(), "{} lists {name}", class.name);
            }
        }
    }

    #[test]
    fn every_carrier_is_the_class_of_somebody() {
        let carriers: HashSet<_> = classes().filter_map(|class| class.carrier).collect();
        for row in attributes() {
            for carrier in row.on.iter().chain(row.required_on) {
                assert!(
                    carriers.contains(carrier),
                    "{}: {carrier:?} has no class",
                    row.name
                );
            }
        }
    }

    #[test]
    fn descriptions_are_as_rfc_4512_has_them() {
        let describe = |name| attribute(name).unwrap().describe();
        assert_eq!(
            describe("zimbraMailQuota"),
            "( 1.3.6.1.4.1.19348.2.1.16 NAME 'zimbraMailQuota' EQUALITY integerMatch ORDERING \
             integerOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )"
        );
        assert_eq!(
            describe("gn"),
            "( 2.5.4.42 NAME ( 'givenName' 'gn' ) SUP name EQUALITY caseIgnoreMatch SUBSTR \
             caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"
        );
        assert_eq!(
            class("dcobject").unwrap().describe(),
            "( 1.3.6.1.4.1.1466.344 NAME 'dcObject' SUP top AUXILIARY MUST dc )"
        );
        assert!(describe("entryUUID").ends_with("NO-USER-MODIFICATION USAGE directoryOperation )"));
    }

    /// Names of other things: a filter of the address list, a service.
    const OTHER_NAMES: [&str; 2] = ["zimbraAccounts", "zimbraAdmin"];

    #[test]
    fn the_code_names_only_attributes_and_classes_that_exist() {
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with("table") {
                    folders.push(path);
                } else if path.is_file() {
                    let text = std::fs::read_to_string(&path).unwrap();
                    check_names(text.split("#[cfg(test)]").next().unwrap(), &path);
                }
            }
        }
    }

    fn check_names(code: &str, path: &std::path::Path) {
        for name in code.split(|letter: char| !letter.is_ascii_alphanumeric()) {
            if name.starts_with("zimbra") && name != "zimbra" && !OTHER_NAMES.contains(&name) {
                let known = attribute(name).is_some() || class(name).is_some();
                assert!(known, "{}: {name} does not exist", path.display());
            }
        }
    }
}
