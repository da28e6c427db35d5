//! The servers of IMAP, POP3 and ManageSieve: a session until the login, then the joined pair.

pub(crate) mod imap;
pub(crate) mod pop3;
pub(crate) mod sieve;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use roost_core_directory::name::AccountId;
use roost_kit::fields;
use roost_kit::net::{
    Conversation, Ended, Networks, Peer, Relay, Severed, Stream, Surroundings, negotiate,
};
use roost_login::{Present, SessionId};
use tokio::io::AsyncWriteExt;

use crate::door::{Door, Porter};
use crate::metrics::{CutLabel, Gauge, Service, ServiceLabel};
use crate::sessions::{Cut, Listed, Live};
use crate::upstream::Joined;

/// How long a session that is cut may finish what is being said.
const CUT_ROUNDS: u32 = 6;
/// How long both sides must be silent for a moment between two answers.
const SILENCE: Duration = Duration::from_millis(250);
/// How long a last word may take to be taken.
const LAST_WORD_TIME_MAX: Duration = Duration::from_secs(5);

/// What all mail services share.
#[derive(Clone)]
pub(crate) struct Mail {
    pub(crate) porter: Arc<Porter>,
    pub(crate) around: Surroundings,
    /// Who may connect; nobody named is everybody.
    pub(crate) allowed: Networks,
    /// How long a client may be silent before it has signed in.
    pub(crate) login_timeout: Duration,
    /// How long joined sessions go on after the daemon was told to stop.
    pub(crate) linger: Duration,
}

/// What names a session in logs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caption {
    pub(crate) service: Service,
    pub(crate) id: SessionId,
    pub(crate) peer: Peer,
}

/// How sessions of a service begin.
#[derive(Debug, Clone, Copy)]
struct Opening {
    service: Service,
    /// What a peer that is not served is told.
    not_served: &'static [u8],
}

impl Mail {
    /// Speaks with one client. `begin` makes the session that lasts until the login.
    async fn receive<C: Conversation>(
        &self,
        opening: Opening,
        mut stream: Stream,
        begin: impl FnOnce(&Self, Door, &Stream) -> C,
    ) {
        let caption = Caption {
            service: opening.service,
            id: SessionId::random(),
            peer: stream.peer(),
        };
        if !self
            .welcomes(caption, &mut stream, opening.not_served)
            .await
        {
            return;
        }
        let porter = Arc::clone(&self.porter);
        let door = Door::new(porter, caption.service, caption.id, caption.peer);
        let landing = door.landing();
        let talk = begin(self, door, &stream);
        // In a place of its own, which is given back before the long part begins.
        let (ended, handed_over) = Box::pin(negotiate(stream, talk, &self.around)).await;
        match (handed_over, landing.take()) {
            (Some((stream, mut talk)), Some(joined)) => {
                let early = talk.input().split().freeze();
                drop(talk);
                let pair = Pair::new(caption, self, stream, early, joined);
                self.carry(caption, pair).await;
            }
            _ => self.ended(caption, &ended),
        }
    }

    /// Whether the peer is served at all; if not, it hears `word` and that is all.
    async fn welcomes(&self, caption: Caption, stream: &mut Stream, word: &[u8]) -> bool {
        let allowed = self.allowed.is_empty() || self.allowed.contain_peer(caption.peer);
        let banned = (caption.peer.ip()).is_some_and(|address| self.porter.bans.holds(address));
        if allowed && !banned {
            return true;
        }
        tracing::info!(
            { fields::SERVICE } = caption.service.name(),
            { fields::PEER } = %caption.peer,
            banned,
            "not served"
        );
        last_word(stream, word).await;
        false
    }

    /// Says how a session ended that never reached a store.
    fn ended(&self, caption: Caption, ended: &Ended) {
        tracing::info!(
            { fields::SERVICE } = caption.service.name(),
            { fields::SESSION } = %caption.id,
            { fields::PEER } = %caption.peer,
            octets_in = ended.octets_in,
            octets_out = ended.octets_out,
            how = %ended.how,
            "session ended"
        );
    }

