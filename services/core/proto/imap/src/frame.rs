//! Octets → one complete command with its literals, or "more", or a refusal. The only code that buffers.
//!
//! A command is lines joined by literals (RFC 9051 §4.3, RFC 7888). Each literal is announced to the
//! session before a buffer is made for it: [`Frame::accept`] takes it in, [`Frame::refuse`] drops the
//! command. A refused synchronising literal is never sent; a refused non-synchronising one, and the
//! rest of its command, are counted past exactly, so that they are never read as commands.
//!
//! Invariants: what is held is bounded by [`LINE_OCTETS`] and by the literals that were accepted;
//! after a refusal the next octet looked at is the first of the next command.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

use crate::limits::{LINE_OCTETS, LITERALS_PER_COMMAND};

/// The longest marker of a literal: `~{18446744073709551615+}`.
const MARKER_OCTETS: usize = 24;

/// A complete command, not yet parsed: its lines, each literal standing for itself as its marker and
/// CRLF (`{5}\r\n`), and the literals in order. The last line has no CRLF.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Raw {
    /// The lines.
    pub text: Bytes,
    /// The literals.
    pub literals: Vec<Bytes>,
}

impl fmt::Debug for Raw {
    /// Prints no content: it may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Raw({} octets, {} literals)",
            self.text.len(),
            self.literals.len()
        )
    }
}

/// What the octets received so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// No command yet: read on.
    More,
    /// A literal begins: decide with [`Frame::accept`] or [`Frame::refuse`].
    Literal(Literal),
    /// A command is complete.
    Command(Raw),
    /// A command is beyond a limit and is being skipped: say so, and go on.
    Refused(Refusal),
    /// What follows cannot be told from commands any more: say so, and close.
    Lost(Refusal),
}

/// A literal that its client has announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// The command so far; the text ends with the marker.
    pub command: Raw,
    /// Its size.
    pub size: u64,
    /// Whether the client waits to be told to send it.
    pub mode: LiteralMode,
}

/// Whether a client waits before it sends a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralMode {
    /// `{n}`: it waits for a continuation.
    Synchronising,
    /// `{n+}`: it does not (RFC 7888).
    NonSynchronising,
}

/// Which limit a command is beyond; with its first octets, which may begin with a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// How the command begins.
    pub start: Bytes,
    /// What is wrong with it.
    pub reason: Reason,
}

/// Why a command is refused before it is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A line is longer than [`LINE_OCTETS`].
    LineTooLong,
    /// It has more than [`LITERALS_PER_COMMAND`] literals.
    TooManyLiterals,
    /// A literal's size is not a number that can be counted to.
    LiteralSize,
    /// More had to be skipped than is reasonable.
    TooMuchSkipped,
}

#[derive(Debug)]
enum State {
    /// Within a line of a command.
    Line,
    /// A literal has been announced and nothing decided.
    Announced { size: u64, mode: LiteralMode },
    /// Within an accepted literal.
    Literal { size: usize },
    /// Within a line of a command that has been refused.
    SkipLine,
    /// Within a literal of such a command.
    SkipLiteral { left: u64 },
    /// Nothing more is read.
    Lost,
}

/// The buffer of a connection's incoming octets.
#[derive(Debug)]
pub struct Frame {
    buffer: BytesMut,
    /// How much of `buffer` is known to have no line feed.
    scanned: usize,
    text: BytesMut,
    literals: Vec<Bytes>,
    state: State,
    /// The last octets of a line that is being skipped: its literal's marker, perhaps.
    tail: Vec<u8>,
    /// Octets that may still be skipped in this command.
    skip_left: u64,
    skip_max: u64,
}

impl Frame {
    /// An empty buffer that skips at most `skip_max` octets of a refused command.
    #[must_use]
    pub fn new(skip_max: u64) -> Self {
        Self {
            buffer: BytesMut::new(),
            scanned: 0,
            text: BytesMut::new(),
            literals: Vec::new(),
            state: State::Line,
            tail: Vec::new(),
            skip_left: skip_max,
            skip_max,
        }
    }

    /// From now on at most `skip_max` octets of a refused command are skipped.
    pub fn skip_at_most(&mut self, skip_max: u64) {
        self.skip_max = skip_max;
    }

    /// Where to put octets from the client: append only.
    pub fn buffer(&mut self) -> &mut BytesMut {
        // A read needs somewhere to go; literals reserve what they need when they are accepted.
        if self.buffer.capacity() == self.buffer.len() {
            self.buffer.reserve(READ_OCTETS);
        }
        &mut self.buffer
    }

