//! Compare (RFC 4511 §4.10).

use roost_core_directory::schema::Rule;

use super::Answer;
use crate::access::Identity;
use crate::controls::Controls;
use crate::directory::Directory;
use crate::filter::{Candidate, Truth, evaluate, prepare};
use crate::refuse::Refusal;
use crate::root;
use crate::store::Found;
use crate::wire::filter::{Assertion, Filter};
use crate::wire::request::Compare;
use crate::wire::response::ResultCode;

/// Whether an entry has a value.
pub async fn compare(
    directory: &Directory,
    identity: &Identity,
    compare: &Compare,
    controls: &Controls,
) -> Result<Answer, Refusal> {
    let schema = &directory.schema;
    let (dn, key) = directory.name(&compare.dn)?;
    let attribute = schema.attribute(&compare.attribute).ok_or_else(|| {
        let message = format!("there is no attribute {}", compare.attribute);
        Refusal::new(ResultCode::UndefinedAttributeType, message)
    })?;
    let (_, subschema) = directory.name(root::SUBSCHEMA_DN)?;
    let special = dn.is_root() || key == subschema;
    let found: std::sync::Arc<Found> = if dn.is_root() {
        let contexts = directory.store.naming_contexts().await?;
        root::root_dse(schema, &contexts).into()
    } else if special {
        root::subschema(schema).into()
    } else {
        directory.visible(identity, &key).await?
    };
    directory.assert(
        identity,
        &found,
        controls.assertion.as_ref().filter(|_| !special),
    )?;
    let reader = identity.reader(schema, &found);
    let readable = |id| special || reader(id);
    if !readable(attribute.id) {
        return Err(Refusal::denied(format!(
            "{} cannot be compared",
            attribute.name
        )));
    }
    let has_subordinates = match special {
        true => None,
        false => Some(directory.store.has_children(found.id).await?),
    };
    let candidate = Candidate {
        entry: &found.entry,
        has_subordinates,
    };
    let holds = |filter: &Filter| evaluate(schema, &prepare(schema, filter), candidate, &readable);
    let equal = Filter::Equality(Assertion {
        attribute: compare.attribute.clone(),
        value: compare.value.clone(),
    });
    match holds(&equal) {
        Truth::True => Ok(Answer::of(ResultCode::CompareTrue)),
        _ if holds(&Filter::Present(compare.attribute.clone())) == Truth::False => {
            let message = format!("the entry has no {}", attribute.name);
            Err(Refusal::new(ResultCode::NoSuchAttribute, message))
        }
        Truth::False => Ok(Answer::of(ResultCode::CompareFalse)),
        Truth::Undefined => Err(undecided(attribute.row.equality(), attribute.name)),
    }
}

fn undecided(rule: Option<Rule>, name: &str) -> Refusal {
    match rule {
        None => Refusal::new(
            ResultCode::InappropriateMatching,
            format!("{name} has no rule of equality"),
        ),
        Some(_) => Refusal::new(
            ResultCode::InvalidAttributeSyntax,
            format!("the value is not of the syntax of {name}"),
        ),
    }
}
