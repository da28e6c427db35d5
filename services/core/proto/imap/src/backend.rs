//! What a session asks of the world: who somebody is ([`Backend`]), an account's mailboxes and
//! messages ([`Mailboxes`]), and one mailbox as it stood at a moment ([`Snapshot`]).
//!
//! Each method is one question and atomic: dropping its future leaves nothing half done. A method that
//! changes something returns after the change is durable, and [`Mailboxes::snapshot`] shows the change
//! from then on. Names are UTF-8 here; the wire's encodings are the grammar's business.
//!
//! Invariants that the session relies on: a snapshot never changes; its entries ascend by UID; a UID
//! that has been seen never comes back as another message under the same UIDVALIDITY; a message that is
//! new in a later snapshot has a UID at or above the earlier one's `uid_next`.

use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use roost_mime::Structure;
use roost_proto_sasl::Authenticate;

use crate::grammar::{IdField, Tag};
use crate::types::{
    EmailId, Flags, Keyword, KeywordId, MailboxId, MailboxName, ModSeq, SpecialUse, SystemFlag,
    SystemFlags, Uid, UidValidity,
};

/// The door: proves identities and opens accounts.
pub trait Backend: Authenticate + Send + Sync {
    /// An account's mailboxes.
    type Mailboxes: Mailboxes;

    /// The client has said who it is (RFC 2971). A proxy in front says so for whom it speaks.
    fn identified(&self, fields: &[IdField]) {
        let _ = fields;
    }

    /// An account has just proved its identity: are its mailboxes served here? A proxy connects to
    /// where they are, logs in there under `tag`, and answers what the client is to hear; octets that
    /// come after are none of this session's business.
    fn hand_over(
        &self,
        account: Self::Account,
        tag: &Tag,
    ) -> impl Future<Output = Result<Whereabouts<Self::Account>, Failure>> + Send {
        let _ = tag;
        std::future::ready(Ok(Whereabouts::Here(account)))
    }

    /// Opens the mailboxes of an account that has just proved its identity.
    fn open(
        &self,
        account: Self::Account,
    ) -> impl Future<Output = Result<Self::Mailboxes, Failure>> + Send;

    /// The wall clock: for SEARCH OLDER and YOUNGER (RFC 5032).
    fn now(&self) -> Timestamp;
}

/// Where an account's mailboxes are served.
#[derive(Debug)]
pub enum Whereabouts<A> {
    /// By this server.
    Here(A),
    /// By another, to which the connection now leads; this completes the login.
    Elsewhere(Bytes),
}

/// One account's mailboxes and their messages.
pub trait Mailboxes: Send + Sync {
    /// One mailbox as it stood at a moment.
    type Snapshot: Snapshot;

    /// Every mailbox that the account sees, in any order.
    fn list(&self) -> impl Future<Output = Result<Vec<Mailbox>, Failure>> + Send;

    /// The mailbox of this name, or [`Failure::NonExistent`].
    fn find(&self, name: &MailboxName) -> impl Future<Output = Result<Mailbox, Failure>> + Send;

    /// The mailbox as it stands now, or [`Failure::NonExistent`] when it has been deleted.
    fn snapshot(
        &self,
        mailbox: MailboxId,
    ) -> impl Future<Output = Result<Self::Snapshot, Failure>> + Send;

    /// Resolves once the mailbox may stand otherwise than `seen` says (at once, if it already does),
    /// or has been deleted. May resolve for nothing. Safe to cancel.
    fn changed(&self, seen: &Self::Snapshot) -> impl Future<Output = ()> + Send;

    /// Takes the messages with UIDs below `below` that no session has been told as \Recent yet
    /// (RFC 3501 §2.3.2), and answers the first of them (`below` itself if there is none). With
    /// [`Claim::Look`] they stay untaken. A backend that does not care answers `below`.
    fn claim_recent(&self, mailbox: MailboxId, below: Uid, claim: Claim) -> Uid {
        let (_, _) = (mailbox, claim);
        below
    }

