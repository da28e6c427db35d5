//! SCRAM-SHA-256 without its keys: two extended operations of roost-directory.
//!
//! The keys never leave the directory. It hands out what the client needs to begin (for a name that
//! nobody has, something that looks the same), and later says whether the client's proof is right.
//! OpenLDAP has neither operation; SCRAM is then not offered.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::authenticate::{SignIn, check_mechanism};
use super::operation::{Operation, code};
use super::unavailable::{Cause, Unavailable};
use super::{Denied, Directory};
use crate::model::Account;

/// ScramParameters: what a client needs to begin.
pub const PARAMETERS_OID: &str = "1.3.6.1.4.1.32473.1.6.1";
/// ScramVerify: whether a client's proof is right.
pub const VERIFY_OID: &str = "1.3.6.1.4.1.32473.1.6.2";

/// What a client needs to begin (RFC 5802 §5.1: `s` and `i`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScramParameters {
    /// The salt.
    pub salt: Vec<u8>,
    /// The iteration count.
    pub iterations: u32,
}

/// Whether a client's proof is right.
#[derive(Debug, Clone)]
pub enum ScramVerdict {
    /// It is, and the account may be used.
    Granted {
        /// The account.
        account: Arc<Account>,
        /// What proves to the client that we know its keys (RFC 5802 §5.1: `v`).
        server_signature: Vec<u8>,
    },
    /// It is not, or the account may not be used.
    Denied(Denied),
}

#[derive(Serialize)]
struct ParametersRequest<'a> {
    name: &'a str,
}

#[derive(Deserialize)]
struct ParametersAnswer {
    salt: String,
    iterations: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerifyRequest<'a> {
    name: &'a str,
    auth_message: String,
    client_proof: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VerifyAnswer {
    server_signature: String,
    dn: String,
}

impl Directory {
    /// Whether the directory can check SCRAM.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn offers_scram(&self) -> Result<bool, Unavailable> {
        let ask = async {
            let root = self
                .one("", &["supportedExtension"])
                .await?
                .unwrap_or_else(|| crate::entry::Entry::new(""));
            let all = root
                .attributes
                .texts("supportedExtension")
                .map(str::to_owned);
            Ok(Some(Arc::new(all.collect::<Vec<_>>())))
        };
        let extensions = self.0.extensions.get(&(), ask).await?.unwrap_or_default();
        let has = |oid| extensions.iter().any(|known| known == oid);
        Ok(has(PARAMETERS_OID) && has(VERIFY_OID))
    }

    /// The salt and iteration count for a login name; made up for a name that nobody has.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn scram_parameters(&self, name: &str) -> Result<ScramParameters, Unavailable> {
        let request = ParametersRequest { name };
        let answer: Option<ParametersAnswer> = self.extended(PARAMETERS_OID, &request).await?;
        let answer = answer.ok_or(Cause::BadAnswer)?;
        Ok(ScramParameters {
            salt: decode(&answer.salt)?,
            iterations: answer.iterations,
        })
    }

    /// Whether the proof of a client that began with this login name is right.
    ///
    /// # Errors
    /// When the directory cannot be asked; it says nothing about the proof.
    pub async fn scram_verify(
        &self,
        name: &str,
        auth_message: &[u8],
        client_proof: &[u8],
    ) -> Result<ScramVerdict, Unavailable> {
        let request = VerifyRequest {
            name,
            auth_message: BASE64.encode(auth_message),
            client_proof: BASE64.encode(client_proof),
        };
        let answer: Option<VerifyAnswer> = self.extended(VERIFY_OID, &request).await?;
        let denied = Ok(ScramVerdict::Denied(Denied::Credentials));
        let Some(answer) = answer else { return denied };
        let Some(account) = self.account_by_dn(&answer.dn).await? else {
            return denied;
        };
        if let Some(domain) = &account.domain {
            check_mechanism(domain)?;
        }
        let server_signature = decode(&answer.server_signature)?;
        Ok(match self.admitted(account).await? {
            SignIn::Granted(account) => ScramVerdict::Granted {
                account,
                server_signature,
            },
            SignIn::Denied(denied) => ScramVerdict::Denied(denied),
        })
    }

    /// An extended operation with JSON both ways; nothing when the credentials are wrong.
    async fn extended<A: DeserializeOwned>(
        &self,
        oid: &str,
        request: &(impl Serialize + Sync),
    ) -> Result<Option<A>, Unavailable> {
        let value = serde_json::to_vec(request).map_err(|_| Cause::BadAnswer)?;
        let answer = self
            .service()
            .run(&Operation::Extended { oid, value })
            .await?;
        match answer.code {
            code::SUCCESS => {
                let value = answer.value.unwrap_or_default();
                Ok(Some(
                    serde_json::from_slice(&value).map_err(|_| Cause::BadAnswer)?,
                ))
            }
            code::INVALID_CREDENTIALS => Ok(None),
            code => Err(Cause::Answer {
                what: "extended operation",
                code,
                text: answer.text,
            }
            .into()),
        }
    }
}

fn decode(text: &str) -> Result<Vec<u8>, Unavailable> {
    BASE64.decode(text).map_err(|_| Cause::BadAnswer.into())
}
