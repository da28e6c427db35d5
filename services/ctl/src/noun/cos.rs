//! `roostctl cos`.

use roost_core_directory::admin::Admin;
use roost_core_directory::model::Cos;

use super::context::Context;
use super::directory::{connect, created, edits, only_said, refused, show};
use crate::cli::CosVerb;
use crate::failure::Failure;
use crate::output::{Column, Record};

const COLUMNS: [Column; 4] = [
    Column::text("name", "CLASS OF SERVICE"),
    Column::bytes("quota", "QUOTA"),
    Column::text("created", "CREATED"),
    Column::hidden("id"),
];

pub(super) async fn run(verb: CosVerb, context: &Context<'_>) -> Result<(), Failure> {
    let admin = connect(&context.shared.directory)?;
    match verb {
        CosVerb::Create { name, settings } => create(&name, &settings, &admin, context).await,
        CosVerb::Show { name } => {
            let cos = admin.get_cos(&name).await;
            let cos = cos.map_err(|error| refused("cannot show it", error))?;
            show(context.output, record(&cos), &cos.entry)
        }
        CosVerb::List => {
            let all = admin.classes_of_service().await;
            let all = all.map_err(|error| refused("cannot list classes of service", error))?;
            let records: Vec<Record> = all.iter().map(|one| record(one)).collect();
            context
                .output
                .list(&COLUMNS, &records, "no classes of service")
        }
        CosVerb::Set { name, settings } => set(&name, &settings.settings, &admin, context).await,
        CosVerb::Rename { name, new } => rename(&name, &new, &admin, context).await,
        CosVerb::Delete { name } => delete(&name, &admin, context).await,
    }
}

async fn create(
    name: &str,
    settings: &[String],
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let what = format!("cannot create {name}");
    let edits = edits(&what, settings)?;
    let answer = Record::new(name).with("name", name);
    if context.dry_run {
        return context
            .output
            .done(&format!("would create {name}"), &answer);
    }
    let created = admin.create_cos(name, &edits).await;
    created.map_err(|error| refused(what, error))?;
    context.output.done(&format!("created {name}"), &answer)
}

async fn set(
    name: &str,
    settings: &[String],
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let what = format!("cannot change {name}");
    let edits = edits(&what, settings)?;
    let cos = admin.get_cos(name).await;
    let cos = cos.map_err(|error| refused(&what, error))?;
    let subject = (record(&cos), &cos.entry);
    if only_said(admin, context, &what, subject, &edits).await? {
        return Ok(());
    }
    let changed = admin.modify_cos(name, &edits).await;
    changed.map_err(|error| refused(what, error))?;
    context
        .output
        .done(&format!("changed {name}"), &record(&cos))
}

async fn rename(old: &str, new: &str, admin: &Admin, context: &Context<'_>) -> Result<(), Failure> {
    let answer = Record::new(new).with("name", new);
    if context.dry_run {
        return context
            .output
            .done(&format!("would rename {old} to {new}"), &answer);
    }
    let renamed = admin.rename_cos(old, new).await;
    renamed.map_err(|error| refused(format!("cannot rename {old}"), error))?;
    let sentence = format!("renamed {old} to {new}\nundo: roostctl cos rename {new} {old}");
    context.output.done(&sentence, &answer)
}

async fn delete(name: &str, admin: &Admin, context: &Context<'_>) -> Result<(), Failure> {
    let what = format!("cannot delete {name}");
    let cos = admin.get_cos(name).await;
    let cos = cos.map_err(|error| refused(&what, error))?;
    context.confirm(&format!("delete the class of service {name}"), name)?;
    if context.dry_run {
        return context
            .output
            .done(&format!("would delete {name}"), &record(&cos));
    }
    let deleted = admin.delete_cos(name).await;
    deleted.map_err(|error| refused(what, error))?;
    context
        .output
        .done(&format!("deleted {name}"), &record(&cos))
}

fn record(cos: &Cos) -> Record {
    Record::new(&cos.name)
        .with("name", cos.name.clone())
        .with("id", cos.id.to_string())
        .with("quota", quota(cos))
        .with("created", created(&cos.entry))
}

/// 0 is no limit.
fn quota(cos: &Cos) -> Option<u64> {
    cos.setting("zimbraMailQuota")
        .count()
        .filter(|quota| *quota > 0)
}
