//! `roostctl server`.

use roost_core_directory::admin::Admin;
use roost_core_directory::model::Server;

use super::context::Context;
use super::directory::{connect, created, edits, only_said, refused, show};
use crate::cli::ServerVerb;
use crate::failure::Failure;
use crate::output::{Column, Record};

const COLUMNS: [Column; 5] = [
    Column::text("name", "SERVER"),
    Column::text("services", "SERVICES"),
    Column::text("created", "CREATED"),
    Column::hidden("id"),
    Column::hidden("host"),
];

pub(super) async fn run(verb: ServerVerb, context: &Context<'_>) -> Result<(), Failure> {
    let admin = connect(&context.shared.directory)?;
    match verb {
        ServerVerb::Create { name, settings } => create(&name, &settings, &admin, context).await,
        ServerVerb::Show { name } => {
            let server = admin.get_server(&name).await;
            let server = server.map_err(|error| refused("cannot show it", error))?;
            show(context.output, record(&server), &server.entry)
        }
        ServerVerb::List => {
            let all = admin.servers().await;
            let all = all.map_err(|error| refused("cannot list servers", error))?;
            let records: Vec<Record> = all.iter().map(|one| record(one)).collect();
            context.output.list(&COLUMNS, &records, "no servers")
        }
        ServerVerb::Set { name, settings } => set(&name, &settings.settings, &admin, context).await,
        ServerVerb::Delete { name } => delete(&name, &admin, context).await,
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
    let created = admin.create_server(name, &edits).await;
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
    let server = admin.get_server(name).await;
    let server = server.map_err(|error| refused(&what, error))?;
    let subject = (record(&server), &server.entry);
    if only_said(admin, context, &what, subject, &edits).await? {
        return Ok(());
    }
    let changed = admin.modify_server(name, &edits).await;
    changed.map_err(|error| refused(what, error))?;
    context
        .output
        .done(&format!("changed {name}"), &record(&server))
}

async fn delete(name: &str, admin: &Admin, context: &Context<'_>) -> Result<(), Failure> {
    let what = format!("cannot delete {name}");
    let server = admin.get_server(name).await;
    let server = server.map_err(|error| refused(&what, error))?;
    context.confirm(&format!("forget the server {name}"), name)?;
    if context.dry_run {
        return context
            .output
            .done(&format!("would delete {name}"), &record(&server));
    }
    let deleted = admin.delete_server(name).await;
    deleted.map_err(|error| refused(what, error))?;
    context
        .output
        .done(&format!("deleted {name}"), &record(&server))
}

fn record(server: &Server) -> Record {
    let services: Vec<&str> = server
        .entry
        .attributes
        .texts("zimbraServiceEnabled")
        .collect();
    Record::new(&server.name)
        .with("name", server.name.clone())
        .with("id", server.id.to_string())
        .with("host", server.host())
        .with("services", services)
        .with("created", created(&server.entry))
}
