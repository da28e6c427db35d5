//! Who may sign in to submit mail, and send as whom.

use std::future::Future;
use std::sync::Arc;

use roost_core_directory::client::{Denied, Directory, ScramVerdict, SignIn, Unavailable};
use roost_core_directory::model::Account;
use roost_kit::fields::{self, Chain, Escaped};
use roost_kit::secret::Secret;
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Login, Parameters, Proof, Refused};
use roost_proto_smtp::Address;

use crate::route::{self, email};

/// Whoever knows the accounts.
pub trait Accounts: Send + Sync + 'static {
    /// Somebody who has signed in.
    type Account: Send + Sync + Clone;

    /// Checks a name and password, and whether that account may act as the one asked for.
    fn password(
        &self,
        login: &Login,
    ) -> impl Future<Output = Result<Self::Account, Refused>> + Send;

    /// What a SCRAM client needs to begin, for any name.
    fn scram_parameters(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Parameters, Refused>> + Send;

    /// As [`Accounts::password`], with a proof instead of a password.
    fn scram_verify(
        &self,
        proof: &Proof,
    ) -> impl Future<Output = Result<(Self::Account, ServerSignature), Refused>> + Send;

    /// Whether an account may send mail as `address`.
    fn may_send_as(
        &self,
        account: &Self::Account,
        address: &Address,
    ) -> impl Future<Output = Result<bool, route::Unavailable>> + Send;

    /// The account's name.
    fn name(&self, account: &Self::Account) -> String;
}

/// The directory's accounts.
#[derive(Debug, Clone)]
pub struct LdapAccounts(Directory);

impl LdapAccounts {
    /// Accounts of this directory.
    #[must_use]
    pub fn new(directory: Directory) -> Self {
        Self(directory)
    }

    /// RFC 4616 §2: an administrator may act as somebody else, everybody as themselves.
    async fn acting_as(
        &self,
        account: Arc<Account>,
        authzid: Option<&str>,
    ) -> Result<Arc<Account>, Refused> {
        let Some(name) = authzid else {
            return Ok(account);
        };
        match self
            .0
            .account_of_login(name)
            .await
            .map_err(|error| unavailable(&error))?
        {
            Some(target) if target.id == account.id || account.is_admin() => Ok(target),
            Some(_) | None => Err(Refused::Forbidden),
        }
    }
}

impl Accounts for LdapAccounts {
    type Account = Arc<Account>;

    async fn password(&self, login: &Login) -> Result<Arc<Account>, Refused> {
        let password = Secret::new(login.password.expose().to_owned());
        let answer = self.0.authenticate(&login.authcid, &password).await;
        match answer.map_err(|error| unavailable(&error))? {
            SignIn::Granted(account) => self.acting_as(account, login.authzid.as_deref()).await,
            SignIn::Denied(denied) => Err(denial(denied, &login.authcid)),
        }
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        let parameters = self
            .0
            .scram_parameters(name)
            .await
            .map_err(|error| unavailable(&error))?;
        Parameters::new(parameters.salt, parameters.iterations).map_err(|error| {
            tracing::warn!(%error, "the directory's SCRAM parameters cannot be used");
            Refused::Unavailable
        })
    }

    async fn scram_verify(
        &self,
        proof: &Proof,
    ) -> Result<(Arc<Account>, ServerSignature), Refused> {
        let verdict = self
            .0
            .scram_verify(&proof.name, &proof.auth_message, &proof.client_proof)
            .await;
        match verdict.map_err(|error| unavailable(&error))? {
            ScramVerdict::Granted {
                account,
                server_signature,
            } => {
                let account = self.acting_as(account, proof.authzid.as_deref()).await?;
                let signature = server_signature.try_into().map_err(|_odd| {
                    tracing::warn!("the directory's SCRAM signature has a wrong length");
                    Refused::Unavailable
                })?;
                Ok((account, ServerSignature(signature)))
            }
            ScramVerdict::Denied(denied) => Err(denial(denied, &proof.name)),
        }
    }

    async fn may_send_as(
        &self,
        account: &Arc<Account>,
        address: &Address,
    ) -> Result<bool, route::Unavailable> {
        match email(address) {
            Some(address) => Ok(self.0.may_send_as(account, &address).await?),
            None => Ok(false),
        }
    }

    fn name(&self, account: &Arc<Account>) -> String {
        account.name.to_string()
    }
}

fn unavailable(error: &Unavailable) -> Refused {
    tracing::warn!(error = %Chain(error), "the directory cannot be asked about a login");
    Refused::Unavailable
}

fn denial(denied: Denied, name: &str) -> Refused {
    match denied {
        Denied::Credentials => Refused::Credentials,
        Denied::Status(status) => {
            let name = Escaped(name.as_bytes());
            tracing::info!({ fields::ACCOUNT } = %name, ?status, "right password, but no login");
            Refused::Forbidden
        }
    }
}
