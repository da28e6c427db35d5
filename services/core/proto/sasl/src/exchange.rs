//! One authentication, as the protocols carry it: base64 lines in, base64 challenges out.
//!
//! ```text
//! begin ──▶ Challenge ──line──▶ Challenge … ──line──▶ Ask ──answer──▶ Challenge | Accepted
//! ```
//! After an [`Step::Ask`] the caller finds the answer (asking the directory takes time, so this type
//! does not wait for it) and calls [`Exchange::accept`], [`Exchange::parameters`] or
//! [`Exchange::verified`]. When the answer is no, the caller just drops the exchange.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::limits::LINE_MAX;
use crate::login::{self, NAME_PROMPT, PASSWORD_PROMPT};
use crate::plain::{self, Login};
use crate::scram::{self, Nonce, Parameters, Proof};
use crate::{Mechanism, Password};

/// What the server does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this (base64, perhaps empty) as the protocol's continuation: `+ `, `334 `.
    Challenge(String),
    /// Find the answer to this and hand it in.
    Ask(Ask),
    /// The client has proved itself to be whom the last answer said.
    Accepted,
    /// It is over; say so and count it.
    Failed(Failure),
}

/// A question that only the directory can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Is the password right, and may the one act as the other? Answer: [`Exchange::accept`].
    Password(Login),
    /// With which salt and rounds were this account's keys made? Answer: [`Exchange::parameters`],
    /// also for a name that does not exist (a decoy that is always the same for the name).
    ScramParameters {
        /// The name as the client gave it.
        name: String,
    },
    /// Does the proof fit the account's keys? Answer: [`Exchange::verified`].
    ScramVerify(Proof),
}

/// Why an exchange came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The client sent `*` (RFC 4422 §3.5). Not an attempt to be punished.
    #[error("the client cancelled the authentication")]
    Cancelled,
    /// The client broke the mechanism's rules.
    #[error("malformed authentication message: {0}")]
    Malformed(#[from] Malformed),
    /// The answer was no; which part of it was wrong is never told.
    #[error("name or password wrong")]
    Credentials,
    /// The credentials may be right but the account may not be used here or now.
    #[error("the account may not log in")]
    Forbidden,
    /// The directory could not be asked.
    #[error("authentication is not available at the moment")]
    Unavailable,
}

/// How a client's message was malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The line is not base64.
    #[error("not base64")]
    Base64,
    /// The line, name or password is over its limit.
    #[error("too long")]
    TooLong,
    /// The message is not UTF-8.
    #[error("not UTF-8")]
    NotText,
    /// The message does not follow the mechanism's grammar, or came out of turn.
    #[error("syntax error")]
    Syntax,
    /// The client asks for channel binding, which was not offered.
    #[error("channel binding is not supported")]
    ChannelBinding,
    /// The client asks for a SCRAM extension that must be understood.
    #[error("unknown mandatory extension")]
    Extension,
    /// The nonce or the GS2 header is not the one of this exchange.
    #[error("the message belongs to another exchange")]
    Mismatch,
}

/// One running authentication.
#[derive(Debug)]
pub struct Exchange {
    state: State,
}

#[derive(Debug)]
enum State {
    /// PLAIN: waiting for its one message.
    Plain,
    LoginName,
    LoginPassword {
        authcid: String,
    },
    /// A password is with the directory.
    Password,
    ScramFirst {
        nonce: Nonce,
    },
    /// Salt and rounds are with the directory.
    ScramParameters(scram::ClientFirst, Nonce),
    ScramFinal(scram::Challenged),
    /// A proof is with the directory.
    ScramVerify,
    /// The server's signature is out; the client acknowledges it with an empty line.
    ScramAcknowledge,
    Over,
}