    /// Whether octets of an unfinished command, or of the next ones, are held.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Line) && self.buffer.is_empty() && self.text.is_empty()
    }

    /// Forgets what has been received and not handled: STARTTLS (RFC 9051 §11.1: what was pipelined
    /// behind it came in the clear and is not to be trusted).
    pub fn discard(&mut self) {
        self.buffer.clear();
        self.begin();
    }

    /// The next event. After [`Event::More`] only new octets bring another one.
    pub fn next_event(&mut self) -> Event {
        loop {
            match self.state {
                State::Announced { size, mode } => {
                    return Event::Literal(Literal {
                        command: self.so_far(),
                        size,
                        mode,
                    });
                }
                State::Literal { size } => {
                    if self.buffer.len() < size {
                        return Event::More;
                    }
                    self.literals.push(self.buffer.split_to(size).freeze());
                    if size > READ_OCTETS {
                        // What follows must not keep the literal's memory once it has been used.
                        self.buffer = BytesMut::from(&self.buffer[..]);
                    }
                    self.state = State::Line;
                }
                State::SkipLiteral { left } => {
                    let now = left.min(self.buffer.len() as u64);
                    self.buffer
                        .advance(usize::try_from(now).unwrap_or(usize::MAX));
                    self.state = State::SkipLiteral { left: left - now };
                    if now < left {
                        return Event::More;
                    }
                    self.state = State::SkipLine;
                }
                State::Line => match self.line() {
                    Some(event) => return event,
                    None => return Event::More,
                },
                State::SkipLine => match self.skip_line() {
                    Some(Event::More) => {}
                    Some(event) => return event,
                    None => return Event::More,
                },
                State::Lost => return Event::More,
            }
        }
    }

    /// Takes in the literal that was announced last. A synchronising one now wants a continuation.
    pub fn accept(&mut self) {
        let State::Announced { size, .. } = self.state else {
            return;
        };
        match usize::try_from(size) {
            Ok(size) => {
                // Reserved, not touched: the kernel gives pages as octets arrive.
                self.buffer
                    .reserve(size.saturating_sub(self.buffer.len()).saturating_add(2));
                self.state = State::Literal { size };
            }
            Err(_) => self.refuse(),
        }
    }

    /// Drops the command whose literal was announced last. The session has answered it.
    pub fn refuse(&mut self) {
        let State::Announced { size, mode } = self.state else {
            return;
        };
        self.begin();
        match mode {
            LiteralMode::Synchronising => {}
            LiteralMode::NonSynchronising => self.skip_literal(size),
        }
    }

    /// Whether a refused literal of this size would be skipped rather than end the connection.
    #[must_use]
    pub fn can_skip(&self, size: u64) -> bool {
        size <= self.skip_left
    }

    fn begin(&mut self) {
        self.text = BytesMut::new();
        self.literals = Vec::new();
        self.tail = Vec::new();
        self.scanned = 0;
        self.skip_left = self.skip_max;
        self.state = State::Line;
    }

    fn so_far(&self) -> Raw {
        Raw {
            text: Bytes::copy_from_slice(&self.text),
            literals: self.literals.clone(),
        }
    }

    fn skip_literal(&mut self, size: u64) {
        self.state = match self.skip_left.checked_sub(size) {
            Some(left) => {
                self.skip_left = left;
                State::SkipLiteral { left: size }
            }
            None => State::Lost,
        };
    }

    /// Takes a whole line, if there is one.
    fn line(&mut self) -> Option<Event> {
        let fresh = self.buffer.get(self.scanned..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', fresh).map(|at| at + self.scanned) else {
            self.scanned = self.buffer.len();
            // The CR of a line's end may have come already.
            if self.text.len() + self.buffer.len() > LINE_OCTETS + 1 {
                return Some(self.give_up(Reason::LineTooLong, self.buffer.len()));
            }
            return None;
        };
        self.scanned = 0;
        // A line feed alone ends a line, too: old scripts send it, and it hides nothing in IMAP.
        let line = self.buffer.get(..end).unwrap_or_default();
        let octets = line.strip_suffix(b"\r").unwrap_or(line).len();
        if self.text.len() + octets > LINE_OCTETS {
            return Some(self.give_up(Reason::LineTooLong, end));
        }
        let line = self.buffer.split_to(end + 1);
        self.text
            .extend_from_slice(line.get(..octets).unwrap_or_default());
        match marker(&self.text) {
            Marker::None => {
                let text = std::mem::take(&mut self.text).freeze();
                let literals = std::mem::take(&mut self.literals);
                self.begin();
                Some(Event::Command(Raw { text, literals }))
            }
            Marker::Literal { .. } if self.literals.len() == LITERALS_PER_COMMAND => {
                self.text.extend_from_slice(b"\r\n");
                let marker = marker(self.text.strip_suffix(b"\r\n").unwrap_or_default());
                Some(self.refuse_at(marker, Reason::TooManyLiterals))
            }
            Marker::Literal { size, mode } => {
                self.text.extend_from_slice(b"\r\n");
                self.state = State::Announced { size, mode };
                Some(Event::Literal(Literal {
                    command: self.so_far(),
                    size,
                    mode,
                }))
            }
            uncountable @ Marker::Uncountable { .. } => {
                Some(self.refuse_at(uncountable, Reason::LiteralSize))
            }
        }
    }

    /// Refuses the command at hand, whose line has ended with this marker.
    fn refuse_at(&mut self, marker: Marker, reason: Reason) -> Event {
        let refusal = Refusal {
            start: self.start(),
            reason,
        };
        self.begin();
        match marker {
            Marker::Literal {
                size,
                mode: LiteralMode::NonSynchronising,
            } => {
                self.skip_literal(size);
            }
            Marker::Uncountable {
                mode: LiteralMode::NonSynchronising,
            } => self.state = State::Lost,
            // The client waits for a continuation that does not come.
            Marker::None | Marker::Literal { .. } | Marker::Uncountable { .. } => {}
        }
        match self.state {
            State::Lost => Event::Lost(refusal),
            _ => Event::Refused(refusal),
        }
    }

    /// Refuses the command at hand in the middle of a line, of which `seen` octets are in the buffer.
    fn give_up(&mut self, reason: Reason, seen: usize) -> Event {
        self.text
            .extend_from_slice(self.buffer.get(..seen.min(64)).unwrap_or_default());
        let refusal = Refusal {
            start: self.start(),
            reason,
        };
        self.begin();
        self.state = State::SkipLine;
        Event::Refused(refusal)
    }

    fn start(&self) -> Bytes {
        Bytes::copy_from_slice(self.text.get(..self.text.len().min(64)).unwrap_or_default())
    }

    /// Throws away the rest of a line. `More` means: look again.
    fn skip_line(&mut self) -> Option<Event> {
        let end = memchr::memchr(b'\n', &self.buffer);
        let now = end.map_or(self.buffer.len(), |end| end + 1);
        let piece = self.buffer.split_to(now);
        let keep = piece.len().saturating_sub(MARKER_OCTETS + 2);
        self.tail
            .extend_from_slice(piece.get(keep..).unwrap_or_default());
        let surplus = self.tail.len().saturating_sub(MARKER_OCTETS + 2);
        self.tail.drain(..surplus);
        match self.skip_left.checked_sub(now as u64) {
            Some(left) => self.skip_left = left,
            None => {
                self.state = State::Lost;
                return Some(Event::Lost(Refusal {
                    start: Bytes::new(),
                    reason: Reason::TooMuchSkipped,
                }));
            }
        }
        end?;
        let line = std::mem::take(&mut self.tail);
        let line = line
            .strip_suffix(b"\r\n")
            .or_else(|| line.strip_suffix(b"\n"));
        match marker(line.unwrap_or_default()) {
            Marker::Literal {
                size,
                mode: LiteralMode::NonSynchronising,
            } => {
                self.skip_literal(size);
                if let State::Lost = self.state {
                    return Some(Event::Lost(Refusal {
                        start: Bytes::new(),
                        reason: Reason::TooMuchSkipped,
                    }));
                }
            }
            Marker::Uncountable {
                mode: LiteralMode::NonSynchronising,
            } => {
                self.state = State::Lost;
                return Some(Event::Lost(Refusal {
                    start: Bytes::new(),
                    reason: Reason::LiteralSize,
                }));
            }
            Marker::None | Marker::Literal { .. } | Marker::Uncountable { .. } => self.begin(),
        }
        Some(Event::More)
    }
}

