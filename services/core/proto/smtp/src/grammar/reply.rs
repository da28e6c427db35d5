//! Replies (RFC 5321 §4.2) with enhanced status codes (RFC 2034, 3463): printed by the server, read
//! by the client.

use std::borrow::Cow;
use std::fmt;

use bytes::{Buf, BytesMut};

use crate::limits::{REPLY_LINE, REPLY_LINE_MAX, REPLY_LINES_MAX};

/// An enhanced status code: `class.subject.detail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Enhanced {
    /// 2, 4 or 5.
    pub class: u8,
    /// What it is about (RFC 3463 §3).
    pub subject: u16,
    /// What about it.
    pub detail: u16,
}

impl Enhanced {
    /// A code by its three numbers.
    #[must_use]
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self {
            class,
            subject,
            detail,
        }
    }

    // RFC 3463 §2: status-code = class "." subject "." detail; subject, detail = 1*3digit
    fn parse(word: &str) -> Option<Self> {
        let number = |part: &str| match part.len() {
            1..=3 if part.bytes().all(|byte| byte.is_ascii_digit()) => part.parse().ok(),
            _ => None,
        };
        let mut parts = word.split('.');
        let class = match parts.next()? {
            "2" => 2,
            "4" => 4,
            "5" => 5,
            _ => return None,
        };
        let (subject, detail) = (number(parts.next()?)?, number(parts.next()?)?);
        parts
            .next()
            .is_none()
            .then_some(Self::new(class, subject, detail))
    }
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// A reply: code, enhanced code, and text of one or more lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The enhanced code, where there is one.
    pub enhanced: Option<Enhanced>,
    /// The text; `\n` parts lines.
    pub text: Cow<'static, str>,
}

/// What the first digit of a reply says (RFC 5321 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// 2yz: done.
    Done,
    /// 3yz: go on.
    More,
    /// 4yz: not now.
    Temporary,
    /// 5yz: never like this.
    Permanent,
}

impl Reply {
    /// A reply with an enhanced code.
    #[must_use]
    pub const fn new(code: u16, enhanced: Enhanced, text: &'static str) -> Self {
        Self {
            code,
            enhanced: Some(enhanced),
            text: Cow::Borrowed(text),
        }
    }

    /// A reply without one: the greeting, EHLO's, and those of the class 3.
    #[must_use]
    pub const fn plain(code: u16, text: &'static str) -> Self {
        Self {
            code,
            enhanced: None,
            text: Cow::Borrowed(text),
        }
    }

    /// The same with another text.
    #[must_use]
    pub fn with_text(self, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            text: text.into(),
            ..self
        }
    }

    /// What its first digit says.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self.code / 100 {
            0..=2 => Outcome::Done,
            3 => Outcome::More,
            4 => Outcome::Temporary,
            _ => Outcome::Permanent,
        }
    }

    /// Whether it is of the class 2.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.outcome() == Outcome::Done
    }

    /// The status code for a delivery report (RFC 3464 §2.3.4): the server's, or the one that its
    /// reply code suggests.
    #[must_use]
    pub fn status(&self) -> Enhanced {
        let class = match self.outcome() {
            Outcome::Done | Outcome::More => 2,
            Outcome::Temporary => 4,
            Outcome::Permanent => 5,
        };
        self.enhanced
            .filter(|enhanced| enhanced.class == class)
            .unwrap_or(Enhanced::new(class, 0, 0))
    }

    /// Appends the reply as it goes over the wire.
    pub fn write(&self, out: &mut BytesMut) {
        let mut lines = self.text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let separator = if lines.peek().is_some() { '-' } else { ' ' };
            let prefix = match self.enhanced {
                // RFC 2034 §4: the enhanced code stands on every line.
                Some(enhanced) => format!("{}{separator}{enhanced} ", self.code),
                None => format!("{}{separator}", self.code),
            };
            out.extend_from_slice(prefix.as_bytes());
            let room = REPLY_LINE - prefix.len() - 2;
            out.extend_from_slice(printable(line, room).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// The text without control characters, cut to `room` octets: texts come from configuration and from
/// other servers, and must not be able to start a line of their own.
fn printable(text: &str, room: usize) -> Cow<'_, str> {
    if text.len() <= room && !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut cut = String::new();
    for char in text.chars() {
        if cut.len() + char.len_utf8() > room {
            break;
        }
        cut.push(if char.is_control() { '?' } else { char });
    }
    Cow::Owned(cut)
}

impl fmt::Display for Reply {
    /// On one line, for logs and delivery reports.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        let text = self.text.replace('\n', " ");
        match text.as_str() {
            "" => Ok(()),
            text => write!(f, " {}", printable(text, REPLY_LINE)),
        }
    }
}

