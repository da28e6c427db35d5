//! The answers to LMTP's questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Authenticate, Login, Parameters, Proof, Refused};
use roost_proto_smtp::grammar::mail::Mail;
use roost_proto_smtp::session::Context;
use roost_proto_smtp::{Backend, Envelope, Finish, Recipient, Refusal};

use super::deliver::{Deliverer, Resolved};
use super::incoming::Incoming;
use crate::accounts::Accounts;
use roost_login::SessionId;

/// One session's backend.
pub(super) struct LmtpBackend<A> {
    deliverer: Arc<Deliverer<A>>,
    session: SessionId,
    messages: AtomicU32,
    /// Whose the accepted recipients of the open transaction are, so that the directory is asked
    /// about each once.
    resolved: Mutex<Resolved>,
}

impl<A> LmtpBackend<A> {
    pub(super) fn new(deliverer: Arc<Deliverer<A>>, session: SessionId) -> Self {
        Self {
            deliverer,
            session,
            messages: AtomicU32::new(0),
            resolved: Mutex::default(),
        }
    }
}

impl<A: Accounts> Authenticate for LmtpBackend<A> {
    type Account = ();

    async fn password(&self, _login: Login) -> Result<(), Refused> {
        Err(Refused::Forbidden)
    }

    async fn scram_parameters(&self, _name: &str) -> Result<Parameters, Refused> {
        Err(Refused::Forbidden)
    }

    async fn scram_verify(&self, _proof: Proof) -> Result<((), ServerSignature), Refused> {
        Err(Refused::Forbidden)
    }
}

impl<A: Accounts> Backend for LmtpBackend<A> {
    type Message = Incoming;

    async fn sender(&self, _at: Context<'_, ()>, _mail: &Mail) -> Result<(), Refusal> {
        self.resolved.lock().clear();
        Ok(())
    }

    async fn recipient(
        &self,
        _at: Context<'_, ()>,
        _envelope: &Envelope,
        recipient: &Recipient,
    ) -> Result<(), Refusal> {
        let resolved = self.deliverer.resolve(&recipient.address).await?;
        let address = recipient.address.clone();
        self.resolved.lock().insert(address, resolved);
        Ok(())
    }

    async fn begin(&self, at: Context<'_, ()>, envelope: &Envelope) -> Result<Incoming, Refusal> {
        let number = self.messages.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}.{number}", self.session);
        let Deliverer {
            node, clock, room, ..
        } = &*self.deliverer;
        Ok(Incoming::begin(
            id,
            node,
            at,
            envelope,
            clock.now(),
            room.clone(),
        ))
    }

    async fn chunk(&self, message: &mut Incoming, octets: Bytes) -> Result<(), Refusal> {
        message.push(&octets)
    }

    async fn finish(&self, _at: Context<'_, ()>, envelope: Envelope, message: Incoming) -> Finish {
        let resolved = std::mem::take(&mut *self.resolved.lock());
        Finish::Each(self.deliverer.deliver(&envelope, message, resolved).await)
    }
}
