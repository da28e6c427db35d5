//! Signing in, as a session's exchange asks for it: what it costs, counts and logs.

use std::sync::atomic::Ordering;

use roost_kit::fields::{self, Escaped};
use roost_kit::limit::{Attempt, Ticket, TooMany};
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
        let ticket = self.wait_for_turn(&login.authcid).await?;
        match self.entrance.accounts.password(&login).await {
            Ok(account) => {
                self.welcome(&account, &login.authcid);
                Ok(account)
            }
            Err(refused) => {
                drop(ticket);
                Err(self.turn_away(&login.authcid, refused).await)
            }
        }
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        self.entrance.accounts.scram_parameters(name).await
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(C::Account, ServerSignature), Refused> {
        let ticket = self.wait_for_turn(&proof.name).await?;
        match self.entrance.accounts.scram_verify(&proof).await {
            Ok((account, signature)) => {
                self.welcome(&account, &proof.name);
                Ok((account, signature))
            }
            Err(refused) => {
                drop(ticket);
                Err(self.turn_away(&proof.name, refused).await)
            }
        }
    }
}

impl<A: Addresses, C: Accounts, D: Dns> SmtpBackend<A, C, D> {
    fn attempt<'n>(&self, name: &'n str) -> Attempt<'n> {
        Attempt {
            address: self.peer.ip(),
            name,
        }
    }

    /// Waits until the attempt may be looked at; where too many have failed, it is not.
    async fn wait_for_turn(&self, name: &str) -> Result<Ticket, Refused> {
        let TooMany(wait) = match self.entrance.guard.turn(self.attempt(name)).await {
            Ok(ticket) => return Ok(ticket),
            Err(too_many) => too_many,
        };
        self.entrance.counts.login(metrics::Login::Throttled);
        tracing::info!(
            { fields::SERVICE } = "submission",
            { fields::PEER } = %self.peer,
            { fields::ACCOUNT } = %Escaped(name.as_bytes()),
            { fields::OUTCOME } = "too many failed before",
            "not signed in (from {})",
            self.peer.host()
        );
        tokio::time::sleep(wait).await;
        Err(Refused::Unavailable)
    }

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
            { fields::SERVICE } = "submission",
            { fields::PEER } = %self.peer,
            { fields::ACCOUNT } = %Escaped(name.as_bytes()),
            { fields::OUTCOME } = %refused,
            "not signed in (from {})",
            self.peer.host()
        );
        if let Refused::Credentials | Refused::Forbidden = refused {
            let earned = entrance.guard.failed(self.attempt(name));
            let doublings = self.failures.fetch_add(1, Ordering::Relaxed).min(8);
            let own = LOGIN_DELAY
                .saturating_mul(1 << doublings)
                .min(LOGIN_DELAY_OWN_MAX);
            tokio::time::sleep(earned.saturating_sub(own)).await;
        }
        refused
    }

    fn welcome(&self, account: &C::Account, name: &str) {
        self.entrance.counts.login(metrics::Login::Accepted);
        self.entrance.guard.succeeded(self.attempt(name));
        let name = self.entrance.accounts.name(account);
        tracing::info!({ fields::PEER } = %self.peer, { fields::ACCOUNT } = name, "signed in");
    }
}
