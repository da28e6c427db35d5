//! Whether an entry keeps to the schema (RFC 4512 §2.4, §2.5).

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::attribute::AttributeType;
use super::class::{ClassKind, ObjectClass};
use super::kind::Expected;

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// `objectClassViolation`: an object class that no schema has.
    #[error("object class {0} is not known")]
    UnknownClass(String),
    /// `undefinedAttributeType`.
    #[error("attribute {0} is not known")]
    UnknownAttribute(String),
    /// `objectClassViolation`: nothing says what the entry is.
    #[error("the entry has no structural object class")]
    NoStructuralClass,
    /// `objectClassViolation`: two structural classes, neither derived from the other.
    #[error("the entry cannot be {0} and {1} at once")]
    TwoStructuralClasses(&'static str, &'static str),
    /// `objectClassViolation`: a required attribute without a value.
    #[error("object class {class} requires attribute {attribute}")]
    Missing {
        /// The class that requires it.
        class: &'static str,
        /// The attribute.
        attribute: &'static str,
    },
    /// `objectClassViolation`: none of the classes allows it.
    #[error("no object class of the entry allows attribute {0}")]
    NotAllowed(&'static str),
    /// `constraintViolation`: several values where one is allowed.
    #[error("attribute {0} holds one value only")]
    SeveralValues(&'static str),
    /// `invalidAttributeSyntax`.
    #[error("attribute {attribute}: expected {expected}")]
    BadValue {
        /// The attribute.
        attribute: &'static str,
        /// What its values are.
        expected: Expected,
    },
}

/// Checks an entry: its classes, and its attributes with their values.
///
/// Operational attributes are the server's own affair and are passed over.
///
/// # Errors
/// The first violation found.
pub fn check_entry<'a, V>(
    classes: impl IntoIterator<Item = &'a str>,
    attributes: impl IntoIterator<Item = (&'a str, &'a [V])>,
) -> Result<(), Violation>
where
    V: AsRef<[u8]> + 'a,
{
    let classes = classes
        .into_iter()
        .map(|name| super::class(name).ok_or_else(|| Violation::UnknownClass(name.to_owned())))
        .collect::<Result<Vec<_>, _>>()?;
    structural(&classes)?;

    let mut present = Vec::new();
    for (name, values) in attributes {
        let attribute =
            super::attribute(name).ok_or_else(|| Violation::UnknownAttribute(name.to_owned()))?;
        if !attribute.read_only() && !values.is_empty() {
            check_values(attribute, values)?;
            present.push(attribute);
        }
    }
    required(&classes, &present)?;
    allowed(&classes, &present)
}

/// Checks the values of one attribute: how many, and each by its type.
///
/// # Errors
/// [`Violation::SeveralValues`] or [`Violation::BadValue`].
pub fn check_values<V: AsRef<[u8]>>(
    attribute: &'static AttributeType,
    values: &[V],
) -> Result<(), Violation> {
    if attribute.single && values.len() > 1 {
        return Err(Violation::SeveralValues(attribute.name));
    }
    values.iter().try_for_each(|value| {
        attribute
            .kind
            .check(value.as_ref())
            .map_err(|expected| Violation::BadValue {
                attribute: attribute.name,
                expected,
            })
    })
}

