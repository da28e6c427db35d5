//! STARTTLS, LOGIN and AUTHENTICATE (RFC 9051 §6.2, RFC 4959).

use roost_proto_sasl::{Dialogue, Failure as SaslFailure, Login, Mechanism, Turn};

use super::reply::{Ending, text};
use super::tell::print;
use super::{Job, Mode, Next, Security, Session, State};
use crate::backend::{Backend, Whereabouts};
use crate::frame::Raw;
use crate::grammar::{Condition, Response, Tag, Word};
use crate::limits::{FAILED_LOGIN_DELAY, FAILED_LOGIN_DELAY_MAX};
use crate::out::Out;

impl<B: Backend> Session<B> {
    pub(super) fn starttls(&mut self, tag: Tag, out: &mut Out) -> Option<Next> {
        if !self.may_start_tls() {
            print(out, &Ending::bad(text::NO_STARTTLS).tagged(tag));
            return None;
        }
        print(out, &Ending::ok(text::STARTTLS).tagged(tag));
        Some(Next::StartTls)
    }

    pub(super) async fn login(&mut self, tag: Tag, name: &[u8], password: &[u8], out: &mut Out) {
        if let Err(ending) = self.private() {
            return print(out, &ending.tagged(tag));
        }
        let turn = match Login::new(name, password) {
            Ok(login) => match self.backend.password(login).await {
                Ok(account) => Turn::Accepted(account),
                Err(refused) => Turn::Failed(refused.into()),
            },
            // An empty or overlong name is no account's.
            Err(_) => Turn::Failed(SaslFailure::Credentials),
        };
        self.turn(tag, None, turn, out).await;
    }

    pub(super) async fn authenticate(
        &mut self,
        tag: Tag,
        mechanism: &str,
        initial: Option<&[u8]>,
        out: &mut Out,
    ) {
        if let Err(ending) = self.private() {
            return print(out, &ending.tagged(tag));
        }
        let mechanism = Mechanism::parse(mechanism.as_bytes())
            .filter(|mechanism| self.settings.mechanisms.contains(*mechanism));
        let Some(mechanism) = mechanism else {
            return print(
                out,
                &Ending::refused(Word::Cannot, text::MECHANISM).tagged(tag),
            );
        };
        let (dialogue, turn) = Dialogue::begin(&self.backend, mechanism, initial).await;
        self.turn(tag, Some(Box::new(dialogue)), turn, out).await;
    }

    /// A line of the exchange.
    pub(super) async fn sasl_line(
        &mut self,
        tag: Tag,
        mut dialogue: Box<Dialogue<B::Account>>,
        raw: &Raw,
        out: &mut Out,
    ) {
        let turn = dialogue.line(&self.backend, &raw.text).await;
        self.turn(tag, Some(dialogue), turn, out).await;
    }

    async fn turn(
        &mut self,
        tag: Tag,
        dialogue: Option<Box<Dialogue<B::Account>>>,
        turn: Turn<B::Account>,
        out: &mut Out,
    ) {
        match (turn, dialogue) {
            (Turn::Continue(challenge), Some(dialogue)) => {
                print(out, &Response::Continue(challenge.into()));
                self.mode = Mode::Authenticating { tag, dialogue };
            }
            (Turn::Continue(_), None) => {
                print(out, &Ending::from(SaslFailure::Unavailable).tagged(tag));
            }
            (Turn::Accepted(account), _) => self.accepted(tag, account, out).await,
            (Turn::Failed(failure), _) => self.failed(tag, failure, out),
        }
    }

    async fn accepted(&mut self, tag: Tag, account: B::Account, out: &mut Out) {
        let account = match self.backend.hand_over(account, &tag).await {
            Ok(Whereabouts::Here(account)) => account,
            Ok(Whereabouts::Elsewhere(completion)) => {
                self.state = State::Elsewhere;
                return out.share(completion);
            }
            Err(failure) => return print(out, &Ending::from(failure).tagged(tag)),
        };
        let ending = match self.backend.open(account).await {
            Ok(mailboxes) => {
                self.state = State::Authenticated(mailboxes);
                // RFC 9051 §7.1: the client need not ask what it can do now.
                Ending::ok(text::LOGGED_IN).with(self.capability_code())
            }
            Err(failure) => failure.into(),
        };
        print(out, &ending.tagged(tag));
    }

    fn failed(&mut self, tag: Tag, failure: SaslFailure, out: &mut Out) {
        let punished = match failure {
            SaslFailure::Credentials | SaslFailure::Forbidden => true,
            SaslFailure::Cancelled | SaslFailure::Malformed(_) | SaslFailure::Unavailable => false,
        };
        let ending = Ending::from(failure);
        if punished {
            self.failed_logins += 1;
            self.job = Some(Job::Penance { tag, ending });
        } else {
            self.mistakes += u32::from(ending.condition == Condition::Bad);
            print(out, &ending.tagged(tag));
        }
    }

    /// How long a failed login has to wait for its answer, if one waits.
    pub(super) fn delay(&self) -> Option<std::time::Duration> {
        match self.job {
            Some(Job::Penance { .. }) => {
                let doublings = self.failed_logins.saturating_sub(1).min(8);
                let delay = FAILED_LOGIN_DELAY.saturating_mul(1 << doublings);
                Some(delay.min(FAILED_LOGIN_DELAY_MAX))
            }
            _ => None,
        }
    }

    fn private(&self) -> Result<(), Ending> {
        match self.security {
            Security::Clear => Err(Ending::refused(Word::PrivacyRequired, text::PRIVACY)),
            Security::Tls | Security::Loopback => Ok(()),
        }
    }
}
