//! What a session asks of the program around it.

use std::future::Future;
use std::net::IpAddr;

use bytes::Bytes;
use roost_proto_sasl::Authenticate;

use super::config::{Config, Role};
use crate::envelope::{Envelope, Recipient};
use crate::grammar::command::{Hello, HelloVerb};
use crate::grammar::domain::Domain;
use crate::grammar::mail::Mail;
use crate::reply::{Accepted, Refusal};
use crate::trace::With;

/// The peer of a session, as the server and the peer itself describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its address; none on a Unix socket.
    pub address: Option<IpAddr>,
    /// The name that its address resolves to and that resolves back to it.
    pub name: Option<Domain>,
    /// Whether nobody between can read: TLS, or the loopback interface.
    pub security: Security,
    /// How it introduced itself.
    pub hello: Option<Hello>,
}

/// How well a connection is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// Anybody on the way can read and write.
    None,
    /// The peer is on this machine.
    Loopback,
    /// TLS.
    Tls(Tls),
}

/// What the Received field says about TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// `TLS1.3`, `TLS1.2`.
    pub version: String,
    /// The cipher suite's name.
    pub cipher: String,
}

impl Client {
    /// A peer that has said nothing yet.
    #[must_use]
    pub fn new(address: Option<IpAddr>, security: Security) -> Self {
        Self {
            address,
            name: None,
            security,
            hello: None,
        }
    }

    /// Whether passwords may be sent.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        match self.security {
            Security::None => false,
            Security::Loopback | Security::Tls(_) => true,
        }
    }

    /// TLS, if it is in use.
    #[must_use]
    pub fn tls(&self) -> Option<&Tls> {
        match &self.security {
            Security::Tls(tls) => Some(tls),
            Security::None | Security::Loopback => None,
        }
    }
}

/// Who asks: given with every question.
#[derive(Debug)]
pub struct Context<'a, A> {
    /// Which server it is.
    pub role: Role,
    /// The peer.
    pub client: &'a Client,
    /// The account that has logged in.
    pub account: Option<&'a A>,
}

impl<A> Clone for Context<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Context<'_, A> {}

impl<'a, A> Context<'a, A> {
    /// Of the session's parts only these: its message need not be shared between threads.
    pub(super) fn of(config: &Config, client: &'a Client, account: &'a Option<A>) -> Self {
        Self {
            role: config.role,
            client,
            account: account.as_ref(),
        }
    }

    /// The `with` clause of the Received field (RFC 5321 §4.4, 3848, 6531 §4.3).
    #[must_use]
    pub fn with(&self, envelope: &Envelope) -> With {
        With {
            lmtp: self.role == Role::Lmtp,
            extended: self
                .client
                .hello
                .as_ref()
                .is_some_and(|hello| hello.verb != HelloVerb::Helo),
            tls: self.client.tls().is_some(),
            authenticated: self.account.is_some(),
            utf8: envelope.parameters.utf8.is_some(),
        }
    }
}

/// The answers for a whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// One for all recipients: what an MX and a submission server give. LMTP repeats it.
    All(Result<Accepted, Refusal>),
    /// One for each recipient, in the envelope's order: what LMTP gives. SMTP, which has one reply
    /// only, answers with the first refusal, if there is one; so an SMTP server says `All`.
    Each(Vec<Result<Accepted, Refusal>>),
}

/// Whoever takes the mail. One method a question, each atomic: dropping its future leaves nothing half
/// done. None of them may wait without a deadline.
///
/// The positive end of [`Backend::finish`] makes the message ours: it must be durable before.
pub trait Backend: Authenticate + Send + Sync {
    /// A message that is coming in: a spool file, a buffer. Dropped unfinished (RSET, a lost
    /// connection, a message too large), it must leave nothing behind.
    type Message: Send;

    /// May this client talk to us at all? A refusal is the greeting, and the end.
    fn connect(&self, _client: &Client) -> impl Future<Output = Result<(), Refusal>> + Send {
        async { Ok(()) }
    }

    /// Is this introduction good enough?
    fn hello(
        &self,
        _client: &Client,
        _hello: &Hello,
    ) -> impl Future<Output = Result<(), Refusal>> + Send {
        async { Ok(()) }
    }

    /// May mail from this sender come in? On a submission server: is it the account's address?
    fn sender(
        &self,
        at: Context<'_, Self::Account>,
        mail: &Mail,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// May mail to this recipient come in, after those that the envelope has already?
    fn recipient(
        &self,
        at: Context<'_, Self::Account>,
        envelope: &Envelope,
        recipient: &Recipient,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// The envelope is complete and the message comes: where to?
    fn begin(
        &self,
        at: Context<'_, Self::Account>,
        envelope: &Envelope,
    ) -> impl Future<Output = Result<Self::Message, Refusal>> + Send;

    /// The next octets, as they are to be stored. After a refusal the rest is skipped and the message
    /// refused with it.
    fn chunk(
        &self,
        message: &mut Self::Message,
        octets: Bytes,
    ) -> impl Future<Output = Result<(), Refusal>> + Send;

    /// That was all of it.
    fn finish(
        &self,
        at: Context<'_, Self::Account>,
        envelope: Envelope,
        message: Self::Message,
    ) -> impl Future<Output = Finish> + Send;
}
