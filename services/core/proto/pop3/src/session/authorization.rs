//! The AUTHORIZATION state (RFC 1939 §4), and CAPA, which is allowed in every state (RFC 2449 §5).

use roost_proto_sasl::{Dialogue, Failure, Login, Mechanism, Refused, Turn};

use super::transaction::Transaction;
use super::{Backend, Next, Session, State, Stls};
use crate::grammar::Auth;
use crate::reply::{self, Refusal, Reply};
use crate::session::Security;

impl<B: Backend> Session<B> {
    pub(super) fn capa(&mut self) -> Next {
        let mut lines = vec![
            "TOP".to_owned(),
            "UIDL".to_owned(),
            "RESP-CODES".to_owned(),
            "AUTH-RESP-CODE".to_owned(),
            "PIPELINING".to_owned(),
            "UTF8".to_owned(),
            "EXPIRE NEVER".to_owned(),
        ];
        // RFC 2595 §2.1: not once TLS runs, and not after the login (§4).
        let authorized = matches!(self.state, State::Transaction(_));
        if self.config.stls == Stls::Offered && self.security != Security::Tls && !authorized {
            lines.push("STLS".to_owned());
        }
        if self.security.is_secure() {
            lines.push("USER".to_owned());
            if !self.config.mechanisms.is_empty() {
                lines.push(format!("SASL {}", self.config.mechanisms));
            }
        }
        lines.push("IMPLEMENTATION Roost".to_owned());
        self.lines("Capabilities follow", &lines)
    }

    fn lines(&mut self, title: &str, lines: &[String]) -> Next {
        self.answer(&Reply::ok(title));
        for line in lines {
            self.output.extend_from_slice(line.as_bytes());
            self.output.extend_from_slice(b"\r\n");
        }
        self.output.extend_from_slice(b".\r\n");
        Next::Continue
    }

    pub(super) fn user(&mut self, name: String) -> Next {
        if !self.security.is_secure() {
            return self.mistake(&reply::LOGIN_INSECURE);
        }
        self.state = State::Authorization { user: Some(name) };
        // RFC 1939 §7: this says nothing about whether the name exists.
        self.answer(&Reply::ok(""))
    }

    pub(super) async fn pass(&mut self, password: &[u8]) -> Next {
        if !self.security.is_secure() {
            return self.mistake(&reply::LOGIN_INSECURE);
        }
        let name = match &mut self.state {
            State::Authorization { user } => user.take(),
            State::Connected | State::Login(_) | State::Transaction(_) | State::Sending(..) => None,
        };
        let Some(name) = name else {
            return self.mistake(&reply::USER_FIRST);
        };
        let Ok(login) = Login::new(name.as_bytes(), password) else {
            return self.login_failed(&reply::LOGIN_FAILED);
        };
        match self.backend.password(login).await {
            Ok(account) => self.enter(account).await,
            Err(refused) => self.refused(refused.into()),
        }
    }

    pub(super) async fn auth(&mut self, auth: Option<Auth>) -> Next {
        if !self.security.is_secure() {
            return self.mistake(&reply::LOGIN_INSECURE);
        }
        let Some(auth) = auth else {
            // Before CAPA, clients asked so for the mechanisms (RFC 1734's successors), and some do.
            let names: Vec<_> = self
                .config
                .mechanisms
                .iter()
                .map(|it| it.to_string())
                .collect();
            return self.lines("Mechanisms follow", &names);
        };
        let offered = |&mechanism: &Mechanism| self.config.mechanisms.contains(mechanism);
        let Some(mechanism) = Mechanism::parse(auth.mechanism.as_bytes()).filter(offered) else {
            return self.mistake(&reply::UNKNOWN_MECHANISM);
        };
        let initial = auth.initial.as_ref().map(String::as_bytes);
        let (dialogue, turn) = Dialogue::begin(&self.backend, mechanism, initial).await;
        self.turn(dialogue, turn).await
    }

    /// A line of a running exchange.
    pub(super) async fn login_line(&mut self, line: &[u8]) -> Next {
        let idle = State::Authorization { user: None };
        let State::Login(mut dialogue) = std::mem::replace(&mut self.state, idle) else {
            return Next::Continue;
        };
        let turn = dialogue.line(&self.backend, line).await;
        self.turn(dialogue, turn).await
    }

    async fn turn(&mut self, dialogue: Dialogue<B::Account>, turn: Turn<B::Account>) -> Next {
        match turn {
            Turn::Continue(challenge) => {
                self.state = State::Login(dialogue);
                self.answer(&Reply::Challenge(challenge))
            }
            Turn::Accepted(account) => self.enter(account).await,
            Turn::Failed(failure) => self.refused(failure),
        }
    }

    fn refused(&mut self, failure: Failure) -> Next {
        match failure {
            Failure::Cancelled => self.mistake(&reply::LOGIN_CANCELLED),
            Failure::Malformed(_) => self.mistake(&reply::LOGIN_MALFORMED),
            Failure::Unavailable => self.answer(&reply::LOGIN_UNAVAILABLE),
            Failure::Credentials => self.login_failed(&reply::LOGIN_FAILED),
            Failure::Forbidden => self.login_failed(&reply::LOGIN_FORBIDDEN),
        }
    }

    /// The login is good; the maildrop must be too.
    async fn enter(&mut self, account: B::Account) -> Next {
        match self.backend.hand_over(&account).await {
            Ok(None) => {}
            Ok(Some(line)) => {
                self.output.extend_from_slice(line.as_bytes());
                self.output.extend_from_slice(b"\r\n");
                return Next::HandOver;
            }
            Err(Refusal::Forbidden) => return self.refused(Refused::Forbidden.into()),
            Err(refusal) => return self.answer(&refusal.into()),
        }
        match self.backend.open(&account).await {
            Ok(maildrop) => {
                let transaction = Transaction::new(account, maildrop);
                let text = transaction.summary();
                self.state = State::Transaction(transaction);
                self.answer(&Reply::ok(text))
            }
            Err(Refusal::Forbidden) => self.refused(Refused::Forbidden.into()),
            Err(refusal) => self.answer(&refusal.into()),
        }
    }

    pub(super) fn stls(&mut self) -> Next {
        if self.security == Security::Tls {
            return self.mistake(&reply::TLS_RUNS);
        }
        if self.config.stls == Stls::Off {
            return self.mistake(&reply::NO_TLS);
        }
        if !self.input.is_empty() {
            self.answer(&reply::PIPELINED_TLS);
            return self.close();
        }
        self.answer(&Reply::ok("Begin TLS"));
        Next::StartTls
    }
}
