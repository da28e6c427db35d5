//! A place in a command, and the tokens of RFC 9051 §9 that can be read there.

use std::borrow::Cow;
use std::num::NonZeroU32;

use bytes::Bytes;

use crate::frame::Raw;
use crate::grammar::utf7;
use crate::types::{MailboxName, NameError, Number, Sequence, SequenceSet};

/// Why a command cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Something else was expected at this octet of the command.
    #[error("expected {expected} at octet {at}")]
    Syntax {
        /// Where.
        at: usize,
        /// What.
        expected: &'static str,
    },
    /// There is no such command.
    #[error("unknown command")]
    Unknown,
    /// It has more of something than is allowed.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// It names a mailbox in a way that no mailbox can be named.
    #[error("{0}")]
    Name(#[from] NameError),
    /// A mailbox name is neither modified UTF-7 nor UTF-8.
    #[error("the mailbox name is not properly encoded")]
    Encoding,
    /// SEARCH in a charset that is not known (RFC 9051 §7.1 BADCHARSET).
    #[error("unknown charset")]
    Charset,
}

/// How mailbox names are encoded on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// RFC 3501 §5.1.3.
    Utf7,
    /// RFC 9051 §5.1, RFC 6855.
    Utf8,
}

/// `atom-specials` of RFC 9051 §9 are what no atom has.
pub(crate) const fn is_atom_char(octet: u8) -> bool {
    matches!(octet, 0x21..=0x7e)
        && !matches!(
            octet,
            b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']'
        )
}

/// `ASTRING-CHAR`: an atom's characters and `]`.
pub(crate) const fn is_astring_char(octet: u8) -> bool {
    is_atom_char(octet) || octet == b']'
}

pub(crate) const fn is_tag_char(octet: u8) -> bool {
    is_astring_char(octet) && octet != b'+'
}