/// How much room a read gets at least.
const READ_OCTETS: usize = 8 * 1024;

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    None,
    Literal {
        size: u64,
        mode: LiteralMode,
    },
    /// A literal of a size above 63 bits.
    Uncountable {
        mode: LiteralMode,
    },
}

/// RFC 9051 §9 `literal`, `literal8`, RFC 7888 `{n+}` at the end of a line.
fn marker(line: &[u8]) -> Marker {
    let Some(inner) = line.strip_suffix(b"}") else {
        return Marker::None;
    };
    let (inner, mode) = match inner.strip_suffix(b"+") {
        Some(inner) => (inner, LiteralMode::NonSynchronising),
        None => (inner, LiteralMode::Synchronising),
    };
    let digits = inner
        .iter()
        .rev()
        .take_while(|octet| octet.is_ascii_digit())
        .count();
    let (before, number) = inner.split_at(inner.len() - digits);
    if digits == 0 || before.last() != Some(&b'{') {
        return Marker::None;
    }
    let size = number.iter().try_fold(0_u64, |size, digit| {
        size.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    match size {
        Some(size) if i64::try_from(size).is_ok() => Marker::Literal { size, mode },
        _ => Marker::Uncountable { mode },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `octets` in pieces of `step`; literals up to 100 octets are accepted.
    fn play(octets: &[u8], step: usize) -> Vec<String> {
        let mut frame = Frame::new(10_000);
        let mut events = Vec::new();
        for piece in octets.chunks(step) {
            frame.buffer().extend_from_slice(piece);
            loop {
                match frame.next_event() {
                    Event::More => break,
                    Event::Literal(literal) if literal.size <= 100 => {
                        if literal.mode == LiteralMode::Synchronising {
                            events.push("+".into());
                        }
                        frame.accept();
                    }
                    Event::Literal(literal) => {
                        events.push(format!("no {}", literal.size));
                        frame.refuse();
                    }
                    Event::Command(raw) => {
                        let literals: Vec<_> = raw
                            .literals
                            .iter()
                            .map(|l| l.escape_ascii().to_string())
                            .collect();
                        let text = raw.text.escape_ascii();
                        events.push(format!("{text} [{}]", literals.join("|")));
                    }
                    Event::Refused(refusal) => events.push(format!("{:?}", refusal.reason)),
                    Event::Lost(refusal) => events.push(format!("lost {:?}", refusal.reason)),
                }
            }
        }
        events
    }

    #[track_caller]
    fn check(octets: &[u8], expected: &[&str]) {
        for step in [1, 2, 7, octets.len().max(1)] {
            assert_eq!(play(octets, step), expected, "in pieces of {step}");
        }
    }

    #[test]
    fn lines_and_literals_make_commands() {
        check(b"a NOOP\r\nb NOOP\n", &["a NOOP []", "b NOOP []"]);
        check(
            b"a LOGIN {3}\r\nbob {2+}\r\npw\r\n",
            &["+", r"a LOGIN {3}\r\n {2+}\r\n [bob|pw]"],
        );
        check(
            b"a X ~{2+}\r\n\0\n\r\nb Y\r\n",
            &[r"a X ~{2+}\r\n [\x00\n]", "b Y []"],
        );
        check(b"a X {0}\r\n\r\n", &["+", r"a X {0}\r\n []"]);
        check(b"a X \"{5}\"\r\n", &[r#"a X \"{5}\" []"#]);
    }

    #[test]
    fn a_refused_literal_is_skipped_exactly() {
        let mut octets = b"a APPEND x {200+}\r\n".to_vec();
        octets.extend([b'\n'; 200]);
        octets.extend(b" {4+}\r\nz Q\n more\r\nb NOOP\r\n");
        check(&octets, &["no 200", "b NOOP []"]);
        check(b"a APPEND x {200}\r\nb NOOP\r\n", &["no 200", "b NOOP []"]);
    }

    #[test]
    fn a_line_past_the_limit_is_skipped_exactly() {
        let mut octets = b"a ".to_vec();
        octets.extend(vec![b'x'; LINE_OCTETS]);
        octets.extend(b" {3+}\r\n\r\n\n tail\r\nb NOOP\r\n");
        let mut frame = Frame::new(1 << 20);
        frame.buffer().extend_from_slice(&octets);
        let Event::Refused(refusal) = frame.next_event() else {
            panic!("not refused")
        };
        assert_eq!(refusal.reason, Reason::LineTooLong);
        assert!(refusal.start.starts_with(b"a xxx"));
        let Event::Command(raw) = frame.next_event() else {
            panic!("no command")
        };
        assert_eq!(raw.text, "b NOOP");
    }

    #[test]
    fn what_cannot_be_counted_ends_the_connection() {
        check(
            b"a X {99999999999999999999+}\r\nb NOOP\r\n",
            &["lost LiteralSize"],
        );
        check(
            b"a X {99999999999999999999}\r\nb NOOP\r\n",
            &["LiteralSize", "b NOOP []"],
        );
        let mut frame = Frame::new(50);
        frame.buffer().extend_from_slice(b"a X {60+}\r\n");
        assert!(matches!(frame.next_event(), Event::Literal(_)));
        assert!(!frame.can_skip(60) && frame.can_skip(50));
    }

    #[test]
    fn too_many_literals_are_refused() {
        let mut octets = b"a X".to_vec();
        for _ in 0..=LITERALS_PER_COMMAND {
            octets.extend(b" {1+}\r\nx");
        }
        octets.extend(b"\r\nb NOOP\r\n");
        check(&octets, &["TooManyLiterals", "b NOOP []"]);
    }
}