/// A server broke the grammar of replies or its limits; nothing more can be read from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// A line without a code, or with another code than the one before.
    #[error("the server's reply is malformed")]
    Malformed,
    /// A line or a reply over its limit.
    #[error("the server's reply is too long")]
    TooLong,
}

/// Takes one whole reply off the front of `input`, or nothing when there is not yet one.
///
/// # Errors
/// [`ReplyError`], after which the connection is of no use.
pub fn take(input: &mut BytesMut) -> Result<Option<Reply>, ReplyError> {
    let mut end = 0;
    for _ in 0..REPLY_LINES_MAX {
        let rest = input.get(end..).unwrap_or_default();
        let Some(length) = memchr::memchr(b'\n', rest) else {
            return match rest.len() > REPLY_LINE_MAX {
                true => Err(ReplyError::TooLong),
                false => Ok(None),
            };
        };
        if length > REPLY_LINE_MAX {
            return Err(ReplyError::TooLong);
        }
        // A server of another protocol is found out at its first line.
        if !rest
            .get(..3)
            .is_some_and(|code| code.iter().all(u8::is_ascii_digit))
        {
            return Err(ReplyError::Malformed);
        }
        let goes_on = rest.get(3) == Some(&b'-');
        end += length + 1;
        if !goes_on {
            let reply = parse(input.get(..end).unwrap_or_default())?;
            input.advance(end);
            return Ok(Some(reply));
        }
    }
    Err(ReplyError::TooLong)
}

// RFC 5321 §4.2: Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
fn parse(lines: &[u8]) -> Result<Reply, ReplyError> {
    let lines = String::from_utf8_lossy(lines);
    let mut reply: Option<(u16, Option<Enhanced>, String)> = None;
    for line in lines.lines() {
        let (code, rest) = code_and_text(line).ok_or(ReplyError::Malformed)?;
        let (enhanced, text) = enhanced_and_text(code, rest);
        match &mut reply {
            None => reply = Some((code, enhanced, text.to_owned())),
            Some((first, first_enhanced, texts)) if *first == code => {
                // A line without the code of the first keeps its text whole.
                let text = if enhanced.is_some() && enhanced == *first_enhanced {
                    text
                } else {
                    rest
                };
                texts.push('\n');
                texts.push_str(text);
            }
            Some(_) => return Err(ReplyError::Malformed),
        }
    }
    let (code, enhanced, text) = reply.ok_or(ReplyError::Malformed)?;
    Ok(Reply {
        code,
        enhanced,
        text: Cow::Owned(text),
    })
}

fn code_and_text(line: &str) -> Option<(u16, &str)> {
    // Reply-code = %x32-35 %x30-35 %x30-39
    let (code, rest) = line.split_at_checked(3)?;
    let is_code = code.bytes().all(|byte| byte.is_ascii_digit());
    let code: u16 = code.parse().ok()?;
    if !is_code || !(200..600).contains(&code) {
        return None;
    }
    match rest.strip_prefix(['-', ' ']) {
        Some(text) => Some((code, text)),
        None => rest.is_empty().then_some((code, "")),
    }
}

