//! STORE (RFC 9051 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3).

use super::copy::named;
use super::reply::{Ending, text};
use super::view::{Echo, Expunges, OwnStore};
use super::{Next, Session};
use crate::backend::{Backend, FlagChange, Mailboxes, Snapshot};
use crate::grammar::{By, Code, Reply, Store, Tag};
use crate::types::Uid;

impl<B: Backend> Session<B> {
    pub(super) async fn store(&mut self, by: By, tag: Tag, store: Store) -> Option<Next> {
        let expunges = match by {
            By::Sequence => Expunges::Held,
            By::Uid => Expunges::Told,
        };
        let conditional = store.unchanged_since.is_some();
        // RFC 7162 §3.1: UNCHANGEDSINCE enables CONDSTORE; the MODSEQs that follow are notice enough.
        self.enabled.condstore |= conditional;
        let (own, outcome) = match self.alter(by, store).await {
            Ok((own, ending)) => (Some(own), Ok(ending)),
            Err(no) => (None, Err(no)),
        };
        let mut telling = self.news(expunges, own.as_ref()).await;
        telling.with_uid = by == By::Uid;
        self.tell(telling, Some((tag, outcome.unwrap_or_else(|no| no))));
        None
    }

    async fn alter(&self, by: By, store: Store) -> Result<(OwnStore, Ending), Ending> {
        let (home, view) = self.selected()?;
        let mut uids = named((home, view), by, &store.sequence)?;
        let partly = by == By::Sequence && uids.iter().any(|uid| view.is_ghost(*uid));
        uids.retain(|uid| !view.is_ghost(*uid));
        let change = FlagChange {
            action: store.action,
            system: store.system,
            keywords: store.keywords,
        };
        let mailbox = view.current.mailbox();
        let modified = match uids.as_slice() {
            [] => Vec::new(),
            uids => {
                home.alter(mailbox, uids, &change, store.unchanged_since)
                    .await?
            }
        };
        uids.retain(|uid| modified.binary_search(uid).is_err());
        let ending = if !modified.is_empty() {
            let number = |uid: Uid| match by {
                By::Uid => Some(uid.get()),
                By::Sequence => view.by_uid(uid).map(|(number, _)| number),
            };
            let numbers = modified.into_iter().filter_map(number).collect();
            let ending = Ending::ok(text::SOME_MODIFIED);
            ending.with(Code::Modified(numbers))
        } else if partly {
            // RFC 2180 §4.2.2: the others have been changed.
            crate::backend::Failure::Expunged.into()
        } else {
            Ending::ok(text::DONE)
        };
        let echo = match store.reply {
            // After a NO the client cannot know what has been done.
            Reply::Silent if partly => Echo::Flags,
            Reply::Silent => Echo::Silent,
            Reply::Flags => Echo::Flags,
        };
        Ok((OwnStore { uids, change, echo }, ending))
    }
}
