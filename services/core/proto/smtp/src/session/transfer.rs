//! The message itself: DATA (RFC 5321 §4.1.1.4) and BDAT (RFC 3030).
//!
//! Its octets go to the backend as they come. When it turns out that the message is not wanted, the
//! rest is still read, so that the next command is found where it is; then comes the refusal.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Backend, BareNewlines, Context, Finish, Next, Role, Session, State};
use crate::envelope::Envelope;
use crate::frame::Filter;
use crate::frame::newlines::{Newlines, Purity};
use crate::grammar::command::Bdat;
use crate::grammar::mail::Body;
use crate::limits::{MESSAGE_GRACE, MESSAGE_RATE_MIN, MESSAGE_TIME_MAX};
use crate::reply::{self, Reply};

/// A message that is coming in.
pub(super) struct Transfer<M> {
    envelope: Envelope,
    /// Where it goes, or why it is not taken.
    message: Result<M, Reply>,
    size: u64,
    manner: Manner,
    pub(super) began: Instant,
}

impl<M> Transfer<M> {
    /// When it must have come in, as things stand: a client that waits as long as it may
    /// (RFC 5321 §4.5.3.2.5) a few times is only slow, one that goes on so is something else.
    pub(super) fn deadline(&self, patience: Duration) -> Instant {
        let earned = Duration::from_secs(self.size / MESSAGE_RATE_MIN);
        let granted = patience.saturating_mul(MESSAGE_GRACE);
        self.began + granted.saturating_add(earned).min(MESSAGE_TIME_MAX)
    }
}

/// How it comes.
enum Manner {
    Data,
    /// In a chunk.
    Chunk {
        last: bool,
    },
    /// Between two chunks; what goes on from one to the next.
    Between(Filter),
}

impl<B: Backend> Session<B> {
    pub(super) async fn data(&mut self, now: Instant) -> Next {
        let envelope = match std::mem::replace(&mut self.state, State::Idle) {
            State::Mail(envelope) if envelope.recipients.is_empty() => {
                self.state = State::Mail(envelope);
                return self.out_of_turn(&reply::NO_RECIPIENTS);
            }
            State::Mail(envelope) if envelope.body() == Body::BinaryMime => {
                self.state = State::Mail(envelope);
                return self.mistake(&reply::BINARY_NEEDS_BDAT);
            }
            State::Mail(envelope) => envelope,
            other => {
                let reply = out_of_sequence(&other);
                self.state = other;
                return self.out_of_turn(&reply);
            }
        };
        match self
            .backend
            .begin(
                Context::of(&self.config, &self.client, &self.account),
                &envelope,
            )
            .await
        {
            Ok(message) => {
                self.state = State::Transfer(Transfer {
                    envelope,
                    message: Ok(message),
                    size: 0,
                    manner: Manner::Data,
                    began: now,
                });
                self.framer.data();
                self.answer(&reply::START_MAIL)
            }
            Err(refusal) => self.answer(refusal.reply()),
        }
    }

    pub(super) async fn bdat(&mut self, bdat: Bdat, now: Instant) -> Next {
        let manner = Manner::Chunk { last: bdat.last };
        let (mut transfer, filter) = match std::mem::replace(&mut self.state, State::Idle) {
            State::Mail(envelope) if !envelope.recipients.is_empty() => {
                let filter = match envelope.body() {
                    Body::BinaryMime => Filter::Exact,
                    Body::SevenBit | Body::EightBitMime => Filter::Newlines(Newlines::default()),
                };
                let message = self
                    .backend
                    .begin(
                        Context::of(&self.config, &self.client, &self.account),
                        &envelope,
                    )
                    .await;
                let transfer = Transfer {
                    envelope,
                    message: message.map_err(|refusal| refusal.reply().clone()),
                    size: 0,
                    manner,
                    began: now,
                };
                (transfer, filter)
            }
            State::Transfer(Transfer {
                manner: Manner::Between(filter),
                envelope,
                message,
                size,
                began,
            }) => {
                let transfer = Transfer {
                    envelope,
                    message,
                    size,
                    manner,
                    began,
                };
                (transfer, filter)
            }
            // RFC 3030 §2: the octets follow whatever we think of the command, and are skipped.
            other => {
                self.framer.chunk(bdat.size, Filter::Discard);
                self.state = State::Discard {
                    reply: out_of_sequence(&other),
                    then: Box::new(other),
                };
                return Next::Continue;
            }
        };
        if transfer.size.saturating_add(bdat.size) > self.config.message_size_max {
            transfer.message = Err(reply::TOO_LARGE);
        }
        self.state = State::Transfer(transfer);
        self.framer.chunk(bdat.size, filter);
        Next::Continue
    }

