//! `roostctl list`.

use std::sync::Arc;

use roost_core_directory::admin::Admin;
use roost_core_directory::model::DistributionList;
use roost_core_directory::name::EmailAddress;

use super::context::Context;
use super::directory::{
    address, connect, created, domain, edits, only_said, refused, refused_in_domain, show,
    unchanged,
};
use crate::cli::ListVerb;
use crate::failure::Failure;
use crate::output::{Column, Record};

const COLUMNS: [Column; 5] = [
    Column::text("name", "LIST"),
    Column::number("count", "MEMBERS"),
    Column::text("created", "CREATED"),
    Column::hidden("id"),
    Column::hidden("members"),
];

pub(super) async fn run(verb: ListVerb, context: &Context<'_>) -> Result<(), Failure> {
    let admin = connect(&context.shared.directory)?;
    match verb {
        ListVerb::Create { address, members } => create(&address, &members, &admin, context).await,
        ListVerb::Show { address } => {
            let list = find(&address, "cannot show it", &admin).await?;
            show(context.output, record(&list), &list.entry)
        }
        ListVerb::List { domain: of } => {
            let of = of.as_deref().map(domain).transpose()?;
            let all = admin.lists(of.as_ref()).await;
            let all = all.map_err(|error| refused("cannot list the lists", error))?;
            let records: Vec<Record> = all.iter().map(|one| record(one)).collect();
            let hint = "no lists; create one: roostctl list create team@example.org";
            context.output.list(&COLUMNS, &records, hint)
        }
        ListVerb::Set { address, settings } => {
            set(&address, &settings.settings, &admin, context).await
        }
        ListVerb::Add { address, members } => {
            change(&address, &members, Membership::Add, &admin, context).await
        }
        ListVerb::Remove { address, members } => {
            change(&address, &members, Membership::Remove, &admin, context).await
        }
        ListVerb::Rename { address, new } => rename(&address, &new, &admin, context).await,
        ListVerb::Delete { address } => delete(&address, &admin, context).await,
    }
}

/// What happens to members.
#[derive(Clone, Copy)]
enum Membership {
    Add,
    Remove,
}

async fn create(
    name: &str,
    members: &[String],
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let parsed = address(name)?;
    let members = addresses(members)?;
    let answer = Record::new(name)
        .with("name", name)
        .with("count", members.len());
    if context.dry_run {
        return context
            .output
            .done(&format!("would create {name}"), &answer);
    }
    let created = admin.create_list(&parsed, &members, &[]).await;
    created.map_err(|error| refused_in_domain(format!("cannot create {name}"), error))?;
    let next = match members.is_empty() {
        true => format!(
            "\nnext: roostctl list add {name} someone@{}",
            parsed.domain()
        ),
        false => String::new(),
    };
    context
        .output
        .done(&format!("created {name}{next}"), &answer)
}

async fn set(
    name: &str,
    settings: &[String],
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let what = format!("cannot change {name}");
    let edits = edits(&what, settings)?;
    let list = find(name, &what, admin).await?;
    let subject = (record(&list), &list.entry);
    if only_said(admin, context, &what, subject, &edits).await? {
        return Ok(());
    }
    let changed = admin.modify_list(&list.name, &edits).await;
    changed.map_err(|error| refused(what, error))?;
    context
        .output
        .done(&format!("changed {name}"), &record(&list))
}

async fn change(
    name: &str,
    members: &[String],
    how: Membership,
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let what = format!("cannot change {name}");
    let list = find(name, &what, admin).await?;
    let members = addresses(members)?;
    let word = match how {
        Membership::Add => "added to",
        Membership::Remove => "removed from",
    };
    let is_like_that = |member: &EmailAddress| {
        let has = list.members().any(|own| own == *member);
        has == matches!(how, Membership::Add)
    };
    if members.iter().all(is_like_that) {
        return unchanged(context, record(&list));
    }
    let named: Vec<String> = members.iter().map(ToString::to_string).collect();
    let named = named.join(", ");
    if context.dry_run {
        let sentence = format!("{named} would be {word} {name}");
        return context.output.done(&sentence, &record(&list));
    }
    let changed = match how {
        Membership::Add => admin.add_members(&list.name, &members).await,
        Membership::Remove => admin.remove_members(&list.name, &members).await,
    };
    changed.map_err(|error| refused(&what, error))?;
    let list = find(name, &what, admin).await?;
    context
        .output
        .done(&format!("{named} {word} {name}"), &record(&list))
}

async fn rename(
    name: &str,
    new: &str,
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let what = format!("cannot rename {name}");
    let list = find(name, &what, admin).await?;
    let (old, new) = (list.name.clone(), address(new)?);
    if context.dry_run {
        let sentence = format!("would rename {old} to {new}");
        return context.output.done(&sentence, &record(&list));
    }
    let renamed = admin.rename_list(&old, &new).await;
    renamed.map_err(|error| refused_in_domain(&what, error))?;
    let list = find(&new.to_string(), &what, admin).await?;
    let sentence = format!("renamed {old} to {new}\nundo: roostctl list rename {new} {old}");
    context.output.done(&sentence, &record(&list))
}

async fn delete(name: &str, admin: &Admin, context: &Context<'_>) -> Result<(), Failure> {
    let what = format!("cannot delete {name}");
    let list = find(name, &what, admin).await?;
    context.confirm(&format!("delete the list {name}"), name)?;
    if context.dry_run {
        return context
            .output
            .done(&format!("would delete {name}"), &record(&list));
    }
    let deleted = admin.delete_list(&list.name).await;
    deleted.map_err(|error| refused(what, error))?;
    let members: Vec<String> = list
        .members()
        .map(|member| format!(" --member {member}"))
        .collect();
    let undo = format!("undo: roostctl list create {name}{}", members.join(""));
    context
        .output
        .done(&format!("deleted {name}\n{undo}"), &record(&list))
}

async fn find(name: &str, what: &str, admin: &Admin) -> Result<Arc<DistributionList>, Failure> {
    let found = admin.get_list(&address(name)?).await;
    found.map_err(|error| refused(what, error))
}

fn addresses(members: &[String]) -> Result<Vec<EmailAddress>, Failure> {
    members.iter().map(|member| address(member)).collect()
}

fn record(list: &DistributionList) -> Record {
    let members: Vec<String> = list.members().map(|member| member.to_string()).collect();
    Record::new(list.name.to_string())
        .with("name", list.name.to_string())
        .with("id", list.id.to_string())
        .with("count", members.len())
        .with("members", members)
        .with("created", created(&list.entry))
}
