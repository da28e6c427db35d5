//! `roostctl store`, over the store's control socket.
//!
//! | request | answer |
//! |---|---|
//! | `GET /store` | figures |
//! | `POST /store/verify` | begins: `account`, `repair`, `rate` |
//! | `GET /store/verify` | `running`, `progress`, `report`, `failure` |
//! | `DELETE /store/verify` | stops it |
//!
//! What was found is a list of objects with `kind`, `account`, `folder`, `uid`, `file`, `detail` and
//! `repair`. The command ends with 1 while something is wrong.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use hyper::Method;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use roost_core_directory::name::EmailAddress;
use roost_kit::control::Client;
use roost_kit::place;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::directory;
use crate::cli::{StoreVerb, Verify};
use crate::failure::Failure;
use crate::output::{Column, Format, Record, human_bytes};

/// How often it is looked how far a verification is.
const LOOK: Duration = Duration::from_millis(200);

const COLUMNS: [Column; 7] = [
    Column::text("kind", "WRONG"),
    Column::text("account", "ACCOUNT"),
    Column::text("folder", "FOLDER"),
    Column::number("uid", "UID"),
    Column::text("repair", "REPAIR"),
    Column::text("detail", "DETAIL"),
    Column::hidden("file"),
];

type Object = Map<String, Value>;

pub(super) async fn run(verb: StoreVerb, context: &Context<'_>) -> Result<(), Failure> {
    let client = client(context)?;
    match verb {
        StoreVerb::Show => {
            let state: Object = client.get("/store").await?;
            context.output.show(&Record {
                name: context.shared.node.name.clone(),
                fields: state.into_iter().collect(),
            })
        }
        StoreVerb::Verify(asked) if asked.stop => {
            let _: Object = client.send(Method::DELETE, "/store/verify", &()).await?;
            let record = Record::new("verify").with("stopped", true);
            context.output.done("stopped", &record)
        }
        StoreVerb::Verify(asked) => verify(&asked, &client, context).await,
    }
}

fn client(context: &Context<'_>) -> Result<Client, Failure> {
    let socket = context.configuration.value::<PathBuf>("store.control")?;
    let socket = socket.unwrap_or_else(|| PathBuf::from(place::STORE_CONTROL));
    Ok(Client::socket(&socket))
}

async fn verify(asked: &Verify, client: &Client, context: &Context<'_>) -> Result<(), Failure> {
    let account = match &asked.mailbox {
        Some(name) => Some(account_id(name, context).await?),
        None => None,
    };
    let request = json!({
        "account": account,
        "repair": asked.repair && !context.dry_run,
        "rate": asked.rate.as_u64(),
    });
    let mut state: Object = client.send(Method::POST, "/store/verify", &request).await?;
    let watch = Watch::new(context);
    while state.get("running") == Some(&Value::Bool(true)) {
        watch.show(&state);
        tokio::time::sleep(LOOK).await;
        state = client.get("/store/verify").await?;
    }
    watch.finish();
    if let Some(failure) = state.get("failure").filter(|failure| !failure.is_null()) {
        let text = |key: &str| failure.get(key).and_then(Value::as_str).unwrap_or_default();
        return Err(Failure::failed(text("code"), text("message")));
    }
    let report = state.get("report").and_then(Value::as_object);
    answer(&report.cloned().unwrap_or_default(), asked, context).await
}

