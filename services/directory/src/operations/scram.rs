//! SCRAM-SHA-256 for the daemons: two operations of our own, so that the keys never leave the
//! directory. JSON in, JSON out; only service accounts and administrators may ask.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use roost_proto_sasl::scram::Keys;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::standing::Standing;
use crate::access::Identity;
use crate::directory::Directory;
use crate::password::hash::scram_iterations;
use crate::refuse::Refusal;
use crate::store::Found;
use crate::wire::response::ResultCode;

/// Octets of a decoy's salt: as many as a real one has.
const SALT_SIZE: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParametersRequest {
    name: String,
}

#[derive(Serialize)]
struct ParametersAnswer {
    salt: String,
    iterations: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    dn: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct VerifyRequest {
    name: String,
    auth_message: String,
    client_proof: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerifyAnswer {
    server_signature: String,
    dn: String,
}

/// With which parameters the keys of an account were made. For a name without keys they are made
/// up, and always the same, so that nothing tells whether the account exists.
pub async fn parameters(
    directory: &Directory,
    identity: &Identity,
    value: Option<&[u8]>,
) -> Result<Vec<u8>, Refusal> {
    check_asker(identity)?;
    let request: ParametersRequest = read(value)?;
    let found = directory.account(&request.name).await?;
    let keys = found.as_ref().and_then(|found| keys(directory, found));
    let answer = match (keys, found) {
        (Some(keys), Some(found)) => ParametersAnswer {
            salt: STANDARD.encode(keys.parameters().salt()),
            iterations: keys.parameters().iterations(),
            dn: Some(found.entry.dn.to_string()),
        },
        _ => ParametersAnswer {
            salt: STANDARD.encode(decoy_salt(directory, &request.name)),
            iterations: scram_iterations(),
            dn: None,
        },
    };
    write(&answer)
}

/// Whether a proof was made with an account's password; if so, the server's own proof.
pub async fn verify(
    directory: &Directory,
    identity: &Identity,
    value: Option<&[u8]>,
) -> Result<Vec<u8>, Refusal> {
    check_asker(identity)?;
    let request: VerifyRequest = read(value)?;
    let decode = |text: &str| {
        STANDARD
            .decode(text)
            .map_err(|_| malformed("base64 is expected"))
    };
    let auth_message = decode(&request.auth_message)?;
    let proof = decode(&request.client_proof)?;
    let Some(found) = directory.account(&request.name).await? else {
        return Err(Refusal::invalid_credentials());
    };
    let Some(keys) = keys(directory, &found) else {
        return Err(Refusal::invalid_credentials());
    };
    let standing = Standing::of(directory, &found).await?;
    match keys.verify(&auth_message, &proof) {
        Some(signature) if standing.is_open => {
            standing.succeeded(directory, &found).await?;
            write(&VerifyAnswer {
                server_signature: STANDARD.encode(signature.0),
                dn: found.entry.dn.to_string(),
            })
        }
        Some(_) => Err(Refusal::invalid_credentials()),
        None => {
            standing.failed(directory, &found).await?;
            Err(Refusal::invalid_credentials())
        }
    }
}

fn check_asker(identity: &Identity) -> Result<(), Refusal> {
    if identity.is_service() || identity.is_administrator() {
        return Ok(());
    }
    Err(Refusal::denied(
        "only service accounts use SCRAM operations",
    ))
}

fn keys(directory: &Directory, found: &Found) -> Option<Keys> {
    found
        .entry
        .text(directory.schema.known.auth_password)?
        .parse()
        .ok()
}

fn decoy_salt(directory: &Directory, name: &str) -> Vec<u8> {
    // A key of any length will do (RFC 2104 §3).
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(&directory.decoy_key) else {
        return vec![0; SALT_SIZE];
    };
    mac.update(name.to_lowercase().as_bytes());
    mac.finalize()
        .into_bytes()
        .iter()
        .copied()
        .take(SALT_SIZE)
        .collect()
}

fn read<'a, T: Deserialize<'a>>(value: Option<&'a [u8]>) -> Result<T, Refusal> {
    serde_json::from_slice(value.unwrap_or_default()).map_err(|error| malformed(&error.to_string()))
}

fn write(answer: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(answer).map_err(|error| malformed(&error.to_string()))
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(
        ResultCode::ProtocolError,
        format!("not a SCRAM request: {what}"),
    )
}
