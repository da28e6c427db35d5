//! One connection's side of the protocol: who it speaks for, and what is done with each request.
//! No socket: [`crate::server`] owns that, reads requests in and writes answers out.
//!
//! Requests run side by side (RFC 4511 §3.1), each for the identity that was bound when it came.
//! Bind, StartTLS and unbind are alone: they begin when everything before them has ended.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use roost_kit::fields::{self, Escaped};
use tokio_util::sync::CancellationToken;

use crate::access::Identity;
use crate::controls::{Controls, Operation};
use crate::directory::Directory;
use crate::metrics::{Counted, Counts};
use crate::operations::bind::Connection;
use crate::operations::search::Entries;
use crate::operations::{self, Answer};
use crate::outbox::Outbox;
use crate::refuse::Refusal;
use crate::root::extension;
use crate::wire::ber::{self, Malformed, Tag};
use crate::wire::control::oid;
use crate::wire::message::{Control, Message, MessageId};
use crate::wire::request::{Bind, Extended, Request, tag};
use crate::wire::response::{self, ExtendedAnswer, Outcome, ResultCode, answer_tag};

/// What a connection knows and may.
#[derive(Debug, Clone)]
pub struct Session {
    /// The directory.
    pub directory: Arc<Directory>,
    /// What is counted.
    pub counts: Counts,
    /// Who it speaks for.
    pub identity: Arc<Identity>,
    /// What is known of it.
    pub connection: Connection,
}

/// How a request is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Beside others.
    Together,
    /// When nothing else runs; the session changes by it.
    Alone,
}

/// How a request is to be run.
#[must_use]
pub fn manner(request: &Request) -> Manner {
    match request {
        Request::Bind(_) | Request::Unbind => Manner::Alone,
        Request::Extended(extended) if extended.name == extension::START_TLS => Manner::Alone,
        Request::Search(_)
        | Request::Modify(_)
        | Request::Add(_)
        | Request::Delete(_)
        | Request::ModifyDn(_)
        | Request::Compare(_)
        | Request::Abandon(_)
        | Request::Extended(_) => Manner::Together,
    }
}

/// A request to be answered, with where its answers go.
#[derive(Debug)]
pub struct Task {
    /// The request.
    pub message: Message,
    /// Where answers go.
    pub out: Outbox,
    /// How it is called off.
    pub stop: Stop,
}

/// Calls a request off.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    token: CancellationToken,
    silent: Arc<AtomicBool>,
}

impl Stop {
    /// A search ends, and says that it was cancelled (RFC 3909).
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// A search ends; whatever it was, there is no answer (RFC 4511 §4.11).
    pub fn abandon(&self) {
        self.silent.store(true, Ordering::Relaxed);
        self.token.cancel();
    }

    fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed)
    }
}

impl Session {
    /// A session that nobody has signed in to.
    #[must_use]
    pub fn new(directory: Arc<Directory>, counts: Counts, connection: Connection) -> Self {
        Self {
            directory,
            counts,
            identity: Arc::new(Identity::anonymous()),
            connection,
        }
    }

    /// Answers a request that runs beside others.
    pub async fn run(self, task: Task) {
        let Task {
            message:
                Message {
                    id,
                    request,
                    controls,
                },
            out,
            stop,
        } = task;
        let entries = Entries {
            id,
            out: &out,
            cancelled: &stop.token,
        };
        let (kind, result) = match &request {
            Request::Search(search) => {
                (tag::SEARCH, self.search(search, &controls, &entries).await)
            }
            Request::Compare(compare) => (tag::COMPARE, self.compare(compare, &controls).await),
            Request::Add(add) => (tag::ADD, self.add(add, &controls).await),
            Request::Modify(modify) => (tag::MODIFY, self.modify(modify, &controls).await),
            Request::Delete(dn) => (tag::DELETE, self.delete(dn, &controls).await),
            Request::ModifyDn(rename) => (tag::MODIFY_DN, self.rename(rename, &controls).await),
            Request::Extended(extended) => {
                let answer = self.extended(id, extended, &controls).await;
                return send(&out, &stop, answer).await;
            }
            // These are not for here: they run alone, or have no answer.
            Request::Bind(_) | Request::Unbind | Request::Abandon(_) => return,
        };
        let answer = result.unwrap_or_else(|refusal| Answer {
            outcome: refusal.into_outcome(),
            controls: Vec::new(),
        });
        self.note(&request, &answer.outcome);
        if let Some(tag) = answer_tag(kind) {
            let answer = response::result(id, tag, &answer.outcome, &answer.controls);
            send(&out, &stop, answer).await;
        }
    }