async fn answer(report: &Object, asked: &Verify, context: &Context<'_>) -> Result<(), Failure> {
    let findings = report.get("findings").and_then(Value::as_array);
    let findings = findings.cloned().unwrap_or_default();
    let names = Names::read(&findings, context).await;
    let records: Vec<Record> = findings.iter().map(|one| record(one, &names)).collect();
    context.output.list(&COLUMNS, &records, "")?;
    let count = |key: &str| report.get(key).and_then(Value::as_u64).unwrap_or(0);
    let checked = format!(
        "checked {} mailboxes, {} messages, {} files ({}), {} segments of the journal",
        count("mailboxes"),
        count("items"),
        count("contents"),
        human_bytes(count("bytes")),
        count("segments")
    );
    context.output.remark(&checked);
    let all = findings.len() as u64 + count("more");
    let done = findings
        .iter()
        .filter(|one| one.pointer("/repair/state") == Some(&json!("done")))
        .count() as u64;
    match all - done {
        0 if all == 0 => {
            context.output.remark("all is well");
            Ok(())
        }
        0 => {
            context
                .output
                .remark(&format!("{done} found, all repaired"));
            Ok(())
        }
        left => {
            let text = format!("{left} of {all} things found are not repaired");
            let failure = Failure::failed("store_damaged", text);
            Err(match asked.repair {
                false => failure.next("roostctl store verify --repair"),
                true => failure.next("what is left says under DETAIL and REPAIR what can be done"),
            })
        }
    }
}

/// An account's identifier: as it is, or asked of the directory.
async fn account_id(name: &str, context: &Context<'_>) -> Result<String, Failure> {
    let Ok(address) = name.parse::<EmailAddress>() else {
        return Ok(name.to_owned());
    };
    let admin = directory::connect(&context.shared.directory)?;
    let account = admin
        .get_account(&address)
        .await
        .map_err(|error| directory::refused(format!("cannot verify {name}"), error))?;
    Ok(account.id.to_string())
}

/// Addresses by account identifier; empty where the directory does not answer.
struct Names(Map<String, Value>);

impl Names {
    async fn read(findings: &[Value], context: &Context<'_>) -> Self {
        let wanted = findings
            .iter()
            .any(|one| one.get("account").is_some_and(Value::is_string));
        let mut names = Map::new();
        if wanted && let Ok(admin) = directory::connect(&context.shared.directory) {
            for account in admin.accounts(None).await.unwrap_or_default() {
                names.insert(account.id.to_string(), account.name.to_string().into());
            }
        }
        Self(names)
    }
}

fn record(finding: &Value, names: &Names) -> Record {
    let get = |key: &str| finding.get(key).cloned().unwrap_or(Value::Null);
    let account = get("account");
    let named = account.as_str().and_then(|id| names.0.get(id)).cloned();
    let state = finding.pointer("/repair/state").and_then(Value::as_str);
    let text = finding.pointer("/repair/text").and_then(Value::as_str);
    let repair = match (state, text) {
        (Some("done"), Some(text)) => text.to_owned(),
        (Some("not-possible"), Some(text)) => format!("not possible: {text}"),
        _ => String::new(),
    };
    let kind = get("kind");
    Record::new(kind.as_str().unwrap_or_default())
        .with("kind", kind.clone())
        .with("account", named.unwrap_or(account))
        .with("folder", get("folder"))
        .with("uid", get("uid"))
        .with("repair", repair)
        .with("detail", get("detail"))
        .with("file", get("file"))
}

/// Shows how far it is: a bar on a terminal.
struct Watch(ProgressBar);

impl Watch {
    fn new(context: &Context<'_>) -> Self {
        let wanted = std::io::stderr().is_terminal() && context.output.format == Format::Table;
        let target = match wanted {
            true => ProgressDrawTarget::stderr_with_hz(5),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(1), target);
        let template = "{wide_bar} {pos}/{len} files  {msg}  ETA {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self(bar)
    }

    fn show(&self, state: &Object) {
        let progress = state.get("progress").unwrap_or(&Value::Null);
        let get = |key: &str| progress.get(key).and_then(Value::as_u64).unwrap_or(0);
        self.0.set_length(get("all_contents").max(1));
        self.0.set_position(get("contents"));
        let found = format!(
            "{} of {} mailboxes, {} found",
            get("mailboxes"),
            get("all_mailboxes"),
            get("findings")
        );
        self.0.set_message(found);
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}
