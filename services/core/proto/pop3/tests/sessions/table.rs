//! A backend that is a table: alice has messages, and removing them may fail.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use roost_proto_pop3::{Backend, Maildrop, Refusal};
use roost_proto_sasl::scram::ServerSignature;
use roost_proto_sasl::{Authenticate, Login, Parameters, Proof, Refused};

/// Octets of a message that the table hands out at a time.
pub(crate) const PIECE: usize = 7;

#[derive(Clone, Default)]
pub(crate) struct Table {
    pub(crate) messages: Arc<Vec<Vec<u8>>>,
    pub(crate) removed: Arc<Mutex<Vec<usize>>>,
    pub(crate) trouble: Trouble,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trouble {
    #[default]
    None,
    /// The journal is not writable.
    Remove,
    /// The mailbox cannot be opened.
    Open,
    /// The disk fails in the midst of a message.
    Read,
    /// Another session has removed the messages.
    Gone,
}

#[derive(Clone)]
pub(crate) struct Drop(Arc<Vec<Vec<u8>>>);

impl Maildrop for Drop {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn size(&self, index: usize) -> u64 {
        self.0.get(index).map_or(0, |message| message.len() as u64)
    }

    fn unique_id(&self, index: usize) -> String {
        format!("u{index}")
    }
}

impl Authenticate for Table {
    type Account = String;

    async fn password(&self, login: Login) -> Result<String, Refused> {
        match (login.authcid.as_str(), login.password.expose()) {
            ("alice" | "far" | "lost", "my secret") => Ok(login.authcid),
            ("imaponly", "my secret") => Err(Refused::Forbidden),
            ("down", _) => Err(Refused::Unavailable),
            _ => Err(Refused::Credentials),
        }
    }

    async fn scram_parameters(&self, _: &str) -> Result<Parameters, Refused> {
        Err(Refused::Unavailable)
    }

    async fn scram_verify(&self, _: Proof) -> Result<(String, ServerSignature), Refused> {
        Err(Refused::Credentials)
    }
}

impl Backend for Table {
    type Maildrop = Drop;
    type Message = (Vec<u8>, Trouble);

    fn forwarded(&self, fields: &str) -> bool {
        fields == "ADDR=192.0.2.7 PORT=5600"
    }

    async fn hand_over(&self, account: &String) -> Result<Option<String>, Refusal> {
        match account.as_str() {
            "far" => Ok(Some("+OK 7 messages at the store".to_owned())),
            "lost" => Err(Refusal::Temporary),
            _ => Ok(None),
        }
    }

    async fn open(&self, _: &String) -> Result<Drop, Refusal> {
        match self.trouble {
            Trouble::Open => Err(Refusal::Temporary),
            _ => Ok(Drop(Arc::clone(&self.messages))),
        }
    }

    async fn retrieve(&self, drop: &Drop, index: usize) -> Result<Self::Message, Refusal> {
        match self.trouble {
            Trouble::Gone => Err(Refusal::Gone),
            trouble => Ok((drop.0.get(index).cloned().ok_or(Refusal::Gone)?, trouble)),
        }
    }

    async fn read(&self, message: &mut Self::Message) -> Result<Option<Bytes>, Refusal> {
        let (rest, trouble) = message;
        if rest.is_empty() {
            return match trouble {
                Trouble::Read => Err(Refusal::Permanent),
                _ => Ok(None),
            };
        }
        let piece = rest.drain(..PIECE.min(rest.len())).collect::<Vec<u8>>();
        Ok(Some(piece.into()))
    }

    async fn remove(&self, _: &Drop, indexes: &[usize]) -> Result<(), Refusal> {
        match self.trouble {
            Trouble::Remove => Err(Refusal::Temporary),
            _ => {
                self.removed.lock().unwrap().extend(indexes);
                Ok(())
            }
        }
    }
}

/// Runs a future that never waits.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the table never waits"),
    }
}
