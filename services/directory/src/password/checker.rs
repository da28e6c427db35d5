//! Checks and makes hashes, a few at a time: each takes memory and a processor, and a storm of
//! logins must not take all of either.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::argon::Memory;
use super::hash::{self, HashError};
use super::verify::verify;
use crate::limits::{PASSWORD_CHECKS_MAX, PASSWORD_WAIT};

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
    permits: Arc<Semaphore>,
    /// One for each check that runs, once there have been as many.
    memories: Arc<Mutex<Vec<Memory>>>,
    /// What the password of an account that does not exist is checked against.
    decoy: Vec<u8>,
}

impl Checker {
    /// Makes a decoy. As many checks run at a time as there are processors.
    pub fn new() -> Result<Self, HashError> {
        let mut memory = Memory::default();
        let decoy = hash::hash(&hash::random::<32>(), &mut memory)?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            permits: Arc::new(Semaphore::new(processors.min(PASSWORD_CHECKS_MAX))),
            memories: Arc::new(Mutex::new(vec![memory])),
            decoy,
        })
    }

    /// Whether a password fits one of the stored hashes. It takes as long if there are none, so that
    /// time does not tell whether an account exists, or how old its hash is.
    pub async fn check(&self, stored: &[Vec<u8>], password: &[u8]) -> Result<bool, CheckError> {
        let decoy = self.decoy.clone();
        let (stored, password) = (stored.to_vec(), password.to_vec());
        self.run(move |memory| {
            let fits = stored
                .iter()
                .fold(false, |fits, hash| fits | verify(hash, &password, memory));
            let costly = stored.iter().any(|hash| hash::is_current(hash));
            if !costly && verify(&decoy, &password, memory) {
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
            .run(move |memory| -> Result<Kept, HashError> {
                Ok(Kept {
                    hash: hash::hash(&password, memory)?,
                    scram: hash::scram_keys(&password),
                })
            })
            .await??;
        Ok(kept)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, CheckError> {
        let acquire = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(PASSWORD_WAIT, acquire)
            .await
            .map_err(|_| CheckError::Busy)?
            .map_err(|_| CheckError::Busy)?;
        let memories = Arc::clone(&self.memories);
        // The permit goes with the thread: it works on even if nobody waits any more.
        tokio::task::spawn_blocking(move || {
            let mut memory = memories.lock().pop().unwrap_or_default();
            let result = work(&mut memory);
            memory.shrink(hash::blocks());
            memories.lock().push(memory);
            drop(permit);
            result
        })
        .await
        .map_err(|_| CheckError::Busy)
    }
}