    /// Binds. The answer must be written before the next request is read.
    pub async fn bind(&mut self, id: MessageId, bind: &Bind, controls: &[Control]) -> Vec<u8> {
        // RFC 4511 §4.2.1: a bind, whether it succeeds or not, ends what was before.
        self.identity = Arc::new(Identity::anonymous());
        self.counts.operation(Counted::Bind);
        let bound = match Controls::read(controls, Operation::Bind) {
            Ok(read) => operations::bind::bind(&self.directory, self.connection, bind)
                .await
                .map(|identity| (identity, read)),
            Err(refusal) => Err(refusal),
        };
        let (outcome, controls) = match bound {
            Ok((identity, read)) => {
                tracing::debug!(name = bind.name, as_ = %identity.dn, "bound");
                let control = read
                    .authorization_identity
                    .then(|| authorization_identity(&identity));
                self.identity = Arc::new(identity);
                (
                    Outcome::of(ResultCode::Success),
                    control.into_iter().collect(),
                )
            }
            Err(refusal) => {
                let outcome = refusal.into_outcome();
                let why = match outcome.message.is_empty() {
                    true => format!("{:?}", outcome.code),
                    false => outcome.message.clone(),
                };
                self.note_refused(bind, &why);
                (outcome, Vec::new())
            }
        };
        if outcome.code == ResultCode::InvalidCredentials {
            self.counts.failed_bind();
        }
        let tag = answer_tag(tag::BIND).unwrap_or(ber::SEQUENCE);
        response::result(id, tag, &outcome, &controls)
    }

    /// Answers a bind that was not looked at, since too many failed before it.
    pub fn bind_refused(&mut self, id: MessageId, bind: &Bind) -> Vec<u8> {
        self.identity = Arc::new(Identity::anonymous());
        self.counts.operation(Counted::Bind);
        self.counts.throttled_bind();
        self.note_refused(bind, "too many failed before");
        let outcome = Outcome::new(ResultCode::Busy, "too many binds have failed; try later");
        let tag = answer_tag(tag::BIND).unwrap_or(ber::SEQUENCE);
        response::result(id, tag, &outcome, &[])
    }

    /// Whether the last bind made the session a daemon's or an administrator's, who sign in others.
    #[must_use]
    pub fn acts_for_others(&self) -> bool {
        self.identity.is_service() || self.identity.is_administrator()
    }

    fn note_refused(&self, bind: &Bind, why: &str) {
        let name = Escaped(bind.name.as_bytes());
        let peer = self.connection.address.map(|address| address.to_string());
        let peer = peer.as_deref().unwrap_or("local");
        tracing::info!(
            { fields::SERVICE } = "ldap",
            { fields::PEER } = peer,
            { fields::ACCOUNT } = %name,
            { fields::OUTCOME } = why,
            "not signed in (from {peer})"
        );
    }

