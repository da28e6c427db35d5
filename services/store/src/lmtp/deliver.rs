//! From an envelope and a message to mailboxes, and the answer for each recipient.

use std::collections::HashMap;

use roost_core_directory::name::EmailAddress;
use roost_kit::clock::Clock;
use roost_kit::fields::{self, Escaped};
use roost_mailbox::folder::INBOX;
use roost_mailbox::{self as engine, AccountId, Delivered, FolderId, Store};
use roost_proto_smtp::trace::{self, HOPS_MAX};
use roost_proto_smtp::{Accepted, Address, Domain, Envelope, Refusal};

use super::incoming::{Incoming, Room};
use crate::accounts::{self, Accounts};
use crate::content::{self, Content};
use crate::metrics::{self, Counts, DeliveryLabel};
use crate::trouble;

/// What delivers, for all sessions.
#[derive(Debug)]
pub(crate) struct Deliverer<A> {
    pub(crate) accounts: A,
    pub(crate) store: Store,
    pub(crate) node: Domain,
    pub(crate) clock: Clock,
    pub(crate) counts: Counts,
    pub(crate) room: Room,
}

type Verdict = Result<Accepted, Refusal>;

/// Whose the recipients of a transaction are, as far as that is known.
pub(super) type Resolved = HashMap<Address, accounts::Recipient>;

/// Where a recipient's copy goes.
struct Target {
    owner: accounts::Owner,
    folder: FolderId,
    folder_name: String,
}

impl<A: Accounts> Deliverer<A> {
    /// The mailbox that an address means.
    pub(super) async fn resolve(&self, address: &Address) -> Result<accounts::Recipient, Refusal> {
        // What the directory cannot even spell, nobody has.
        let address = EmailAddress::parse(&address.to_string())
            .map_err(|_bad_name| Refusal::unknown_recipient())?;
        self.accounts.recipient(&address).await
    }

    /// Delivers to every recipient of the envelope; the verdicts are in their order.
    pub(super) async fn deliver(
        &self,
        envelope: &Envelope,
        message: Incoming,
        mut resolved: Resolved,
    ) -> Vec<Verdict> {
        let id = message.id.clone();
        // The room is held until the message is stored.
        let (octets, _room) = message.finish();
        self.counts.delivered_octets.inc_by(octets.len() as u64);
        if trace::hops(&octets) > HOPS_MAX {
            let refused = || Err(Refusal::mail_loop());
            return envelope.recipients.iter().map(|_| refused()).collect();
        }
        let size = octets.len();
        let content = content::read(octets).await;
        let mut targets = Vec::with_capacity(envelope.recipients.len());
        for recipient in &envelope.recipients {
            let address = &recipient.address;
            let found = match resolved.remove(address) {
                Some(found) => Ok(found),
                None => self.resolve(address).await,
            };
            targets.push(match found {
                Ok(found) => Ok(self.target(found).await),
                Err(refusal) => Err(refusal),
            });
        }
        let verdicts = self.store(&id, &content, &targets).await;
        for ((recipient, target), verdict) in
            envelope.recipients.iter().zip(&targets).zip(&verdicts)
        {
            let report = Report {
                id: &id,
                envelope,
                content: &content,
                size,
                recipient: &recipient.address,
                target: target.as_ref().ok(),
            };
            report.log(verdict);
            self.count(verdict);
        }
        verdicts
    }

    /// The folder that an address means: the one of its detail where there is one, else the inbox.
    async fn target(&self, recipient: accounts::Recipient) -> Target {
        let mut target = Target {
            owner: recipient.owner,
            folder: INBOX,
            folder_name: "INBOX".to_owned(),
        };
        if let Some(detail) = recipient.detail
            && let Some(folder) = self.detailed_folder(&target.owner, &detail).await
        {
            target.folder = folder;
            target.folder_name = detail;
        }
        target
    }

