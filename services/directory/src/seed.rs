//! What a new directory begins with, and who of the daemons may sign in: exactly those whose secret
//! is in the folder of secrets.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use roost_core_directory::dn;
use roost_core_directory::entry::Entry as Seed;
use roost_core_directory::seed::{Plan, auth_token_key, entries};
use roost_kit::Kit;
use roost_kit::secret::Identity as Login;

use crate::access::{Identity, Role};
use crate::controls::Controls;
use crate::directory::Directory;
use crate::operations;
use crate::refuse::Refusal;
use crate::wire::request::{Add, Attribute, Change, ChangeKind, Modify};

pub use roost_kit::secret::ADMINISTRATOR;

/// Daemons whose secret is made if it is missing.
const DAEMONS: &[&str] = &[
    "zimbra",
    "roost-store",
    "roost-mta",
    "roost-proxy",
    "roost-logger",
    "roost-snmp",
];

/// What nodes seal tokens for each other with.
const TOKEN_KEY: &str = "zimbraAuthTokenKey";

/// Makes missing secrets, fills a new directory, and lets the daemons in.
pub async fn prepare(directory: &Directory, kit: &Kit) -> anyhow::Result<()> {
    let secrets = &kit.shared.directory.secrets;
    for daemon in DAEMONS {
        make_secret(secrets, daemon).with_context(|| {
            format!("cannot make the secret {}", secrets.join(daemon).display())
        })?;
    }
    let logins = Login::all(&kit.shared.directory)?;
    if directory.store.count().await? == 0 {
        fill(directory, kit, &logins).await?;
    }
    give_token_key(directory, kit).await?;
    for login in &logins {
        admit(directory, kit, login)
            .await
            .with_context(|| format!("cannot let {} in", login.dn))?;
    }
    Ok(())
}

/// A secret of this name, unless there is one. A folder that is not ours to write is somebody
/// else's to fill.
fn make_secret(folder: &Path, name: &str) -> io::Result<()> {
    match fs::create_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(()),
        made => made?,
    }
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(folder.join(name));
    match made {
        Ok(mut file) => {
            writeln!(file, "{}", crate::password::hash::generate())?;
            file.sync_all()
        }
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::AlreadyExists
                    | io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn fill(directory: &Directory, kit: &Kit, logins: &[Login]) -> anyhow::Result<()> {
    for entry in entries(&plan(kit, logins)) {
        add(directory, &entry)
            .await
            .with_context(|| format!("cannot add {}", entry.dn))?;
    }
    tracing::info!("a new directory was made");
    Ok(())
}

fn plan<'a>(kit: &'a Kit, logins: &[Login]) -> Plan<'a> {
    Plan {
        node: &kit.shared.node.name,
        now: kit.clock.now(),
        staff: logins.to_vec(),
    }
}

/// The directory itself, in whose name it is filled.
fn itself(directory: &Directory) -> Result<Identity, Refusal> {
    let (dn, key) = directory.name(ADMINISTRATOR)?;
    Ok(Identity {
        dn,
        key,
        role: Role::Directory,
    })
}

async fn add(directory: &Directory, entry: &Seed) -> anyhow::Result<()> {
    let add = Add {
        dn: entry.dn.clone(),
        attributes: entry
            .attributes
            .iter()
            .map(|(name, values)| Attribute {
                name: name.to_owned(),
                values: values.to_vec(),
            })
            .collect(),
    };
    operations::add::add(directory, &itself(directory)?, &add, &Controls::default()).await?;
    Ok(())
}

/// Makes the password of a daemon (or of the administrator) the one in its file: whoever replaces
/// the file and starts the directory again has changed the password.
async fn admit(directory: &Directory, kit: &Kit, login: &Login) -> anyhow::Result<()> {
    let (_, key) = directory.name(&login.dn)?;
    let password = login.password.expose().as_bytes();
    let Some(found) = directory.store.find(&key).await? else {
        return admit_new(directory, kit, login).await;
    };
    let stored = found.entry.get(directory.schema.known.user_password);
    if directory.checker.check(stored, password).await? {
        return Ok(());
    }
    replace(directory, &login.dn, "userPassword", password).await?;
    tracing::info!(
        account = login.dn,
        "took over a new password from the folder of secrets"
    );
    Ok(())
}

/// A directory that was made before nodes accepted tokens from each other gets the key for them.
async fn give_token_key(directory: &Directory, kit: &Kit) -> anyhow::Result<()> {
    let (_, key) = directory.name(dn::CONFIG)?;
    let Some(config) = directory.store.find(&key).await? else {
        return Ok(());
    };
    let attribute = directory.schema.attribute(TOKEN_KEY);
    let given = attribute.is_some_and(|one| !config.entry.get(one.id).is_empty());
    match given {
        true => Ok(()),
        false => {
            let value = auth_token_key(kit.clock.now());
            replace(directory, dn::CONFIG, TOKEN_KEY, value.as_bytes()).await
        }
    }
}

/// Gives an attribute of an entry this one value.
async fn replace(directory: &Directory, dn: &str, name: &str, value: &[u8]) -> anyhow::Result<()> {
    let modify = Modify {
        dn: dn.to_owned(),
        changes: vec![Change {
            kind: ChangeKind::Replace,
            attribute: Attribute {
                name: name.to_owned(),
                values: vec![value.to_vec()],
            },
        }],
    };
    operations::modify::modify(
        directory,
        &itself(directory)?,
        &modify,
        &Controls::default(),
    )
    .await?;
    Ok(())
}

/// A daemon that came after the directory was made gets the entry that it would have had.
async fn admit_new(directory: &Directory, kit: &Kit, login: &Login) -> anyhow::Result<()> {
    let entries = entries(&plan(kit, std::slice::from_ref(login)));
    match entries.iter().find(|entry| entry.dn == login.dn) {
        Some(entry) => add(directory, entry).await,
        None => Ok(()),
    }
}
