//! Whether entries and values are as the schema wants them. The rules are the table's
//! (`roost-core-directory`); here they get their result codes.

use roost_core_directory::schema::{self as table, Kind, Violation as Broken};

use super::{Attribute, ClassId, Schema};
use crate::dn::Dn;
use crate::entry::Entry;
use crate::wire::response::ResultCode;

/// The class that allows every attribute (RFC 4512 §4.3).
const EXTENSIBLE_OBJECT: &str = "extensibleObject";

/// A rule of the schema that is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Violation {
    /// How it is answered.
    pub code: ResultCode,
    /// What is wrong, for people.
    pub message: String,
}

impl From<Broken> for Violation {
    fn from(broken: Broken) -> Self {
        let code = match &broken {
            Broken::UnknownClass(_)
            | Broken::NoStructuralClass
            | Broken::TwoStructuralClasses(..)
            | Broken::Missing { .. }
            | Broken::NotAllowed(_) => ResultCode::ObjectClassViolation,
            Broken::UnknownAttribute(_) => ResultCode::UndefinedAttributeType,
            Broken::SeveralValues(_) => ResultCode::ConstraintViolation,
            Broken::BadValue { .. } => ResultCode::InvalidAttributeSyntax,
        };
        Self {
            code,
            message: broken.to_string(),
        }
    }
}

/// Checks values of an attribute, each by its type.
pub fn check_values(attribute: &Attribute, values: &[Vec<u8>]) -> Result<(), Violation> {
    table::check_values(attribute.row, values)?;
    if attribute.row.kind == Kind::Dn {
        for value in values {
            check_name(attribute, value)?;
        }
    }
    Ok(())
}

fn check_name(attribute: &Attribute, value: &[u8]) -> Result<(), Violation> {
    let text = std::str::from_utf8(value).unwrap_or_default();
    match Dn::parse(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(Violation {
            code: ResultCode::InvalidAttributeSyntax,
            message: format!(
                "attribute {}: not a distinguished name ({error})",
                attribute.name
            ),
        }),
    }
}

/// Checks a whole entry and returns its structural class.
pub fn check_entry(schema: &Schema, entry: &Entry) -> Result<ClassId, Violation> {
    let names: Vec<String> = entry
        .get(schema.known.object_class)
        .iter()
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    let classes = names
        .iter()
        .map(|name| table::class(name).ok_or_else(|| Broken::UnknownClass(name.clone())))
        .collect::<Result<Vec<_>, _>>()?;
    let structural = table::structural(&classes)?;
    if !names
        .iter()
        .any(|name| name.eq_ignore_ascii_case(EXTENSIBLE_OBJECT))
    {
        // SCRAM keys are the server's own affair, as operational attributes are.
        let attributes = entry
            .attributes()
            .filter(|(id, _)| *id != schema.known.auth_password);
        table::check_entry(
            names.iter().map(String::as_str),
            attributes.map(|(id, values)| (schema.get(id).name, values)),
        )?;
    }
    let class = schema.class(structural.name);
    class
        .map(|class| class.id)
        .ok_or_else(|| Broken::NoStructuralClass.into())
}