    /// RFC 5233 §4: a detail may choose a folder of its owner's own making; mail never goes to the
    /// trash or the like because of how its sender spelt an address.
    async fn detailed_folder(&self, owner: &accounts::Owner, detail: &str) -> Option<FolderId> {
        let account = owner.id.uuid().into();
        let mailbox = self.store.find_mailbox(account).await.ok()??;
        let snapshot = mailbox.snapshot().ok()?;
        let folder = snapshot.folders().find(|folder| {
            folder.name.eq_ignore_ascii_case(detail)
                && !folder.is_system()
                && folder.view == engine::View::Message
                && folder.kind == engine::FolderKind::Folder
        })?;
        Some(folder.id)
    }

    /// One copy for each mailbox and folder, however many addresses lead there.
    async fn store(
        &self,
        id: &str,
        content: &Content,
        targets: &[Result<Target, Refusal>],
    ) -> Vec<Verdict> {
        let now = self.clock.now();
        let mut places: HashMap<(AccountId, FolderId), usize> = HashMap::new();
        let mut recipients = Vec::new();
        for target in targets.iter().flatten() {
            let account = AccountId::from(target.owner.id.uuid());
            places.entry((account, target.folder)).or_insert_with(|| {
                recipients.push(engine::Recipient {
                    account,
                    folder: target.folder,
                    flags: content.flags,
                    keywords: Vec::new(),
                    internal_date: now,
                    quota: target.owner.quota,
                });
                recipients.len() - 1
            });
        }
        let outcomes = match recipients.is_empty() {
            true => Vec::new(),
            false => self.store.deliver(content.blob.clone(), recipients).await,
        };
        targets
            .iter()
            .map(|target| {
                let target = target.as_ref().map_err(Clone::clone)?;
                let account = AccountId::from(target.owner.id.uuid());
                let place = places.get(&(account, target.folder));
                verdict(id, place.and_then(|place| outcomes.get(*place)))
            })
            .collect()
    }

    fn count(&self, verdict: &Verdict) {
        let outcome = match verdict {
            Ok(_) => metrics::Outcome::Delivered,
            Err(refusal) if refusal.is_temporary() => metrics::Outcome::Deferred,
            Err(_) => metrics::Outcome::Refused,
        };
        let label = DeliveryLabel { outcome };
        self.counts.deliveries.get_or_create(&label).inc();
    }
}

/// Only what the engine has made durable is accepted.
fn verdict(id: &str, outcome: Option<&Result<Delivered, engine::Error>>) -> Verdict {
    match outcome {
        Some(Ok(_delivered)) => Ok(Accepted::delivered(&format!("Delivered as {id}"))),
        Some(Err(error)) => Err(trouble::refusal(error)),
        None => Err(Refusal::unavailable()),
    }
}

/// What is said of one recipient.
struct Report<'a> {
    id: &'a str,
    envelope: &'a Envelope,
    content: &'a Content,
    size: usize,
    recipient: &'a Address,
    target: Option<&'a Target>,
}

impl Report<'_> {
    fn log(&self, verdict: &Verdict) {
        let (reply, outcome) = match verdict {
            Ok(accepted) => (accepted.reply(), "delivered"),
            Err(refusal) if refusal.is_temporary() => (refusal.reply(), "deferred"),
            Err(refusal) => (refusal.reply(), "refused"),
        };
        tracing::info!(
            { fields::SESSION } = self.id,
            { fields::QUEUE_ID } = shown(self.content.queue_id.as_deref()),
            { fields::FROM } = %self.envelope.sender,
            { fields::TO } = %self.recipient,
            { fields::MESSAGE_ID } = shown(self.content.message_id.as_deref()),
            { fields::SIZE } = self.size,
            { fields::ACCOUNT } = self.target.map(|target| target.owner.name.to_string()),
            { fields::FOLDER } = self.target.map(|target| &*target.folder_name),
            { fields::DSN } = %reply.status(),
            reply = %reply,
            { fields::OUTCOME } = outcome,
            "{outcome}"
        );
    }
}

fn shown(text: Option<&str>) -> Option<String> {
    text.map(|text| Escaped(text.as_bytes()).to_string())
}