    /// Hands octets to and fro until the session ends.
    async fn carry(&self, caption: Caption, mut pair: Pair) {
        let gauge = self.gauge(caption.service);
        gauge.inc();
        let how = pair.run(self, caption.service).await;
        gauge.dec();
        let (forth, back) = (pair.relay.forth(), pair.relay.back());
        self.porter.counts.forth.inc_by(forth);
        self.porter.counts.back.inc_by(back);
        if let Over::Cut(reason) = how {
            let label = CutLabel { reason };
            self.porter.counts.cuts.get_or_create(&label).inc();
        }
        tracing::info!(
            { fields::SERVICE } = caption.service.name(),
            { fields::SESSION } = %caption.id,
            { fields::PEER } = %caption.peer,
            { fields::ACCOUNT } = %pair.name,
            store = %pair.store,
            octets_in = forth,
            octets_out = back,
            how = %how,
            "session ended"
        );
    }

    fn gauge(&self, service: Service) -> Gauge {
        let label = ServiceLabel { service };
        self.porter.counts.sessions.get_or_create_owned(&label)
    }
}

/// A client and a store, joined.
struct Pair {
    client: Stream,
    server: Stream,
    relay: Relay,
    listed: Listed,
    name: Arc<roost_core_directory::name::EmailAddress>,
    store: Arc<str>,
    _present: Present<AccountId>,
}

/// How a joined session ended.
enum Over {
    Severed(Severed),
    Cut(Cut),
}

impl std::fmt::Display for Over {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Severed(severed) => write!(f, "{severed}"),
            Self::Cut(cut) => write!(f, "cut: {}", cut.words()),
        }
    }
}

impl Pair {
    /// `to_server` is what the client has sent beyond its login.
    fn new(
        caption: Caption,
        mail: &Mail,
        client: Stream,
        to_server: Bytes,
        (joined, present): (Joined, Present<AccountId>),
    ) -> Self {
        let name = Arc::new(joined.name);
        let store: Arc<str> = joined.store.into();
        let listed = mail.porter.sessions.enter(Live {
            id: caption.id,
            service: caption.service,
            account: joined.account,
            name: Arc::clone(&name),
            peer: caption.peer,
            store: Arc::clone(&store),
            since: mail.porter.clock.now(),
        });
        Self {
            client,
            server: joined.stream,
            relay: Relay::new(to_server, joined.rest).patient_for(mail.around.write_timeout),
            listed,
            name,
            store,
            _present: present,
        }
    }

    async fn run(&mut self, mail: &Mail, service: Service) -> Over {
        let stopping = async {
            mail.around.draining.cancelled().await;
            tokio::time::sleep(mail.linger).await;
        };
        // Cancel-safe: the relay keeps what it has read, the channel and the token have no state.
        let reason = tokio::select! {
            severed = self.relay.run(&mut self.client, &mut self.server) => {
                return Over::Severed(severed);
            }
            cut = &mut self.listed.cut => cut.unwrap_or(Cut::Administrator),
            () = stopping => Cut::Stopping,
        };
        if self.falls_silent().await {
            let word = match service {
                // RFC 9051 §7.1.5: the server may say BYE whenever it likes, between two responses.
                Service::Imap => format!("* BYE [UNAVAILABLE] {}\r\n", reason.words()),
                // RFC 5804 §1.3
                Service::Sieve => format!("BYE (TRYLATER) \"{}\"\r\n", reason.words()),
                // RFC 1939 §3: POP3 closes without a word, and removes nothing.
                Service::Pop3 => String::new(),
            };
            last_word(&mut self.client, word.as_bytes()).await;
        }
        Over::Cut(reason)
    }

    /// Waits for a moment at which nothing is half said, but not for long.
    async fn falls_silent(&mut self) -> bool {
        for _ in 0..CUT_ROUNDS {
            let before = (self.relay.forth(), self.relay.back());
            let running = self.relay.run(&mut self.client, &mut self.server);
            if tokio::time::timeout(SILENCE, running).await.is_ok() {
                return false;
            }
            let silent = before == (self.relay.forth(), self.relay.back());
            if silent && self.relay.is_at_line_end() {
                return true;
            }
        }
        false
    }
}

/// Says something, and nothing after it.
async fn last_word(stream: &mut Stream, word: &[u8]) {
    let saying = async {
        stream.write_all(word).await?;
        stream.shutdown().await
    };
    match tokio::time::timeout(LAST_WORD_TIME_MAX, saying).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the last word was not heard"),
        Err(_) => tracing::debug!("the last word was not taken"),
    }
}
