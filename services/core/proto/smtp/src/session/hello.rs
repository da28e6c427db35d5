//! HELO, EHLO, LHLO, and the extensions that a server lists (RFC 5321 §4.1.1.1, 2033 §4.1).

use super::{Backend, Next, Offer, Role, Session, State};
use crate::grammar::command::{Hello, HelloVerb};
use crate::limits::RECIPIENTS_MIN;
use crate::reply::{self, Reply};

impl<B: Backend> Session<B> {
    pub(super) async fn hello(&mut self, hello: Hello) -> Next {
        match (self.config.role, hello.verb) {
            (Role::Lmtp, HelloVerb::Helo | HelloVerb::Ehlo) => {
                return self.mistake(&reply::WRONG_HELLO_LMTP);
            }
            (Role::Mx | Role::Submission, HelloVerb::Lhlo) => {
                return self.mistake(&reply::WRONG_HELLO_SMTP);
            }
            (Role::Lmtp, HelloVerb::Lhlo)
            | (Role::Mx | Role::Submission, HelloVerb::Helo | HelloVerb::Ehlo) => {}
        }
        if let Err(refusal) = self.backend.hello(&self.client, &hello).await {
            return self.mistake(refusal.reply());
        }
        let hostname = &self.config.hostname;
        let text = match hello.verb {
            HelloVerb::Helo => hostname.to_string(),
            HelloVerb::Ehlo | HelloVerb::Lhlo => {
                let mut lines = vec![hostname.to_string()];
                lines.extend(self.extensions());
                lines.join("\n")
            }
        };
        // RFC 5321 §4.1.4: a second EHLO resets, as RSET does.
        self.state = State::Idle;
        self.client.hello = Some(hello);
        self.answer(&Reply::plain(250, "").with_text(text))
    }

    fn extensions(&self) -> Vec<String> {
        let config = &self.config;
        let mut extensions = vec![
            "PIPELINING".to_owned(),
            format!("SIZE {}", config.message_size_max),
            "ENHANCEDSTATUSCODES".to_owned(),
            "8BITMIME".to_owned(),
            "DSN".to_owned(),
            "CHUNKING".to_owned(),
            // RFC 9422 §4.
            format!("LIMITS RCPTMAX={}", self.recipients_max()),
        ];
        let tls = self.client.tls().is_some();
        // RFC 3207 §4.2: not once TLS runs.
        if config.starttls == Offer::Yes && !tls {
            extensions.push("STARTTLS".to_owned());
        }
        if !config.mechanisms.is_empty() && self.client.is_secure() {
            extensions.push(format!("AUTH {}", config.mechanisms));
        }
        if config.smtputf8 == Offer::Yes {
            extensions.push("SMTPUTF8".to_owned());
        }
        if config.binarymime == Offer::Yes {
            extensions.push("BINARYMIME".to_owned());
        }
        // RFC 8689 §3: only under TLS.
        if config.requiretls == Offer::Yes && tls {
            extensions.push("REQUIRETLS".to_owned());
        }
        extensions
    }

    pub(super) fn recipients_max(&self) -> u32 {
        self.config.recipients_max.max(RECIPIENTS_MIN)
    }
}
