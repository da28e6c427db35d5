//! AUTH (RFC 4954).

use roost_proto_sasl::{Dialogue, Failure, Mechanism, Turn};

use super::patience::Verdict;
use super::{Backend, Next, Session, State};
use crate::grammar::command::Auth;
use crate::reply::{self, Reply};

impl<B: Backend> Session<B> {
    pub(super) async fn auth(&mut self, auth: Auth) -> Next {
        if let Some(reply) = self.auth_refused() {
            return self.mistake(&reply);
        }
        let offered = |&mechanism: &Mechanism| self.config.mechanisms.contains(mechanism);
        let Some(mechanism) = Mechanism::parse(auth.mechanism.as_bytes()).filter(offered) else {
            return self.mistake(&reply::UNKNOWN_MECHANISM);
        };
        let initial = auth.initial.as_ref().map(String::as_bytes);
        let (dialogue, turn) = Dialogue::begin(&self.backend, mechanism, initial).await;
        self.turn(dialogue, turn)
    }

    fn auth_refused(&self) -> Option<Reply> {
        if self.config.mechanisms.is_empty() {
            return Some(reply::LOGIN_OFF);
        }
        match self.state {
            State::Connected | State::Fresh => return Some(reply::HELLO_FIRST),
            // RFC 4954 §4: not during a mail transaction.
            State::Mail(_) | State::Transfer(_) | State::Discard { .. } => {
                return Some(reply::LOGIN_IN_MAIL);
            }
            State::Idle | State::Refused { .. } | State::Login(_) => {}
        }
        if !self.client.is_secure() {
            return Some(reply::LOGIN_INSECURE);
        }
        // RFC 4954 §4: after a successful AUTH no other may be.
        self.account.is_some().then_some(reply::LOGIN_TWICE)
    }

    /// A line of a running exchange.
    pub(super) async fn login_line(&mut self, line: &[u8]) -> Next {
        let State::Login(mut dialogue) = std::mem::replace(&mut self.state, State::Idle) else {
            return Next::Continue;
        };
        let turn = dialogue.line(&self.backend, line).await;
        self.turn(dialogue, turn)
    }

    /// The exchange is over because its line was none.
    pub(super) fn login_over(&mut self, reply: &Reply) -> Next {
        self.state = State::Idle;
        self.mistake(reply)
    }

    fn turn(&mut self, dialogue: Dialogue<B::Account>, turn: Turn<B::Account>) -> Next {
        match turn {
            Turn::Continue(challenge) => {
                self.state = State::Login(dialogue);
                self.answer(&Reply::plain(334, "").with_text(challenge))
            }
            Turn::Accepted(account) => {
                self.account = Some(account);
                self.answer(&reply::LOGGED_IN)
            }
            Turn::Failed(Failure::Cancelled) => self.mistake(&reply::LOGIN_CANCELLED),
            Turn::Failed(Failure::Malformed(_)) => self.mistake(&reply::LOGIN_MALFORMED),
            Turn::Failed(Failure::Unavailable) => self.answer(&reply::LOGIN_UNAVAILABLE),
            Turn::Failed(Failure::Credentials) => self.login_failed(&reply::LOGIN_FAILED),
            Turn::Failed(Failure::Forbidden) => self.login_failed(&reply::LOGIN_FORBIDDEN),
        }
    }

    fn login_failed(&mut self, reply: &Reply) -> Next {
        match self.patience.failed_login() {
            Verdict::Go => self.answer(reply),
            Verdict::Slow(time) => {
                self.say(reply);
                Next::Wait(time)
            }
            Verdict::Stop => self.close(&reply::TOO_MANY_LOGINS),
        }
    }
}
