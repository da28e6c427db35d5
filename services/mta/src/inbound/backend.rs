//! The answers of an SMTP session.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use roost_kit::clock::Clock;
use roost_kit::fields::{self, Chain, Escaped};
use roost_kit::limit::{KeyedRates, LoginDelays, address_key};
use roost_kit::net::Peer;
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Authenticate, Login, Parameters, Proof, Refused as NoLogin};
use roost_proto_smtp::grammar::mail::{Body, Mail};
use roost_proto_smtp::trace::Received;
use roost_proto_smtp::{
    Accepted, Address, Backend, Context, Domain, Envelope, Finish, Recipient, Refusal, Role,
};

use super::accounts::Accounts;
use super::fixup::Submitted;
use super::intake::{Complete, Intake};
use super::policy::Present;
use crate::dispatch::Dispatcher;
use crate::envelope;
use crate::limits::{EXPANDED_MAX, LOGIN_DELAY_OWN_MAX};
use crate::metrics::{self, Counts};
use crate::outbound::Dns;
use crate::outcome::{Fate, Outcome, status};
use crate::queue::message::Message;
use crate::queue::{Queue, QueueError, QueueId};
use crate::route::{Addresses, Poster, Refused, Routed, Router, key};
use crate::schedule::since;
use roost_proto_smtp::limits::LOGIN_DELAY;

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
    /// What failed logins cost.
    pub delays: LoginDelays,
    /// Messages that a client or an account may send in a time; this machine's own are exempt.
    pub rates: Option<KeyedRates<String>>,
    /// What is counted.
    pub counts: Counts,
    /// What time it is.
    pub clock: Clock,
}

/// One session's side of the mta.
pub struct SmtpBackend<A: Addresses, C: Accounts, D: Dns> {
    entrance: Arc<Entrance<A, C, D>>,
    peer: Peer,
    failures: AtomicU32,
    /// What the accepted recipients of the open transaction mean.
    routed: Mutex<Vec<Routed>>,
}

impl<A: Addresses, C: Accounts, D: Dns> SmtpBackend<A, C, D> {
    /// A session with `peer`.
    #[must_use]
    pub fn new(entrance: Arc<Entrance<A, C, D>>, peer: Peer) -> Self {
        Self {
            entrance,
            peer,
            failures: AtomicU32::new(0),
            routed: Mutex::default(),
        }
    }

    /// Logs and counts a refusal.
    fn refuse(&self, refusal: Refusal, what: &str, whom: &dyn std::fmt::Display) -> Refusal {
        self.entrance.counts.refused(&refusal);
        let whom = whom.to_string();
        tracing::info!(
            { fields::PEER } = %self.peer,
            what,
            whom = %Escaped(whom.as_bytes()),
            reply = %refusal,
            "refused"
        );
        refusal
    }

