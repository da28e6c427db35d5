//! The table as OpenLDAP's slapd reads it: `roost.schema` for `slapd.conf`, and `roost.ldif` for
//! `cn=config`. What Debian's `core`, `cosine`, `inetorgperson` and `dyngroup` schemas have is left out.
//!
//! [`configuration`] is an example of a whole server around them.
//!
//! All are checked in; `cargo run -p roost-core-directory --example openldap-schema` writes
//! them and a test compares.

mod slapd;

use super::{Source, attributes, classes};

pub use slapd::configuration;

const HEAD: &str = "\
# Roost's schema for OpenLDAP, written from the table in services/core/directory/src/schema/table.
# Do not edit: cargo run -p roost-core-directory --example openldap-schema
# Load core, cosine, inetorgperson and dyngroup before it.
";

/// The text of `roost.schema`.
#[must_use]
pub fn schema_file() -> String {
    let mut text = String::from(HEAD);
    for row in attributes().filter(|row| row.source == Source::Roost) {
        text.push_str(&format!("\nattributetype {}", broken(&row.describe())));
    }
    text.push('\n');
    for row in classes().filter(|row| row.source == Source::Roost) {
        text.push_str(&format!("\nobjectclass {}", broken(&describe_class(row))));
    }
    text.push('\n');
    text
}

/// The text of `roost.ldif`, an entry of `cn=schema,cn=config`.
#[must_use]
pub fn config_ldif() -> String {
    let mut text = String::from(HEAD);
    text.push_str("dn: cn=roost,cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: roost\n");
    for row in attributes().filter(|row| row.source == Source::Roost) {
        text.push_str(&folded(&format!("olcAttributeTypes: {}", row.describe())));
    }
    for row in classes().filter(|row| row.source == Source::Roost) {
        text.push_str(&folded(&format!(
            "olcObjectClasses: {}",
            describe_class(row)
        )));
    }
    text
}

/// A class as OpenLDAP can know it: without the attributes that only the embedded server has.
fn describe_class(class: &super::ObjectClass) -> String {
    let mut text = class.describe();
    for row in attributes().filter(|row| row.source == Source::Embedded) {
        text = text.replace(&format!(" $ {} ", row.name), " ");
    }
    text
}

/// Breaks a description into lines of readable length; continuation lines begin with a blank.
fn broken(description: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in description.split(' ') {
        if column + word.len() > 90 {
            text.push_str("\n   ");
            column = 3;
        }
        if column > 0 {
            text.push(' ');
        }
        text.push_str(word);
        column += word.len() + 1;
    }
    text
}

/// Folds an LDIF line (RFC 2849, note 2): continuation lines begin with one blank, which is not part of it.
fn folded(line: &str) -> String {
    let mut text = String::new();
    for (index, character) in line.chars().enumerate() {
        if index > 0 && index % 76 == 0 {
            text.push_str("\n ");
        }
        text.push(character);
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_checked_in_files_are_current() {
        for (name, text) in [
            ("roost.schema", schema_file()),
            ("roost.ldif", config_ldif()),
        ] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("openldap")
                .join(name);
            assert!(
                std::fs::read_to_string(&path).is_ok_and(|file| file == text),
                "openldap/{name} is not what the table says; run: \
                 cargo run -p roost-core-directory --example openldap-schema"
            );
        }
    }

    #[test]
    fn only_what_openldap_lacks_is_written() {
        let schema = schema_file();
        assert!(schema.contains("NAME 'zimbraMailQuota'") && schema.contains("NAME 'DKIM'"));
        assert!(!schema.contains("authPassword") && !schema.contains("NAME 'inetOrgPerson'"));
    }
}
