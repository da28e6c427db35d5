//! The table as RFC 4512 §4.1 writes it: what a subschema subentry serves.

use super::attribute::{AttributeType, Usage};
use super::class::{ClassKind, ObjectClass};
use super::syntax::{Rule, Syntax};

impl AttributeType {
    /// Its `AttributeTypeDescription`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("( {} NAME {}", self.oid, quoted(self.names()));
        if let Some(superior) = self.superior {
            text.push_str(&format!(" SUP {superior}"));
        }
        for (word, rule) in [
            ("EQUALITY", self.equality()),
            ("ORDERING", self.ordering()),
            ("SUBSTR", self.substring()),
        ] {
            if let Some(rule) = rule {
                text.push_str(&format!(" {word} {}", rule.name()));
            }
        }
        text.push_str(&format!(" SYNTAX {}", self.syntax().oid()));
        if self.single {
            text.push_str(" SINGLE-VALUE");
        }
        match self.usage {
            Usage::User => {}
            Usage::Operational => {
                text.push_str(" NO-USER-MODIFICATION USAGE directoryOperation");
            }
            Usage::Server => text.push_str(" NO-USER-MODIFICATION USAGE dSAOperation"),
        }
        text.push_str(" )");
        text
    }
}

impl ObjectClass {
    /// Its `ObjectClassDescription`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut text = format!("( {} NAME '{}'", self.oid, self.name);
        if let Some(superior) = self.superior {
            text.push_str(&format!(" SUP {superior}"));
        }
        text.push_str(match self.kind {
            ClassKind::Abstract => " ABSTRACT",
            ClassKind::Structural => " STRUCTURAL",
            ClassKind::Auxiliary => " AUXILIARY",
        });
        list(&mut text, "MUST", self.must());
        list(&mut text, "MAY", self.may());
        text.push_str(" )");
        text
    }
}

impl Syntax {
    /// Its `SyntaxDescription`.
    #[must_use]
    pub fn describe(self) -> String {
        format!("( {} DESC '{}' )", self.oid(), self.description())
    }
}

impl Rule {
    /// Its `MatchingRuleDescription`.
    #[must_use]
    pub fn describe(self) -> String {
        format!(
            "( {} NAME '{}' SYNTAX {} )",
            self.oid(),
            self.name(),
            self.assertion_syntax()
        )
    }

    /// Its `MatchingRuleUseDescription`: the attribute types it serves; none when it serves none.
    #[must_use]
    pub fn describe_use(self) -> Option<String> {
        let mut users = super::attributes()
            .filter(|attribute| {
                [
                    attribute.equality(),
                    attribute.ordering(),
                    attribute.substring(),
                ]
                .contains(&Some(self))
            })
            .map(|attribute| attribute.name)
            .peekable();
        users.peek()?;
        let mut text = format!("( {} NAME '{}'", self.oid(), self.name());
        list(&mut text, "APPLIES", users);
        text.push_str(" )");
        Some(text)
    }
}

/// `qdescrs`: one name bare, several in parentheses.
fn quoted(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<_> = names.map(|name| format!("'{name}'")).collect();
    match names.as_slice() {
        [one] => one.clone(),
        several => format!("( {} )", several.join(" ")),
    }
}

/// `oids`: one bare, several in parentheses with dollars between.
fn list(text: &mut String, word: &str, names: impl Iterator<Item = &'static str>) {
    let names: Vec<_> = names.collect();
    match names.as_slice() {
        [] => {}
        [one] => text.push_str(&format!(" {word} {one}")),
        several => text.push_str(&format!(" {word} ( {} )", several.join(" $ "))),
    }
}
