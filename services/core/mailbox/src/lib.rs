//! The mailbox engine: what happens to mailboxes, for every protocol alike.
//!
//! A [`Store`] holds all mailboxes of a node; a [`Mailbox`] is a handle on one account's. A change
//! is validated against the newest state, becomes one record of the journal, and returns once that
//! is durable; then everybody sees it in new snapshots, and a background thread writes it into SQL
//! and blob files. What is read is always durable.
//!
//! | to … | ask |
//! |---|---|
//! | see folders, counts, quota used, keywords, tags | [`Mailbox::snapshot`] |
//! | see the items of a folder | [`Mailbox::folder`] |
//! | learn that something changed | [`Mailbox::subscribe`] |
//! | deliver one message to many | [`Store::deliver`] |
//! | add, flag, move, copy, remove items | [`Mailbox`] |
//! | read a body, a part of it, a structure, metadata | [`Mailbox::load`] and the like |
//!
//! | module | what it decides |
//! |---|---|
//! | [`store`], [`mailbox`], [`deliver`] | the surface |
//! | `state`, `op` | what a mailbox is, and how each change alters it: pure |
//! | [`snapshot`], [`entries`] | what readers hold: persistent, cheap to clone and to compare |
//! | `core`, `registry` | a mailbox's newest and durable state, and what is between; which are in memory |
//! | `plan`, `commit`, `birth` | working a change out, and putting it into the journal |
//! | `blob`, `overlay` | files named by digest; bodies that are not in files yet |
//! | `applier`, `recover` | from the journal into SQL and files; the same after a crash |
//! | `meta` | all SQL |
//! | [`verify`] | whether all of it agrees, and what can be repaired |
//!
//! # Invariants
//! - Nothing is acknowledged or shown before its record is durable.
//! - `State::apply` is the only code that changes a mailbox; live changes, recovery and the loading
//!   of a folder all go through it, so that they agree.
//! - A UID or item id is never given twice; a mod-sequence only grows, and no two changes share one.
//! - A blob file goes away only when no item refers to it, its removal is checkpointed, and
//!   [`Config::blob_grace`] has passed.
//! - The engine knows no protocol and no MIME: structures are bytes that the caller derives.

mod config;
pub mod deliver;
pub mod entries;
mod error;
mod flags;
pub mod folder;
#[cfg(fuzzing)]
pub mod fuzzing;
mod id;
pub mod item;
mod keyword;
pub mod mailbox;
pub mod snapshot;

mod applier;
mod birth;
mod blob;
mod commit;
mod core;
mod fit;
mod meta;
mod op;
mod overlay;
mod plan;
mod recover;
mod registry;
mod state;
pub mod store;
#[cfg(test)]
mod tests;
pub mod verify;

pub use config::Config;
pub use deliver::{Delivered, Recipient};
pub use error::Error;
pub use flags::{FlagAction, FlagChange, Flags};
pub use folder::{
    Contents, Counts, Folder, FolderChange, FolderKind, Nested, NewFolder, SpecialUse, View,
};
pub use id::{
    AccountId, BlobDigest, FolderId, ItemId, KeywordId, MailboxId, ModSeq, Uid, UidValidity,
};
pub use item::{
    Entry, ItemKind, Located, Metadata, NewBlob, NewItem, Placed, Replacement, Tombstone,
};
pub use keyword::{Keyword, Tag};
pub use mailbox::{Altered, Appended, Change, Changes, Claim, Copied, Mailbox, Removal};
pub use snapshot::{Difference, FolderSnapshot, MailboxSnapshot};
pub use store::{MailboxInfo, Opening, Stats, Store};
