//! `roostctl account`.

use roost_core_directory::admin::{Admin, Edit, NewAccount};
use roost_core_directory::model::Account;
use roost_core_directory::resolve::Setting;
use roost_core_directory::schema::{self, Access};
use roost_kit::secret::Secret;
use serde_json::Value;

use super::context::Context;
use super::directory::{
    address, connect, created, domain, edits, only_said, refused, refused_in_domain, show,
};
use super::password;
use crate::cli::{AccountVerb, Password};
use crate::failure::{Exit, Failure};
use crate::output::{Column, Record};

const COLUMNS: [Column; 9] = [
    Column::text("name", "ACCOUNT"),
    Column::text("display_name", "NAME"),
    Column::state("status", "STATUS"),
    Column::text("cos", "COS"),
    Column::bytes("quota", "QUOTA"),
    Column::hidden("id"),
    Column::hidden("admin"),
    Column::hidden("mail_host"),
    Column::hidden("created"),
];

const SETTINGS: [Column; 3] = [
    Column::text("attribute", "SETTING"),
    Column::text("origin", "FROM"),
    Column::text("values", "VALUE"),
];

pub(super) async fn run(verb: AccountVerb, context: &Context<'_>) -> Result<(), Failure> {
    let admin = connect(&context.shared.directory)?;
    match verb {
        AccountVerb::Create { .. } => create(verb, &admin, context).await,
        AccountVerb::Show {
            address,
            origin: Some(attribute),
            ..
        } => show_setting(&address, &attribute, &admin, context).await,
        AccountVerb::Show {
            address,
            effective: true,
            ..
        } => show_effective(&address, &admin, context).await,
        AccountVerb::Show { address, .. } => {
            let account = find(&address, "cannot show it", &admin).await?;
            show(context.output, record(&account), &account.entry)
        }
        AccountVerb::List { domain: of } => list(of.as_deref(), &admin, context).await,
        AccountVerb::Set {
            address,
            cos,
            mut settings,
        } => {
            settings.extend(cos.map(|cos| format!("zimbraCOSId={cos}")));
            set(&address, &settings, &admin, context).await
        }
        AccountVerb::SetPassword { address, password } => {
            set_password(&address, &password, &admin, context).await
        }
        AccountVerb::Rename { address, new } => rename(&address, &new, &admin, context).await,
        AccountVerb::Delete { address } => delete(&address, &admin, context).await,
    }
}

async fn create(verb: AccountVerb, admin: &Admin, context: &Context<'_>) -> Result<(), Failure> {
    let AccountVerb::Create {
        address: name,
        password,
        display_name,
        cos,
        quota,
        admin: is_admin,
        settings,
    } = verb
    else {
        return Ok(());
    };
    let what = format!("cannot create {name}");
    let mut all = edits(&what, &settings)?;
    let mut set = |attribute: &str, value: String| {
        all.push(Edit::Set(attribute.to_owned(), vec![value.into_bytes()]));
    };
    if let Some(display_name) = display_name {
        set("displayName", display_name);
    }
    if let Some(quota) = quota {
        set("zimbraMailQuota", quota.as_u64().to_string());
    }
    if is_admin {
        set("zimbraIsAdminAccount", "TRUE".to_owned());
    }
    let address = address(&name)?;
    let mut answer = Record::new(address.to_string()).with("name", address.to_string());
    if context.dry_run {
        return context
            .output
            .done(&format!("would create {address}"), &answer);
    }
    let (secret, made) = new_password(&password)?;
    let new = NewAccount {
        address: address.clone(),
        password: Some(secret.clone()),
        cos,
        edits: all,
    };
    let created = admin.create_account(&new).await;
    created.map_err(|error| refused_in_domain(what, error))?;
    let mut sentence = format!("created {address}");
    if made {
        sentence.push_str(&format!("\npassword: {} (shown only now)", secret.expose()));
        answer = answer.with("password", secret.expose().as_str());
        context.output.shown_once("password", secret.expose());
    }
    context.output.done(&sentence, &answer)
}

/// The password that was given, or a new one and true.
fn new_password(given: &Password) -> Result<(Secret<String>, bool), Failure> {
    if let Some(file) = &given.password_file {
        return Ok((password::from_file(file)?, false));
    }
    Ok(match password::ask()? {
        Some(password) => (password, false),
        None => (password::make(), true),
    })
}

async fn find(name: &str, what: &str, admin: &Admin) -> Result<std::sync::Arc<Account>, Failure> {
    let found = admin.get_account(&address(name)?).await;
    found.map_err(|error| refused(what, error))
}

