//! `roostctl alias`.

use roost_core_directory::admin::{Admin, AdminError, Thing};

use super::context::Context;
use super::directory::{address, connect, refused, refused_in_domain};
use crate::cli::AliasVerb;
use crate::failure::Failure;
use crate::output::{Column, Record};

const COLUMNS: [Column; 2] = [
    Column::text("alias", "ALIAS"),
    Column::text("target", "BELONGS TO"),
];

pub(super) async fn run(verb: AliasVerb, context: &Context<'_>) -> Result<(), Failure> {
    let admin = connect(&context.shared.directory)?;
    match verb {
        AliasVerb::Create { alias, target } => create(&alias, &target, &admin, context).await,
        AliasVerb::Show { alias } => {
            let found = find(&alias, "cannot show it", &admin).await?;
            context.output.show(&found)
        }
        AliasVerb::List { target } => {
            let target = target.as_deref().map(address).transpose()?;
            let all = admin.aliases(target.as_ref()).await;
            let all = all.map_err(|error| refused("cannot list aliases", error))?;
            let records: Vec<Record> = all
                .iter()
                .map(|(alias, target)| record(&alias.to_string(), &target.to_string()))
                .collect();
            context.output.list(&COLUMNS, &records, "no aliases")
        }
        AliasVerb::Delete { alias } => delete(&alias, &admin, context).await,
    }
}

async fn create(
    alias: &str,
    target: &str,
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let answer = record(alias, target);
    let (parsed, owner) = (address(alias)?, address(target)?);
    if context.dry_run {
        return context
            .output
            .done(&format!("would create {alias} for {target}"), &answer);
    }
    let created = admin.create_alias(&owner, &parsed).await;
    created.map_err(|error| refused_in_domain(format!("cannot create {alias}"), error))?;
    context
        .output
        .done(&format!("created {alias} for {target}"), &answer)
}

async fn delete(alias: &str, admin: &Admin, context: &Context<'_>) -> Result<(), Failure> {
    let what = format!("cannot delete {alias}");
    let found = find(alias, &what, admin).await?;
    if context.dry_run {
        return context
            .output
            .done(&format!("would delete {alias}"), &found);
    }
    let deleted = admin.delete_alias(&address(alias)?).await;
    deleted.map_err(|error| refused(what, error))?;
    let target = found.get("target").and_then(|target| target.as_str());
    let undo = target.map_or_else(String::new, |target| {
        format!("\nundo: roostctl alias create {alias} {target}")
    });
    context
        .output
        .done(&format!("deleted {alias}{undo}"), &found)
}

async fn find(alias: &str, what: &str, admin: &Admin) -> Result<Record, Failure> {
    let parsed = address(alias)?;
    let all = admin.aliases(None).await;
    let all = all.map_err(|error| refused(what, error))?;
    let owner = all.iter().find(|(known, _)| *known == parsed);
    let (alias, target) = owner.ok_or_else(|| {
        let near = all.iter().map(|(known, _)| known.to_string());
        let near = near
            .filter(|known| strsim::jaro_winkler(known, alias) > 0.84)
            .take(3);
        let error = AdminError::NotFound {
            thing: Thing::Alias,
            name: alias.to_owned(),
            near: near.collect(),
        };
        refused(what, error)
    })?;
    Ok(record(&alias.to_string(), &target.to_string()))
}

fn record(alias: &str, target: &str) -> Record {
    Record::new(alias)
        .with("alias", alias)
        .with("target", target)
}
