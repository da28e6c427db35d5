//! The answers of an SMTP session.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use roost_kit::clock::Clock;
use roost_kit::disk::is_full;
use roost_kit::fields::{self, Chain, Escaped};
use roost_kit::limit::{KeyedRates, LoginGuard, Rate, address_key};
use roost_kit::net::Peer;
use roost_proto_smtp::grammar::mail::Mail;
use roost_proto_smtp::trace::Received;
use roost_proto_smtp::{
    Address, Backend, Context, Domain, Envelope, Finish, Recipient, Refusal, ReversePath, Role,
};

use super::accounts::Accounts;
use super::fixup::Submitted;
use super::intake::Intake;
use super::names::{ClientName, ClientNames};
use super::policy::Present;
use crate::dispatch::Dispatcher;
use crate::envelope;
use crate::limits::{EXPANDED_MAX, RATES_KEPT};
use crate::metrics::Counts;
use crate::outbound::Dns;
use crate::queue::{Pace, Queue, QueueId};
use crate::route::{Addresses, Poster, Refused, Routed, Router};
use crate::schedule::since;

/// What all sessions share.
pub struct Entrance<A: Addresses, C: Accounts, D: Dns> {
    /// Our host name.
    pub host: Domain,
    /// The queue.
    pub queue: Arc<Queue>,
    /// What addresses mean.
    pub router: Arc<Router<A>>,
    /// Who signs in.
    pub accounts: C,
    /// Who delivers.
    pub dispatcher: Arc<Dispatcher<A, D>>,
    /// What the directory says about all mail.
    pub policy: Arc<Present>,
    /// What clients are called.
    pub names: Arc<ClientNames<D>>,
    /// What failed logins cost.
    pub guard: LoginGuard,
    /// Messages that a client or an account may send in a time; this machine's own are exempt.
    pub rates: RwLock<Option<Arc<KeyedRates<String>>>>,
    /// What is counted.
    pub counts: Counts,
    /// What time it is.
    pub clock: Clock,
}

impl<A: Addresses, C: Accounts, D: Dns> Entrance<A, C, D> {
    /// Lets an account or client send so many messages a minute from now on; 0 is no limit.
    pub fn set_rate(&self, messages_per_minute: u32) {
        *self.rates.write() = rates(messages_per_minute, &self.clock);
    }
}

/// What counts messages that are sent in a minute; nothing where there is no limit.
#[must_use]
pub fn rates(messages_per_minute: u32, clock: &Clock) -> Option<Arc<KeyedRates<String>>> {
    let rate = (messages_per_minute > 0).then(|| Rate::per(messages_per_minute, RATE_SPAN));
    rate.map(|rate| Arc::new(KeyedRates::new(rate, RATES_KEPT, clock.clone())))
}

/// One session's side of the mta.
pub struct SmtpBackend<A: Addresses, C: Accounts, D: Dns> {
    pub(super) entrance: Arc<Entrance<A, C, D>>,
    pub(super) peer: Peer,
    pub(super) name: Arc<ClientName<D>>,
    /// Failed logins so far.
    pub(super) failures: AtomicU32,
    /// What the accepted recipients of the open transaction mean.
    routed: Mutex<Vec<Routed>>,
}

impl<A: Addresses, C: Accounts, D: Dns> SmtpBackend<A, C, D> {
    /// A session with `peer`.
    #[must_use]
    pub fn new(entrance: Arc<Entrance<A, C, D>>, peer: Peer) -> Self {
        let names = Arc::clone(&entrance.names);
        Self {
            entrance,
            name: Arc::new(ClientName::new(names, peer.ip())),
            peer,
            failures: AtomicU32::new(0),
            routed: Mutex::default(),
        }
    }

    /// Logs and counts a refusal: of a recipient, or of everything from a sender.
    fn refuse(
        &self,
        refusal: Refusal,
        what: &str,
        from: &ReversePath,
        to: Option<&Address>,
    ) -> Refusal {
        self.entrance.counts.refused(&refusal);
        let from = from.to_string();
        let to = to.map(|to| Escaped(to.to_string().as_bytes()).to_string());
        tracing::info!(
            { fields::PEER } = %self.peer,
            what,
            { fields::FROM } = %Escaped(from.as_bytes()),
            { fields::TO } = to,
            { fields::DSN } = %refusal.reply().status(),
            reply = %refusal,
            { fields::OUTCOME } = "refused",
            "refused"
        );
        refusal
    }

    /// Whether the queue can take a message of `size` octets.
    fn check_room(&self, size: u64) -> Result<Pace, Refusal> {
        let room = self.entrance.queue.check_room(size);
        room.map_err(|error| {
            tracing::debug!(error = %Chain(&error), "no mail is taken");
            super::accept::refusal(&error)
        })
    }

    /// Whether the account or the client sends too much.
    fn check_rate(&self, account: Option<&C::Account>) -> Result<(), Refusal> {
        let rates = self.entrance.rates.read().clone();
        let Some(rates) = rates.filter(|_| !self.peer.is_loopback()) else {
            return Ok(());
        };
        let key = match account {
            Some(account) => self.entrance.accounts.name(account),
            None => self
                .peer
                .ip()
                .map(|ip| address_key(ip).to_string())
                .unwrap_or_default(),
        };
        rates.take(key).map_err(|_wait| Refusal::rate_limited())
    }
}

impl<A: Addresses, C: Accounts, D: Dns> Backend for SmtpBackend<A, C, D> {
    type Message = Intake;