async fn show_setting(
    name: &str,
    attribute: &str,
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let account = find(name, "cannot show it", admin).await?;
    if schema::attribute(attribute).is_none() {
        let what = format!("there is no attribute {attribute}");
        let near = schema::similar_attributes(attribute);
        return Err(Failure::new(Exit::Usage, "unknown_attribute", what)
            .similar(near.into_iter().map(str::to_owned)));
    }
    context
        .output
        .show(&setting(attribute, &account.setting(attribute)))
}

async fn show_effective(name: &str, admin: &Admin, context: &Context<'_>) -> Result<(), Failure> {
    let account = find(name, "cannot show it", admin).await?;
    let records: Vec<Record> = account
        .settings()
        .filter(|(attribute, _)| attribute.access != Access::Secret)
        .map(|(attribute, value)| setting(attribute.name, &value))
        .collect();
    context.output.list(&SETTINGS, &records, "nothing is set")
}

/// A setting as it holds, and whom it is inherited from.
fn setting(attribute: &str, setting: &Setting<'_>) -> Record {
    let values: Vec<Value> = setting.texts().map(Value::from).collect();
    Record::new(attribute)
        .with("attribute", attribute)
        .with("values", values)
        .with("origin", setting.origin.to_string())
}

async fn list(of: Option<&str>, admin: &Admin, context: &Context<'_>) -> Result<(), Failure> {
    let of = of.map(domain).transpose()?;
    let all = admin.accounts(of.as_ref()).await;
    let all = all.map_err(|error| refused("cannot list accounts", error))?;
    let records: Vec<Record> = all.iter().map(|one| record(one)).collect();
    let hint = "no accounts; create one: roostctl account create someone@example.org";
    context.output.list(&COLUMNS, &records, hint)
}

async fn set(
    name: &str,
    settings: &[String],
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let what = format!("cannot change {name}");
    let edits = edits(&what, settings)?;
    let account = find(name, &what, admin).await?;
    let subject = (record(&account), &account.entry);
    if only_said(admin, context, &what, subject, &edits).await? {
        return Ok(());
    }
    let changed = admin.modify_account(&account.name, &edits).await;
    changed.map_err(|error| refused(&what, error))?;
    let account = find(name, &what, admin).await?;
    context
        .output
        .done(&format!("changed {}", account.name), &record(&account))
}

async fn set_password(
    name: &str,
    given: &Password,
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let what = format!("cannot set the password of {name}");
    let account = find(name, &what, admin).await?;
    let mut answer = Record::new(account.name.to_string()).with("name", account.name.to_string());
    if context.dry_run {
        let sentence = format!("would set the password of {}", account.name);
        return context.output.done(&sentence, &answer);
    }
    let (secret, made) = new_password(given)?;
    let set = admin.set_password(&account.name, &secret).await;
    set.map_err(|error| refused(what, error))?;
    let mut sentence = format!("set the password of {}", account.name);
    if made {
        sentence.push_str(&format!("\npassword: {} (shown only now)", secret.expose()));
        answer = answer.with("password", secret.expose().as_str());
        context.output.shown_once("password", secret.expose());
    }
    context.output.done(&sentence, &answer)
}

async fn rename(
    name: &str,
    new: &str,
    admin: &Admin,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let what = format!("cannot rename {name}");
    let account = find(name, &what, admin).await?;
    let (old, new) = (account.name.clone(), address(new)?);
    if context.dry_run {
        let sentence = format!("would rename {old} to {new}");
        return context.output.done(&sentence, &record(&account));
    }
    let renamed = admin.rename_account(&old, &new).await;
    renamed.map_err(|error| refused_in_domain(&what, error))?;
    let account = find(&new.to_string(), &what, admin).await?;
    let sentence = format!("renamed {old} to {new}\nundo: roostctl account rename {new} {old}");
    context.output.done(&sentence, &record(&account))
}

async fn delete(name: &str, admin: &Admin, context: &Context<'_>) -> Result<(), Failure> {
    let what = format!("cannot delete {name}");
    let account = find(name, &what, admin).await?;
    let address = account.name.to_string();
    context.confirm(
        &format!("delete {address} and lose access to its mail"),
        &address,
    )?;
    if context.dry_run {
        return context
            .output
            .done(&format!("would delete {address}"), &record(&account));
    }
    let deleted = admin.delete_account(&account.name).await;
    deleted.map_err(|error| refused(what, error))?;
    context
        .output
        .done(&format!("deleted {address}"), &record(&account))
}

fn record(account: &Account) -> Record {
    Record::new(account.name.to_string())
        .with("name", account.name.to_string())
        .with("id", account.id.to_string())
        .with("display_name", account.display_name())
        .with("status", account.status().name())
        .with("cos", account.cos.as_ref().map(|cos| cos.name.clone()))
        .with("quota", account.quota())
        .with("admin", account.is_admin())
        .with("mail_host", account.mail_host())
        .with("created", created(&account.entry))
}
