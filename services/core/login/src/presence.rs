//! How many sessions an account has at a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts sessions by account; cheap to clone. An account is there while it has a session, so the
/// map is bounded by the connections.
#[derive(Debug, Clone)]
pub struct Presence<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    sessions_max: u32,
    sessions: Mutex<HashMap<K, u32>>,
}

/// A session of an account, counted until this is dropped.
#[derive(Debug)]
pub struct Present<K: Hash + Eq> {
    presence: Presence<K>,
    account: K,
}

impl<K: Hash + Eq + Clone> Presence<K> {
    /// At most so many sessions for each.
    #[must_use]
    pub fn new(sessions_max: u32) -> Self {
        Self(Arc::new(Inner {
            sessions_max,
            sessions: Mutex::new(HashMap::new()),
        }))
    }

    /// Counts one more session, or says that the account has enough.
    pub fn enter(&self, account: K) -> Option<Present<K>> {
        let mut sessions = self.0.sessions.lock();
        let count = sessions.get(&account).copied().unwrap_or(0);
        if count >= self.0.sessions_max {
            return None;
        }
        sessions.insert(account.clone(), count + 1);
        Some(Present {
            presence: self.clone(),
            account,
        })
    }
}

impl<K: Hash + Eq> Drop for Present<K> {
    fn drop(&mut self) {
        let mut sessions = self.presence.0.sessions.lock();
        if let Some(count) = sessions.get_mut(&self.account) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                sessions.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_so_many_sessions_and_leaves_no_trace() {
        let presence = Presence::new(2);
        let first = presence.enter("alice").unwrap();
        let second = presence.enter("alice").unwrap();
        assert!(presence.enter("alice").is_none());
        assert!(presence.enter("bob").is_some());
        drop(first);
        let third = presence.enter("alice").unwrap();
        drop((second, third));
        assert!(presence.0.sessions.lock().is_empty());
    }
}
