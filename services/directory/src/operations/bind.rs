//! Bind (RFC 4511 §4.2, RFC 4513): who a connection speaks for from now on.

use std::net::IpAddr;
use std::sync::Arc;

use super::deposit::Deposit;
use super::standing::Standing;
use crate::access::Identity;
use crate::directory::Directory;
use crate::dn::Dn;
use crate::limits::PASSWORD_SIZE_MAX;
use crate::password::checker::Kept;
use crate::password::hash::is_current;
use crate::refuse::Refusal;
use crate::seed::ADMINISTRATOR;
use crate::store::Found;
use crate::wire::request::{Authentication, Bind, Credentials};
use crate::wire::response::ResultCode;

/// What is known of a connection when somebody binds on it.
#[derive(Debug, Clone, Copy)]
pub struct Connection {
    /// Nobody can listen: TLS, or a peer on this machine.
    pub secure: bool,
    /// A process of root or of this daemon's own user, by the kernel's word.
    pub trusted_process: bool,
    /// Where it comes from, unless from this machine.
    pub address: Option<IpAddr>,
}

/// Finds out who binds. An error leaves the connection anonymous (RFC 4511 §4.2.1).
pub async fn bind(
    directory: &Directory,
    connection: Connection,
    bind: &Bind,
) -> Result<Identity, Refusal> {
    if bind.version != 3 {
        return Err(Refusal::new(
            ResultCode::ProtocolError,
            "only LDAP version 3 is spoken here",
        ));
    }
    match &bind.authentication {
        Authentication::Simple(password) => {
            simple(directory, connection, &bind.name, &password.0).await
        }
        Authentication::Sasl {
            mechanism,
            credentials,
        } => sasl(directory, connection, mechanism, credentials.as_ref()).await,
        Authentication::Unknown => Err(Refusal::new(
            ResultCode::AuthMethodNotSupported,
            "there are simple and SASL binds",
        )),
    }
}

async fn simple(
    directory: &Directory,
    connection: Connection,
    name: &str,
    password: &[u8],
) -> Result<Identity, Refusal> {
    match (name.is_empty(), password.is_empty()) {
        (true, true) => return Ok(Identity::anonymous()),
        // RFC 4513 §5.1.2: a client that forgot the password must not believe that it was right.
        (false, true) => {
            let message = "a bind with a name needs a password";
            return Err(Refusal::new(ResultCode::UnwillingToPerform, message));
        }
        (_, false) => {}
    }
    check_secure(connection)?;
    let (dn, key) = directory.name(name)?;
    let found = if dn.is_root() {
        None
    } else {
        directory.store.find(&key).await?
    };
    authenticate(directory, found, password).await
}

async fn sasl(
    directory: &Directory,
    connection: Connection,
    mechanism: &str,
    credentials: Option<&Credentials>,
) -> Result<Identity, Refusal> {
    match mechanism.to_ascii_uppercase().as_str() {
        "PLAIN" => {
            check_secure(connection)?;
            plain(
                directory,
                credentials.map_or(&[], |credentials| credentials.0.as_slice()),
            )
            .await
        }
        "EXTERNAL" => external(directory, connection).await,
        _ => Err(Refusal::new(
            ResultCode::AuthMethodNotSupported,
            "the SASL mechanisms are PLAIN and EXTERNAL",
        )),
    }
}

/// RFC 4616.
async fn plain(directory: &Directory, message: &[u8]) -> Result<Identity, Refusal> {
    let malformed = || Refusal::new(ResultCode::ProtocolError, "not a message of SASL PLAIN");
    let mut parts = message.split(|octet| *octet == 0);
    let mut text = || {
        parts
            .next()
            .and_then(|part| std::str::from_utf8(part).ok())
            .ok_or_else(malformed)
    };
    let (authorization, name, password) = (text()?, text()?, text()?);
    if name.is_empty() || password.is_empty() || parts.next().is_some() {
        return Err(malformed());
    }
    let found = named(directory, name).await?;
    let identity = authenticate(directory, found, password.as_bytes()).await?;
    if authorization.is_empty() {
        return Ok(identity);
    }
    let other = named(directory, authorization)
        .await?
        .ok_or_else(Refusal::invalid_credentials)?;
    if other.key == identity.key {
        return Ok(identity);
    }
    if !identity.is_administrator() {
        return Err(Refusal::invalid_credentials());
    }
    Ok(Identity::of(&directory.schema, &other))
}

