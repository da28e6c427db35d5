//! MAIL and RCPT (RFC 5321 §4.1.1.2, §4.1.1.3), and which of their parameters hold here.

use super::patience::Verdict;
use super::{Backend, Context, Next, Offer, Role, Session, State};
use crate::envelope::{Envelope, Recipient};
use crate::grammar::address::{Address, ForwardPath, Host, LocalPart};
use crate::grammar::command::Command;
use crate::grammar::mail::{Body, Mail, MailParameters, Submitter};
use crate::grammar::rcpt::Rcpt;
use crate::reply::{self, Reply};

impl<B: Backend> Session<B> {
    pub(super) async fn mail(&mut self, mut mail: Mail) -> Next {
        if let Some(reply) = self.mail_out_of_turn() {
            return self.mistake(&reply);
        }
        if let Some(reply) = self.mail_refused(&mail) {
            return self.refused(&reply);
        }
        self.distrust(&mut mail.parameters);
        match self
            .backend
            .sender(
                Context::of(&self.config, &self.client, &self.account),
                &mail,
            )
            .await
        {
            Ok(()) => {
                let mut envelope = Envelope::new(mail.from);
                envelope.parameters = mail.parameters;
                self.state = State::Mail(envelope);
                self.answer(&reply::SENDER_OK)
            }
            Err(refusal) => self.refused(refusal.reply()),
        }
    }

    fn mail_out_of_turn(&self) -> Option<Reply> {
        match self.state {
            State::Connected | State::Fresh => Some(reply::HELLO_FIRST),
            State::Mail(_) | State::Login(_) | State::Discard { .. } => Some(reply::NESTED_MAIL),
            State::Transfer(_) => Some(reply::BDAT_RUNNING),
            State::Idle | State::Refused { .. } => None,
        }
    }

    /// RFC 6531 §3.4: whoever does not say SMTPUTF8 has no non-ASCII addresses, not even domains,
    /// which we could read.
    pub(super) fn lacks_utf8(&self, line: &[u8], command: &Command) -> bool {
        !line.is_ascii()
            && match (command, &self.state) {
                (Command::Mail(mail), State::Idle | State::Refused { .. }) => {
                    mail.parameters.utf8.is_none()
                }
                (Command::Rcpt(_), State::Mail(envelope)) => envelope.parameters.utf8.is_none(),
                _ => false,
            }
    }

    fn mail_refused(&self, mail: &Mail) -> Option<Reply> {
        if self.config.role == Role::Submission && self.account.is_none() {
            // RFC 6409 §4.3, RFC 3207 §4.
            return Some(match self.client.is_secure() {
                true => reply::LOGIN_REQUIRED,
                false => reply::TLS_REQUIRED,
            });
        }
        self.parameters_refused(&mail.parameters)
    }

    fn parameters_refused(&self, parameters: &MailParameters) -> Option<Reply> {
        let config = &self.config;
        if parameters.utf8.is_some() && config.smtputf8 == Offer::No
            || parameters.body == Some(Body::BinaryMime) && config.binarymime == Offer::No
            || parameters.require_tls.is_some() && config.requiretls == Offer::No
        {
            return Some(reply::UNKNOWN_PARAMETER);
        }
        if parameters.require_tls.is_some() && self.client.tls().is_none() {
            return Some(reply::REQUIRETLS_INSECURE);
        }
        // RFC 1870 §6.1
        let too_large = parameters
            .size
            .is_some_and(|size| size > config.message_size_max);
        too_large.then_some(reply::TOO_LARGE)
    }

    /// RFC 4954 §5: what AUTH= says counts only from a client whom we trust.
    fn distrust(&self, parameters: &mut MailParameters) {
        if parameters.auth.is_some() && self.account.is_none() && self.config.role != Role::Lmtp {
            parameters.auth = Some(Submitter::Unknown);
        }
    }

    pub(super) async fn rcpt(&mut self, rcpt: Rcpt) -> Next {
        let max = self.recipients_max();
        let State::Mail(envelope) = &self.state else {
            let reply = match self.state {
                State::Connected | State::Fresh => reply::HELLO_FIRST,
                State::Transfer(_) => reply::BDAT_RUNNING,
                State::Idle
                | State::Refused { .. }
                | State::Login(_)
                | State::Mail(_)
                | State::Discard { .. } => reply::MAIL_FIRST,
            };
            return self.out_of_turn(&reply);
        };
        if envelope.recipients.len() as u64 >= u64::from(max) {
            return self.answer(&reply::TOO_MANY_RECIPIENTS);
        }
        let Some(address) = self.recipient_address(rcpt.to) else {
            return self.mistake(&reply::UNKNOWN_COMMAND);
        };
        let recipient = Recipient {
            address,
            parameters: rcpt.parameters,
        };
        let context = Context::of(&self.config, &self.client, &self.account);
        let verdict = self.backend.recipient(context, envelope, &recipient).await;
        match (&mut self.state, verdict) {
            (State::Mail(envelope), Ok(())) => {
                envelope.recipients.push(recipient);
                self.answer(&reply::RECIPIENT_OK)
            }
            (_, Ok(())) => self.mistake(&reply::MAIL_FIRST),
            (_, Err(refusal)) if refusal.is_temporary() => self.answer(refusal.reply()),
            (_, Err(refusal)) => self.refused_recipient(refusal.reply()),
        }
    }

    /// RFC 5321 §4.5.1: `<Postmaster>` is the postmaster of this server.
    fn recipient_address(&self, path: ForwardPath) -> Option<Address> {
        match path {
            ForwardPath::Address(address) => Some(address),
            ForwardPath::Postmaster => {
                let host = Host::Domain(self.config.hostname.clone());
                Some(Address::new(LocalPart::new("postmaster").ok()?, host))
            }
        }
    }

    fn refused_recipient(&mut self, reply: &Reply) -> Next {
        if self.config.role == Role::Lmtp {
            return self.answer(reply);
        }
        match self.patience.refused_recipient() {
            Verdict::Go | Verdict::Slow(_) => self.answer(reply),
            Verdict::Stop => self.close(&reply::TOO_MANY_REFUSED),
        }
    }
}
