//! APPEND (RFC 9051 §6.3.12, RFC 3502), and whether an announced literal may come.

use super::reply::{Ending, Outcome, text};
use super::tell::print;
use super::{Mode, Session, State, refuse};
use crate::backend::{Backend, Kind, Mailbox, Mailboxes, NewMessage};
use crate::frame::{Literal, LiteralMode};
use crate::grammar::{self, Announced, AppendMessage, Code, Response, Word};
use crate::limits::{ARGUMENTS_OCTETS, LITERAL_OCTETS};
use crate::out::Out;
use crate::types::MailboxName;

/// Whether the client may send a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Granted,
    /// It may not; the command has been answered.
    Refused,
}

impl<B: Backend> Session<B> {
    /// Decides on an announced literal, before there is a buffer for it.
    pub async fn literal(&mut self, literal: &Literal, out: &mut Out) -> Admission {
        match self.admit(literal).await {
            Ok(()) => {
                if literal.mode == LiteralMode::Synchronising {
                    print(out, &Response::Continue("OK".into()));
                }
                Admission::Granted
            }
            Err(ending) => {
                match grammar::tag_of(&literal.command.text) {
                    Some(tag) => print(out, &ending.tagged(tag)),
                    None => print(out, &ending.untagged()),
                }
                Admission::Refused
            }
        }
    }

    async fn admit(&self, literal: &Literal) -> Result<(), Ending> {
        let held: u64 = literal
            .command
            .literals
            .iter()
            .map(|held| held.len() as u64)
            .sum();
        let total = held.saturating_add(literal.size);
        let target = match &self.mode {
            Mode::Commands => grammar::announced(&literal.command, self.names())?,
            Mode::Idle { .. } | Mode::Authenticating { .. } => Announced::Argument,
        };
        let Announced::Message(name) = target else {
            let most = match self.state {
                State::Stranger | State::Elsewhere | State::Over => LITERAL_OCTETS,
                State::Authenticated(_) | State::Selected(..) => ARGUMENTS_OCTETS,
            };
            if literal.size > LITERAL_OCTETS || total > most {
                return Err(Ending::bad(text::LITERAL_TOO_BIG).with(Word::TooBig));
            }
            return Ok(());
        };
        let home = self.home()?;
        // RFC 7889 §3: what is larger than the limit is refused before it is sent.
        if total > self.settings.limits.message_size_max {
            return Err(Ending::refused(Word::TooBig, text::TOO_BIG));
        }
        if literal.size == 0 {
            return Err(Ending::no(text::EMPTY));
        }
        let mailbox = self.target(&name).await?;
        Ok(home.admit(mailbox.id, total).await?)
    }

    /// A mailbox that messages can be put into.
    pub(super) async fn target(&self, name: &MailboxName) -> Result<Mailbox, Ending> {
        let mailbox = self.home()?.find(name).await.map_err(refuse::target)?;
        match mailbox.kind {
            Kind::Writable => Ok(mailbox),
            Kind::ReadOnly => Err(crate::backend::Failure::NoPermission.into()),
            Kind::Level | Kind::Missing => {
                Err(refuse::target(crate::backend::Failure::NonExistent))
            }
        }
    }

    pub(super) async fn append(&self, name: &MailboxName, messages: Vec<AppendMessage>) -> Outcome {
        let mailbox = self.target(name).await?;
        let new = |message: AppendMessage| NewMessage {
            system: message.system,
            keywords: message.keywords,
            internal_date: message.internal_date,
            body: message.body,
        };
        let messages = messages.into_iter().map(new).collect();
        let appended = self
            .home()?
            .append(mailbox.id, messages)
            .await
            .map_err(refuse::target)?;
        Ok(Ending::ok(text::DONE).with(Code::AppendUid(appended.uid_validity, appended.uids)))
    }
}
