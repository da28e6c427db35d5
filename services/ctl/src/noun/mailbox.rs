//! `roostctl mailbox`.

use roost_kit::config::{Listen, ListenSpec};
use roost_kit::place;
use roost_kit::secret::Identity;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::context::Context;
use super::password;
use crate::cli::{Import, MailboxVerb};
use crate::failure::{Exit, Failure};
use crate::import::{self, Login, Place, Plan, Report};
use crate::output::{Format, Record, human_bytes, say};

pub(super) async fn run(verb: MailboxVerb, context: &Context<'_>) -> Result<(), Failure> {
    match verb {
        MailboxVerb::Import(import) => run_import(import, context).await,
    }
}

async fn run_import(asked: Import, context: &Context<'_>) -> Result<(), Failure> {
    let plan = Plan {
        place: place(&asked, context).await?,
        login: login(&asked, context)?,
        source: asked.source.clone(),
        folder: asked.folder.clone(),
        quoting: asked.mbox_quoting,
        connections: asked.connections,
        dry_run: context.dry_run,
        quiet: false,
    };
    let mut interrupt = watch(SignalKind::interrupt())?;
    let mut terminate = watch(SignalKind::terminate())?;
    let stop = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let report = import::run(plan, stop).await?;
    context.output.done(
        &sentence(&asked, &report, context.dry_run),
        &record(&asked, &report),
    )?;
    // JSON has them in the answer.
    if !matches!(context.output.format, Format::Json(_)) {
        for failure in &report.failures {
            say(&format!("not imported: {failure}"));
        }
    }
    match report.failed {
        0 => Ok(()),
        failed => Err(Failure::failed(
            "not_all_imported",
            format!("{} could not be imported", counted(failed, "message")),
        )
        .next("mend what is wrong and run the same command again: what is there is not imported twice")),
    }
}

fn watch(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::io("cannot watch signals", &error))
}

fn login(asked: &Import, context: &Context<'_>) -> Result<Login, Failure> {
    let (administrator, secret) = match (&asked.administrator, &asked.password_file) {
        (Some(administrator), Some(file)) => (administrator.clone(), password::from_file(file)?),
        _ => {
            let identity = Identity::of_administrator(&context.shared.directory).map_err(|error| {
                Failure::because(Exit::NotAllowed, "secret", "cannot sign in", &error)
                    .next("run it as root on the node, or name an administrator: --as ADDRESS --password-file FILE")
            })?;
            (identity.dn, identity.password)
        }
    };
    Ok(Login {
        account: asked.account.clone(),
        administrator,
        password: secret,
    })
}

/// The store: another machine's over TLS, or this node's.
async fn place(asked: &Import, context: &Context<'_>) -> Result<Place, Failure> {
    let Some(server) = &asked.server else {
        let listen = context
            .configuration
            .value::<Listen>("store.imap")?
            .unwrap_or_else(|| Listen::loopback(place::STORE_IMAP));
        let at = listen.iter().next().cloned().ok_or_else(|| {
            Failure::failed(
                "no_store",
                "cannot import: store.imap is empty on this node",
            )
            .next("name the store: --server HOST:PORT")
        })?;
        return Ok(Place { at, tls: None });
    };
    if server
        .rsplit_once(':')
        .is_none_or(|(_, port)| port.parse::<u16>().is_err())
    {
        return Err(Failure::usage(format!("{server} names no port"))
            .next("expected HOST:PORT, such as mail.example.org:7993"));
    }
    let unreachable = |error: &std::io::Error| {
        Failure::new(
            Exit::Unreachable,
            "unreachable",
            format!("cannot find {server}: {error}"),
        )
    };
    let mut addresses = tokio::net::lookup_host(server)
        .await
        .map_err(|error| unreachable(&error))?;
    let address = addresses
        .next()
        .ok_or_else(|| unreachable(&std::io::Error::from(std::io::ErrorKind::NotFound)))?;
    let config = roost_kit::tls::verified(context.shared.directory.ca.as_deref())
        .map_err(|error| Failure::because(Exit::Configuration, "tls", "cannot use TLS", &error))?;
    let host = server
        .rsplit_once(':')
        .map_or(server.as_str(), |(host, _)| host);
    let name = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    Ok(Place {
        at: ListenSpec::Address(address),
        tls: Some((config, name)),
    })
}

fn sentence(asked: &Import, report: &Report, dry_run: bool) -> String {
    let verb = if dry_run { "would import" } else { "imported" };
    format!(
        "{verb} {} ({}) into {} of {}; already there: {}",
        counted(report.imported, "message"),
        human_bytes(report.octets),
        counted(report.folders as u64, "folder"),
        asked.account,
        report.present
    )
}

fn counted(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

fn record(asked: &Import, report: &Report) -> Record {
    Record::new(&asked.account)
        .with("account", asked.account.clone())
        .with("folders", report.folders)
        .with("imported", report.imported)
        .with("octets", report.octets)
        .with("present", report.present)
        .with("failed", report.failed)
        .with("failures", report.failures.clone())
}