impl Exchange {
    /// Starts `mechanism`. `initial` is the initial response as it stood on the command's line, still
    /// base64, where `=` stands for an empty one (RFC 4422 §5.1, 4954 §4). `nonce` must be fresh.
    #[must_use]
    pub fn begin(mechanism: Mechanism, initial: Option<&[u8]>, nonce: Nonce) -> (Self, Step) {
        let (state, prompt) = match mechanism {
            Mechanism::Plain => (State::Plain, ""),
            Mechanism::Login => (State::LoginName, NAME_PROMPT),
            Mechanism::ScramSha256 => (State::ScramFirst { nonce }, ""),
        };
        let mut exchange = Self { state };
        let step = match initial {
            None => challenge(prompt),
            Some(b"=") => exchange.message(b""),
            Some(initial) => exchange.encoded(initial),
        };
        (exchange, step)
    }

    /// The client's next line, without its CRLF.
    #[must_use]
    pub fn line(&mut self, line: &[u8]) -> Step {
        if line == b"*" {
            self.state = State::Over;
            return Step::Failed(Failure::Cancelled);
        }
        self.encoded(line)
    }

    /// The answer to [`Ask::Password`]: yes.
    #[must_use]
    pub fn accept(&mut self) -> Step {
        match self.take() {
            State::Password => Step::Accepted,
            _ => failed(Malformed::Syntax),
        }
    }

    /// The answer to [`Ask::ScramParameters`].
    #[must_use]
    pub fn parameters(&mut self, parameters: &Parameters) -> Step {
        match self.take() {
            State::ScramParameters(first, nonce) => {
                let (challenged, message) = first.challenge(&nonce, parameters);
                self.state = State::ScramFinal(challenged);
                challenge(&message)
            }
            _ => failed(Malformed::Syntax),
        }
    }

    /// The answer to [`Ask::ScramVerify`]: yes, and this is the server's signature.
    #[must_use]
    pub fn verified(&mut self, signature: &scram::ServerSignature) -> Step {
        match self.take() {
            State::ScramVerify => {
                self.state = State::ScramAcknowledge;
                challenge(&scram::server_final(signature))
            }
            _ => failed(Malformed::Syntax),
        }
    }

    fn encoded(&mut self, line: &[u8]) -> Step {
        if line.len() > LINE_MAX {
            self.state = State::Over;
            return failed(Malformed::TooLong);
        }
        match STANDARD.decode(line) {
            Ok(message) => self.message(&message),
            Err(_) => {
                self.state = State::Over;
                failed(Malformed::Base64)
            }
        }
    }

    fn message(&mut self, message: &[u8]) -> Step {
        self.advance(message).unwrap_or_else(failed)
    }

    /// One message of the client in the state it is meant for; any error leaves the exchange over.
    fn advance(&mut self, message: &[u8]) -> Result<Step, Malformed> {
        let (state, step) = match self.take() {
            State::Plain => {
                let login = plain::parse(message)?;
                (State::Password, Step::Ask(Ask::Password(login)))
            }
            State::LoginName => {
                let authcid = login::name(message)?;
                (State::LoginPassword { authcid }, challenge(PASSWORD_PROMPT))
            }
            State::LoginPassword { authcid } => {
                let login = login::password(authcid, message)?;
                (State::Password, Step::Ask(Ask::Password(login)))
            }
            State::ScramFirst { nonce } => {
                let first = scram::ClientFirst::parse(message)?;
                let name = first.name().to_owned();
                let ask = Step::Ask(Ask::ScramParameters { name });
                (State::ScramParameters(first, nonce), ask)
            }
            State::ScramFinal(challenged) => {
                let proof = challenged.client_final(message)?;
                (State::ScramVerify, Step::Ask(Ask::ScramVerify(proof)))
            }
            State::ScramAcknowledge if message.is_empty() => (State::Over, Step::Accepted),
            State::ScramAcknowledge
            | State::Password
            | State::ScramParameters(..)
            | State::ScramVerify
            | State::Over => return Err(Malformed::Syntax),
        };
        self.state = state;
        Ok(step)
    }

    fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Over)
    }
}

impl Login {
    /// A login by a protocol's own command (`LOGIN`, `USER` and `PASS`) rather than by SASL, held to
    /// the same bounds.
    ///
    /// # Errors
    /// [`Malformed`] for an empty, overlong or non-text name or password.
    pub fn new(name: &[u8], password: &[u8]) -> Result<Self, Malformed> {
        Ok(Self {
            authzid: None,
            authcid: plain::name(name)?,
            password: plain::password(password)?,
        })
    }

