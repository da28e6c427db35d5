//! One connection: the socket around the protocol's client, and its verdicts as outcomes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use jiff::Timestamp;
use roost_kit::clock::Clock;
use roost_kit::fields::Chain;
use roost_kit::net::Stream;
use roost_proto_smtp::client::{
    Capabilities, Client, Extension, Failure, Next, Protocol, Report, Settings, Stage, Verdict,
};
use roost_proto_smtp::{Enhanced, Envelope, Outcome as Class, Recipient};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::limits::{PIECE, REPLY_KEPT};
use crate::outcome::{Fate, Outcome, status};
use crate::queue::content::Source;

/// How long a peer may take none of what is sent to it (RFC 5321 §4.5.3.2.5: data block).
const WRITE_TIME: Duration = Duration::from_secs(3 * 60);

/// How long QUIT may take: its answer matters to nobody.
const QUIT_TIME: Duration = Duration::from_secs(2);

/// A connection that is ready for messages.
#[derive(Debug)]
pub struct Connection {
    client: Client,
    /// There but while TLS begins.
    stream: Option<Stream>,
    protocol: Protocol,
    /// The host's name, for TLS.
    name: String,
    /// The host as logs and notices call it.
    relay: String,
    tls: Arc<ClientConfig>,
    /// Transactions so far.
    messages: u32,
    usable: bool,
}

/// What came of opening a connection.
pub(super) enum Opened {
    /// It is ready.
    Ready(Box<Connection>),
    /// TLS was begun and failed, or is required and not offered.
    NoTls(String),
    /// It is this host that answers.
    Ourselves,
    /// The host does not want us, or is not there.
    Refused(Enhanced, String),
}

/// A message with those of its recipients that go over this connection.
#[derive(Debug)]
pub struct Parcel {
    /// Sender, parameters and these recipients.
    pub envelope: Envelope,
    /// The size of the content, without `prefix`.
    pub size: u64,
    /// Header fields put in front.
    pub prefix: String,
}

/// What came of a parcel.
#[derive(Debug)]
pub enum Carried {
    /// One outcome for each recipient, in order.
    Outcomes(Vec<Outcome>),
    /// The host had closed the idle connection: nothing was tried.
    Stale,
    /// The host went away or closed before it had the message: another may take it. The outcomes
    /// are what holds if there is none.
    Broken(Vec<Outcome>),
}

impl Connection {
    /// Speaks until a message can be sent.
    pub(super) async fn greet(
        stream: Stream,
        settings: Settings,
        name: String,
        relay: String,
        tls: Arc<ClientConfig>,
    ) -> Opened {
        let own_name = settings.name.clone();
        let mut connection = Self {
            protocol: settings.protocol,
            client: Client::new(settings),
            stream: Some(stream),
            name,
            relay,
            tls,
            messages: 0,
            usable: true,
        };
        match connection.talk().await {
            Ok(Next::Ready) if connection.is_host(&own_name) => {
                connection.quit().await;
                Opened::Ourselves
            }
            Ok(Next::Ready) => Opened::Ready(Box::new(connection)),
            Ok(Next::Closed(failure @ (Failure::NoTls | Failure::Lost(Stage::StartTls)))) => {
                Opened::NoTls(failure.to_string())
            }
            Ok(Next::Closed(
                failure @ Failure::Refused {
                    stage: Stage::StartTls,
                    ..
                },
            )) => Opened::NoTls(failure.to_string()),
            Ok(Next::Closed(failure)) => {
                let reply = failure.reply();
                Opened::Refused(reply.status(), format!("{}: {failure}", connection.relay))
            }
            // Neither can come before a message was offered.
            Ok(other) => Opened::Refused(status::LOCAL_TROUBLE, format!("unexpected {other:?}")),
            Err(error) => Opened::NoTls(error),
        }
    }

    /// Whether a host outside says that it has this name.
    fn is_host(&self, name: &str) -> bool {
        let said = self.client.capabilities().host();
        self.protocol == Protocol::Smtp && said.eq_ignore_ascii_case(name)
    }

