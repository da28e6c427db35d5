//! Notices to senders: when they are due they are written and queued like any other mail.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use roost_kit::fields;
use roost_proto_smtp::ReversePath;
use roost_proto_smtp::grammar::mail::{Body, MailParameters, Utf8};

use super::Dispatcher;
use crate::dsn::{self, Kind, Notice, Report, Returned};
use crate::envelope::{Envelope, Recipient};
use crate::limits::{HEADER_SCANNED, INLINE_MAX};
use crate::outbound::Dns;
use crate::outcome::{Fate, Outcome, status};
use crate::queue::message::{Content, Message, NoticeOf, Owed};
use crate::queue::{Place, QueueError, QueueId};
use crate::route::Addresses;
use crate::schedule::later;
use crate::trace::Trace;

/// How long to wait before a notice that could not be queued is tried again.
const RETRY: Duration = Duration::from_secs(60);

impl<A: Addresses, D: Dns> Dispatcher<A, D> {
    /// Queues the notices that are due about a message, and looks when the next thing is.
    pub(super) async fn settle(&self, id: QueueId) {
        if self.tell(id).await {
            self.reschedule(id);
        }
    }

    /// Queues the notices that are due about a message; false if that has to wait.
    pub(super) async fn tell(&self, id: QueueId) -> bool {
        // Two of a message's deliveries may end together; its sender is told once.
        if !self.settling.lock().insert(id) {
            return false;
        }
        let outcome = self.notify(id).await;
        self.settling.lock().remove(&id);
        let Err(error) = outcome else {
            return true;
        };
        tracing::warn!(
            { fields::QUEUE_ID } = %id,
            error = %fields::Chain(&error),
            "a notice to the sender could not be queued yet"
        );
        self.desk
            .lock()
            .postpone(id, later(self.clock.now(), RETRY));
        self.wake.notify_one();
        false
    }

    async fn notify(&self, id: QueueId) -> Result<(), QueueError> {
        while let Some(message) = self.queue.get(id) {
            let now = self.clock.now();
            let mut owed = message.owed();
            owed.extend(message.owed_warning(&self.lifetime(), now));
            let Some(owed) = owed.into_iter().next() else {
                break;
            };
            self.queue_notice(id, &message, owed).await?;
        }
        Ok(())
    }

    async fn queue_notice(
        &self,
        about: QueueId,
        message: &Message,
        owed: Owed,
    ) -> Result<(), QueueError> {
        let id = self.queue.new_id();
        let notice = self.write(about, message, &owed, id).await;
        let bytes = Bytes::from(notice.content);
        let message_id = Trace::read(&bytes).message_id;
        let mut parameters = MailParameters::default();
        if notice.body == Body::EightBitMime {
            parameters.body = Some(Body::EightBitMime);
        }
        parameters.utf8 = notice.smtputf8.then_some(Utf8);
        // RFC 3464 §2: a notice is sent from the null path.
        let mut envelope = Envelope::new(ReversePath::Null, parameters);
        envelope.recipients.push(Recipient::plain(owed.to.clone()));
        let mut queued = Message::new(envelope, Content::of(&bytes), self.clock.now());
        queued.notice_of = Some(NoticeOf {
            id: about,
            kind: owed.kind,
            recipients: owed.recipients,
        });
        let place = self.place(id, bytes).await?;
        let proof = self.queue.accept(id, queued, place).await?;
        tracing::info!(
            { fields::QUEUE_ID } = %proof.id(),
            about = %about,
            { fields::MESSAGE_ID } = message_id,
            { fields::TO } = %owed.to,
            kind = ?owed.kind,
            "notice queued"
        );
        self.counts.notices.inc();
        self.submit(proof.id());
        Ok(())
    }

    async fn place(&self, id: QueueId, bytes: Bytes) -> Result<Place, QueueError> {
        if bytes.len() <= INLINE_MAX {
            return Ok(Place::Memory(bytes));
        }
        self.queue.spool_content(id, bytes).await?;
        Ok(Place::File)
    }

    async fn write(&self, about: QueueId, message: &Message, owed: &Owed, id: QueueId) -> Notice {
        let now = self.clock.now();
        let late = self.late(about, message, owed.kind);
        let outcome_of = |index: &u32| {
            let place = usize::try_from(*index).unwrap_or(usize::MAX);
            let last = message
                .progress
                .get(place)
                .and_then(|progress| progress.last.as_ref());
            message
                .recipient(*index)
                .map(|recipient| (recipient, last.unwrap_or(&late)))
        };
        let report = Report {
            kind: owed.kind,
            host: self.courier.host.as_str(),
            id: about,
            envelope: &message.envelope,
            recipients: owed.recipients.iter().filter_map(outcome_of).collect(),
            received_from: message.received_from.as_deref(),
            arrived: message.arrived,
            retry_until: message.expires(&self.lifetime()),
            returned: self.returned(about, message, owed).await,
        };
        dsn::compose(&report, &owed.to, id, now)
    }

    /// What is said about a recipient whose destination has never answered.
    fn late(&self, id: QueueId, message: &Message, kind: Kind) -> Outcome {
        let down = self.desk.lock().whereabouts(id).down;
        let why = down.map_or_else(|| "not tried yet".to_owned(), |(_, why)| why);
        let fate = match kind {
            Kind::Delay => Fate::Deferred,
            Kind::Failure | Kind::Success => Fate::Failed,
        };
        Outcome::ours(fate, status::NO_ANSWER, why, message.arrived)
    }

    async fn returned(&self, about: QueueId, message: &Message, owed: &Owed) -> Returned<'static> {
        let length = message.content.length;
        // A list's owner is not who asked for RET; they get what fits.
        let is_owner = message.envelope.sender.address() != Some(&owed.to);
        let ret = message.envelope.parameters.ret.filter(|_| !is_owner);
        let whole = Returned::whole(owed.kind, ret, length);
        let wanted = match whole {
            true => length,
            false => length.min(HEADER_SCANNED as u64),
        };
        let read = async {
            let content = self
                .queue
                .content(about)
                .await
                .map_err(std::io::Error::other)?;
            content.beginning(wanted).await
        };
        match read.await {
            Ok(bytes) => Returned::new(Cow::Owned(bytes), whole),
            Err(error) => {
                tracing::error!({ fields::QUEUE_ID } = %about, %error, "a notice goes out without the message");
                Returned::new(Cow::Owned(Vec::new()), false)
            }
        }
    }
}
