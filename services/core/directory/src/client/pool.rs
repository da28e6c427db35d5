//! A bounded pool of connections to the first server that answers.
//!
//! A connection serves one operation at a time. It goes back to the pool only when its operation
//! ended well; a failed or abandoned one is closed. An operation that finds its connection closed
//! is sent once more, on a new one, unless it might then happen twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ldap3::{Ldap, LdapConnAsync, LdapError};
use parking_lot::Mutex;
use roost_kit::clock::Clock;
use roost_kit::fields::Chain;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::operation::{Answer, Operation, code};
use super::settings::{Bind, Limits, Target};
use super::unavailable::{Cause, Unavailable};

/// How long nobody tries to connect after every server failed.
///
/// Without it each of many waiting look-ups would run into the connection time-out in turn.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) struct Pool {
    targets: Arc<[Target]>,
    bind: Bind,
    permits: Semaphore,
    idle: Mutex<Vec<Ldap>>,
    /// The server that answered last.
    preferred: AtomicUsize,
    failed: Mutex<Option<(Instant, Unavailable)>>,
    /// Drives the connections; each ends when its last handle is dropped.
    drivers: TaskTracker,
    operation: Duration,
    clock: Clock,
}

impl Pool {
    pub(super) fn new(
        targets: Arc<[Target]>,
        bind: Bind,
        limits: &Limits,
        size: usize,
        clock: Clock,
    ) -> Self {
        Self {
            targets,
            bind,
            permits: Semaphore::new(size),
            idle: Mutex::new(Vec::with_capacity(size)),
            preferred: AtomicUsize::new(0),
            failed: Mutex::new(None),
            drivers: TaskTracker::new(),
            operation: limits.operation,
            clock,
        }
    }

    /// Performs an operation. Result codes other than "busy" and "unavailable" are the caller's.
    pub(crate) async fn run(&self, operation: &Operation<'_>) -> Result<Answer, Unavailable> {
        let what = operation.name();
        timeout(self.operation, self.attempts(operation))
            .await
            .unwrap_or_else(|_| Err(Cause::Deadline { what }.into()))
    }

    async fn attempts(&self, operation: &Operation<'_>) -> Result<Answer, Unavailable> {
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(Cause::Busy.into());
        };
        let what = operation.name();
        let reused = self.take();
        let fresh = reused.is_none();
        let mut ldap = match reused {
            Some(ldap) => ldap,
            None => self.connect().await?,
        };
        let error = match operation.perform(&mut ldap).await {
            Ok(answer) => return self.done(ldap, what, answer),
            Err(error) => error,
        };
        if fresh || !may_repeat(operation, &error) {
            return Err(Cause::Broken {
                what,
                source: error,
            }
            .into());
        }
        tracing::debug!(what, %error, "directory connection was closed; trying once more");
        // The other idle connections are as old as this one was.
        self.idle.lock().clear();
        let mut ldap = self.connect().await?;
        match operation.perform(&mut ldap).await {
            Ok(answer) => self.done(ldap, what, answer),
            Err(source) => Err(Cause::Broken { what, source }.into()),
        }
    }

    fn done(&self, ldap: Ldap, what: &'static str, answer: Answer) -> Result<Answer, Unavailable> {
        if matches!(answer.code, code::BUSY | code::UNAVAILABLE) {
            let Answer { code, text, .. } = answer;
            return Err(Cause::Answer { what, code, text }.into());
        }
        self.idle.lock().push(ldap);
        Ok(answer)
    }

    /// An idle connection that is still open.
    fn take(&self) -> Option<Ldap> {
        let mut idle = self.idle.lock();
        std::iter::from_fn(|| idle.pop()).find_map(|mut ldap| (!ldap.is_closed()).then_some(ldap))
    }

    /// Connects to the first server that answers, beginning with the one that did last.
    async fn connect(&self) -> Result<Ldap, Unavailable> {
        if let Some((at, error)) = &*self.failed.lock()
            && self.clock.instant().saturating_duration_since(*at) < PAUSE
        {
            return Err(error.clone());
        }
        let first = self.preferred.load(Ordering::Relaxed);
        let mut last = None;
        for offset in 0..self.targets.len() {
            let index = (first + offset) % self.targets.len();
            let Some(target) = self.targets.get(index) else {
                continue;
            };
            match self.connect_to(target).await {
                Ok(ldap) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    self.recovered(target);
                    return Ok(ldap);
                }
                Err(error) => last = Some(self.failed_at(error)),
            }
        }
        let error = last.unwrap_or_else(|| Cause::Busy.into());
        *self.failed.lock() = Some((self.clock.instant(), error.clone()));
        Err(error)
    }

    /// Says once that a server is away, not at every attempt to find it again.
    fn failed_at(&self, error: Cause) -> Unavailable {
        let error = Unavailable::from(error);
        let text = Chain(&error).to_string();
        if self.failed.lock().is_none() {
            tracing::warn!(error = text, "a directory server does not answer");
        } else {
            tracing::debug!(error = text, "a directory server still does not answer");
        }
        error
    }

    fn recovered(&self, target: &Target) {
        if self.failed.lock().take().is_some() {
            tracing::info!(url = target.url, "the directory answers again");
        }
    }

    async fn connect_to(&self, target: &Target) -> Result<Ldap, Cause> {
        let url = || target.url.clone();
        let failed = |source| Cause::Connect { url: url(), source };
        let (connection, mut ldap) =
            LdapConnAsync::with_settings(target.settings.clone(), &target.url)
                .await
                .map_err(failed)?;
        self.drivers.spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(%error, "directory connection ended");
            }
        });
        let (dn, result) = match &self.bind {
            Bind::Anonymous => return Ok(ldap),
            Bind::Simple { dn, password } => {
                (dn.as_str(), ldap.simple_bind(dn, password.expose()).await)
            }
            Bind::External => ("", ldap.sasl_external_bind().await),
        };
        let result = result.map_err(failed)?;
        if result.rc == code::SUCCESS {
            Ok(ldap)
        } else {
            let (code, text) = (result.rc, result.text);
            Err(Cause::SignIn {
                url: url(),
                dn: dn.to_owned(),
                code,
                text,
            })
        }
    }
}

/// Whether an operation that met this error may be sent again.
fn may_repeat(operation: &Operation<'_>, error: &LdapError) -> bool {
    match error {
        // It never left.
        LdapError::OpSend { .. } => true,
        LdapError::Io { .. } | LdapError::ResultRecv { .. } | LdapError::EndOfStream => {
            operation.is_repeatable()
        }
        _ => false,
    }
}
