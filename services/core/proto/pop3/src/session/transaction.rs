//! The TRANSACTION and UPDATE states (RFC 1939 §5, §6).

use std::collections::BTreeSet;

use super::sending::{Listing, Sending};
use super::{Backend, Maildrop, Next, Session, State};
use crate::grammar::Number;
use crate::multiline::Writer;
use crate::reply::{self, Reply};

/// A maildrop and what is marked as deleted in it.
pub(super) struct Transaction<B: Backend> {
    account: B::Account,
    pub(super) maildrop: B::Maildrop,
    /// Bounded by the maildrop.
    deleted: BTreeSet<usize>,
}

impl<B: Backend> Transaction<B> {
    pub(super) fn new(account: B::Account, maildrop: B::Maildrop) -> Self {
        Self {
            account,
            maildrop,
            deleted: BTreeSet::new(),
        }
    }

    pub(super) fn account(&self) -> &B::Account {
        &self.account
    }

    pub(super) fn is_deleted(&self, index: usize) -> bool {
        self.deleted.contains(&index)
    }

    /// RFC 1939 §5: messages marked as deleted are not counted.
    fn drop_listing(&self) -> (usize, u64) {
        let left = (0..self.maildrop.len()).filter(|index| !self.deleted.contains(index));
        left.fold((0, 0), |(count, octets), index| {
            (count + 1, octets + self.maildrop.size(index))
        })
    }

    pub(super) fn summary(&self) -> String {
        let (count, octets) = self.drop_listing();
        format!("{count} messages ({octets} octets)")
    }

    /// The message's index, if it is there and not marked as deleted.
    fn find(&self, number: Number) -> Result<usize, Reply> {
        let index = number.index();
        if index >= self.maildrop.len() {
            return Err(reply::NO_SUCH_MESSAGE);
        }
        match self.is_deleted(index) {
            true => Err(reply::MESSAGE_DELETED),
            false => Ok(index),
        }
    }
}

impl<B: Backend> Session<B> {
    pub(super) fn stat(&mut self) -> Next {
        let State::Transaction(transaction) = &self.state else {
            return self.mistake(&reply::NOT_NOW);
        };
        let (count, octets) = transaction.drop_listing();
        self.answer(&Reply::ok(format!("{count} {octets}")))
    }

    pub(super) fn list(&mut self, number: Option<Number>) -> Next {
        self.scan(number, Listing::Sizes)
    }

    pub(super) fn uidl(&mut self, number: Option<Number>) -> Next {
        self.scan(number, Listing::UniqueIds)
    }

    fn scan(&mut self, number: Option<Number>, listing: Listing) -> Next {
        let State::Transaction(transaction) = &self.state else {
            return self.mistake(&reply::NOT_NOW);
        };
        let Some(number) = number else {
            let summary = transaction.summary();
            self.answer(&Reply::ok(summary));
            return self.start(Sending::Listing { listing, next: 0 });
        };
        let line = transaction
            .find(number)
            .map(|index| listing.line(&transaction.maildrop, index));
        match line {
            Ok(line) => self.answer(&Reply::ok(line)),
            Err(reply) => self.mistake(&reply),
        }
    }

    /// RETR, or TOP with so many lines of the body.
    pub(super) async fn retrieve(&mut self, number: Number, lines: Option<u64>) -> Next {
        let State::Transaction(transaction) = &self.state else {
            return self.mistake(&reply::NOT_NOW);
        };
        let index = match transaction.find(number) {
            Ok(index) => index,
            Err(reply) => return self.mistake(&reply),
        };
        match self.backend.retrieve(&transaction.maildrop, index).await {
            Ok(message) => {
                let octets = transaction.maildrop.size(index);
                let (text, writer) = match lines {
                    None => (format!("{octets} octets"), Writer::whole()),
                    Some(lines) => ("Top of message follows".to_owned(), Writer::top(lines)),
                };
                self.answer(&Reply::ok(text));
                self.start(Sending::Message { message, writer })
            }
            Err(refusal) => self.answer(&refusal.into()),
        }
    }

    pub(super) fn dele(&mut self, number: Number) -> Next {
        let State::Transaction(transaction) = &mut self.state else {
            return self.mistake(&reply::NOT_NOW);
        };
        match transaction.find(number) {
            Ok(index) => {
                transaction.deleted.insert(index);
                self.answer(&Reply::ok("Marked to be deleted"))
            }
            Err(reply) => self.mistake(&reply),
        }
    }

    pub(super) fn rset(&mut self) -> Next {
        let State::Transaction(transaction) = &mut self.state else {
            return self.mistake(&reply::NOT_NOW);
        };
        transaction.deleted.clear();
        let summary = transaction.summary();
        self.answer(&Reply::ok(summary))
    }

    /// RFC 1939 §6: now messages are removed, and +OK only says so when they are.
    pub(super) async fn update(&mut self) -> Next {
        let State::Transaction(transaction) = &self.state else {
            return self.mistake(&reply::NOT_NOW);
        };
        let indexes: Vec<usize> = transaction.deleted.iter().copied().collect();
        let removed = match indexes.as_slice() {
            [] => Ok(()),
            indexes => self.backend.remove(&transaction.maildrop, indexes).await,
        };
        match removed {
            Ok(()) => self.answer(&Reply::ok(reply::BYE)),
            Err(_) => self.answer(&reply::NOT_REMOVED),
        };
        self.close()
    }
}
