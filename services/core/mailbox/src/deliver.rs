//! One message for many mailboxes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use compact_str::CompactString;
use jiff::Timestamp;
use roost_journal::Pending;

use crate::commit::{Intake, Part};
use crate::core::Core;
use crate::error::Error;
use crate::flags::Flags;
use crate::id::{AccountId, FolderId, MailboxId, UidValidity};
use crate::item::{ItemKind, NewBlob, NewItem, Placed};
use crate::plan::{Content, Plan};
use crate::store::{Inner, Missing, Store};

/// One of those who get a message.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// Whose mailbox.
    pub account: AccountId,
    /// Which folder of it.
    pub folder: FolderId,
    /// The flags that the message gets there.
    pub flags: Flags,
    /// The keywords that it gets there.
    pub keywords: Vec<CompactString>,
    /// When it came.
    pub internal_date: Timestamp,
    /// The most that the mailbox may hold.
    pub quota: Option<u64>,
}

/// Where a delivered message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// The generation of the UIDs.
    pub uid_validity: UidValidity,
    /// Its numbers.
    pub placed: Placed,
}

type Outcome = Result<Delivered, Error>;

impl Store {
    /// Delivers one message to each of `recipients`; the outcomes are in their order, and each
    /// stands for itself. The content is written once, and all that accept it share one append.
    /// Mailboxes are made where they are missing.
    pub async fn deliver(&self, message: NewBlob, recipients: Vec<Recipient>) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(recipients.len());
        let mut addressed: BTreeMap<MailboxId, (Arc<Core>, Vec<usize>)> = BTreeMap::new();
        for (place, recipient) in recipients.iter().enumerate() {
            let core = self.inner.core(recipient.account, Missing::Create).await;
            match core.and_then(|core| core.ok_or(Error::NoSuchMailbox)) {
                Ok(core) => {
                    let new = || (core.clone(), Vec::new());
                    let (_, places) = addressed.entry(core.id).or_insert_with(new);
                    places.push(place);
                    // To be replaced below, whatever happens.
                    outcomes.push(Err(Error::NoSuchMailbox));
                }
                Err(error) => outcomes.push(Err(error)),
            }
        }
        let each = 256 * recipients.len() as u64;
        let pending = match self.inner.intake(vec![message], each).await {
            Ok((intake, contents)) => contents.first().map_or(Ok(None), |content| {
                let round = Round {
                    recipients: &recipients,
                    content: *content,
                };
                self.inner
                    .plan_delivery(&round, intake, &addressed, &mut outcomes)
            }),
            Err(error) => Err(error),
        };
        let done = match pending {
            Ok(Some(pending)) => pending.await.map(|_| ()).map_err(Error::from),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            for place in addressed.values().flat_map(|(_, places)| places) {
                let Some(outcome) = outcomes.get_mut(*place) else {
                    continue;
                };
                if outcome.is_ok() || matches!(outcome, Err(Error::NoSuchMailbox)) {
                    *outcome = Err(error.clone());
                }
            }
        }
        let delivered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        self.inner
            .added
            .fetch_add(delivered as u64, Ordering::Relaxed);
        outcomes
    }
}

struct Round<'a> {
    recipients: &'a [Recipient],
    content: Content,
}

impl Inner {
    /// Locks the mailboxes, in the order of their numbers so that two deliveries never wait for
    /// each other, and enqueues one append for all.
    fn plan_delivery(
        &self,
        round: &Round<'_>,
        intake: Intake,
        addressed: &BTreeMap<MailboxId, (Arc<Core>, Vec<usize>)>,
        outcomes: &mut [Outcome],
    ) -> Result<Option<Pending>, Error> {
        let epoch = self.journal().epoch();
        let mut parts = Vec::with_capacity(addressed.len());
        for (core, places) in addressed.values() {
            let writing = core.write(epoch)?;
            let mut plan = Plan::new(&writing.next);
            for place in places {
                let Some(recipient) = round.recipients.get(*place) else {
                    continue;
                };
                if let Some(outcome) = outcomes.get_mut(*place) {
                    *outcome = plan
                        .alive()
                        .and_then(|()| plan.deliver(recipient, round.content));
                }
            }
            if let Some((state, record)) = plan.finish() {
                parts.push(Part {
                    core,
                    writing,
                    state,
                    record,
                });
            }
        }
        if parts.is_empty() {
            return Ok(None);
        }
        self.commit(intake, epoch, parts).map(Some)
    }
}

impl Plan {
    fn deliver(&mut self, recipient: &Recipient, content: Content) -> Outcome {
        let uid_validity = self.container(recipient.folder)?.uid_validity;
        self.admit(content.size, recipient.quota)?;
        let item = NewItem {
            kind: ItemKind::Message,
            blob: None,
            flags: recipient.flags,
            keywords: recipient.keywords.clone(),
            internal_date: recipient.internal_date,
            metadata: None,
        };
        let placed = self.add(recipient.folder, &item, content)?;
        Ok(Delivered {
            uid_validity,
            placed,
        })
    }
}
