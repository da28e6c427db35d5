//! Multi-line responses, a piece a step, so that a slow client costs its own buffer only.

use bytes::BytesMut;

use super::transaction::Transaction;
use super::{Backend, Maildrop, Next, Session, State};
use crate::grammar::Number;
use crate::limits::OUTPUT_MARK;
use crate::multiline::{Wants, Writer};

/// A response that is going out.
pub(super) enum Sending<M> {
    /// LIST or UIDL: from this index on.
    Listing { listing: Listing, next: usize },
    /// RETR or TOP.
    Message { message: M, writer: Writer },
}

/// Which listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listing {
    Sizes,
    UniqueIds,
}

impl Listing {
    pub(super) fn line<D: Maildrop>(self, maildrop: &D, index: usize) -> String {
        let number = Number::of_index(index);
        match self {
            Self::Sizes => format!("{number} {}", maildrop.size(index)),
            Self::UniqueIds => format!("{number} {}", maildrop.unique_id(index)),
        }
    }
}

/// Whether a response is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    More,
    All,
}

impl<B: Backend> Session<B> {
    /// What was a transaction is now sending.
    pub(super) fn start(&mut self, sending: Sending<B::Message>) -> Next {
        self.change(|state| match state {
            State::Transaction(transaction) => State::Sending(transaction, sending),
            other => other,
        });
        Next::Continue
    }

    /// The next piece.
    pub(super) async fn send(&mut self) -> Next {
        let State::Sending(transaction, sending) = &mut self.state else {
            return Next::Continue;
        };
        let sent = match sending {
            Sending::Listing { listing, next } => {
                list(transaction, *listing, next, &mut self.output)
            }
            Sending::Message { message, writer } => match self.backend.read(message).await {
                Ok(Some(octets)) => match writer.push(&octets, &mut self.output) {
                    Wants::More => Sent::More,
                    Wants::Nothing => Sent::All,
                },
                Ok(None) => Sent::All,
                // Too late for -ERR: a response with an end would pass half a message off as whole.
                Err(_) => return self.close(),
            },
        };
        if sent == Sent::All {
            self.sent();
        }
        Next::Continue
    }

    fn sent(&mut self) {
        if let State::Sending(_, sending) = &mut self.state {
            match sending {
                Sending::Listing { .. } => self.output.extend_from_slice(b".\r\n"),
                Sending::Message { writer, .. } => writer.finish(&mut self.output),
            }
        }
        self.change(|state| match state {
            State::Sending(transaction, _) => State::Transaction(transaction),
            other => other,
        });
    }

    fn change(&mut self, change: impl FnOnce(State<B>) -> State<B>) {
        self.state = change(std::mem::replace(&mut self.state, State::Connected));
    }
}

/// The listing from `next` on, as far as there is room.
fn list<B: Backend>(
    transaction: &Transaction<B>,
    listing: Listing,
    next: &mut usize,
    output: &mut BytesMut,
) -> Sent {
    while output.len() < OUTPUT_MARK {
        if *next >= transaction.maildrop.len() {
            return Sent::All;
        }
        if !transaction.is_deleted(*next) {
            let line = listing.line(&transaction.maildrop, *next);
            output.extend_from_slice(line.as_bytes());
            output.extend_from_slice(b"\r\n");
        }
        *next += 1;
    }
    Sent::More
}