    /// Octets of the message.
    pub(super) async fn content(&mut self, octets: Bytes) -> Next {
        let State::Transfer(transfer) = &mut self.state else {
            return Next::Continue;
        };
        transfer.size = transfer.size.saturating_add(octets.len() as u64);
        if let Ok(message) = &mut transfer.message {
            if transfer.size > self.config.message_size_max {
                transfer.message = Err(reply::TOO_LARGE);
            } else if let Err(refusal) = self.backend.chunk(message, octets).await {
                transfer.message = Err(refusal.reply().clone());
            }
        }
        Next::Continue
    }

    /// The end of the message, or of a chunk.
    pub(super) async fn end(&mut self, purity: Purity) -> Next {
        let filter = self.framer.lines();
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Discard { reply, then } => {
                self.state = *then;
                self.out_of_turn(&reply)
            }
            State::Transfer(transfer) => match transfer.manner {
                Manner::Chunk { last: false } => self.chunk_end(transfer, filter),
                Manner::Chunk { last: true } | Manner::Data | Manner::Between(_) => {
                    self.message_end(transfer, filter, purity).await
                }
            },
            other => {
                self.state = other;
                Next::Continue
            }
        }
    }

    /// RFC 3030 §2: every chunk is answered; after a failed one the transaction is over.
    fn chunk_end(&mut self, mut transfer: Transfer<B::Message>, filter: Option<Filter>) -> Next {
        if let Err(reply) = transfer.message {
            return self.refused(&reply);
        }
        transfer.manner = Manner::Between(filter.unwrap_or(Filter::Exact));
        self.state = State::Transfer(transfer);
        self.answer(&reply::OK)
    }

    async fn message_end(
        &mut self,
        mut transfer: Transfer<B::Message>,
        filter: Option<Filter>,
        mut purity: Purity,
    ) -> Next {
        if let Some(Filter::Newlines(mut newlines)) = filter {
            let kept = newlines.finish();
            purity = newlines.purity();
            if let (false, Ok(message)) = (kept.is_empty(), &mut transfer.message)
                && let Err(refusal) = self.backend.chunk(message, kept).await
            {
                transfer.message = Err(refusal.reply().clone());
            }
        }
        if purity == Purity::Replaced && self.config.bare_newlines == BareNewlines::Refuse {
            transfer.message = Err(reply::BARE_NEWLINES);
        }
        let recipients = transfer.envelope.recipients.len();
        let replies = match transfer.message {
            Err(reply) => Finished::All(reply),
            Ok(message) => {
                self.patience.message();
                let context = Context::of(&self.config, &self.client, &self.account);
                let finish = self
                    .backend
                    .finish(context, transfer.envelope, message)
                    .await;
                Finished::from(finish)
            }
        };
        match self.config.role {
            Role::Lmtp => replies.each(recipients).for_each(|reply| self.say(reply)),
            Role::Mx | Role::Submission => self.say(replies.one()),
        }
        Next::Continue
    }
}

/// The answers to a message.
enum Finished {
    All(Reply),
    Each(Vec<Reply>),
}

impl From<Finish> for Finished {
    fn from(finish: Finish) -> Self {
        let reply = |verdict: Result<crate::Accepted, crate::Refusal>| match verdict {
            Ok(accepted) => accepted.reply().clone(),
            Err(refusal) => refusal.reply().clone(),
        };
        match finish {
            Finish::All(verdict) => Self::All(reply(verdict)),
            Finish::Each(verdicts) => Self::Each(verdicts.into_iter().map(reply).collect()),
        }
    }
}

impl Finished {
    /// RFC 2033 §4.2: one reply for each recipient that was accepted, in their order.
    fn each(&self, recipients: usize) -> impl Iterator<Item = &Reply> {
        (0..recipients).map(|index| match self {
            Self::All(reply) => reply,
            // A backend that forgets a recipient has not delivered to it.
            Self::Each(replies) => replies.get(index).unwrap_or(&UNANSWERED),
        })
    }

    /// The one reply that SMTP has room for.
    fn one(&self) -> &Reply {
        match self {
            Self::All(reply) => reply,
            Self::Each(replies) => replies
                .iter()
                .find(|reply| !reply.is_done())
                .or(replies.first())
                .unwrap_or(&UNANSWERED),
        }
    }
}

static UNANSWERED: Reply = reply::UNANSWERED;

fn out_of_sequence<B: Backend>(state: &State<B>) -> Reply {
    match state {
        State::Connected | State::Fresh => reply::HELLO_FIRST,
        State::Idle | State::Refused { .. } | State::Login(_) => reply::MAIL_FIRST,
        State::Mail(_) => reply::NO_RECIPIENTS,
        State::Transfer(_) => reply::BDAT_RUNNING,
        State::Discard { .. } => reply::TRANSACTION_FAILED,
    }
}