    /// Creates a mailbox, and those above it that are missing.
    fn create(
        &self,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> impl Future<Output = Result<MailboxId, Failure>> + Send;

    /// Deletes a mailbox with its messages; [`Failure::HasChildren`] while others lie below it,
    /// [`Failure::Cannot`] for one that must stay.
    fn delete(&self, mailbox: MailboxId) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Renames a mailbox and those below it, creating what is missing above the new name. The session
    /// never asks this of INBOX (RFC 9051 §6.3.6: its messages move and it stays).
    fn rename(
        &self,
        mailbox: MailboxId,
        to: &MailboxName,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Subscribes or unsubscribes a name.
    fn subscribe(
        &self,
        name: &MailboxName,
        subscription: Subscription,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The structure of a message; [`Failure::Expunged`] when it is gone.
    fn structure(
        &self,
        message: MessageId,
    ) -> impl Future<Output = Result<Arc<Structure>, Failure>> + Send;

    /// These octets of a message; fewer where it ends before. [`Failure::Expunged`] when it is gone;
    /// octets that can still be read are better, since a large message is asked for in several
    /// stretches, and one that goes between them ends the session.
    fn octets(
        &self,
        message: MessageId,
        range: Range<u64>,
    ) -> impl Future<Output = Result<Bytes, Failure>> + Send;

    /// Changes the flags of those of `uids` that exist (and that are not newer than
    /// `unchanged_since`, where given). Messages that have the flags already keep their MODSEQ.
    /// Answers the UIDs left alone because they were newer, ascending.
    fn alter(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        change: &FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> impl Future<Output = Result<Vec<Uid>, Failure>> + Send;

    /// Removes those of `uids` that exist and are flagged \Deleted.
    fn expunge(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Copies those of `uids` that exist, with flags and date, all or nothing.
    fn copy(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        target: MailboxId,
    ) -> impl Future<Output = Result<Copied, Failure>> + Send;

    /// Moves those of `uids` that exist, all or nothing (RFC 6851).
    fn relocate(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        target: MailboxId,
    ) -> impl Future<Output = Result<Copied, Failure>> + Send;

    /// Whether a message of `size` octets could be appended: asked before the client is told to send
    /// it. [`Failure::OverQuota`], [`Failure::TooBig`], [`Failure::Unavailable`] …
    fn admit(
        &self,
        target: MailboxId,
        size: u64,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Adds messages, all or none (RFC 3502).
    fn append(
        &self,
        target: MailboxId,
        messages: Vec<NewMessage>,
    ) -> impl Future<Output = Result<Appended, Failure>> + Send;
}

/// One mailbox as it stood at a moment; immutable and cheap to clone. A session keeps one as its view.
pub trait Snapshot: Clone + Send + Sync + 'static {
    /// Which mailbox this is.
    fn mailbox(&self) -> MailboxId;
    /// The generation of its UIDs.
    fn uid_validity(&self) -> UidValidity;
    /// Above every UID given so far; what UIDNEXT says.
    fn uid_next(&self) -> Uid;
    /// The highest modification sequence of anything that ever happened in this mailbox.
    fn highest_modseq(&self) -> ModSeq;
    /// How many messages there are.
    fn len(&self) -> u32;
    /// The message at `index`, from 0, ascending by UID.
    fn entry(&self, index: u32) -> Option<Entry>;
    /// The index of `uid`, or where it would be.
    ///
    /// # Errors
    /// The index at which a message of that UID would stand.
    fn position(&self, uid: Uid) -> Result<u32, u32>;
    /// The name of a keyword of an entry of this snapshot.
    fn keyword(&self, keyword: KeywordId) -> Option<&str>;
    /// Every keyword that the mailbox knows, for the FLAGS response.
    fn keywords(&self) -> Vec<KeywordId>;

    /// The messages of `uids` (any when none are given) that went away after `since`, ascending
    /// (QRESYNC, RFC 7162 §3.2); none when that is not known any more.
    fn vanished_since(&self, since: ModSeq) -> Option<Vec<Uid>> {
        let _ = since;
        None
    }

    /// Whether there is no message.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Figures for STATUS. Override it where they are at hand.
    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in (0..self.len()).filter_map(|index| self.entry(index)) {
            counts.unseen += u32::from(!entry.flags.has(SystemFlag::Seen));
            counts.deleted += u32::from(entry.flags.has(SystemFlag::Deleted));
            counts.size = counts.size.saturating_add(entry.size);
        }
        counts
    }

    /// The index of the first message without \Seen (RFC 3501 §7.1 UNSEEN). Override it where it is
    /// at hand.
    fn first_unseen(&self) -> Option<u32> {
        (0..self.len()).find(|index| {
            let entry = self.entry(*index);
            entry.is_some_and(|entry| !entry.flags.has(SystemFlag::Seen))
        })
    }

    /// What happened between this and a newer snapshot of the same mailbox and UIDVALIDITY. Override
    /// it where unchanged stretches can be skipped.
    fn difference(&self, newer: &Self) -> Difference {
        let mut difference = Difference::default();
        let (mut old, mut new) = (0, 0);
        while let Some(was) = self.entry(old) {
            match newer.entry(new) {
                Some(is) if is.uid == was.uid => {
                    if is.modseq != was.modseq {
                        difference.changed.push(is.uid);
                    }
                    (old, new) = (old + 1, new + 1);
                }
                _ => {
                    difference.vanished.push(was.uid);
                    old += 1;
                }
            }
        }
        difference
    }
}

/// What happened to the messages of a snapshot until a newer one. Messages that are new since are
/// those at or above the older one's `uid_next`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Gone, ascending.
    pub vanished: Vec<Uid>,
    /// With another MODSEQ, ascending.
    pub changed: Vec<Uid>,
}

/// Figures of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages without \Seen.
    pub unseen: u32,
    /// Messages with \Deleted.
    pub deleted: u32,
    /// The sum of the messages' sizes.
    pub size: u64,
}

/// A message in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its identifier in the mailbox.
    pub uid: Uid,
    /// When it last changed.
    pub modseq: ModSeq,
    /// Its flags.
    pub flags: Flags,
    /// Its size in octets, RFC822.SIZE.
    pub size: u64,
    /// When it was received, INTERNALDATE.
    pub internal_date: Timestamp,
    /// Its content.
    pub email_id: EmailId,
}

/// A mailbox in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Which one.
    pub id: MailboxId,
    /// Its full name.
    pub name: MailboxName,
    /// What can be done with it.
    pub kind: Kind,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Whether the user has subscribed to it.
    pub subscription: Subscription,
}

