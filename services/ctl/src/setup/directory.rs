//! What the directory begins with: the node's entry, the first domain, the first administrator.

use std::time::Duration;

use roost_core_directory::admin::{Admin, AdminError, Edit, NewAccount, NewDomain};
use roost_core_directory::client::SignIn;
use roost_core_directory::name::EmailAddress;
use roost_kit::config::Configuration;
use roost_kit::secret::Secret;
use tokio::time::{sleep, timeout};

use super::answers::Answers;
use super::node::Node;
use super::{Outcome, Report};
use crate::failure::{Exit, Failure};
use crate::noun::{directory, password};

/// How long the directory may take to answer, on a slow machine that has just begun.
const PATIENCE: Duration = Duration::from_secs(120);
const ASK_PERIOD: Duration = Duration::from_millis(250);
const DEFAULT_DOMAIN: &str = "zimbraDefaultDomainName";

/// Makes what is missing.
pub(super) async fn fill(
    node: &Node,
    answers: &Answers,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let shared = Configuration::load(node.config())?.shared()?;
    let admin = directory::connect(&shared.directory)?;
    wait(&admin, report).await?;
    server(&admin, answers, report).await?;
    domain(&admin, answers, report).await?;
    default_domain(&admin, answers, report).await?;
    administrator(&admin, answers, report).await
}

async fn wait(admin: &Admin, report: &Report<'_>) -> Result<(), Failure> {
    report.output.remark("waiting      for the directory");
    let answers = async {
        while admin.directory().ping().await.is_err() {
            sleep(ASK_PERIOD).await;
        }
    };
    timeout(PATIENCE, answers).await.map_err(|_| {
        Failure::new(
            Exit::Unreachable,
            "directory_unreachable",
            "the directory does not answer",
        )
        .next("journalctl -b -u roost-directory")
        .next("run it again: what was done stays")
    })
}

async fn server(admin: &Admin, answers: &Answers, report: &mut Report<'_>) -> Result<(), Failure> {
    let what = format!("server {}", answers.host);
    let outcome = match admin.get_server(&answers.host).await {
        Ok(_) => Outcome::Unchanged,
        Err(AdminError::NotFound { .. }) => {
            let created = admin.create_server(&answers.host, &[]).await;
            created
                .map_err(|error| directory::refused(format!("cannot create the {what}"), error))?;
            Outcome::Created
        }
        Err(error) => return Err(directory::refused(format!("cannot find the {what}"), error)),
    };
    report.note(outcome, &what);
    Ok(())
}

async fn domain(admin: &Admin, answers: &Answers, report: &mut Report<'_>) -> Result<(), Failure> {
    let what = format!("domain {}", answers.domain);
    let new = NewDomain {
        name: directory::domain(&answers.domain)?,
        alias_of: None,
        edits: Vec::new(),
    };
    let outcome = match admin.create_domain(&new).await {
        Ok(()) => Outcome::Created,
        Err(AdminError::Taken { .. }) => Outcome::Unchanged,
        Err(error) => {
            return Err(directory::refused(
                format!("cannot create the {what}"),
                error,
            ));
        }
    };
    report.note(outcome, &what);
    Ok(())
}

/// The domain of logins without one: the first domain, until an administrator chooses another.
async fn default_domain(
    admin: &Admin,
    answers: &Answers,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let refused = |error| directory::refused("cannot set the default domain", error);
    let config = admin.config().await.map_err(refused)?;
    let outcome = match config.entry.attributes.text(DEFAULT_DOMAIN) {
        Some(_) => Outcome::Unchanged,
        None => {
            let edit = set(DEFAULT_DOMAIN, &answers.domain);
            admin.modify_config(&[edit]).await.map_err(refused)?;
            Outcome::Created
        }
    };
    report.note(outcome, &format!("{DEFAULT_DOMAIN} {}", answers.domain));
    Ok(())
}

async fn administrator(
    admin: &Admin,
    answers: &Answers,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let address = directory::address(&answers.administrator())?;
    let what = format!("administrator {address}");
    let outcome = match admin.get_account(&address).await {
        Ok(account) => {
            let is_admin = account.entry.attributes.text("zimbraIsAdminAccount") == Some("TRUE");
            if !is_admin {
                let edit = set("zimbraIsAdminAccount", "TRUE");
                let changed = admin.modify_account(&address, &[edit]).await;
                changed.map_err(|error| {
                    directory::refused(format!("cannot change the {what}"), error)
                })?;
            }
            match change_password(admin, &address, answers).await? || !is_admin {
                true => Outcome::Changed,
                false => Outcome::Unchanged,
            }
        }
        Err(AdminError::NotFound { .. }) => {
            create(admin, &address, answers, report).await?;
            Outcome::Created
        }
        Err(error) => return Err(directory::refused(format!("cannot find the {what}"), error)),
    };
    report.note(outcome, &what);
    Ok(())
}

async fn create(
    admin: &Admin,
    address: &EmailAddress,
    answers: &Answers,
    report: &mut Report<'_>,
) -> Result<(), Failure> {
    let mut edits = vec![set("zimbraIsAdminAccount", "TRUE")];
    let mut password = answers.password.clone().map(Secret::new);
    if let Some(hash) = &answers.password_hash {
        edits.push(set("userPassword", &ldap_hash(hash)));
    } else if password.is_none() {
        let made = password::make();
        report.password = Some(made.expose().clone());
        password = Some(made);
    }
    let new = NewAccount {
        address: address.clone(),
        password,
        cos: None,
        edits,
    };
    let created = admin.create_account(&new).await;
    created.map_err(|error| directory::refused(format!("cannot create {address}"), error))
}

/// Sets the password of the answers where another one holds.
async fn change_password(
    admin: &Admin,
    address: &EmailAddress,
    answers: &Answers,
) -> Result<bool, Failure> {
    let Some(password) = answers.password.clone().map(Secret::new) else {
        return Ok(false);
    };
    let sign_in = admin
        .directory()
        .authenticate(&address.to_string(), &password)
        .await
        .map_err(|error| {
            let what = "cannot check the administrator's password";
            Failure::because(Exit::Unreachable, "directory_unreachable", what, &error)
        })?;
    if matches!(sign_in, SignIn::Granted(_)) {
        return Ok(false);
    }
    let changed = admin.set_password(address, &password).await;
    changed.map_err(|error| {
        directory::refused(format!("cannot set the password of {address}"), error)
    })?;
    Ok(true)
}

/// crypt(3) writes `$6$…`, LDAP `{CRYPT}$6$…`.
fn ldap_hash(hash: &str) -> String {
    match hash.starts_with('$') {
        true => format!("{{CRYPT}}{hash}"),
        false => hash.to_owned(),
    }
}

fn set(attribute: &str, value: &str) -> Edit {
    Edit::Set(attribute.to_owned(), vec![value.as_bytes().to_vec()])
}
