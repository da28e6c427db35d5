//! The door of IMAP: whoever has signed in gets their mailboxes.

use jiff::Timestamp;
use roost_kit::clock::Clock;
use roost_mailbox::Store;
use roost_proto_imap::grammar::IdField;
use roost_proto_imap::{Backend, Failure};
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Authenticate, Login, Parameters, Proof, Refused};

use super::home::Home;
use super::room::Room;
use crate::accounts::Accounts;
use crate::door::{Door, Reader};
use crate::trouble::failure;

/// One session's backend.
pub(super) struct ImapBackend<A> {
    pub(super) door: Door<A>,
    pub(super) store: Store,
    pub(super) room: Room,
    pub(super) clock: Clock,
}

impl<A: Accounts> Authenticate for ImapBackend<A> {
    type Account = Reader;

    async fn password(&self, login: Login) -> Result<Reader, Refused> {
        self.door.password(login).await
    }

    async fn scram_parameters(&self, name: &str) -> Result<Parameters, Refused> {
        self.door.scram_parameters(name).await
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(Reader, ServerSignature), Refused> {
        self.door.scram_verify(proof).await
    }
}

impl<A: Accounts> Backend for ImapBackend<A> {
    type Mailboxes = Home;

    fn identified(&self, fields: &[IdField]) {
        self.door.identified(
            fields
                .iter()
                .filter_map(|(name, value)| Some((&name[..], value.as_deref()?))),
        );
    }

    async fn open(&self, reader: Reader) -> Result<Home, Failure> {
        let account = reader.owner.id.uuid().into();
        let mailbox = self.store.mailbox(account).await.map_err(failure)?;
        let space = self.room.space(reader.owner.id);
        Ok(Home::new(mailbox, reader, space, self.clock.clone()))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