/// Root, or this daemon's own user, at the Unix socket: the directory's administrator.
async fn external(directory: &Directory, connection: Connection) -> Result<Identity, Refusal> {
    if !connection.trusted_process {
        return Err(Refusal::new(
            ResultCode::InappropriateAuthentication,
            "EXTERNAL is for root and the directory's own user, at its Unix socket",
        ));
    }
    let (_, key) = directory.name(ADMINISTRATOR)?;
    let found = directory
        .store
        .find(&key)
        .await?
        .ok_or_else(Refusal::invalid_credentials)?;
    Ok(Identity::of(&directory.schema, &found))
}

/// The entry of an authentication or authorization identity (RFC 4513 §5.2.1.8): `dn:…`, `u:…`, or
/// either of them bare.
pub(super) async fn named(
    directory: &Directory,
    name: &str,
) -> Result<Option<Arc<Found>>, Refusal> {
    if let Some(name) = name.strip_prefix("u:") {
        return directory.account(name).await;
    }
    let text = name.strip_prefix("dn:").unwrap_or(name);
    match Dn::parse(text) {
        Ok(dn) if !dn.is_root() => Ok(directory.store.find(&dn.key(&directory.schema)).await?),
        _ => directory.account(name).await,
    }
}

fn check_secure(connection: Connection) -> Result<(), Refusal> {
    if connection.secure {
        return Ok(());
    }
    let message = "a password must not travel in clear (use StartTLS or ldaps)";
    Err(Refusal::new(ResultCode::ConfidentialityRequired, message))
}

/// Checks a password. Whatever is wrong, the answer and the time it takes are the same.
pub(super) async fn authenticate(
    directory: &Directory,
    found: Option<Arc<Found>>,
    password: &[u8],
) -> Result<Identity, Refusal> {
    if password.len() > PASSWORD_SIZE_MAX {
        return Err(Refusal::invalid_credentials());
    }
    let known = &directory.schema.known;
    let stored = found
        .as_ref()
        .map_or(&[][..], |found| found.entry.get(known.user_password));
    let fits = directory.checker.check(stored, password).await?;
    let Some(found) = found else {
        return Err(Refusal::invalid_credentials());
    };
    let standing = Standing::of(directory, &found).await?;
    if !fits {
        standing.failed(directory, &found).await?;
        return Err(Refusal::invalid_credentials());
    }
    if !standing.is_open {
        return Err(Refusal::invalid_credentials());
    }
    standing.succeeded(directory, &found).await?;
    if let Err(refusal) = refresh(directory, &found, password).await {
        // The password is right; that its hash stays old must not keep anybody out.
        let outcome = refusal.into_outcome();
        tracing::warn!(account = %found.entry.dn, why = outcome.message, "a password was not hashed anew");
    }
    Ok(Identity::of(&directory.schema, &found))
}

/// Makes a hash of today's kind, and SCRAM keys, once the password is known to be right.
async fn refresh(directory: &Directory, found: &Found, password: &[u8]) -> Result<(), Refusal> {
    let known = &directory.schema.known;
    let stored = found.entry.get(known.user_password);
    let [stored] = stored else {
        return Ok(());
    };
    if is_current(stored) && !found.entry.get(known.auth_password).is_empty() {
        return Ok(());
    }
    let Kept { hash, scram } = directory.checker.keep(password).await?;
    let deposit = Deposit {
        hashes: vec![hash],
        keys: scram.into_iter().collect(),
    };
    let mut write = directory.store.write().await?;
    let Some(old) = write.find(&found.key).await? else {
        return Ok(());
    };
    // Changed meanwhile: that password is another.
    if old.entry.get(known.user_password) != std::slice::from_ref(stored) {
        return Ok(());
    }
    let mut entry = old.entry.clone();
    entry.set(known.user_password, deposit.hashes);
    entry.set(known.auth_password, deposit.keys);
    write.replace(&old, &entry).await?;
    let _durable = write.commit().await?;
    Ok(())
}
