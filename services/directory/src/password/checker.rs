//! Checks and makes hashes, a few at a time: each takes memory and a processor, and a storm of
//! logins must not take all of either.

use tokio::sync::Semaphore;

use super::hash::{self, HashError};
use super::verify::verify;
use crate::limits::{PASSWORD_CHECKS_AT_A_TIME, PASSWORD_WAIT};

/// Why a password could not be checked or hashed.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Too many others are waiting.
    #[error("too many passwords are being checked")]
    Busy,
    /// Not enough memory.
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// What is kept of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// For `userPassword`.
    pub hash: Vec<u8>,
    /// For `authPassword`: SCRAM keys, if the password is text.
    pub scram: Option<Vec<u8>>,
}

/// The one place where passwords are checked.
#[derive(Debug)]
pub struct Checker {
    permits: std::sync::Arc<Semaphore>,
    /// What the password of an account that does not exist is checked against.
    decoy: Vec<u8>,
}

impl Checker {
    /// Makes a decoy.
    pub fn new() -> Result<Self, HashError> {
        Ok(Self {
            permits: std::sync::Arc::new(Semaphore::new(PASSWORD_CHECKS_AT_A_TIME)),
            decoy: hash::hash(&hash::random::<32>())?,
        })
    }

    /// Whether a password fits one of the stored hashes. It takes as long if there are none, so that
    /// time does not tell whether an account exists, or how old its hash is.
    pub async fn check(&self, stored: &[Vec<u8>], password: &[u8]) -> Result<bool, CheckError> {
        let decoy = self.decoy.clone();
        let (stored, password) = (stored.to_vec(), password.to_vec());
        self.run(move || {
            let fits = stored
                .iter()
                .fold(false, |fits, hash| fits | verify(hash, &password));
            let costly = stored.iter().any(|hash| hash::is_current(hash));
            if !costly && verify(&decoy, &password) {
                tracing::error!("a random password was guessed");
            }
            fits
        })
        .await
    }

    /// What is to be kept of a new password.
    pub async fn keep(&self, password: &[u8]) -> Result<Kept, CheckError> {
        let password = password.to_vec();
        let kept = self
            .run(move || -> Result<Kept, HashError> {
                Ok(Kept {
                    hash: hash::hash(&password)?,
                    scram: hash::scram_keys(&password),
                })
            })
            .await??;
        Ok(kept)
    }

    /// Runs work of that kind when it is its turn.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, CheckError> {
        let acquire = std::sync::Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(PASSWORD_WAIT, acquire)
            .await
            .map_err(|_| CheckError::Busy)?
            .map_err(|_| CheckError::Busy)?;
        // The permit goes with the thread: it works on even if nobody waits any more.
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|_| CheckError::Busy)
    }
}
