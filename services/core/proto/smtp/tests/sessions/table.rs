//! A backend that is a table: who exists, who is full, and what came in.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use roost_proto_sasl::scram::{Keys, ServerSignature};
use roost_proto_sasl::{Authenticate, Login, Parameters, Password, Proof, Refused};
use roost_proto_smtp::grammar::mail::Mail;
use roost_proto_smtp::session::{Client, Context};
use roost_proto_smtp::{
    Accepted, Backend, Envelope, Finish, Recipient, Refusal, ReversePath, Role,
};

/// What came in, shared with the test.
#[derive(Clone, Default)]
pub(crate) struct Table(pub(crate) Arc<Mutex<Vec<Message>>>);

/// A message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) envelope: Envelope,
    pub(crate) content: Vec<u8>,
    pub(crate) with: String,
}

impl Table {
    pub(crate) fn last(&self) -> Option<Message> {
        self.0.lock().unwrap().last().cloned()
    }
}

fn keys() -> Keys {
    let parameters = Parameters::new(b"a salt of sixteen".to_vec(), 4096).unwrap();
    Keys::derive(&Password::new("secret"), parameters)
}

impl Authenticate for Table {
    type Account = String;

    async fn password(&self, login: Login) -> Result<String, Refused> {
        match (login.authcid.as_str(), login.password.expose()) {
            ("alice@example.test" | "alice", "secret") => Ok("alice@example.test".into()),
            ("locked@example.test", "secret") => Err(Refused::Forbidden),
            ("down@example.test", _) => Err(Refused::Unavailable),
            _ => Err(Refused::Credentials),
        }
    }

    async fn scram_parameters(&self, _: &str) -> Result<Parameters, Refused> {
        Ok(keys().parameters().clone())
    }

    async fn scram_verify(&self, proof: Proof) -> Result<(String, ServerSignature), Refused> {
        let signature = keys().verify(&proof.auth_message, &proof.client_proof);
        match (proof.name.as_str(), signature) {
            ("alice@example.test", Some(signature)) => Ok((proof.name, signature)),
            _ => Err(Refused::Credentials),
        }
    }
}

impl Backend for Table {
    type Message = Vec<u8>;

    async fn connect(&self, client: &Client) -> Result<(), Refusal> {
        match client.address.map(|address| address.to_string()).as_deref() {
            Some("203.0.113.66") => Err(Refusal::permanent(554, 7, 1, "Your address is blocked")),
            _ => Ok(()),
        }
    }

    async fn sender(&self, at: Context<'_, String>, mail: &Mail) -> Result<(), Refusal> {
        match (at.role, at.account, &mail.from) {
            (Role::Submission, Some(account), ReversePath::Address(from)) => {
                match from.to_string() == *account {
                    true => Ok(()),
                    false => Err(Refusal::sender_not_owned()),
                }
            }
            _ => Ok(()),
        }
    }

    async fn recipient(
        &self,
        at: Context<'_, String>,
        _: &Envelope,
        recipient: &Recipient,
    ) -> Result<(), Refusal> {
        let address = recipient.address.to_string();
        match address.as_str() {
            "full@example.test" => Err(Refusal::over_quota()),
            "down@example.test" => Err(Refusal::unavailable()),
            _ if address.starts_with("nobody") => Err(Refusal::unknown_recipient()),
            _ if address.ends_with("@example.test") || address.ends_with("@mx.example.test") => {
                Ok(())
            }
            _ if at.account.is_some() => Ok(()),
            _ => Err(Refusal::relay_denied()),
        }
    }

    async fn begin(&self, _: Context<'_, String>, envelope: &Envelope) -> Result<Vec<u8>, Refusal> {
        match &envelope.sender {
            ReversePath::Address(from) if from.local().as_str() == "nospace" => {
                Err(Refusal::no_space())
            }
            _ => Ok(Vec::new()),
        }
    }

    async fn chunk(&self, message: &mut Vec<u8>, octets: Bytes) -> Result<(), Refusal> {
        message.extend_from_slice(&octets);
        match message.starts_with(b"FULL DISK") {
            true => Err(Refusal::no_space()),
            false => Ok(()),
        }
    }

    async fn finish(
        &self,
        at: Context<'_, String>,
        envelope: Envelope,
        content: Vec<u8>,
    ) -> Finish {
        let with = at.with(&envelope).to_string();
        let verdict = |recipient: &Recipient| match recipient.address.local().as_str() {
            "late" => Err(Refusal::over_quota()),
            _ => Ok(Accepted::delivered("Delivered")),
        };
        let each = envelope.recipients.iter().map(verdict).collect();
        self.0.lock().unwrap().push(Message {
            envelope,
            content,
            with,
        });
        match at.role {
            Role::Lmtp => Finish::Each(each),
            Role::Mx | Role::Submission => Finish::All(Ok(Accepted::queued("Q1"))),
        }
    }
}