fn enhanced_and_text(code: u16, text: &str) -> (Option<Enhanced>, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match Enhanced::parse(word) {
        // RFC 2034 §4: its class agrees with the reply code's first digit.
        Some(enhanced) if u16::from(enhanced.class) == code / 100 => (Some(enhanced), rest),
        _ => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn read(wire: &str) -> Reply {
        let mut input = BytesMut::from(wire);
        let reply = take(&mut input).unwrap().unwrap();
        assert!(input.is_empty());
        reply
    }

    #[test]
    fn replies_are_read() {
        let reply = read("250 2.1.0 Ok\r\n");
        assert_eq!(
            (reply.code, reply.enhanced),
            (250, Some(Enhanced::new(2, 1, 0)))
        );
        assert_eq!(reply.text, "Ok");
        assert_eq!(
            read("250-mx.test\r\n250-SIZE 5\r\n250 DSN\r\n").text,
            "mx.test\nSIZE 5\nDSN"
        );
        assert_eq!(read("550-5.1.1 No\r\n550 5.1.1 such\r\n").text, "No\nsuch");
        assert_eq!(read("550-5.1.1 No\r\n550 such\r\n").text, "No\nsuch");
        assert_eq!(read("220\r\n").text, "");
        assert_eq!(read("220 \n").text, "");
        assert_eq!(read("250 5.1.1 not its class\r\n").enhanced, None);
        assert_eq!(read("550 \u{e4}\r\n").to_string(), "550 \u{e4}");
        assert_eq!(read("451 no code\r\n").status().to_string(), "4.0.0");
    }

    #[test]
    fn broken_and_endless_replies_are_refused() {
        for wire in [
            "hello\r\n",
            "25\r\n",
            "250x\r\n",
            "199 x\r\n",
            "250-a\r\n251 b\r\n",
            "\r\n",
        ] {
            assert_eq!(
                take(&mut BytesMut::from(wire)),
                Err(ReplyError::Malformed),
                "{wire:?}"
            );
        }
        for wire in [
            "2".repeat(REPLY_LINE_MAX + 1),
            "250-x\r\n".repeat(REPLY_LINES_MAX),
        ] {
            assert_eq!(take(&mut BytesMut::from(&*wire)), Err(ReplyError::TooLong));
        }
        assert_eq!(take(&mut BytesMut::from("250-x\r\n250")), Ok(None));
    }

    #[test]
    fn no_text_breaks_out_of_its_line() {
        let mut out = BytesMut::new();
        let reply = Reply::new(550, Enhanced::new(5, 7, 1), "no\r250 yes\n\u{85}second");
        reply.write(&mut out);
        assert_eq!(
            &out[..],
            "550-5.7.1 no?250 yes\r\n550 5.7.1 ?second\r\n".as_bytes()
        );
        out.clear();
        Reply::new(550, Enhanced::new(5, 7, 1), "")
            .with_text("\u{fc}".repeat(600))
            .write(&mut out);
        assert!(out.len() <= REPLY_LINE && out.ends_with(b"\r\n"));
        assert!(std::str::from_utf8(&out).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            code in 200u16..600,
            numbers in proptest::option::of((0u16..1000, 0u16..1000)),
            lines in proptest::collection::vec("[ -~]{0,60}", 1..5),
        ) {
            let class = u8::try_from(code / 100).unwrap();
            let enhanced = numbers
                .filter(|_| class != 3)
                .map(|(subject, detail)| Enhanced::new(class, subject, detail));
            // A plain text that looks like an enhanced code would be taken for one.
            let text = lines.iter().map(|line| format!("x{line}")).collect::<Vec<_>>().join("\n");
            let reply = Reply { code, enhanced, text: text.into() };
            let mut out = BytesMut::new();
            reply.write(&mut out);
            prop_assert_eq!(take(&mut out), Ok(Some(reply)));
            prop_assert!(out.is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in any::<Vec<u8>>()) {
            let mut input = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = take(&mut input) {}
        }
    }
}
