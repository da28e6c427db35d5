//! From the queue's and the dispatcher's state to what people are shown.

use crate::dispatch::Dispatcher;
use crate::header;
use crate::limits::HEADER_SCANNED;
use crate::outbound::Dns;
use crate::queue::QueueId;
use crate::queue::message::{Message, Progress};
use crate::route::Addresses;

use super::types::{Delivery, Detail, Entry, Filter, State};

/// Recipients named in a list's line.
const SHOWN: usize = 20;

/// The entries that match, oldest first.
#[must_use]
pub fn matching<A: Addresses, D: Dns>(
    dispatcher: &Dispatcher<A, D>,
    filter: &Filter,
) -> Vec<Entry> {
    let limit = filter.limit.unwrap_or(usize::MAX);
    let all = dispatcher.queue().list();
    all.iter()
        .filter(|(_, message)| envelope_matches(message, filter))
        .map(|(id, message)| make(dispatcher, *id, message))
        .filter(|entry| filter.state.is_none_or(|state| entry.state == state))
        .take(limit)
        .collect()
}

fn envelope_matches(message: &Message, filter: &Filter) -> bool {
    let is_from = |wanted: &String| {
        let sender = message.envelope.sender.to_string();
        let bare = sender.trim_start_matches('<').trim_end_matches('>');
        wanted == &sender || wanted.eq_ignore_ascii_case(bare)
    };
    let is_for = |wanted: &String| {
        message.pending().any(|(_, recipient, _)| {
            recipient
                .address
                .host()
                .to_string()
                .eq_ignore_ascii_case(wanted)
        })
    };
    filter.sender.as_ref().is_none_or(is_from) && filter.domain.as_ref().is_none_or(is_for)
}

/// One entry.
pub(super) fn entry<A: Addresses, D: Dns>(
    dispatcher: &Dispatcher<A, D>,
    id: QueueId,
) -> Option<Entry> {
    let message = dispatcher.queue().get(id)?;
    Some(make(dispatcher, id, &message))
}

fn make<A: Addresses, D: Dns>(
    dispatcher: &Dispatcher<A, D>,
    id: QueueId,
    message: &Message,
) -> Entry {
    let whereabouts = dispatcher.whereabouts(id);
    let state = match (message.held, whereabouts.active) {
        (true, _) => State::Held,
        (false, true) => State::Active,
        (false, false) => State::Deferred,
    };
    let down = whereabouts.down.as_ref();
    let next_attempt = match state {
        State::Deferred => down.map(|(until, _)| *until).or(whereabouts.due),
        State::Active | State::Held => None,
    };
    let last = message
        .pending()
        .filter_map(|(_, _, progress)| progress.last.as_ref());
    let last = last
        .max_by_key(|outcome| outcome.at)
        .map(|outcome| outcome.text.clone());
    let waiting: Vec<_> = message
        .pending()
        .map(|(_, r, _)| r.address.to_string())
        .collect();
    Entry {
        id: id.to_string(),
        state,
        sender: sender(message),
        waiting: waiting.len(),
        recipients: waiting.into_iter().take(SHOWN).collect(),
        size: message.content.length,
        arrived: message.arrived,
        next_attempt,
        reason: down.map(|(_, why)| why.clone()).or(last),
    }
}

fn sender(message: &Message) -> String {
    let sender = message.envelope.sender.address();
    sender.map_or_else(|| "<>".to_owned(), ToString::to_string)
}

/// Everything about one message.
pub(super) async fn detail<A: Addresses, D: Dns>(
    dispatcher: &Dispatcher<A, D>,
    id: QueueId,
) -> Option<Detail> {
    let message = dispatcher.queue().get(id)?;
    let deliveries = message.recipients().map(|(_, recipient, progress)| {
        let original = recipient.parameters.orcpt.as_ref();
        delivery(
            recipient.address.to_string(),
            original.map(|o| o.address.clone()),
            progress,
        )
    });
    let notice_of = message
        .notice_of
        .as_ref()
        .map(|notice| notice.id.to_string());
    Some(Detail {
        entry: make(dispatcher, id, &message),
        expires: dispatcher.expires(&message),
        received_from: message.received_from.clone(),
        notice_of,
        deliveries: deliveries.collect(),
        header: read_header(dispatcher, id).await,
    })
}

fn delivery(recipient: String, original: Option<String>, progress: &Progress) -> Delivery {
    let last = progress.last.as_ref();
    Delivery {
        original: original.filter(|original| *original != recipient),
        recipient,
        outcome: last.map(|outcome| outcome.fate),
        status: last.map(|outcome| outcome.status.to_string()),
        reply: last.map(|outcome| outcome.text.clone()),
        relay: last.and_then(|outcome| outcome.remote.clone()),
        attempts: progress.attempts,
        last_attempt: last.map(|outcome| outcome.at),
        next_attempt: progress.retry_at,
    }
}

async fn read_header<A: Addresses, D: Dns>(
    dispatcher: &Dispatcher<A, D>,
    id: QueueId,
) -> Option<String> {
    let content = dispatcher.queue().content(id).await.ok()?;
    let beginning = content.beginning(HEADER_SCANNED as u64).await.ok()?;
    Some(String::from_utf8_lossy(header::section(&beginning)).into_owned())
}
