//! Mailboxes of a server that has none: a proxy's sessions end, for them, with the login.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use roost_mime::Structure;

use crate::backend::{
    Appended, Copied, Entry, Failure, FlagChange, Mailbox, Mailboxes, MessageId, NewMessage,
    Snapshot, Subscription,
};
use crate::types::{KeywordId, MailboxId, MailboxName, ModSeq, SpecialUse, Uid, UidValidity};

/// No mailboxes, and no way to have one.
#[derive(Clone, Debug)]
pub enum Nowhere {}

impl Mailboxes for Nowhere {
    type Snapshot = Self;

    async fn list(&self) -> Result<Vec<Mailbox>, Failure> {
        match *self {}
    }

    async fn find(&self, _: &MailboxName) -> Result<Mailbox, Failure> {
        match *self {}
    }

    async fn snapshot(&self, _: MailboxId) -> Result<Self, Failure> {
        match *self {}
    }

    async fn changed(&self, _: &Self) {
        match *self {}
    }

    async fn create(&self, _: &MailboxName, _: Option<SpecialUse>) -> Result<MailboxId, Failure> {
        match *self {}
    }

    async fn delete(&self, _: MailboxId) -> Result<(), Failure> {
        match *self {}
    }

    async fn rename(&self, _: MailboxId, _: &MailboxName) -> Result<(), Failure> {
        match *self {}
    }

    async fn subscribe(&self, _: &MailboxName, _: Subscription) -> Result<(), Failure> {
        match *self {}
    }

    async fn structure(&self, _: MessageId) -> Result<Arc<Structure>, Failure> {
        match *self {}
    }

    async fn octets(&self, _: MessageId, _: Range<u64>) -> Result<Bytes, Failure> {
        match *self {}
    }

    async fn alter(
        &self,
        _: MailboxId,
        _: &[Uid],
        _: &FlagChange,
        _: Option<ModSeq>,
    ) -> Result<Vec<Uid>, Failure> {
        match *self {}
    }

    async fn expunge(&self, _: MailboxId, _: &[Uid]) -> Result<(), Failure> {
        match *self {}
    }

    async fn copy(&self, _: MailboxId, _: &[Uid], _: MailboxId) -> Result<Copied, Failure> {
        match *self {}
    }

    async fn relocate(&self, _: MailboxId, _: &[Uid], _: MailboxId) -> Result<Copied, Failure> {
        match *self {}
    }

    async fn admit(&self, _: MailboxId, _: u64) -> Result<(), Failure> {
        match *self {}
    }

    async fn append(&self, _: MailboxId, _: Vec<NewMessage>) -> Result<Appended, Failure> {
        match *self {}
    }
}

impl Snapshot for Nowhere {
    fn mailbox(&self) -> MailboxId {
        match *self {}
    }

    fn uid_validity(&self) -> UidValidity {
        match *self {}
    }

    fn uid_next(&self) -> Uid {
        match *self {}
    }

    fn highest_modseq(&self) -> ModSeq {
        match *self {}
    }

    fn len(&self) -> u32 {
        match *self {}
    }

    fn entry(&self, _: u32) -> Option<Entry> {
        match *self {}
    }

    fn position(&self, _: Uid) -> Result<u32, u32> {
        match *self {}
    }

    fn keyword(&self, _: KeywordId) -> Option<&str> {
        match *self {}
    }

    fn keywords(&self) -> Vec<KeywordId> {
        match *self {}
    }
}
