//! What the server can do, in each state (RFC 9051 §6.1.1), and who it is (RFC 2971).

use bytes::Bytes;
use compact_str::{CompactString, format_compact};

use super::reply::{Ending, Outcome, text};
use super::tell::print;
use super::{Security, Session, StartTls, State};
use crate::backend::Backend;
use crate::grammar::{Code, Response};
use crate::out::Out;

/// In every state.
const ALWAYS: [&str; 6] = [
    "IMAP4rev1",
    "IMAP4rev2",
    "LITERAL+",
    "SASL-IR",
    "ID",
    "ENABLE",
];

/// To those who have logged in.
const EXTENSIONS: [&str; 21] = [
    "IDLE",
    "NAMESPACE",
    "CHILDREN",
    "UIDPLUS",
    "MOVE",
    "MULTIAPPEND",
    "UNSELECT",
    "BINARY",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "SPECIAL-USE",
    "CREATE-SPECIAL-USE",
    "STATUS=SIZE",
    "ESEARCH",
    "SEARCHRES",
    "WITHIN",
    "CONDSTORE",
    "QRESYNC",
    "OBJECTID",
    "PREVIEW",
    "UTF8=ACCEPT",
];

impl<B: Backend> Session<B> {
    pub(super) fn capability(&self, out: &mut Out) -> Outcome {
        print(out, &Response::Capability(self.capabilities()));
        Ok(Ending::ok(text::DONE))
    }

    pub(super) fn capability_code(&self) -> Code {
        Code::Capability(self.capabilities())
    }

    fn capabilities(&self) -> Vec<CompactString> {
        let mut words: Vec<_> = ALWAYS.into_iter().map(CompactString::const_new).collect();
        match (&self.state, self.security) {
            (State::Stranger, Security::Clear) => {
                if self.settings.starttls == StartTls::Offered {
                    words.push(CompactString::const_new("STARTTLS"));
                }
                words.push(CompactString::const_new("LOGINDISABLED"));
            }
            (State::Stranger, Security::Tls | Security::Loopback) => {
                if self.may_start_tls() {
                    words.push(CompactString::const_new("STARTTLS"));
                }
                let mechanisms = self.settings.mechanisms.iter();
                words.extend(mechanisms.map(|mechanism| format_compact!("AUTH={mechanism}")));
            }
            (State::Authenticated(_) | State::Selected(..) | State::Elsewhere | State::Over, _) => {
                words.extend(EXTENSIONS.into_iter().map(CompactString::const_new));
                let max = self.settings.limits.message_size_max;
                words.push(format_compact!("APPENDLIMIT={max}"));
            }
        }
        words
    }

    pub(super) fn may_start_tls(&self) -> bool {
        self.settings.starttls == StartTls::Offered && self.security != Security::Tls
    }

    pub(super) fn id(&self, out: &mut Out) -> Outcome {
        let field = |name: &'static str, value: &'static str| {
            (
                Bytes::from_static(name.as_bytes()),
                Some(Bytes::from_static(value.as_bytes())),
            )
        };
        let (name, version) = self.settings.server;
        print(
            out,
            &Response::Id(vec![field("name", name), field("version", version)]),
        );
        Ok(Ending::ok(text::DONE))
    }
}