/// What can be done with a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It can be selected and changed.
    Writable,
    /// It can be selected; every SELECT is an EXAMINE.
    ReadOnly,
    /// A level of the hierarchy that holds no messages (\NoSelect).
    Level,
    /// A name that is subscribed to but does not exist (\NonExistent).
    Missing,
}

/// Whether a name is subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscription {
    /// It is.
    Subscribed,
    /// It is not.
    Unsubscribed,
}

/// Whether \Recent is taken or only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// SELECT: nobody else is told that they are recent.
    Take,
    /// EXAMINE and STATUS.
    Look,
}

/// A message of this account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId {
    /// The mailbox that it is in.
    pub mailbox: MailboxId,
    /// Its UID there.
    pub uid: Uid,
}

/// A change of flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagChange {
    /// What happens with the flags named.
    pub action: FlagAction,
    /// The system flags named.
    pub system: SystemFlags,
    /// The keywords named; those that the mailbox does not know yet are made.
    pub keywords: Vec<Keyword>,
}

/// What happens with the flags that a change names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagAction {
    /// They are added.
    Add,
    /// They are removed.
    Remove,
    /// They replace all that the message has.
    Replace,
}

/// A message to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Its system flags.
    pub system: SystemFlags,
    /// Its keywords.
    pub keywords: Vec<Keyword>,
    /// Its date of receipt; now, when none.
    pub internal_date: Option<Timestamp>,
    /// The message, stored as it came.
    pub body: Bytes,
}

/// Where appended messages went (RFC 4315 APPENDUID).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The UIDVALIDITY of the mailbox.
    pub uid_validity: UidValidity,
    /// The UIDs, in the order of the messages.
    pub uids: Vec<Uid>,
}

/// Where copied or moved messages went (RFC 4315 COPYUID).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The UIDVALIDITY of the target.
    pub uid_validity: UidValidity,
    /// Each message's UID before, and its UID in the target; ascending by the first.
    pub pairs: Vec<(Uid, Uid)>,
}

/// Why something was not done. The cause is logged where it happened; the client gets the protocol's
/// words (`session::refuse`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The mailbox does not exist.
    #[error("mailbox does not exist")]
    NonExistent,
    /// A mailbox of that name exists.
    #[error("mailbox already exists")]
    AlreadyExists,
    /// Other mailboxes lie below it.
    #[error("mailbox has children")]
    HasChildren,
    /// It can never work; the text says why, for people.
    #[error("{0}")]
    Cannot(&'static str),
    /// The account may not do this.
    #[error("permission denied")]
    NoPermission,
    /// The account would have more than its quota.
    #[error("quota exceeded")]
    OverQuota,
    /// A limit on the number of something; the text says which.
    #[error("{0}")]
    Limit(&'static str),
    /// The message is larger than this server takes.
    #[error("message too large")]
    TooBig,
    /// The message has been expunged meanwhile.
    #[error("message has been expunged")]
    Expunged,
    /// The mailbox is lent to somebody else for a moment.
    #[error("mailbox is in use")]
    InUse,
    /// Ours or a neighbour's fault, and temporary.
    #[error("temporarily unavailable")]
    Unavailable,
    /// What is stored of it is damaged.
    #[error("the stored data are damaged")]
    Corrupt,
}