/// The structural class of an entry: the most derived one. All others must be on its lineage.
///
/// # Errors
/// When there is none, or when two are not related.
pub fn structural(classes: &[&'static ObjectClass]) -> Result<&'static ObjectClass, Violation> {
    let mut deepest: Option<&'static ObjectClass> = None;
    for class in classes
        .iter()
        .filter(|class| class.kind == ClassKind::Structural)
    {
        deepest = Some(match deepest {
            None => class,
            Some(known) if derives(class, known) => class,
            Some(known) if derives(known, class) => known,
            Some(known) => return Err(Violation::TwoStructuralClasses(known.name, class.name)),
        });
    }
    deepest.ok_or(Violation::NoStructuralClass)
}

fn derives(class: &'static ObjectClass, from: &ObjectClass) -> bool {
    class.lineage().any(|ancestor| ancestor.name == from.name)
}

/// What a class and those it derives from require and allow. Worked out once: going through the
/// whole table for each entry would be most of the cost of a check.
struct Needs {
    must: Vec<(&'static str, &'static str)>,
    may: HashSet<&'static str>,
}

fn needs(class: &'static ObjectClass) -> Option<&'static Needs> {
    static NEEDS: LazyLock<HashMap<&'static str, Needs>> = LazyLock::new(|| {
        super::classes()
            .map(|class| {
                let must = class
                    .lineage()
                    .flat_map(|above| above.must().map(|attribute| (above.name, attribute)))
                    .collect();
                let may = class.lineage().flat_map(ObjectClass::may).collect();
                (class.name, Needs { must, may })
            })
            .collect()
    });
    NEEDS.get(class.name)
}

fn required(
    classes: &[&'static ObjectClass],
    present: &[&'static AttributeType],
) -> Result<(), Violation> {
    let needs = classes.iter().filter_map(|class| needs(class));
    for (class, attribute) in needs.flat_map(|needs| needs.must.iter().copied()) {
        let found = attribute == "objectClass" || present.iter().any(|one| one.name == attribute);
        if !found {
            return Err(Violation::Missing { class, attribute });
        }
    }
    Ok(())
}

fn allowed(
    classes: &[&'static ObjectClass],
    present: &[&'static AttributeType],
) -> Result<(), Violation> {
    let allows = |needs: &Needs, name: &str| {
        needs.may.contains(name) || needs.must.iter().any(|(_, attribute)| *attribute == name)
    };
    let is_allowed = |name| {
        classes
            .iter()
            .filter_map(|class| needs(class))
            .any(|needs| allows(needs, name))
    };
    match present.iter().find(|attribute| !is_allowed(attribute.name)) {
        Some(attribute) => Err(Violation::NotAllowed(attribute.name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(attributes: &[(&str, &[&str])]) -> Result<(), Violation> {
        let classes = attributes
            .iter()
            .find(|(name, _)| *name == "objectClass")
            .unwrap()
            .1;
        check_entry(classes.iter().copied(), attributes.iter().copied())
    }

    const ALICE: &[(&str, &[&str])] = &[
        (
            "objectClass",
            &["inetOrgPerson", "zimbraAccount", "amavisAccount"],
        ),
        ("uid", &["alice"]),
        ("cn", &["Alice"]),
        ("sn", &["Example"]),
        ("zimbraId", &["5b2c1f3e-7a55-4c1e-9f36-0d1c2b3a4f50"]),
        ("zimbraAccountStatus", &["active"]),
        ("zimbraMailQuota", &["1024"]),
        ("entryUUID", &["whatever"]),
    ];

    fn alice_with(name: &'static str, values: &'static [&'static str]) -> Result<(), Violation> {
        let mut alice = ALICE.to_vec();
        alice.retain(|(known, _)| *known != name);
        alice.push((name, values));
        check(&alice)
    }

    #[test]
    fn an_account_is_checked_against_its_classes() {
        assert_eq!(check(ALICE), Ok(()));
        assert_eq!(
            alice_with("zimbraDomainType", &["local"]),
            Err(Violation::NotAllowed("zimbraDomainType"))
        );
        assert_eq!(
            alice_with("zimbraMailQuota", &["1", "2"]),
            Err(Violation::SeveralValues("zimbraMailQuota"))
        );
        assert_eq!(
            alice_with("sn", &[]),
            Err(Violation::Missing {
                class: "person",
                attribute: "sn"
            })
        );
        assert_eq!(
            alice_with("nonsense", &["x"]),
            Err(Violation::UnknownAttribute("nonsense".into()))
        );
        assert!(matches!(
            alice_with("zimbraAccountStatus", &["asleep"]),
            Err(Violation::BadValue {
                attribute: "zimbraAccountStatus",
                ..
            })
        ));
    }

    #[test]
    fn attribute_names_ignore_case_and_know_aliases() {
        assert_eq!(alice_with("GN", &["Alice"]), Ok(()));
        assert_eq!(alice_with("ZIMBRAMAILALIAS", &["a@example.com"]), Ok(()));
    }

    #[test]
    fn structural_classes_must_be_related() {
        assert_eq!(
            check(&[("objectClass", &["zimbraAccount"])]),
            Err(Violation::NoStructuralClass)
        );
        assert_eq!(
            check(&[("objectClass", &["inetOrgPerson", "organization"])]),
            Err(Violation::TwoStructuralClasses(
                "inetOrgPerson",
                "organization"
            ))
        );
    }
}
