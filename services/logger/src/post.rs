//! Mail from the logger itself: alerts and reports, handed to the local mta.

use std::time::Duration;

use bytes::BytesMut;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::raw::Raw;
use roost_kit::config::{ConfigError, Configuration, Listen, ListenSpec};
use roost_kit::net::Stream;
use roost_kit::place;
use roost_proto_smtp::grammar::reply;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long the mta may take for a whole message: it answers after the sync.
const ANSWER_MAX: Duration = Duration::from_secs(120);
/// The longest reply that is read.
const REPLY_MAX: usize = 64 << 10;

/// A mail to be sent.
#[derive(Debug, Clone)]
pub struct Mail {
    /// To whom, as addresses; `postmaster` alone is the postmaster of the mta's host.
    pub to: Vec<String>,
    /// What it is about.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The mta cannot be reached, or the connection broke.
    #[error("the mta at {place} does not take mail: {problem}")]
    Unreachable {
        /// Where.
        place: ListenSpec,
        /// Why.
        problem: String,
    },
    /// It said no.
    #[error("the mta at {place} refused {what}: {reply}")]
    Refused {
        /// Where.
        place: ListenSpec,
        /// What was asked.
        what: String,
        /// Its answer.
        reply: String,
    },
    /// The mail cannot be written.
    #[error("cannot write the mail: {0}")]
    Unwritable(#[from] std::io::Error),
}

/// Where the mta of this node takes mail.
pub fn mta(configuration: &Configuration) -> Result<ListenSpec, ConfigError> {
    let smtp = configuration
        .value::<Listen>("mta.smtp")?
        .unwrap_or_else(|| Listen::loopback(place::SMTP));
    let first = smtp.iter().next().cloned();
    Ok(first.unwrap_or_else(|| ListenSpec::Address(([127, 0, 0, 1], place::SMTP).into())))
}

/// Hands a mail in, from the null path: no report on it can come back and make more of them.
pub async fn send(mail: &Mail, place: &ListenSpec, node: &str) -> Result<(), PostError> {
    let message = compose(mail, node)?;
    match timeout(ANSWER_MAX, hand_in(mail, &message, place, node)).await {
        Ok(done) => done,
        Err(_) => Err(unreachable(
            place,
            format!("no answer within {} s", ANSWER_MAX.as_secs()),
        )),
    }
}

fn compose(mail: &Mail, node: &str) -> Result<Vec<u8>, PostError> {
    let to: Vec<Address<'_>> = mail
        .to
        .iter()
        .map(|to| match to.contains('@') {
            true => Address::new_address(None::<&str>, to.as_str()),
            false => Address::new_address(None::<&str>, format!("{to}@{node}")),
        })
        .collect();
    let message = MessageBuilder::new()
        .from((format!("Roost on {node}"), format!("postmaster@{node}")))
        .to(Address::new_list(to))
        .subject(mail.subject.as_str())
        // RFC 3834: nobody's out-of-office answers it.
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .text_body(mail.text.as_str())
        .html_body(mail.html.as_str());
    Ok(message.write_to_vec()?)
}

async fn hand_in(
    mail: &Mail,
    message: &[u8],
    place: &ListenSpec,
    node: &str,
) -> Result<(), PostError> {
    let stream = Stream::connect(place, CONNECT_MAX)
        .await
        .map_err(|error| unreachable(place, error.to_string()))?;
    let mut line = Line {
        stream,
        input: BytesMut::new(),
        place,
    };
    line.expect(2, "the connection").await?;
    line.say(&format!("EHLO {node}"), 2).await?;
    line.say("MAIL FROM:<>", 2).await?;
    for to in &mail.to {
        line.say(&format!("RCPT TO:<{to}>"), 2).await?;
    }
    line.say("DATA", 3).await?;
    let stuffed = stuffed(message);
    line.write(&stuffed).await?;
    line.expect(2, "the mail").await?;
    // It has the mail; whether it says goodbye does not matter.
    if let Err(error) = line.say("QUIT", 2).await {
        tracing::debug!(%error, "no goodbye");
    }
    Ok(())
}

/// RFC 5321 §4.5.2: a line that begins with a full stop gets another one; the end is one alone.
fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(message.len().saturating_add(64));
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        if line.first() == Some(&b'.') {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

struct Line<'a> {
    stream: Stream,
    input: BytesMut,
    place: &'a ListenSpec,
}

impl Line<'_> {
    async fn say(&mut self, command: &str, class: u16) -> Result<(), PostError> {
        self.write(format!("{command}\r\n").as_bytes()).await?;
        self.expect(class, command).await
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), PostError> {
        let written = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        written
            .await
            .map_err(|error| unreachable(self.place, error.to_string()))
    }

    /// Reads a reply, which must be of this class: 2 for done, 3 for go on.
    async fn expect(&mut self, class: u16, what: &str) -> Result<(), PostError> {
        loop {
            match reply::take(&mut self.input) {
                Ok(Some(reply)) if reply.code / 100 == class => return Ok(()),
                Ok(Some(reply)) => {
                    return Err(PostError::Refused {
                        place: self.place.clone(),
                        what: what.to_owned(),
                        reply: format!("{} {}", reply.code, reply.text.replace('\n', " ")),
                    });
                }
                Ok(None) if self.input.len() < REPLY_MAX => {}
                Ok(None) => {
                    return Err(unreachable(self.place, "its reply is too long".to_owned()));
                }
                Err(error) => return Err(unreachable(self.place, error.to_string())),
            }
            let read = self.stream.read_buf(&mut self.input).await;
            if read.map_err(|error| unreachable(self.place, error.to_string()))? == 0 {
                return Err(unreachable(self.place, "it hung up".to_owned()));
            }
        }
    }
}

fn unreachable(place: &ListenSpec, problem: String) -> PostError {
    PostError::Unreachable {
        place: place.clone(),
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_stops_are_stuffed_and_the_end_is_one_alone() {
        assert_eq!(stuffed(b"a\r\n.b\r\n..c"), b"a\r\n..b\r\n...c\r\n.\r\n");
        assert_eq!(stuffed(b""), b"\r\n.\r\n");
    }

    #[test]
    fn a_mail_has_both_forms_and_asks_for_no_answer() {
        let mail = Mail {
            to: vec!["postmaster".to_owned(), "ops@example.org".to_owned()],
            subject: "ünwell\r\nBcc: x@y".to_owned(),
            text: "text".to_owned(),
            html: "<p>html</p>".to_owned(),
        };
        let message = String::from_utf8(compose(&mail, "mail.example.org").unwrap()).unwrap();
        assert!(
            message.contains("Auto-Submitted: auto-generated\r\n"),
            "{message}"
        );
        assert!(message.contains("postmaster@mail.example.org"), "{message}");
        assert!(
            message.contains("text/plain") && message.contains("text/html"),
            "{message}"
        );
        assert!(!message.contains("\r\nBcc:"), "{message}");
    }
}
