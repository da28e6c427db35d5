//! An exchange driven by a directory: what a protocol's session embeds.
//!
//! ```text
//! let (dialogue, turn) = Dialogue::begin(&backend, mechanism, initial).await;
//! loop match turn {
//!     Continue(challenge) => send it, read a line, turn = dialogue.line(&backend, &line).await
//!     Accepted(account)   => done
//!     Failed(failure)     => done
//! }
//! ```

use std::future::Future;

use crate::Mechanism;
use crate::exchange::{Ask, Exchange, Failure, Step};
use crate::plain::Login;
use crate::scram::{Nonce, Parameters, Proof, ServerSignature};

/// Whoever knows the accounts. Each question is atomic: dropping its future leaves nothing half done.
pub trait Authenticate {
    /// Who somebody turns out to be.
    type Account: Send + Sync;

    /// Verifies a clear password, and that `authcid` may act as `authzid`.
    fn password(&self, login: Login)
    -> impl Future<Output = Result<Self::Account, Refused>> + Send;

    /// Salt and rounds for `name`. A name that does not exist gets a decoy, always the same one.
    fn scram_parameters(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Parameters, Refused>> + Send;

    /// Verifies a proof, and that its name may act as its `authzid`.
    fn scram_verify(
        &self,
        proof: Proof,
    ) -> impl Future<Output = Result<(Self::Account, ServerSignature), Refused>> + Send;

    /// A fresh nonce; tests override it to replay published exchanges.
    fn nonce(&self) -> Nonce {
        Nonce::random()
    }
}

/// Why a directory says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Name or password wrong, or no such account: one answer for both.
    #[error("name or password wrong")]
    Credentials,
    /// The credentials are right but the account may not be used: locked, wrong service, not allowed
    /// to act as somebody else.
    #[error("the account may not log in")]
    Forbidden,
    /// The directory cannot be asked at the moment; trying again later may help.
    #[error("the directory is not available")]
    Unavailable,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Credentials => Self::Credentials,
            Refused::Forbidden => Self::Forbidden,
            Refused::Unavailable => Self::Unavailable,
        }
    }
}

/// What the session does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn<A> {
    /// Send this (base64, perhaps empty) as the protocol's continuation and read a line.
    Continue(String),
    /// The client is this account.
    Accepted(A),
    /// It is over.
    Failed(Failure),
}

/// A running authentication and, once the directory has named it, the account.
#[derive(Debug)]
pub struct Dialogue<A> {
    exchange: Exchange,
    account: Option<A>,
}

impl<A: Send> Dialogue<A> {
    /// Starts `mechanism` with the initial response of the command's line, if it had one.
    pub async fn begin<D: Authenticate<Account = A> + Sync>(
        directory: &D,
        mechanism: Mechanism,
        initial: Option<&[u8]>,
    ) -> (Self, Turn<A>) {
        let (exchange, step) = Exchange::begin(mechanism, initial, directory.nonce());
        let mut dialogue = Self {
            exchange,
            account: None,
        };
        let turn = dialogue.settle(directory, step).await;
        (dialogue, turn)
    }

    /// Takes the client's next line, without its CRLF.
    pub async fn line<D: Authenticate<Account = A> + Sync>(
        &mut self,
        directory: &D,
        line: &[u8],
    ) -> Turn<A> {
        let step = self.exchange.line(line);
        self.settle(directory, step).await
    }

    /// Answers questions until there is something to say to the client.
    async fn settle<D: Authenticate<Account = A> + Sync>(
        &mut self,
        directory: &D,
        mut step: Step,
    ) -> Turn<A> {
        loop {
            step = match step {
                Step::Challenge(challenge) => return Turn::Continue(challenge),
                Step::Failed(failure) => return Turn::Failed(failure),
                // `Accepted` follows only an answer that named the account.
                Step::Accepted => {
                    return match self.account.take() {
                        Some(account) => Turn::Accepted(account),
                        None => Turn::Failed(Failure::Credentials),
                    };
                }
                Step::Ask(ask) => match self.answer(directory, ask).await {
                    Ok(step) => step,
                    Err(refused) => return Turn::Failed(refused.into()),
                },
            }
        }
    }

    async fn answer<D: Authenticate<Account = A> + Sync>(
        &mut self,
        directory: &D,
        ask: Ask,
    ) -> Result<Step, Refused> {
        match ask {
            Ask::Password(login) => {
                self.account = Some(directory.password(login).await?);
                Ok(self.exchange.accept())
            }
            Ask::ScramParameters { name } => {
                let parameters = directory.scram_parameters(&name).await?;
                Ok(self.exchange.parameters(&parameters))
            }
            Ask::ScramVerify(proof) => {
                let (account, signature) = directory.scram_verify(proof).await?;
                self.account = Some(account);
                Ok(self.exchange.verified(&signature))
            }
        }
    }
}