    /// A login for tests and tools, from text that is known to be good.
    #[must_use]
    pub fn of(name: &str, password: &str) -> Self {
        Self {
            authzid: None,
            authcid: name.to_owned(),
            password: Password::new(password),
        }
    }
}

fn challenge(message: &str) -> Step {
    Step::Challenge(STANDARD.encode(message))
}

fn failed(malformed: Malformed) -> Step {
    Step::Failed(Failure::Malformed(malformed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce() -> Nonce {
        Nonce::of("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0").unwrap()
    }

    #[test]
    fn plain_with_and_without_initial_response() {
        let login = Ask::Password(Login::of("tim", "tanstaaf"));
        let line = STANDARD.encode(b"\0tim\0tanstaaf");
        let (_, step) = Exchange::begin(Mechanism::Plain, Some(line.as_bytes()), nonce());
        assert_eq!(step, Step::Ask(login.clone()));

        let (mut exchange, step) = Exchange::begin(Mechanism::Plain, None, nonce());
        assert_eq!(step, Step::Challenge(String::new()));
        assert_eq!(exchange.line(line.as_bytes()), Step::Ask(login));
        assert_eq!(exchange.accept(), Step::Accepted);
        assert_eq!(exchange.accept(), failed(Malformed::Syntax));
    }

    #[test]
    fn login_asks_twice_and_takes_the_name_at_once() {
        let (mut exchange, step) = Exchange::begin(Mechanism::Login, None, nonce());
        assert_eq!(step, Step::Challenge("VXNlcm5hbWU6".into()));
        assert_eq!(
            exchange.line(b"dGlt"),
            Step::Challenge("UGFzc3dvcmQ6".into())
        );
        assert_eq!(
            exchange.line(b"c2VjcmV0"),
            Step::Ask(Ask::Password(Login::of("tim", "secret")))
        );
        let (_, step) = Exchange::begin(Mechanism::Login, Some(b"dGlt"), nonce());
        assert_eq!(step, Step::Challenge("UGFzc3dvcmQ6".into()));
    }

    #[test]
    fn a_star_cancels_and_nothing_follows() {
        for mechanism in Mechanism::ALL {
            let (mut exchange, _) = Exchange::begin(mechanism, None, nonce());
            assert_eq!(exchange.line(b"*"), Step::Failed(Failure::Cancelled));
            assert_eq!(
                exchange.line(b"AHRpbQBzZWNyZXQ="),
                failed(Malformed::Syntax)
            );
        }
    }

    #[test]
    fn an_equals_sign_is_an_empty_initial_response() {
        for mechanism in Mechanism::ALL {
            let (_, step) = Exchange::begin(mechanism, Some(b"="), nonce());
            assert_eq!(step, failed(Malformed::Syntax), "{mechanism}");
        }
    }

    #[test]
    fn bad_base64_and_long_lines_fail() {
        for (line, why) in [
            (b"AHRpbQBzZWNyZXQ".to_vec(), Malformed::Base64),
            (b"AHRp bQBzZWNyZXQ=".to_vec(), Malformed::Base64),
            (b"\xff".to_vec(), Malformed::Base64),
            (vec![b'A'; LINE_MAX + 1], Malformed::TooLong),
            (vec![b'A'; LINE_MAX], Malformed::TooLong),
        ] {
            let (mut exchange, _) = Exchange::begin(Mechanism::Login, None, nonce());
            assert_eq!(exchange.line(&line), failed(why));
        }
    }

    #[test]
    fn answers_out_of_turn_end_the_exchange() {
        let (mut exchange, _) = Exchange::begin(Mechanism::Plain, None, nonce());
        assert_eq!(exchange.accept(), failed(Malformed::Syntax));
        let (mut exchange, _) = Exchange::begin(Mechanism::Plain, None, nonce());
        let parameters = Parameters::new(vec![1; 16], 4096).unwrap();
        assert_eq!(exchange.parameters(&parameters), failed(Malformed::Syntax));
    }
}