    /// Whether the last bind made the session somebody's.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.identity.is_known()
    }

    async fn search(
        &self,
        search: &crate::wire::request::Search,
        controls: &[Control],
        entries: &Entries<'_>,
    ) -> Result<Answer, Refusal> {
        let started = self.directory.clock.instant();
        let controls = Controls::read(controls, Operation::Search)?;
        let answer =
            operations::search::search(&self.directory, &self.identity, search, &controls, entries)
                .await;
        let took: Duration = self
            .directory
            .clock
            .instant()
            .saturating_duration_since(started);
        self.counts.searched(took);
        tracing::debug!(
            base = search.base, filter = ?search.filter, took = ?took, by = %self.identity.dn, "searched"
        );
        answer
    }

    async fn compare(
        &self,
        compare: &crate::wire::request::Compare,
        controls: &[Control],
    ) -> Result<Answer, Refusal> {
        let controls = Controls::read(controls, Operation::Compare)?;
        operations::compare::compare(&self.directory, &self.identity, compare, &controls).await
    }

    async fn add(
        &self,
        add: &crate::wire::request::Add,
        controls: &[Control],
    ) -> Result<Answer, Refusal> {
        let controls = Controls::read(controls, Operation::Add)?;
        operations::add::add(&self.directory, &self.identity, add, &controls).await
    }

    async fn modify(
        &self,
        modify: &crate::wire::request::Modify,
        controls: &[Control],
    ) -> Result<Answer, Refusal> {
        let controls = Controls::read(controls, Operation::Modify)?;
        operations::modify::modify(&self.directory, &self.identity, modify, &controls).await
    }

    async fn delete(&self, dn: &str, controls: &[Control]) -> Result<Answer, Refusal> {
        let controls = Controls::read(controls, Operation::Delete)?;
        operations::delete::delete(&self.directory, &self.identity, dn, &controls).await
    }

    async fn rename(
        &self,
        rename: &crate::wire::request::ModifyDn,
        controls: &[Control],
    ) -> Result<Answer, Refusal> {
        let controls = Controls::read(controls, Operation::ModifyDn)?;
        operations::rename::rename(&self.directory, &self.identity, rename, &controls).await
    }

    async fn extended(&self, id: MessageId, request: &Extended, controls: &[Control]) -> Vec<u8> {
        self.counts.operation(Counted::Extended);
        let result = match Controls::read(controls, Operation::Extended) {
            Ok(_) => self.extension(request).await,
            Err(refusal) => Err(refusal),
        };
        let (outcome, value) = match result {
            Ok(value) => (Outcome::of(ResultCode::Success), value),
            Err(refusal) => (refusal.into_outcome(), None),
        };
        if request.name == extension::PASSWORD_MODIFY {
            tracing::info!(by = %self.identity.dn, code = ?outcome.code, "password modify");
        }
        let answer = ExtendedAnswer { name: None, value };
        response::extended(id, &outcome, &answer, &[])
    }

    async fn extension(&self, request: &Extended) -> Result<Option<Vec<u8>>, Refusal> {
        let value = request.value.as_deref();
        let (directory, identity) = (&self.directory, &self.identity);
        match request.name.as_str() {
            extension::WHO_AM_I if value.is_some() => Err(Refusal::new(
                ResultCode::ProtocolError,
                "Who am I has no value",
            )),
            extension::WHO_AM_I => Ok(Some(authorization_name(identity).into_bytes())),
            extension::PASSWORD_MODIFY => {
                operations::password::modify(directory, self.connection, identity, value).await
            }
            extension::SCRAM_PARAMETERS => {
                operations::scram::parameters(directory, identity, value)
                    .await
                    .map(Some)
            }
            extension::SCRAM_VERIFY => operations::scram::verify(directory, identity, value)
                .await
                .map(Some),
            _ => Err(Refusal::new(
                ResultCode::ProtocolError,
                "this extended operation is not known here",
            )),
        }
    }

    /// Counts, and says who changed what.
    fn note(&self, request: &Request, outcome: &Outcome) {
        let (counted, name) = match request {
            Request::Search(_) => return self.counts.operation(Counted::Search),
            Request::Compare(_) => return self.counts.operation(Counted::Compare),
            Request::Add(add) => (Counted::Add, &add.dn),
            Request::Modify(modify) => (Counted::Modify, &modify.dn),
            Request::Delete(dn) => (Counted::Delete, dn),
            Request::ModifyDn(rename) => (Counted::ModifyDn, &rename.dn),
            Request::Bind(_) | Request::Unbind | Request::Abandon(_) | Request::Extended(_) => {
                return;
            }
        };
        self.counts.operation(counted);
        let entry = roost_kit::fields::Escaped(name.as_bytes());
        let what = counted.name();
        tracing::info!(%entry, what, by = %self.identity.dn, code = ?outcome.code, why = outcome.message, "change");
    }
}

/// Writes an answer, if there is still somebody who wants it.
async fn send(out: &Outbox, stop: &Stop, answer: Vec<u8>) {
    if !stop.is_silent() && out.send(answer).await.is_err() {
        tracing::debug!("the client left before its answer");
    }
}

/// RFC 4513 §5.2.1.8.
fn authorization_name(identity: &Identity) -> String {
    if identity.is_known() {
        format!("dn:{}", identity.dn)
    } else {
        String::new()
    }
}

/// RFC 3829 §3.
fn authorization_identity(identity: &Identity) -> Control {
    Control::answer(
        oid::AUTHORIZATION_IDENTITY_RESULT,
        authorization_name(identity).into_bytes(),
    )
}

/// The answer to an operation whose content cannot be read.
#[must_use]
pub fn unreadable(id: MessageId, request: Tag, why: Malformed) -> Option<Vec<u8>> {
    let outcome = Outcome::new(why.code(), why.to_string());
    answer_tag(request).map(|tag| response::result(id, tag, &outcome, &[]))
}

/// Where a connection comes from, as far as limits tell apart.
#[must_use]
pub fn address(peer: roost_kit::net::Peer) -> Option<IpAddr> {
    if peer.is_loopback() { None } else { peer.ip() }
}
