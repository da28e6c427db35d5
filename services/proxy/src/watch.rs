//! Accounts that are moved, closed or removed while they have sessions, which are cut, or while their
//! routes are shared, which are forgotten.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use roost_core_directory::client::{Directory, Standing};
use roost_core_directory::model::AccountStatus;
use roost_core_directory::name::AccountId;
use roost_kit::fields::{self, Chain};
use roost_kit::tasks::Tasks;
use tokio::time::{MissedTickBehavior, interval};

use crate::route::{SharedRoutes, Watched};
use crate::sessions::{Cut, Sessions};

/// Accounts that are asked about in one round; with more, a round concerns the next ones.
const ACCOUNTS_A_ROUND: usize = 2_000;

/// Begins to watch.
pub(crate) fn begin(
    tasks: &Tasks,
    directory: Directory,
    sessions: Sessions,
    routes: SharedRoutes,
    every: Duration,
) {
    let stopping = tasks.stopping();
    let mut watch = Watch {
        directory,
        sessions,
        routes,
        after: None,
    };
    tasks.spawn_worker("watch", async move {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Cancel-safe: a round that is cut short is not needed any more.
            tokio::select! {
                () = stopping.cancelled() => return Ok(()),
                () = async {
                    ticks.tick().await;
                    watch.round().await;
                } => {}
            }
        }
    });
}

struct Watch {
    directory: Directory,
    sessions: Sessions,
    routes: SharedRoutes,
    /// The account that was asked about last, where not all fit into one round.
    after: Option<AccountId>,
}

impl Watch {
    async fn round(&mut self) {
        let whereabouts = self.sessions.whereabouts();
        let watched: HashMap<AccountId, Watched> = self.routes.watched().into_iter().collect();
        let present: HashSet<AccountId> =
            whereabouts.keys().chain(watched.keys()).copied().collect();
        let accounts = self.next(present.into_iter().collect());
        if accounts.is_empty() {
            return;
        }
        let standings = match self.directory.standings(&accounts).await {
            Ok(standings) => standings,
            Err(error) => {
                // Whoever is there stays: a directory that is away says nothing about them.
                tracing::debug!(error = %Chain(&error), "cannot look where accounts are");
                return;
            }
        };
        for account in accounts {
            if let Some(own) = watched.get(&account)
                && verdict(standings.get(&account), &own.store).is_some()
            {
                self.routes.forget_moved(account, own).await;
            }
            let stores: &[Arc<str>] = whereabouts.get(&account).map_or(&[], Vec::as_slice);
            for store in stores {
                if let Some(reason) = verdict(standings.get(&account), store) {
                    self.cut(account, store, reason);
                }
            }
        }
    }

    fn next(&mut self, mut accounts: Vec<AccountId>) -> Vec<AccountId> {
        if accounts.len() <= ACCOUNTS_A_ROUND {
            return accounts;
        }
        accounts.sort_unstable();
        let from = match self.after {
            Some(after) => accounts.partition_point(|account| *account <= after),
            None => 0,
        };
        accounts.rotate_left(from);
        accounts.truncate(ACCOUNTS_A_ROUND);
        self.after = accounts.last().copied();
        accounts
    }

    fn cut(&self, account: AccountId, store: &Arc<str>, reason: Cut) {
        let cut = self.sessions.cut(reason, |live| {
            live.account == account && live.store == *store
        });
        if let Some(live) = cut.first() {
            let (name, count) = (&live.name, cut.len());
            tracing::info!({ fields::ACCOUNT } = %name, count, reason = reason.words(), "sessions cut");
        }
    }
}

/// Why a session at `store` cannot go on.
fn verdict(standing: Option<&Standing>, store: &str) -> Option<Cut> {
    let Some(standing) = standing else {
        return Some(Cut::Closed);
    };
    match standing.status {
        Some(
            AccountStatus::Closed
            | AccountStatus::Locked
            | AccountStatus::Maintenance
            | AccountStatus::Pending,
        ) => return Some(Cut::Closed),
        // Somebody else's wrong passwords do not end a session.
        Some(AccountStatus::Active | AccountStatus::Lockout) | None => {}
    }
    match &standing.mail_host {
        Some(host) if host == store => None,
        _ => Some(Cut::Moved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_where_they_were_and_may_goes_on() {
        let standing = |host: &str, status| Standing {
            mail_host: Some(host.to_owned()),
            status,
        };
        let judge = |standing: &Standing| verdict(Some(standing), "one");
        assert_eq!(judge(&standing("one", None)), None);
        assert_eq!(judge(&standing("one", Some(AccountStatus::Lockout))), None);
        assert_eq!(judge(&standing("two", None)), Some(Cut::Moved));
        let closed = standing("one", Some(AccountStatus::Locked));
        assert_eq!(judge(&closed), Some(Cut::Closed));
        assert_eq!(verdict(None, "one"), Some(Cut::Closed));
    }
}
