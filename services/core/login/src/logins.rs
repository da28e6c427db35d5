//! Names, passwords and proofs, checked by the directory.

use std::sync::Arc;

use roost_core_directory::client::{Denied, Directory, ScramVerdict, SignIn, Unavailable};
use roost_core_directory::model::Account;
use roost_kit::fields::{self, Chain, Escaped};
use roost_kit::secret::Secret;
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Login, Parameters, Proof, Refused};

/// The accounts that can sign in; cheap to clone.
#[derive(Debug, Clone)]
pub struct Logins {
    directory: Directory,
}

impl Logins {
    /// Those of a directory.
    #[must_use]
    pub const fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// The account whose name and password these are, or that it asks to act as.
    ///
    /// # Errors
    /// [`Refused`] says why not, in words that tell nobody whether an account exists.
    pub async fn password(&self, login: &Login) -> Result<Arc<Account>, Refused> {
        let password = Secret::new(login.password.expose().to_owned());
        let answer = self
            .directory
            .authenticate(&login.authcid, &password)
            .await
            .map_err(|error| unavailable(&error))?;
        match answer {
            SignIn::Granted(account) => self.acting(account, login.authzid.as_deref()).await,
            SignIn::Denied(denied) => Err(denial(denied, &login.authcid)),
        }
    }

    /// Whether SCRAM can be offered, as far as can be learnt now.
    pub async fn offers_scram(&self) -> bool {
        self.directory.offers_scram().await.unwrap_or(false)
    }

    /// What a SCRAM client needs to begin, for any name.
    ///
    /// # Errors
    /// When the directory cannot be asked.
    pub async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        let parameters = self
            .directory
            .scram_parameters(name)
            .await
            .map_err(|error| unavailable(&error))?;
        Parameters::new(parameters.salt, parameters.iterations).map_err(|error| {
            tracing::warn!(%error, "the directory's SCRAM parameters cannot be used");
            Refused::Unavailable
        })
    }

    /// As [`Logins::password`], with a proof; also what proves to the client that we know its keys.
    ///
    /// # Errors
    /// As [`Logins::password`].
    pub async fn scram_verify(
        &self,
        proof: &Proof,
    ) -> Result<(Arc<Account>, ServerSignature), Refused> {
        let verdict = self
            .directory
            .scram_verify(&proof.name, &proof.auth_message, &proof.client_proof)
            .await
            .map_err(|error| unavailable(&error))?;
        match verdict {
            ScramVerdict::Granted {
                account,
                server_signature,
            } => {
                let account = self.acting(account, proof.authzid.as_deref()).await?;
                let signature = server_signature.try_into().map_err(|_odd| {
                    tracing::warn!("the directory's SCRAM signature has a wrong length");
                    Refused::Unavailable
                })?;
                Ok((account, ServerSignature(signature)))
            }
            ScramVerdict::Denied(denied) => Err(denial(denied, &proof.name)),
        }
    }

    /// Who is acted as when `account` has proved itself and asks to act as `authzid`. RFC 4616 §2: an
    /// administrator may act as somebody else, everybody as themselves.
    ///
    /// # Errors
    /// [`Refused::Forbidden`] for everybody else.
    pub async fn acting(
        &self,
        account: Arc<Account>,
        authzid: Option<&str>,
    ) -> Result<Arc<Account>, Refused> {
        let Some(authzid) = authzid else {
            return Ok(account);
        };
        let target = self
            .directory
            .account_of_login(authzid)
            .await
            .map_err(|error| unavailable(&error))?;
        match target {
            Some(target) if target.id == account.id => Ok(target),
            Some(target) if account.is_admin() => {
                let administrator = &account.name;
                tracing::info!({ fields::ACCOUNT } = %target.name, %administrator, "acts as the account");
                Ok(target)
            }
            _ => {
                let asked = Escaped(authzid.as_bytes());
                tracing::info!({ fields::ACCOUNT } = %account.name, %asked, "may not act as another");
                Err(Refused::Forbidden)
            }
        }
    }
}

fn denial(denied: Denied, name: &str) -> Refused {
    match denied {
        Denied::Credentials => Refused::Credentials,
        Denied::Status(status) => {
            let name = Escaped(name.as_bytes());
            tracing::info!({ fields::ACCOUNT } = %name, status = status.name(), "may not sign in");
            Refused::Forbidden
        }
    }
}

/// Logs that the directory could not be asked, and says so to who signs in.
#[must_use]
pub fn unavailable(error: &Unavailable) -> Refused {
    let error = Chain(error);
    tracing::warn!(%error, "nobody can sign in");
    Refused::Unavailable
}
