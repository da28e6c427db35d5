//! The lexical tokens of RFC 5322 §3.2 and RFC 2045 §5.1, read leniently from an unfolded value.

use crate::limits::COMMENT_DEPTH_MAX;

/// A cursor over an unfolded field value.
pub(crate) struct Lexer<'a> {
    rest: &'a [u8],
    /// The last comment that was skipped, without its parentheses.
    comment: Option<Vec<u8>>,
}

/// Consecutive words, both as a display name and as a local part.
#[derive(Default)]
pub(crate) struct Phrase {
    /// The words with single spaces between them, quotes and escapes removed.
    pub(crate) display: Vec<u8>,
    /// The last word, with those joined to it by dots: what a local part may be.
    pub(crate) local_part: Vec<u8>,
    /// How much of `display` is before the local part.
    before: usize,
    /// How many words are set apart by space (`a.b` is one, `a b` two).
    pub(crate) count: usize,
}

impl Phrase {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(value: &'a [u8]) -> Self {
        Self {
            rest: value,
            comment: None,
        }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn advance(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// Skips white space and comments; keeps the last comment.
    pub(crate) fn skip_space(&mut self) {
        while let Some(octet) = self.peek() {
            match octet {
                b' ' | b'\t' | b'\r' | b'\n' => self.advance(),
                b'(' => self.skip_comment(),
                _ => break,
            }
        }
    }

    /// The comment that was skipped last, once.
    pub(crate) fn take_comment(&mut self) -> Option<Vec<u8>> {
        self.comment.take().filter(|comment| !comment.is_empty())
    }

    /// RFC 5322 §3.2.2; nested comments keep their parentheses.
    fn skip_comment(&mut self) {
        self.advance();
        let mut depth = 1;
        let mut text = Vec::new();
        while let Some(octet) = self.peek() {
            self.advance();
            match octet {
                b'\\' => {
                    text.extend(self.peek());
                    self.advance();
                    continue;
                }
                b'(' if depth < COMMENT_DEPTH_MAX => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            text.push(octet);
        }
        self.comment = Some(text.trim_ascii().to_vec());
    }

    /// Words (atoms and quoted strings) with dots between or beside them, up to any other special.
    /// White space after it is skipped.
    pub(crate) fn phrase(&mut self) -> Phrase {
        let mut phrase = Phrase::default();
        let mut apart = true;
        loop {
            let before = self.rest.len();
            self.skip_space();
            apart |= self.rest.len() != before;
            match self.peek() {
                Some(b'"') => {
                    let text = self.quoted();
                    phrase.add(&text, apart);
                }
                Some(octet) if is_phrase_octet(octet) => {
                    let text = self.take_while(is_phrase_octet);
                    phrase.add(text, apart);
                }
                _ => return phrase,
            }
            apart = false;
        }
    }

    /// A domain or an address literal; comments and spaces around its dots are dropped.
    pub(crate) fn domain(&mut self) -> Vec<u8> {
        self.skip_space();
        if self.peek() == Some(b'[') {
            let mut literal = self.take_while(|octet| octet != b']').to_vec();
            literal.extend(self.peek());
            self.advance();
            return literal;
        }
        let mut domain = self.take_while(is_phrase_octet).to_vec();
        loop {
            let rest = self.rest;
            self.skip_space();
            let dotted = domain.last() == Some(&b'.') || self.peek() == Some(b'.');
            let more = self.take_while(is_phrase_octet);
            if !dotted || more.is_empty() {
                self.rest = rest;
                return domain;
            }
            domain.extend_from_slice(more);
        }
    }

    /// RFC 5322 §4.4, obs-route: `@a,@b:`. Read up to and past its colon; empty when there is none.
    pub(crate) fn route(&mut self) -> Vec<u8> {
        let end = self
            .rest
            .iter()
            .position(|octet| matches!(octet, b':' | b'>' | b'<' | b'"'));
        let Some((end, b':')) = end.and_then(|end| Some((end, *self.rest.get(end)?))) else {
            return Vec::new();
        };
        let (route, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        self.advance();
        let mut route = route.to_vec();
        route.retain(|octet| !octet.is_ascii_whitespace());
        route
    }

    /// Skips to the end of a list's member: an unquoted `,` or `;`, not consumed.
    pub(crate) fn skip_past_member(&mut self) {
        loop {
            self.skip_space();
            match self.peek() {
                None | Some(b',' | b';') => return,
                Some(b'"') => drop(self.quoted()),
                Some(_) => self.advance(),
            }
        }
    }

    /// Skips to `end` and past it, not beyond the end of a list's member when it is missing.
    pub(crate) fn skip_until(&mut self, end: u8) {
        loop {
            self.skip_space();
            match self.peek() {
                None | Some(b',' | b';') => return,
                Some(octet) if octet == end => {
                    self.advance();
                    return;
                }
                Some(b'"') => drop(self.quoted()),
                Some(_) => self.advance(),
            }
        }
    }

    /// Skips past the next unquoted `octet`, or to the end.
    pub(crate) fn skip_past(&mut self, octet: u8) {
        loop {
            self.skip_space();
            match self.peek() {
                None => return,
                Some(b'"') => drop(self.quoted()),
                Some(found) => {
                    self.advance();
                    if found == octet {
                        return;
                    }
                }
            }
        }
    }

    /// RFC 2045 §5.1, token. White space and comments around it are skipped.
    pub(crate) fn token(&mut self) -> &'a [u8] {
        self.skip_space();
        let token = self.take_while(is_token_octet);
        self.skip_space();
        token
    }

    /// A token or quoted string.
    pub(crate) fn word(&mut self) -> Vec<u8> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.quoted(),
            _ => self.token().to_vec(),
        }
    }

    /// A parameter's value. An unquoted one runs to the next semicolon or space, since many a
    /// mailer forgets the quotes around a boundary or a file name with specials in it.
    pub(crate) fn parameter_value(&mut self) -> Vec<u8> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.quoted(),
            _ => self
                .take_while(|octet| octet != b';' && !octet.is_ascii_whitespace())
                .to_vec(),
        }
    }

    /// RFC 5322 §3.2.4, without its quotes and escapes; the end of the value ends it too.
    fn quoted(&mut self) -> Vec<u8> {
        self.advance();
        let mut text = Vec::new();
        while let Some(octet) = self.peek() {
            self.advance();
            match octet {
                b'"' => break,
                b'\\' => {
                    text.extend(self.peek());
                    self.advance();
                }
                _ => text.push(octet),
            }
        }
        text
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self
            .rest
            .iter()
            .position(|&octet| !wanted(octet))
            .unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        taken
    }
}