    async fn sender(&self, at: Context<'_, C::Account>, mail: &Mail) -> Result<(), Refusal> {
        self.routed.lock().clear();
        let refuse = |refusal| self.refuse(refusal, "sender", &mail.from, None);
        self.check_rate(at.account).map_err(refuse)?;
        let room = self.check_room(mail.parameters.size.unwrap_or(0));
        if let Pace::Slowed(wait) = room.map_err(refuse)? {
            tokio::time::sleep(wait).await;
        }
        // A null path is what programs send notices of reading from (RFC 8098 §3): no address,
        // so nobody else's either.
        let (Some(account), Some(address)) = (at.account, mail.from.address()) else {
            return Ok(());
        };
        match self.entrance.accounts.may_send_as(account, address).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(refuse(Refusal::sender_not_owned())),
            Err(error) => {
                tracing::warn!(%error, "the directory cannot be asked about a sender");
                Err(refuse(directory_down()))
            }
        }
    }

    async fn recipient(
        &self,
        at: Context<'_, C::Account>,
        envelope: &Envelope,
        recipient: &Recipient,
    ) -> Result<(), Refusal> {
        let refuse = |refusal| {
            let (from, to) = (&envelope.sender, Some(&recipient.address));
            self.refuse(refusal, "recipient", from, to)
        };
        let account = at
            .account
            .map(|account| self.entrance.accounts.name(account));
        let poster = Poster {
            account: account.and_then(|name| Address::parse(&name).ok()),
            sender: envelope.sender.address().cloned(),
        };
        let given = envelope::Recipient {
            parameters: recipient.parameters.clone(),
            ..envelope::Recipient::plain(recipient.address.clone())
        };
        let trusted = at.account.is_some() || self.entrance.policy.get().trusts(self.peer.ip());
        let routed = match self.entrance.router.expand(given.clone(), &poster).await {
            Ok(routed) => routed,
            Err(Refused::NotOurs) if trusted => vec![Routed {
                recipient: given,
                already: None,
            }],
            Err(Refused::NotOurs) => {
                return Err(refuse(Refusal::permanent(554, 7, 1, "Relay access denied")));
            }
            Err(Refused::Reply(refusal)) => return Err(refuse(refusal)),
        };
        let mut all = self.routed.lock();
        if all.len() + routed.len() > EXPANDED_MAX {
            let text = "Too many recipients, counting members of lists";
            return Err(refuse(Refusal::temporary(452, 5, 3, text)));
        }
        all.extend(routed);
        Ok(())
    }

    async fn begin(
        &self,
        at: Context<'_, C::Account>,
        envelope: &Envelope,
    ) -> Result<Intake, Refusal> {
        // Recipients may have taken their time: the disk may be full by now.
        self.check_room(0)
            .map_err(|refusal| self.refuse(refusal, "message", &envelope.sender, None))?;
        let id = self.entrance.queue.new_id();
        let now = self.entrance.clock.now();
        let name = id.to_string();
        let only = match envelope.recipients.as_slice() {
            [recipient] => Some(&recipient.address),
            _ => None,
        };
        // Usually found long ago; never waited for longer than `names` allows.
        let mut client = at.client.clone();
        client.name = self.name.get().await;
        let received = Received {
            client: &client,
            by: &self.entrance.host,
            with: at.with(envelope),
            id: &name,
            recipient: only,
            at: now,
        };
        let submitted = (at.role == Role::Submission).then(|| Submitted {
            id,
            host: self.entrance.host.clone(),
            sender: envelope.sender.address().cloned(),
            at: now,
        });
        let queue = Arc::clone(&self.entrance.queue);
        Ok(Intake::new(queue, id, received.to_string(), submitted))
    }

    async fn chunk(&self, message: &mut Intake, octets: Bytes) -> Result<(), Refusal> {
        let id = message.id();
        message
            .push(&octets)
            .await
            .map_err(|error| unwritten(id, &error))
    }

    async fn finish(
        &self,
        at: Context<'_, C::Account>,
        envelope: Envelope,
        intake: Intake,
    ) -> Finish {
        let (id, began) = (intake.id(), self.entrance.clock.now());
        let routed = std::mem::take(&mut *self.routed.lock());
        let complete = match intake.complete().await {
            Ok(complete) => complete,
            Err(error) => {
                return Finish::All(Err(unwritten(id, &error)));
            }
        };
        let sender = envelope.sender.clone();
        match self.accept(at, id, envelope, routed, complete).await {
            Ok(accepted) => {
                let took = since(began, self.entrance.clock.now());
                tracing::debug!({ fields::QUEUE_ID } = %id, ?took, "durable");
                Finish::All(Ok(accepted))
            }
            Err(refusal) => Finish::All(Err(self.refuse(refusal, "message", &sender, None))),
        }
    }
}

/// A message that could not be written to its file.
fn unwritten(id: QueueId, error: &io::Error) -> Refusal {
    match is_full(error) {
        true => {
            tracing::warn!({ fields::QUEUE_ID } = %id, %error, "no room for a message");
            Refusal::no_space()
        }
        false => {
            tracing::error!({ fields::QUEUE_ID } = %id, %error, "a message cannot be written (see to the disk)");
            Refusal::unavailable()
        }
    }
}

fn directory_down() -> Refusal {
    Refusal::temporary(451, 4, 3, "The directory does not answer, try again later")
}

/// The shortest time that a rate's bucket forgets in.
const RATE_SPAN: Duration = Duration::from_secs(60);
