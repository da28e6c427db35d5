//! From a complete message to one that is queued and acknowledged, or refused without a trace.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use roost_journal::AppendError;
use roost_kit::disk::is_full;
use roost_kit::fields::{self, Chain, Escaped};
use roost_proto_smtp::grammar::mail::Body;
use roost_proto_smtp::{Accepted, Context, Domain, Envelope, Refusal};

use super::accounts::Accounts;
use super::backend::{Entrance, SmtpBackend};
use super::intake::Complete;
use crate::envelope;
use crate::outbound::Dns;
use crate::outcome::{Fate, Outcome, status};
use crate::queue::message::Message;
use crate::queue::{Place, Queue, QueueError, QueueId};
use crate::route::{Addresses, Routed, key};

/// How many recipients the line about a message names; each has a line of its own later.
const RECIPIENTS_TOLD: usize = 100;

impl<A: Addresses, C: Accounts, D: Dns> SmtpBackend<A, C, D> {
    pub(super) async fn accept(
        &self,
        at: Context<'_, C::Account>,
        id: QueueId,
        envelope: Envelope,
        routed: Vec<Routed>,
        complete: Complete,
    ) -> Result<Accepted, Refusal> {
        let entrance = &self.entrance;
        // Everything that is not in the queue by the end of this leaves no file.
        let file = Unqueued::new(entrance, id, &complete);
        if complete.trace.is_loop() {
            return Err(Refusal::mail_loop());
        }
        let size = complete.content.length;
        let with = at.with(&envelope);
        let tls = at.client.tls();
        let tls = tls.map(|tls| format!("{} {}", tls.version, tls.cipher));
        let message_id = complete.trace.message_id.as_deref();
        let message_id = message_id.map(|id| Escaped(id.as_bytes()).to_string());
        let hello = at.client.hello.as_ref().map(|hello| hello.name.clone());
        let message = compose(envelope, routed, &complete, entrance.clock.now())?;
        let message = Message {
            received_from: hello,
            ..message
        };
        let recipients = told(&message);
        let sender = message.envelope.sender.clone();
        let queued = entrance.queue.accept(id, message, complete.place).await;
        let queued = queued.map_err(|error| refusal_for(id, &error))?;
        file.keep();
        let client = self.name.get().await;
        entrance.counts.accepted.inc();
        entrance.counts.accepted_octets.inc_by(size);
        tracing::info!(
            { fields::QUEUE_ID } = %queued.id(),
            { fields::PEER } = %self.peer,
            client = client.as_ref().map(Domain::as_str),
            { fields::ACCOUNT } = at.account.map(|account| entrance.accounts.name(account)),
            { fields::WITH } = %with,
            { fields::TLS } = tls,
            { fields::MESSAGE_ID } = message_id,
            { fields::SUBJECT_HASH } = complete.trace.subject_hash,
            { fields::FROM } = %sender,
            { fields::RECIPIENTS } = recipients,
            { fields::SIZE } = size,
            "accepted"
        );
        entrance.dispatcher.submit(queued.id());
        Ok(Accepted::queued(&queued.id().to_string()))
    }
}

/// The recipients for a log line, separated by spaces.
fn told(message: &Message) -> String {
    let mut told = String::new();
    for recipient in message.envelope.recipients.iter().take(RECIPIENTS_TOLD) {
        if !told.is_empty() {
            told.push(' ');
        }
        let address = recipient.address.to_string();
        told.push_str(&Escaped(address.as_bytes()).to_string());
    }
    told
}

/// The queue's message: each recipient once, loops told from the rest.
fn compose(
    envelope: Envelope,
    routed: Vec<Routed>,
    complete: &Complete,
    now: Timestamp,
) -> Result<Message, Refusal> {
    let mut parameters = envelope.parameters;
    // What was said about this hop only.
    parameters.size = None;
    parameters.auth = None;
    if complete.eight_bit && parameters.body != Some(Body::BinaryMime) {
        parameters.body = Some(Body::EightBitMime);
    }
    let mut kept = envelope::Envelope::new(envelope.sender, parameters);
    let mut outcomes = Vec::with_capacity(routed.len());
    let mut seen = HashSet::with_capacity(routed.len());
    for Routed { recipient, already } in routed {
        if already.is_none() && !seen.insert(key(&recipient.address)) {
            continue;
        }
        let via = recipient.expanded_from.as_ref();
        outcomes.push(match (already, via) {
            (Some(fate), _) => {
                let text = "the message was sent on to the members or targets of the address";
                Some(Outcome::ours(fate, status::DELIVERED, text, now))
            }
            (None, Some(via)) if complete.trace.has_passed(via) => {
                let text = format!("mail loop: the message has been expanded by {via} before");
                Some(Outcome::ours(Fate::Failed, status::LOOP, text, now))
            }
            (None, _) => None,
        });
        kept.recipients.push(recipient);
    }
    let looped = |outcome: &Option<Outcome>| {
        outcome
            .as_ref()
            .is_some_and(|outcome| outcome.fate == Fate::Failed)
    };
    if outcomes.iter().all(looped) {
        return Err(Refusal::mail_loop());
    }
    let mut message = Message::new(kept, complete.content, now);
    for (progress, outcome) in message.progress.iter_mut().zip(outcomes) {
        progress.last = outcome;
    }
    Ok(message)
}

fn refusal_for(id: QueueId, error: &QueueError) -> Refusal {
    let refusal = refusal(error);
    match error {
        // Said once by whoever watches the queue.
        QueueError::Full | QueueError::NoRoom { .. } => {
            tracing::debug!({ fields::QUEUE_ID } = %id, error = %Chain(error), "no room");
        }
        _ => {
            tracing::error!({ fields::QUEUE_ID } = %id, error = %Chain(error), "a message cannot be queued");
        }
    }
    refusal
}

/// What a client hears: 452 where there is no room, 451 where something of ours is broken.
pub(super) fn refusal(error: &QueueError) -> Refusal {
    match error {
        QueueError::Full
        | QueueError::NoRoom { .. }
        | QueueError::Journal(AppendError::NoSpace { .. }) => Refusal::no_space(),
        QueueError::Content { source, .. } if is_full(source) => Refusal::no_space(),
        QueueError::Content { .. }
        | QueueError::Disk(_)
        | QueueError::NotDurable { .. }
        | QueueError::Journal(_)
        | QueueError::Encoding(_)
        | QueueError::NotFound(_) => Refusal::unavailable(),
    }
}

/// Removes the file of a message that was not queued after all.
struct Unqueued {
    file: Option<(Arc<Queue>, QueueId)>,
}

impl Unqueued {
    fn new<A: Addresses, C: Accounts, D: Dns>(
        entrance: &Entrance<A, C, D>,
        id: QueueId,
        complete: &Complete,
    ) -> Self {
        let in_file = matches!(complete.place, Place::File);
        Self {
            file: in_file.then(|| (Arc::clone(&entrance.queue), id)),
        }
    }

    fn keep(mut self) {
        self.file = None;
    }
}

impl Drop for Unqueued {
    fn drop(&mut self) {
        if let Some((queue, id)) = &self.file
            && let Err(error) = queue.spool().remove(*id)
        {
            tracing::warn!({ fields::QUEUE_ID } = %id, %error, "a refused message stays until the next start");
        }
    }
}
