//! Signing in, as a session's exchange asks for it: what it costs, counts and logs.

use std::sync::atomic::Ordering;

use roost_kit::fields::{self, Escaped};
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Authenticate, Login, Parameters, Proof, Refused};
use roost_proto_smtp::limits::LOGIN_DELAY;

use super::accounts::Accounts;
use super::backend::SmtpBackend;
use crate::limits::LOGIN_DELAY_OWN_MAX;
use crate::metrics;
use crate::outbound::Dns;
use crate::route::Addresses;

impl<A: Addresses, C: Accounts, D: Dns> Authenticate for SmtpBackend<A, C, D> {
    type Account = C::Account;

    async fn password(&self, login: Login) -> Result<C::Account, Refused> {
        match self.entrance.accounts.password(&login).await {
            Ok(account) => {
                self.welcome(&account);
                Ok(account)
            }
            Err(refused) => Err(self.turn_away(&login.authcid, refused).await),
        }
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        self.entrance.accounts.scram_parameters(name).await
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(C::Account, ServerSignature), Refused> {
        match self.entrance.accounts.scram_verify(&proof).await {
            Ok((account, signature)) => {
                self.welcome(&account);
                Ok((account, signature))
            }
            Err(refused) => Err(self.turn_away(&proof.name, refused).await),
        }
    }
}

impl<A: Addresses, C: Accounts, D: Dns> SmtpBackend<A, C, D> {
    /// Logs and counts a failed login, and waits as long as the address has earned beyond what
    /// the session itself waits.
    async fn turn_away(&self, name: &str, refused: Refused) -> Refused {
        let entrance = &self.entrance;
        entrance.counts.login(match refused {
            Refused::Credentials => metrics::Login::Refused,
            Refused::Forbidden => metrics::Login::Forbidden,
            Refused::Unavailable => metrics::Login::Unavailable,
        });
        tracing::info!(
            { fields::PEER } = %self.peer,
            { fields::ACCOUNT } = %Escaped(name.as_bytes()),
            { fields::OUTCOME } = %refused,
            "not signed in"
        );
        if let (Some(address), Refused::Credentials | Refused::Forbidden) =
            (self.peer.ip(), refused)
        {
            let earned = entrance.delays.failed(address);
            let doublings = self.failures.fetch_add(1, Ordering::Relaxed).min(8);
            let own = LOGIN_DELAY
                .saturating_mul(1 << doublings)
                .min(LOGIN_DELAY_OWN_MAX);
            tokio::time::sleep(earned.saturating_sub(own)).await;
        }
        refused
    }

    fn welcome(&self, account: &C::Account) {
        self.entrance.counts.login(metrics::Login::Accepted);
        if let Some(address) = self.peer.ip() {
            self.entrance.delays.succeeded(address);
        }
        let name = self.entrance.accounts.name(account);
        tracing::info!({ fields::PEER } = %self.peer, { fields::ACCOUNT } = name, "signed in");
    }
}
