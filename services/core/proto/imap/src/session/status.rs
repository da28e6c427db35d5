//! STATUS (RFC 9051 §6.3.11).

use super::Session;
use super::reply::{Ending, Outcome, text};
use crate::backend::{Backend, Claim, Kind, Mailbox, Mailboxes, Snapshot};
use crate::grammar::{Response, StatusData, StatusItem, StatusValue, Word};
use crate::out::Out;
use crate::types::MailboxName;

impl<B: Backend> Session<B> {
    pub(super) async fn status(
        &mut self,
        name: &MailboxName,
        items: &[StatusItem],
        out: &mut Out,
    ) -> Outcome {
        let mailbox = self.home()?.find(name).await?;
        match mailbox.kind {
            Kind::Writable | Kind::ReadOnly => {}
            Kind::Level | Kind::Missing => {
                return Err(Ending::refused(Word::NonExistent, text::NOT_SELECTABLE));
            }
        }
        let data = self.figures(&mailbox, items).await?;
        if items.contains(&StatusItem::HighestModSeq) {
            self.use_condstore(out);
        }
        Response::Figures(data).print(out, self.names());
        Ok(Ending::ok(text::DONE))
    }

    /// The figures of a mailbox.
    pub(super) async fn figures(
        &self,
        mailbox: &Mailbox,
        items: &[StatusItem],
    ) -> Result<StatusData, Ending> {
        let home = self.home()?;
        let snapshot = home.snapshot(mailbox.id).await?;
        // Counting may go through all messages: not where nobody asks.
        let counted = [StatusItem::Unseen, StatusItem::Deleted, StatusItem::Size];
        let counts = match items.iter().any(|item| counted.contains(item)) {
            true => snapshot.counts(),
            false => crate::backend::Counts::default(),
        };
        let figure = |item: &StatusItem| {
            let number = match item {
                StatusItem::Messages => snapshot.len().into(),
                StatusItem::Recent => recent(home, &snapshot).into(),
                StatusItem::UidNext => snapshot.uid_next().get().into(),
                StatusItem::UidValidity => snapshot.uid_validity().get().into(),
                StatusItem::Unseen => counts.unseen.into(),
                StatusItem::Deleted => counts.deleted.into(),
                StatusItem::Size => counts.size,
                StatusItem::HighestModSeq => snapshot.highest_modseq().get(),
                StatusItem::AppendLimit => self.settings.limits.message_size_max,
                StatusItem::MailboxId => return (*item, StatusValue::Id(mailbox.id)),
            };
            (*item, StatusValue::Number(number))
        };
        Ok(StatusData {
            mailbox: mailbox.name.clone(),
            items: items.iter().map(figure).collect(),
        })
    }
}

fn recent<M: Mailboxes>(home: &M, snapshot: &M::Snapshot) -> u32 {
    let from = home.claim_recent(snapshot.mailbox(), snapshot.uid_next(), Claim::Look);
    let (Ok(index) | Err(index)) = snapshot.position(from);
    snapshot.len().saturating_sub(index)
}