impl Phrase {
    /// The words before the local part, as a display name.
    pub(crate) fn before(&self) -> Option<Vec<u8>> {
        let before = self.display.get(..self.before)?;
        (!before.is_empty()).then(|| before.to_vec())
    }

    fn add(&mut self, word: &[u8], apart: bool) {
        if apart {
            // RFC 5322 §4.4: `a. b@c` is an obsolete local part; `a b@c` is a name and `b@c`.
            let dotted = self.local_part.ends_with(b".") || word.starts_with(b".");
            if !dotted {
                self.before = self.display.len();
                self.local_part.clear();
            }
            if self.count > 0 {
                self.display.push(b' ');
            }
            self.count += 1;
        }
        self.display.extend_from_slice(word);
        self.local_part.extend_from_slice(word);
    }
}

/// An octet of an atom, or a dot. 8-bit octets are taken as RFC 6532 does; controls are let be.
fn is_phrase_octet(octet: u8) -> bool {
    !matches!(
        octet,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b':' | b';' | b'@' | b'\\' | b',' | b'"'
    ) && !octet.is_ascii_whitespace()
}

fn is_token_octet(octet: u8) -> bool {
    !matches!(
        octet,
        b'(' | b')'
            | b'<'
            | b'>'
            | b'@'
            | b','
            | b';'
            | b':'
            | b'\\'
            | b'"'
            | b'/'
            | b'['
            | b']'
            | b'?'
            | b'='
    ) && octet > b' '
        && octet != 0x7f
}
