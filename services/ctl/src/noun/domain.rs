//! `roostctl domain`.

use roost_core_directory::admin::{Admin, NewDomain};
use roost_core_directory::model::{Domain, DomainKind};

use super::context::Context;
use super::directory::{connect, created, domain, edits, only_said, refused, show};
use crate::cli::DomainVerb;
use crate::failure::Failure;
use crate::output::{Column, Record};

const COLUMNS: [Column; 5] = [
    Column::text("name", "DOMAIN"),
    Column::text("kind", "KIND"),
    Column::state("status", "STATUS"),
    Column::text("created", "CREATED"),
    Column::hidden("id"),
];

pub(super) async fn run(verb: DomainVerb, context: &Context<'_>) -> Result<(), Failure> {
    let admin = connect(&context.shared.directory)?;
    match verb {
        DomainVerb::Create { name, settings } => create(&name, &settings, &admin, context).await,
        DomainVerb::Show { name } => {
            let found = admin.get_domain(&domain(&name)?).await;
            let found = found.map_err(|error| refused("cannot show it", error))?;
            show(context.output, record(&found), &found.entry)
        }
        DomainVerb::List => {
            let all = admin.domains().await;
            let all = all.map_err(|error| refused("cannot list domains", error))?;
            let records: Vec<Record> = all.iter().map(|one| record(one)).collect();
            let hint = "no domains; create one: roostctl domain create example.org";
            context.output.list(&COLUMNS, &records, hint)
        }
        DomainVerb::Set { name, settings } => set(&name, &settings.settings, &admin, context).await,
        DomainVerb::Delete { name } => delete(&name, &admin, context).await,
    }
}

async fn create(
    name: &str,
    settings: &[String],
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let what = format!("cannot create {name}");
    let new = NewDomain {
        name: domain(name)?,
        alias_of: None,
        edits: edits(&what, settings)?,
    };
    let answer = Record::new(new.name.as_str()).with("name", new.name.as_str());
    if context.dry_run {
        return context
            .output
            .done(&format!("would create {name}"), &answer);
    }
    admin
        .create_domain(&new)
        .await
        .map_err(|error| refused(what, error))?;
    let sentence = format!("created {name}\nnext: roostctl account create someone@{name}");
    context.output.done(&sentence, &answer)
}

async fn set(
    name: &str,
    settings: &[String],
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let what = format!("cannot change {name}");
    let edits = edits(&what, settings)?;
    let name = domain(name)?;
    let found = admin.get_domain(&name).await;
    let found = found.map_err(|error| refused(&what, error))?;
    let subject = (record(&found), &found.entry);
    if only_said(admin, context, &what, subject, &edits).await? {
        return Ok(());
    }
    let changed = admin.modify_domain(&name, &edits).await;
    changed.map_err(|error| refused(&what, error))?;
    context
        .output
        .done(&format!("changed {name}"), &record(&found))
}

async fn delete(name: &str, admin: &Admin, context: &Context<'_>) -> Result<(), Failure> {
    let what = format!("cannot delete {name}");
    let parsed = domain(name)?;
    let found = admin.get_domain(&parsed).await;
    let found = found.map_err(|error| refused(&what, error))?;
    context.confirm(&format!("delete the domain {name}"), name)?;
    if context.dry_run {
        return context
            .output
            .done(&format!("would delete {name}"), &record(&found));
    }
    let deleted = admin.delete_domain(&parsed).await;
    deleted.map_err(|error| refused(&what, error))?;
    let sentence = format!("deleted {name}\nundo: roostctl domain create {name}");
    context.output.done(&sentence, &record(&found))
}

fn record(domain: &Domain) -> Record {
    let kind = match domain.kind {
        DomainKind::Local => "local",
        DomainKind::Alias(_) => "alias",
    };
    Record::new(domain.name.as_str())
        .with("name", domain.name.as_str())
        .with("id", domain.id.to_string())
        .with("kind", kind)
        .with("status", domain.status().name())
        .with("created", created(&domain.entry))
}
