//! What a session asks of the program around it.

use std::future::Future;

use bytes::Bytes;
use roost_proto_sasl::Authenticate;

use crate::reply::Refusal;

/// The messages of a mailbox as they were when the session began; they keep their order and numbers.
pub trait Maildrop: Send + Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size of the message at `index` in octets; 0 past the end.
    fn size(&self, index: usize) -> u64;

    /// The unique id of the message at `index` (RFC 1939 §7: 1 to 70 characters from `!` to `~`), which
    /// no other message of this mailbox ever has, and which it has in every session.
    fn unique_id(&self, index: usize) -> String;
}

/// Whoever has the mailboxes. One method a question, each atomic: dropping its future leaves nothing
/// half done. None of them may wait without a deadline.
pub trait Backend: Authenticate + Send + Sync {
    /// What [`Backend::open`] gives.
    type Maildrop: Maildrop;

    /// A message that is being read; cheap to drop half way.
    type Message: Send;

    /// A proxy in front says for whom it speaks, as fields like `ADDR=192.0.2.7`. Answers whether it
    /// is one that may.
    fn forwarded(&self, fields: &str) -> bool {
        let _ = fields;
        false
    }

    /// An account has just proved its identity: is its maildrop served here (nothing), or elsewhere?
    /// Then the backend has logged in there, and this line, without its end, is what the client is
    /// to hear.
    fn hand_over(
        &self,
        account: &Self::Account,
    ) -> impl Future<Output = Result<Option<String>, Refusal>> + Send {
        let _ = account;
        std::future::ready(Ok(None))
    }

    /// The messages of the account's inbox.
    fn open(
        &self,
        account: &Self::Account,
    ) -> impl Future<Output = Result<Self::Maildrop, Refusal>> + Send;

    /// Starts to read the message at `index`.
    fn retrieve(
        &self,
        maildrop: &Self::Maildrop,
        index: usize,
    ) -> impl Future<Output = Result<Self::Message, Refusal>> + Send;

    /// Its next octets, some kilobytes; nothing after the last.
    fn read(
        &self,
        message: &mut Self::Message,
    ) -> impl Future<Output = Result<Option<Bytes>, Refusal>> + Send;

    /// Removes messages, durably: all of those that are still there, or none. `indexes` ascend.
    fn remove(
        &self,
        maildrop: &Self::Maildrop,
        indexes: &[usize],
    ) -> impl Future<Output = Result<(), Refusal>> + Send;
}