    /// Whether another message can be sent.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.usable
    }

    /// How many messages it has carried.
    #[must_use]
    pub fn messages(&self) -> u32 {
        self.messages
    }

    /// The host as logs and notices call it.
    #[must_use]
    pub fn relay(&self) -> &str {
        &self.relay
    }

    /// Recipients that one transaction may have.
    #[must_use]
    pub fn recipients_max(&self) -> usize {
        self.client.capabilities().recipients_max()
    }

    /// Sends a message to some recipients, in as many transactions as the host wants.
    pub async fn carry(&mut self, parcel: &Parcel, source: &Source, clock: &Clock) -> Carried {
        let all = &parcel.envelope.recipients;
        let mut outcomes: Vec<Option<Outcome>> = vec![None; all.len()];
        loop {
            let open = (0..)
                .zip(&outcomes)
                .filter(|(_, outcome)| outcome.is_none());
            let chosen: Vec<usize> = open
                .map(|(index, _)| index)
                .take(self.recipients_max())
                .collect();
            if chosen.is_empty() {
                break;
            }
            let some = chosen
                .iter()
                .filter_map(|index| all.get(*index))
                .cloned()
                .collect();
            let report = self.transact(parcel, some, source).await;
            if self.was_stale(&report) {
                return Carried::Stale;
            }
            if chosen.len() == all.len() && self.went_away(&report) {
                let outcomes = report.verdicts.iter();
                let outcomes = outcomes.map(|verdict| self.outcome(verdict, clock.now()));
                return Carried::Broken(outcomes.collect());
            }
            let accepted = report
                .verdicts
                .iter()
                .any(|verdict| verdict.reply.is_done());
            for (index, verdict) in chosen.into_iter().zip(&report.verdicts) {
                let again = accepted && self.usable && too_many(verdict);
                if let (false, Some(outcome)) = (again, outcomes.get_mut(index)) {
                    *outcome = Some(self.outcome(verdict, clock.now()));
                }
            }
            if !self.usable {
                break;
            }
        }
        let lost = || {
            let text = "the connection was lost before this recipient's turn";
            self.ours(Fate::Deferred, status::CONNECTION_LOST, text, clock.now())
        };
        let outcomes = outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(lost));
        Carried::Outcomes(outcomes.collect())
    }

    /// One transaction.
    async fn transact(
        &mut self,
        parcel: &Parcel,
        recipients: Vec<Recipient>,
        source: &Source,
    ) -> Report {
        let envelope = Envelope {
            sender: parcel.envelope.sender.clone(),
            parameters: parcel.envelope.parameters.clone(),
            recipients,
        };
        let size = parcel.size + parcel.prefix.len() as u64;
        self.client.send(&envelope, Some(size));
        let mut next = self.talk().await;
        if matches!(next, Ok(Next::Content)) {
            next = match self.send_content(parcel, source).await {
                Ok(()) => self.talk().await,
                Err(error) => return self.give_up(&error, envelope.recipients.len()),
            };
        }
        match next {
            Ok(Next::Sent(report)) => {
                self.messages += 1;
                self.usable = matches!(self.talk().await, Ok(Next::Ready));
                report
            }
            Ok(_) | Err(_) => self.give_up(
                &io::ErrorKind::InvalidData.into(),
                envelope.recipients.len(),
            ),
        }
    }

    /// The content cannot be read: the transaction must not be completed, so the connection goes.
    fn give_up(&mut self, error: &io::Error, recipients: usize) -> Report {
        tracing::error!(%error, relay = self.relay, "the content of a message cannot be read");
        self.usable = false;
        self.stream = None;
        let reply = roost_proto_smtp::Reply::new(451, status::LOCAL_TROUBLE, "")
            .with_text("the message's content cannot be read from the queue");
        let verdict = Verdict {
            reply,
            stage: Stage::Message,
        };
        Report {
            verdicts: vec![verdict; recipients],
        }
    }

    async fn send_content(&mut self, parcel: &Parcel, source: &Source) -> io::Result<()> {
        let mut reader = source.open().await.map_err(io::Error::other)?;
        self.client.content(parcel.prefix.as_bytes());
        while let Some(piece) = reader.piece().await? {
            self.client.content(&piece);
            if self.client.output().len() >= PIECE && self.write().await.is_err() {
                // What the host said, if it said something, is found by `talk`.
                self.lose();
                return Ok(());
            }
        }
        self.client.content_end();
        Ok(())
    }

    /// Goes on until the caller has something to do. Fails if TLS cannot be begun.
    async fn talk(&mut self) -> Result<Next, String> {
        loop {
            match self.client.step() {
                Next::Read => {
                    if let Some(next) = self.exchange().await {
                        return Ok(next);
                    }
                }
                Next::StartTls => self.start_tls().await?,
                Next::Closed(failure) => {
                    self.usable = false;
                    return Ok(Next::Closed(failure));
                }
                next @ (Next::Ready | Next::Content | Next::Sent(_)) => return Ok(next),
            }
        }
    }

    /// Writes what waits and reads what comes; says how the session ended if it did by that.
    async fn exchange(&mut self) -> Option<Next> {
        let patience = self.client.patience();
        let read = async {
            self.write().await?;
            let mut read = BytesMut::with_capacity(4096);
            let Some(stream) = &mut self.stream else {
                return Err(io::ErrorKind::NotConnected.into());
            };
            let count = tokio::time::timeout(patience, stream.read_buf(&mut read))
                .await
                .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
            self.client.input().extend_from_slice(&read);
            io::Result::Ok(count)
        };
        match read.await {
            Ok(count) if count > 0 => None,
            Ok(_) | Err(_) => {
                self.lose();
                Some(self.client.lost())
            }
        }
    }

    fn lose(&mut self) {
        self.usable = false;
        self.stream = None;
    }

    async fn write(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let output = self.client.output();
        let written = async {
            stream.write_all_buf(output).await?;
            stream.flush().await
        };
        tokio::time::timeout(WRITE_TIME, written)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn start_tls(&mut self) -> Result<(), String> {
        if self.write().await.is_err() {
            return Err("the connection was lost".to_owned());
        }
        let Some(stream) = self.stream.take() else {
            return Err("the connection was lost".to_owned());
        };
        match stream.secure(Arc::clone(&self.tls), &self.name).await {
            Ok(stream) => {
                self.stream = Some(stream);
                self.client.secured();
                Ok(())
            }
            Err(error) => Err(Chain(&error).to_string()),
        }
    }

    /// Says goodbye.
    pub async fn quit(mut self) {
        if !self.usable {
            return;
        }
        self.client.quit();
        // The answer, and whether it comes, changes nothing.
        if tokio::time::timeout(QUIT_TIME, self.talk()).await.is_err() {
            tracing::debug!(relay = self.relay, "no answer to QUIT");
        }
    }

    /// Whether the host had closed a connection that it kept open after an earlier message.
    fn was_stale(&self, report: &Report) -> bool {
        let closed = Failure::Lost(Stage::Mail).reply();
        self.messages > 1
            && !self.usable
            && report.verdicts.iter().all(|verdict| {
                let early = matches!(verdict.stage, Stage::Mail | Stage::Reset);
                let gone = verdict.reply == closed || verdict.reply.code == 421;
                early && (gone || verdict.reply == Failure::Lost(Stage::Reset).reply())
            })
    }

    /// Whether the host left before the message was sent and refused nobody for good.
    fn went_away(&self, report: &Report) -> bool {
        !self.usable
            && report.verdicts.iter().all(|verdict| {
                verdict.stage != Stage::Message && verdict.reply.outcome() == Class::Temporary
            })
    }

    fn outcome(&self, verdict: &Verdict, now: Timestamp) -> Outcome {
        let reply = &verdict.reply;
        let fate = match reply.outcome() {
            Class::Done => match self.protocol {
                Protocol::Lmtp => Fate::Delivered,
                Protocol::Smtp => handed(self.client.capabilities()),
            },
            Class::More | Class::Temporary => Fate::Deferred,
            Class::Permanent => Fate::Failed,
        };
        let mut text = reply.to_string();
        if fate == Fate::Deferred || fate == Fate::Failed {
            text = format!("{text} (in reply to {})", verdict.stage);
        }
        Outcome {
            fate,
            status: reply.status(),
            text: text.chars().take(REPLY_KEPT).collect(),
            remote: Some(self.relay.clone()),
            at: now,
        }
    }

    fn ours(&self, fate: Fate, status: Enhanced, text: &str, now: Timestamp) -> Outcome {
        Outcome {
            remote: Some(self.relay.clone()),
            ..Outcome::ours(fate, status, text, now)
        }
    }
}

/// RFC 3461 §5.2.2: a host with DSN reports by itself; for one without it we say "relayed".
fn handed(capabilities: &Capabilities) -> Fate {
    match capabilities.has(Extension::Dsn) {
        true => Fate::Handed,
        false => Fate::Relayed,
    }
}

/// RFC 5321 §4.5.3.1.10: "too many recipients" is 452, from old hosts 552; those refused by it are
/// offered again at once.
fn too_many(verdict: &Verdict) -> bool {
    let subject = verdict
        .reply
        .enhanced
        .map(|enhanced| (enhanced.subject, enhanced.detail));
    let fits = matches!(subject, None | Some((5, 3)));
    verdict.stage == Stage::Rcpt && matches!(verdict.reply.code, 452 | 552) && fits
}
