//! One transaction: commands out, as many at a time as the server allows, and replies matched to
//! them in order (RFC 2920, 2033 §4.2).

use std::collections::VecDeque;

use bytes::BytesMut;

use super::Protocol;
use super::capabilities::{Capabilities, Extension};
use super::verdict::{Failure, Report, Stage, Unfit, Verdict, unfit};
use crate::envelope::{Envelope, Recipient};
use crate::frame::dots::Stuffer;
use crate::grammar::address::ForwardPath;
use crate::grammar::command::Command;
use crate::grammar::mail::{Body, Mail, MailParameters};
use crate::grammar::rcpt::{Rcpt, RcptParameters};
use crate::grammar::reply::{Outcome, Reply};
use crate::limits::PIPELINE_DEPTH;

/// What a reply is expected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    Reset,
    Mail,
    Rcpt(usize),
    Data,
    /// The message: for one recipient (LMTP), or for all that were accepted.
    Message(Option<usize>),
    /// An empty message, after a 354 to a DATA that nobody wanted any more.
    Empty,
}

/// Whether the transaction goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Open,
    /// The server waits for the message.
    Content,
    Over,
}

#[derive(Debug)]
pub(super) struct Transaction {
    protocol: Protocol,
    depth: usize,
    pending: VecDeque<(String, Expect)>,
    awaited: VecDeque<Expect>,
    /// Per recipient: the last word about it.
    verdicts: Vec<Option<Verdict>>,
    /// Who was accepted by RCPT and waits for the message's verdict, in order.
    accepted: Vec<usize>,
    stuffer: Stuffer,
    stage: Stage,
    begun: bool,
    complete: bool,
}

impl Transaction {
    pub(super) fn new(
        envelope: &Envelope,
        size: Option<u64>,
        capabilities: &Capabilities,
        protocol: Protocol,
    ) -> Self {
        let mut transaction = Self {
            protocol,
            depth: match capabilities.has(Extension::Pipelining) {
                true => PIPELINE_DEPTH,
                false => 1,
            },
            pending: VecDeque::new(),
            awaited: VecDeque::new(),
            verdicts: vec![None; envelope.recipients.len()],
            accepted: Vec::new(),
            stuffer: Stuffer::default(),
            stage: Stage::Mail,
            begun: false,
            complete: false,
        };
        match fits(envelope, size, capabilities) {
            Ok(()) => transaction.enqueue(envelope, size, capabilities),
            Err(why) => transaction.decide_rest(&unfit(why), Stage::Mail),
        }
        transaction
    }

    fn enqueue(&mut self, envelope: &Envelope, size: Option<u64>, offers: &Capabilities) {
        if envelope.recipients.is_empty() {
            return;
        }
        self.begun = true;
        let mail = Command::Mail(mail(envelope, size, offers));
        self.pending.push_back((mail.to_string(), Expect::Mail));
        for (index, recipient) in envelope.recipients.iter().enumerate() {
            let rcpt = Command::Rcpt(rcpt(recipient, offers));
            self.pending
                .push_back((rcpt.to_string(), Expect::Rcpt(index)));
        }
        let data = Command::Data.to_string();
        self.pending.push_back((data, Expect::Data));
    }

    pub(super) fn reset_first(&mut self) {
        if self.begun {
            let reset = Command::Rset.to_string();
            self.pending.push_front((reset, Expect::Reset));
        }
    }

    /// Whether the server will know of it.
    pub(super) fn is_begun(&self) -> bool {
        self.begun
    }

    /// Whether the server has seen its end, so that another may follow without RSET.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether no reply is awaited any more.
    pub(super) fn is_answered(&self) -> bool {
        self.awaited.is_empty()
    }

    pub(super) fn stage(&self) -> Stage {
        self.awaited
            .front()
            .map_or(self.stage, |expect| expect.stage())
    }

    /// Sends what may be sent, once all that was sent before is answered.
    pub(super) fn pump(&mut self, output: &mut BytesMut) {
        if !self.awaited.is_empty() {
            return;
        }
        while self.awaited.len() < self.depth {
            let Some((line, expect)) = self.pending.pop_front() else {
                return;
            };
            let rcpt_awaited = self
                .awaited
                .iter()
                .any(|expect| matches!(expect, Expect::Rcpt(_)));
            if expect == Expect::Data && self.accepted.is_empty() && !rcpt_awaited {
                return;
            }
            output.extend_from_slice(line.as_bytes());
            output.extend_from_slice(b"\r\n");
            self.awaited.push_back(expect);
        }
    }

    pub(super) fn reply(&mut self, reply: Reply, output: &mut BytesMut) -> Progress {
        let Some(expect) = self.awaited.pop_front() else {
            return Progress::Over;
        };
        self.stage = expect.stage();
        match expect {
            Expect::Reset => {}
            Expect::Mail if reply.is_done() => {}
            Expect::Mail => {
                self.decide_rest(&reply, Stage::Mail);
                self.pending.clear();
            }
            Expect::Rcpt(index) => self.rcpt_reply(index, reply),
            Expect::Data => return self.data_reply(&reply, output),
            Expect::Message(Some(index)) => self.decide(index, &reply, Stage::Message),
            Expect::Message(None) => self.decide_rest(&reply, Stage::Message),
            Expect::Empty => {}
        }
        self.progress(output)
    }

    fn progress(&mut self, output: &mut BytesMut) -> Progress {
        self.pump(output);
        match self.awaited.is_empty() {
            true => Progress::Over,
            false => Progress::Open,
        }
    }