    /// Whether the account or the client sends too much.
    fn check_rate(&self, account: Option<&C::Account>) -> Result<(), Refusal> {
        let Some(rates) = self
            .entrance
            .rates
            .as_ref()
            .filter(|_| !self.peer.is_loopback())
        else {
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

    /// Logs and counts a failed login, and waits as long as the address has earned beyond what
    /// the session itself waits.
    async fn turn_away(&self, name: &str, refused: NoLogin) -> NoLogin {
        let entrance = &self.entrance;
        entrance.counts.login(match refused {
            NoLogin::Credentials => metrics::Login::Refused,
            NoLogin::Forbidden => metrics::Login::Forbidden,
            NoLogin::Unavailable => metrics::Login::Unavailable,
        });
        tracing::info!(
            { fields::PEER } = %self.peer,
            { fields::ACCOUNT } = %Escaped(name.as_bytes()),
            { fields::OUTCOME } = %refused,
            "not signed in"
        );
        if let (Some(address), NoLogin::Credentials | NoLogin::Forbidden) =
            (self.peer.ip(), refused)
        {
            let earned = entrance.delays.failed(address);
            let doublings = self.failures.fetch_add(1, Ordering::Relaxed).min(8);
            let own = LOGIN_DELAY
                .saturating_mul(1 << doublings)
                .min(LOGIN_DELAY_OWN_MAX);
            tokio::time::sleep(earned.saturating_sub(own)).await;
        }
        refused
    }

    fn welcome(&self, account: &C::Account) {
        self.entrance.counts.login(metrics::Login::Accepted);
        if let Some(address) = self.peer.ip() {
            self.entrance.delays.succeeded(address);
        }
        let name = self.entrance.accounts.name(account);
        tracing::info!({ fields::PEER } = %self.peer, { fields::ACCOUNT } = name, "signed in");
    }
}

impl<A: Addresses, C: Accounts, D: Dns> Authenticate for SmtpBackend<A, C, D> {
    type Account = C::Account;

    async fn password(&self, login: Login) -> Result<C::Account, NoLogin> {
        match self.entrance.accounts.password(&login).await {
            Ok(account) => {
                self.welcome(&account);
                Ok(account)
            }
            Err(refused) => Err(self.turn_away(&login.authcid, refused).await),
        }
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, NoLogin> {
        self.entrance.accounts.scram_parameters(name).await
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(C::Account, ServerSignature), NoLogin> {
        match self.entrance.accounts.scram_verify(&proof).await {
            Ok((account, signature)) => {
                self.welcome(&account);
                Ok((account, signature))
            }
            Err(refused) => Err(self.turn_away(&proof.name, refused).await),
        }
    }
}

impl<A: Addresses, C: Accounts, D: Dns> Backend for SmtpBackend<A, C, D> {
    type Message = Intake;

    async fn sender(&self, at: Context<'_, C::Account>, mail: &Mail) -> Result<(), Refusal> {
        self.routed.lock().clear();
        let refuse = |refusal| self.refuse(refusal, "sender", &mail.from);
        self.check_rate(at.account).map_err(refuse)?;
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
        let refuse = |refusal| self.refuse(refusal, "recipient", &recipient.address);
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
        let id = self.entrance.queue.new_id();
        let now = self.entrance.clock.now();
        let name = id.to_string();
        let only = match envelope.recipients.as_slice() {
            [recipient] => Some(&recipient.address),
            _ => None,
        };
        let received = Received {
            client: at.client,
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
        message.push(&octets).await.map_err(|error| {
            tracing::error!({ fields::QUEUE_ID } = %message.id(), %error, "a message cannot be written");
            Refusal::no_space()
        })
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
                tracing::error!({ fields::QUEUE_ID } = %id, %error, "a message cannot be written");
                return Finish::All(Err(Refusal::no_space()));
            }
        };
        let sender = envelope.sender.clone();
        match self.accept(at, id, envelope, routed, complete).await {
            Ok(accepted) => {
                let took = since(began, self.entrance.clock.now());
                tracing::debug!({ fields::QUEUE_ID } = %id, ?took, "durable");
                Finish::All(Ok(accepted))
            }
            Err(refusal) => Finish::All(Err(self.refuse(refusal, "message from", &sender))),
        }
    }
}

impl<A: Addresses, C: Accounts, D: Dns> SmtpBackend<A, C, D> {
    async fn accept(
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
        let hello = at.client.hello.as_ref().map(|hello| hello.name.clone());
        let message = compose(envelope, routed, &complete, entrance.clock.now())?;
        let message = Message {
            received_from: hello,
            ..message
        };
        let recipients = message.envelope.recipients.len();
        let sender = message.envelope.sender.clone();
        let queued = entrance.queue.accept(id, message, complete.place).await;
        let queued = queued.map_err(|error| refusal_for(id, &error))?;
        file.keep();
        entrance.counts.accepted.inc();
        entrance.counts.accepted_octets.inc_by(size);
        tracing::info!(
            { fields::QUEUE_ID } = %queued.id(),
            { fields::PEER } = %self.peer,
            { fields::ACCOUNT } = at.account.map(|account| entrance.accounts.name(account)),
            { fields::FROM } = %sender,
            recipients,
            { fields::SIZE } = size,
            "accepted"
        );
        entrance.dispatcher.submit(queued.id());
        Ok(Accepted::queued(&queued.id().to_string()))
    }
}

/// The queue's message: each recipient once, loops told from the rest.
fn compose(
    envelope: Envelope,
    routed: Vec<Routed>,
    complete: &Complete,
    now: jiff::Timestamp,
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
    tracing::error!({ fields::QUEUE_ID } = %id, error = %Chain(error), "a message cannot be queued");
    match error {
        QueueError::Full | QueueError::Content { .. } => Refusal::no_space(),
        QueueError::Journal(roost_journal::AppendError::NoSpace { .. }) => Refusal::no_space(),
        QueueError::Journal(_) | QueueError::Encoding(_) | QueueError::NotFound(_) => {
            Refusal::unavailable()
        }
    }
}

fn directory_down() -> Refusal {
    Refusal::temporary(451, 4, 3, "The directory does not answer, try again later")
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
        let in_file = matches!(complete.place, crate::queue::Place::File);
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

/// The shortest time that a rate's bucket forgets in.
pub const RATE_SPAN: Duration = Duration::from_secs(60);