pub(crate) struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    literals: std::slice::Iter<'a, Bytes>,
    names: Names,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(raw: &'a Raw, names: Names) -> Self {
        Self {
            text: &raw.text,
            at: 0,
            literals: raw.literals.iter(),
            names,
        }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn expected<T>(&self, expected: &'static str) -> Result<T, Error> {
        Err(Error::Syntax {
            at: self.at,
            expected,
        })
    }

    /// Goes past `octet` if it is next.
    pub(crate) fn eat(&mut self, octet: u8) -> bool {
        let is = self.peek() == Some(octet);
        self.at += usize::from(is);
        is
    }

    /// Goes past `word` if it is next, in any case, and no letter follows.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let (rest, len) = (self.rest(), word.len());
        let is = rest
            .get(..len)
            .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
            && !rest
                .get(len)
                .is_some_and(|next| next.is_ascii_alphanumeric());
        if is {
            self.at += len;
        }
        is
    }

    pub(crate) fn expect(&mut self, octet: u8, name: &'static str) -> Result<(), Error> {
        if self.eat(octet) {
            Ok(())
        } else {
            self.expected(name)
        }
    }

    pub(crate) fn space(&mut self) -> Result<(), Error> {
        self.expect(b' ', "a space")
    }

    pub(crate) fn open(&mut self) -> Result<(), Error> {
        self.expect(b'(', "(")
    }

    pub(crate) fn close(&mut self) -> Result<(), Error> {
        self.expect(b')', ")")
    }

    pub(crate) fn end(&self) -> Result<(), Error> {
        // Some clients leave a space at the end of a line; nobody is served by refusing it.
        match self.rest() {
            [] | [b' '] => Ok(()),
            _ => self.expected("the end of the command"),
        }
    }

    /// The octets from here that satisfy `is`.
    pub(crate) fn run(&mut self, is: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let len = rest
            .iter()
            .position(|octet| !is(*octet))
            .unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    fn some(&mut self, is: impl Fn(u8) -> bool, expected: &'static str) -> Result<&'a [u8], Error> {
        match self.run(is) {
            [] => self.expected(expected),
            run => Ok(run),
        }
    }

    pub(crate) fn tag(&mut self) -> Result<&'a [u8], Error> {
        self.some(is_tag_char, "a tag")
    }

    pub(crate) fn atom(&mut self) -> Result<&'a [u8], Error> {
        self.some(is_atom_char, "an atom")
    }

    /// A name of our own choice: an atom without regard to case.
    pub(crate) fn keyword(&mut self, expected: &'static str) -> Result<Vec<u8>, Error> {
        Ok(self.some(is_atom_char, expected)?.to_ascii_uppercase())
    }

    /// `number64`; `number` is held to 32 bits by its callers' types.
    pub(crate) fn number64(&mut self) -> Result<u64, Error> {
        let digits = self.some(|octet| octet.is_ascii_digit(), "a number")?;
        let value = digits.iter().try_fold(0_u64, |value, digit| {
            value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        });
        match value {
            Some(value) if i64::try_from(value).is_ok() => Ok(value),
            _ => self.expected("a number of at most 63 bits"),
        }
    }

    pub(crate) fn number(&mut self) -> Result<u32, Error> {
        let value = self.number64()?;
        u32::try_from(value).or_else(|_| self.expected("a number of at most 32 bits"))
    }

    pub(crate) fn nz_number(&mut self) -> Result<NonZeroU32, Error> {
        let value = self.number()?;
        NonZeroU32::new(value).map_or_else(|| self.expected("a number above zero"), Ok)
    }

    /// `quoted`, without its quotes and escapes.
    fn quoted(&mut self) -> Result<Bytes, Error> {
        self.expect(b'"', "a quoted string")?;
        let mut text = Vec::new();
        loop {
            text.extend_from_slice(
                self.run(|octet| !matches!(octet, b'"' | b'\\' | b'\r' | b'\n' | 0)),
            );
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        // RFC 9051 §9 allows \" and \\ only. Others are taken as they stand, for
                        // clients that do not escape Windows paths and smileys.
                        Some(octet @ (b'"' | b'\\')) => {
                            text.push(octet);
                            self.at += 1;
                        }
                        Some(octet) if !matches!(octet, b'\r' | b'\n' | 0) => text.push(b'\\'),
                        _ => return self.expected("the end of a quoted string"),
                    }
                }
                _ => return self.expected("the end of a quoted string"),
            }
        }
        self.at += 1;
        Ok(text.into())
    }

    /// The literal whose marker stands here.
    pub(crate) fn literal(&mut self) -> Result<Bytes, Error> {
        self.expect(b'{', "a literal")?;
        self.run(|octet| octet.is_ascii_digit() || octet == b'+');
        if !self.rest().starts_with(b"}\r\n") {
            return self.expected("a literal");
        }
        self.at += 3;
        match self.literals.next() {
            Some(literal) => Ok(literal.clone()),
            None => self.expected("a literal"),
        }
    }

    /// `literal` or `literal8`.
    pub(crate) fn any_literal(&mut self) -> Result<Bytes, Error> {
        self.eat(b'~');
        self.literal()
    }

    pub(crate) fn string(&mut self) -> Result<Bytes, Error> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            // RFC 9051 §9: CHAR8 is any octet but NUL.
            Some(b'{') => match self.literal()? {
                octets if octets.contains(&0) => self.expected("a string without NUL"),
                octets => Ok(octets),
            },
            _ => self.expected("a string"),
        }
    }

    pub(crate) fn nstring(&mut self) -> Result<Option<Bytes>, Error> {
        if self.eat_word("NIL") {
            Ok(None)
        } else {
            self.string().map(Some)
        }
    }

    pub(crate) fn astring(&mut self) -> Result<Bytes, Error> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => self
                .some(is_astring_char, "an atom or a string")
                .map(Bytes::copy_from_slice),
        }
    }

    /// A mailbox name in the session's encoding. A delimiter at its end, which says that mailboxes
    /// will be made below it (RFC 9051 §6.3.4), says nothing to us.
    pub(crate) fn mailbox(&mut self) -> Result<MailboxName, Error> {
        let wire = match self.peek() {
            Some(b'"' | b'{') => self.string()?,
            // 8-bit octets are no part of an atom, but clients that enabled UTF-8 send them.
            _ => Bytes::copy_from_slice(self.some(
                |octet| is_astring_char(octet) || octet >= 0x80,
                "a mailbox name",
            )?),
        };
        let name = self.decode(&wire)?;
        let name = match name.strip_suffix(crate::types::DELIMITER) {
            Some(shorter) if !shorter.is_empty() => shorter,
            _ => &name,
        };
        Ok(MailboxName::new(name)?)
    }

    /// `list-mailbox` or a reference: a name with wildcards.
    pub(crate) fn pattern(&mut self) -> Result<String, Error> {
        let wire = match self.peek() {
            Some(b'"' | b'{') => self.string()?,
            _ => Bytes::copy_from_slice(self.some(
                |octet| is_astring_char(octet) || matches!(octet, b'%' | b'*') || octet >= 0x80,
                "a mailbox pattern",
            )?),
        };
        self.decode(&wire).map(Cow::into_owned)
    }

    fn decode<'b>(&self, wire: &'b [u8]) -> Result<Cow<'b, str>, Error> {
        match self.names {
            Names::Utf7 if wire.is_ascii() => utf7::decode(wire).ok_or(Error::Encoding),
            // departs: RFC 3501 §5.1 forbids 8-bit names; those that are UTF-8 have one meaning only.
            Names::Utf7 | Names::Utf8 => std::str::from_utf8(wire)
                .map(Cow::Borrowed)
                .map_err(|_| Error::Encoding),
        }
    }

    /// `sequence-set`, or `$` (RFC 5182).
    pub(crate) fn sequence(&mut self) -> Result<Sequence, Error> {
        if self.eat(b'$') {
            return Ok(Sequence::Saved);
        }
        self.sequence_set().map(Sequence::Set)
    }

    pub(crate) fn sequence_set(&mut self) -> Result<SequenceSet, Error> {
        let mut set = SequenceSet(smallvec::SmallVec::new());
        loop {
            let from = self.sequence_number()?;
            let to = if self.eat(b':') {
                self.sequence_number()?
            } else {
                from
            };
            set.0.push((from, to));
            if !self.eat(b',') {
                return Ok(set);
            }
        }
    }

    fn sequence_number(&mut self) -> Result<Number, Error> {
        if self.eat(b'*') {
            return Ok(Number::Largest);
        }
        match self.peek() {
            Some(b'0'..=b'9') => self.nz_number().map(Number::Value),
            _ => self.expected("a message number"),
        }
    }

    /// `"(" [item *(SP item)] ")"`, at most `max` items.
    pub(crate) fn list<T>(
        &mut self,
        max: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.open()?;
        let mut items = Vec::new();
        if self.eat(b')') {
            return Ok(items);
        }
        loop {
            if items.len() == max {
                return Err(Error::TooMany("items in a list"));
            }
            items.push(item(self)?);
            if !self.eat(b' ') {
                self.close()?;
                return Ok(items);
            }
        }
    }
}