    fn rcpt_reply(&mut self, index: usize, reply: Reply) {
        let undecided = self.verdicts.get(index).is_some_and(Option::is_none);
        match reply.is_done() {
            // After a refused MAIL nobody is accepted, whatever the server says now.
            true if undecided => self.accepted.push(index),
            true => {}
            false => self.decide(index, &reply, Stage::Rcpt),
        }
    }

    fn data_reply(&mut self, reply: &Reply, output: &mut BytesMut) -> Progress {
        if reply.outcome() != Outcome::More {
            self.decide_rest(&no_success(reply), Stage::Data);
            return self.progress(output);
        }
        if !self.accepted.is_empty() {
            self.stage = Stage::Message;
            return Progress::Content;
        }
        // RFC 2920 §3.1: DATA was sent before the recipients' refusals were known, and the server
        // wants a message for nobody: an empty one.
        output.extend_from_slice(b".\r\n");
        self.complete = true;
        if self.protocol == Protocol::Smtp {
            self.awaited.push_back(Expect::Empty);
        }
        self.progress(output)
    }

    pub(super) fn content(&mut self, octets: &[u8], output: &mut BytesMut) {
        self.stuffer.push(octets, output);
    }

    pub(super) fn content_end(&mut self, output: &mut BytesMut) {
        self.stuffer.finish(output);
        self.stage = Stage::Message;
        self.complete = true;
        match self.protocol {
            Protocol::Smtp => self.awaited.push_back(Expect::Message(None)),
            Protocol::Lmtp => {
                let replies = self
                    .accepted
                    .iter()
                    .map(|&index| Expect::Message(Some(index)));
                self.awaited.extend(replies);
            }
        }
    }

    /// The verdicts, when all are in.
    pub(super) fn report(self) -> Report {
        self.abandon(&Failure::Lost(Stage::Message))
    }

    /// The verdicts, when the rest will never come.
    pub(super) fn abandon(mut self, failure: &Failure) -> Report {
        let stage = self.stage();
        self.decide_rest(&no_success(&failure.reply()), stage);
        Report {
            verdicts: self.verdicts.into_iter().flatten().collect(),
        }
    }

    fn decide(&mut self, index: usize, reply: &Reply, stage: Stage) {
        if let Some(verdict @ None) = self.verdicts.get_mut(index) {
            let reply = reply.clone();
            *verdict = Some(Verdict { reply, stage });
        }
    }

    fn decide_rest(&mut self, reply: &Reply, stage: Stage) {
        for index in 0..self.verdicts.len() {
            self.decide(index, reply, stage);
        }
    }
}

impl Expect {
    fn stage(self) -> Stage {
        match self {
            Self::Reset => Stage::Reset,
            Self::Mail => Stage::Mail,
            Self::Rcpt(_) => Stage::Rcpt,
            Self::Data => Stage::Data,
            Self::Message(_) | Self::Empty => Stage::Message,
        }
    }
}

/// A reply that must not be taken for a success: 2yz to DATA, say, before any message was sent.
fn no_success(reply: &Reply) -> Reply {
    match reply.outcome() {
        Outcome::Temporary | Outcome::Permanent => reply.clone(),
        Outcome::Done | Outcome::More => Failure::Lost(Stage::Data).reply(),
    }
}

fn fits(envelope: &Envelope, size: Option<u64>, offers: &Capabilities) -> Result<(), Unfit> {
    if envelope.needs_utf8() && !offers.has(Extension::SmtpUtf8) {
        return Err(Unfit::NeedsUtf8);
    }
    if envelope.parameters.require_tls.is_some() && !offers.has(Extension::RequireTls) {
        return Err(Unfit::NeedsTls);
    }
    // departs: RFC 3030 §3 would have BDAT where it is offered. We never take binary mail that we
    // would have to pass on (the server's `binarymime` is off), so there is none to send.
    if envelope.body() == Body::BinaryMime {
        return Err(Unfit::Binary);
    }
    match (size, offers.size_max()) {
        (Some(size), Some(max)) if size > max => Err(Unfit::TooLarge),
        _ => Ok(()),
    }
}

/// MAIL with the parameters that the server knows.
fn mail(envelope: &Envelope, size: Option<u64>, offers: &Capabilities) -> Mail {
    let given = &envelope.parameters;
    let dsn = offers.has(Extension::Dsn);
    let eight_bit = offers.has(Extension::EightBitMime);
    Mail {
        from: envelope.sender.clone(),
        parameters: MailParameters {
            size: size.filter(|_| offers.has(Extension::Size)),
            // departs: RFC 6152 §3 would have 8-bit text converted for a server without 8BITMIME.
            // It is sent as it is, which breaks no signature and which every server in use takes.
            body: given.body.filter(|_| eight_bit),
            utf8: given
                .utf8
                .or(envelope.needs_utf8().then_some(crate::grammar::mail::Utf8)),
            ret: given.ret.filter(|_| dsn),
            envid: given.envid.clone().filter(|_| dsn),
            // Only between servers that trust each other (RFC 4954 §5); there are none.
            auth: None,
            require_tls: given.require_tls,
        },
    }
}

/// RCPT with the parameters that the server knows.
fn rcpt(recipient: &Recipient, offers: &Capabilities) -> Rcpt {
    Rcpt {
        to: ForwardPath::Address(recipient.address.clone()),
        parameters: match offers.has(Extension::Dsn) {
            true => recipient.parameters.clone(),
            false => RcptParameters::default(),
        },
    }
}
