//! The demo domain: its accounts, and the mail in them.

use std::fs;

use roost_core_directory::admin::{AdminError, Edit, NewAccount, NewDomain};
use roost_kit::config::{Configuration, ListenSpec};
use roost_kit::secret::Secret;

use super::description::Account;
use super::letters;
use super::ports::Ports;
use super::state::{State, password};
use crate::failure::{Exit, Failure};
use crate::import::{self, Login, Place, Plan, Quoting};
use crate::noun::directory;

/// The domain of the demo.
pub(super) const DOMAIN: &str = "example.test";
/// Its people: local part and name. The administrator is the last.
pub(super) const PEOPLE: [(&str, &str); 3] = [
    ("alice", "Alice Liddell"),
    ("bob", "Bob Baker"),
    ("admin", "Ada Admin"),
];
/// The accounts with their passwords, so that the next start can show them again.
const ACCOUNTS_FILE: &str = "secrets/accounts.json";
/// Tells that the demo mail was imported once: what people did to it since is theirs.
const IMPORTED_MARK: &str = "demo-imported";

/// The accounts of the demo: those of the last start, or new ones.
pub(super) fn accounts(state: &State) -> Result<Vec<Account>, Failure> {
    let broken = |error: &serde_json::Error| {
        Failure::because(
            Exit::Failed,
            "json",
            format!("cannot use {ACCOUNTS_FILE}"),
            error,
        )
        .next("start over: roostctl dev --fresh")
    };
    if let Some(text) = state.read(ACCOUNTS_FILE)? {
        return serde_json::from_str(&text).map_err(|error| broken(&error));
    }
    let accounts: Vec<Account> = PEOPLE
        .iter()
        .map(|(name, _)| Account {
            address: format!("{name}@{DOMAIN}"),
            password: password(),
        })
        .collect();
    let text = serde_json::to_vec_pretty(&accounts).map_err(|error| broken(&error))?;
    state.write(ACCOUNTS_FILE, &text)?;
    Ok(accounts)
}

/// Makes the domain and its accounts, unless they exist.
pub(super) async fn fill_directory(state: &State, accounts: &[Account]) -> Result<(), Failure> {
    let shared = Configuration::load(&state.config())?.shared()?;
    let admin = directory::connect(&shared.directory)?;
    let domain = NewDomain {
        name: directory::domain(DOMAIN)?,
        alias_of: None,
        edits: Vec::new(),
    };
    done_or_taken(
        "cannot create the demo domain",
        admin.create_domain(&domain).await,
    )?;
    for (account, (name, person)) in accounts.iter().zip(PEOPLE) {
        let set = |attribute: &str, value: &str| {
            Edit::Set(attribute.to_owned(), vec![value.as_bytes().to_vec()])
        };
        let mut edits = vec![set("displayName", person)];
        if name == "admin" {
            edits.push(set("zimbraIsAdminAccount", "TRUE"));
        }
        let new = NewAccount {
            address: directory::address(&account.address)?,
            password: Some(Secret::new(account.password.clone())),
            cos: None,
            edits,
        };
        let what = format!("cannot create {}", account.address);
        done_or_taken(&what, admin.create_account(&new).await)?;
    }
    Ok(())
}

fn done_or_taken(what: &str, done: Result<(), AdminError>) -> Result<(), Failure> {
    match done {
        Ok(()) | Err(AdminError::Taken { .. }) => Ok(()),
        Err(error) => Err(directory::refused(what, error)),
    }
}

/// Imports the demo mail, once.
pub(super) async fn fill_mailboxes(
    state: &State,
    ports: &Ports,
    accounts: &[Account],
) -> Result<(), Failure> {
    if state.read(IMPORTED_MARK)?.is_some() {
        return Ok(());
    }
    let Some(administrator) = accounts.last() else {
        return Ok(());
    };
    for account in accounts {
        let local = account.address.split('@').next().unwrap_or_default();
        let maildir = state.path("demo").join(local);
        let written = letters::write(local, &maildir)
            .map_err(|error| Failure::io("cannot write the demo mail", &error))?;
        if written {
            let plan = Plan {
                place: Place {
                    at: ListenSpec::Address(ports.address("store_imap")),
                    tls: None,
                },
                login: Login {
                    account: account.address.clone(),
                    administrator: administrator.address.clone(),
                    password: Secret::new(administrator.password.clone()),
                },
                source: maildir,
                folder: None,
                quoting: Quoting::Mboxrd,
                // So that messages keep their order.
                connections: 1,
                dry_run: false,
                quiet: true,
            };
            let report = import::run(plan, std::future::pending()).await?;
            if let Some(failure) = report.failures.first() {
                return Err(Failure::failed(
                    "demo",
                    format!("cannot import the demo mail: {failure}"),
                ));
            }
        }
    }
    let demo = state.path("demo");
    fs::remove_dir_all(&demo)
        .map_err(|error| Failure::io(format!("cannot remove {}", demo.display()), &error))?;
    state.write(IMPORTED_MARK, b"")
}
