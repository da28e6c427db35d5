//! Who is there: the sessions that are joined with a store.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;
use roost_core_directory::name::{AccountId, EmailAddress};
use roost_kit::net::Peer;
use roost_login::SessionId;
use tokio::sync::oneshot;

use crate::metrics::Service;

/// Why a session is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Cut {
    /// Its account's mailbox is at another store now.
    Moved,
    /// Its account is closed, locked, or gone.
    Closed,
    /// An administrator wants it.
    Administrator,
    /// The proxy stops.
    Stopping,
}

roost_kit::label_values!(Cut);

impl Cut {
    pub(crate) const ALL: [Self; 4] = [
        Self::Moved,
        Self::Closed,
        Self::Administrator,
        Self::Stopping,
    ];

    /// What a client is told, where its protocol can be told anything.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Moved => "The mailbox has moved, please connect again",
            Self::Closed => "The account may not be used any more",
            Self::Administrator => "Disconnected by an administrator",
            Self::Stopping => "The server stops, please connect again",
        }
    }
}

/// One session, as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) id: SessionId,
    pub(crate) service: Service,
    pub(crate) account: AccountId,
    pub(crate) name: Arc<EmailAddress>,
    pub(crate) peer: Peer,
    /// The store's `zimbraMailHost`, in lower case.
    pub(crate) store: Arc<str>,
    pub(crate) since: Timestamp,
}

/// All sessions; cheap to clone. Bounded by the connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<SessionId, Entry>>>);

#[derive(Debug)]
struct Entry {
    live: Live,
    /// Taken by whoever cuts it first.
    cut: Option<oneshot::Sender<Cut>>,
}

/// A session's place in the list, until it is dropped.
#[derive(Debug)]
pub(crate) struct Listed {
    sessions: Sessions,
    id: SessionId,
    /// Answers when the session is to be cut.
    pub(crate) cut: oneshot::Receiver<Cut>,
}

impl Sessions {
    /// Lists a session.
    pub(crate) fn enter(&self, live: Live) -> Listed {
        let (sender, cut) = oneshot::channel();
        let id = live.id;
        let entry = Entry {
            live,
            cut: Some(sender),
        };
        self.0.lock().insert(id, entry);
        Listed {
            sessions: self.clone(),
            id,
            cut,
        }
    }

    /// All of them, the oldest first.
    pub(crate) fn list(&self) -> Vec<Live> {
        let mut list: Vec<_> = self
            .0
            .lock()
            .values()
            .map(|entry| entry.live.clone())
            .collect();
        list.sort_by_key(|live| live.since);
        list
    }

    /// The accounts that have sessions, and at which stores.
    pub(crate) fn whereabouts(&self) -> HashMap<AccountId, Vec<Arc<str>>> {
        let mut accounts: HashMap<AccountId, Vec<Arc<str>>> = HashMap::new();
        for entry in self.0.lock().values() {
            let stores = accounts.entry(entry.live.account).or_default();
            if !stores.contains(&entry.live.store) {
                stores.push(Arc::clone(&entry.live.store));
            }
        }
        accounts
    }

    /// Cuts all sessions of which `which` is true; answers them.
    pub(crate) fn cut(&self, reason: Cut, which: impl Fn(&Live) -> bool) -> Vec<Live> {
        let mut cut = Vec::new();
        for entry in self.0.lock().values_mut() {
            if which(&entry.live)
                && let Some(sender) = entry.cut.take()
                // One that is just ending has no receiver any more, which is as good.
                && sender.send(reason).is_ok()
            {
                cut.push(entry.live.clone());
            }
        }
        cut
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.sessions.0.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(name: &str, store: &str) -> Live {
        Live {
            id: SessionId::random(),
            service: Service::Imap,
            account: AccountId::random(),
            name: Arc::new(EmailAddress::parse(name).unwrap()),
            peer: Peer::Local,
            store: store.into(),
            since: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_session_is_listed_while_it_lives_and_cut_once() {
        let sessions = Sessions::default();
        let mut alice = sessions.enter(live("alice@example.com", "one"));
        let bob = sessions.enter(live("bob@example.com", "two"));
        assert_eq!(sessions.list().len(), 2);
        assert_eq!(sessions.whereabouts().len(), 2);
        let at_one = |live: &Live| &*live.store == "one";
        assert_eq!(sessions.cut(Cut::Moved, at_one).len(), 1);
        assert_eq!(alice.cut.try_recv(), Ok(Cut::Moved));
        assert!(sessions.cut(Cut::Administrator, at_one).is_empty());
        drop((alice, bob));
        assert!(sessions.list().is_empty());
    }
}
