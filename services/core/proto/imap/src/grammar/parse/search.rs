//! SEARCH (RFC 9051 §6.4.4), with ESEARCH (RFC 4731), SEARCHRES (RFC 5182), WITHIN (RFC 5032),
//! CONDSTORE (RFC 7162) and OBJECTID (RFC 8474).

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::store::{keyword, modseq};
use crate::grammar::command::{
    By, CommandBody, Filter, Key, ModSeqCriterion, Search, SearchReturn,
};
use crate::grammar::cursor::{Cursor, Error};
use crate::grammar::date::date;
use crate::limits::{SEARCH_DEPTH, SEARCH_KEYS};
use crate::types::SystemFlag;

/// `search = "SEARCH" [search-return-opts] SP search-program`
pub(super) fn search(by: By, cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    cursor.space()?;
    let mut returns = None;
    if cursor.eat_word("RETURN") {
        cursor.space()?;
        returns = Some(return_options(cursor)?);
        cursor.space()?;
    }
    let mut charset = UTF_8;
    if cursor.eat_word("CHARSET") {
        cursor.space()?;
        charset = encoding(&cursor.astring()?)?;
        cursor.space()?;
    }
    let mut reader = Reader {
        cursor,
        charset,
        keys: 0,
    };
    let mut keys = vec![reader.key(0)?];
    while reader.cursor.eat(b' ') && reader.cursor.peek().is_some() {
        keys.push(reader.key(0)?);
    }
    Ok(CommandBody::Search(by, Search { returns, keys }))
}

/// `search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"`
fn return_options(cursor: &mut Cursor<'_>) -> Result<SearchReturn, Error> {
    let mut options = SearchReturn::default();
    cursor.list(16, |cursor| {
        match cursor.keyword("a result option")?.as_slice() {
            b"MIN" => options.min = true,
            b"MAX" => options.max = true,
            b"ALL" => options.all = true,
            b"COUNT" => options.count = true,
            b"SAVE" => options.save = true,
            _ => return cursor.expected("a result option"),
        }
        Ok(())
    })?;
    // RFC 4731 §3.1, RFC 5182 §2.1: nothing at all means ALL; SAVE alone means SAVE alone.
    if options == SearchReturn::default() {
        options.all = true;
    }
    Ok(options)
}

/// The charset of that name. US-ASCII is read as UTF-8, its superset.
fn encoding(name: &[u8]) -> Result<&'static Encoding, Error> {
    if name.eq_ignore_ascii_case(b"US-ASCII") {
        return Ok(UTF_8);
    }
    // The WHATWG has no decoder for UTF-7 and "replacement" for dangerous charsets.
    Encoding::for_label_no_replacement(name).ok_or(Error::Charset)
}

struct Reader<'c, 'a> {
    cursor: &'c mut Cursor<'a>,
    charset: &'static Encoding,
    keys: usize,
}

impl Reader<'_, '_> {
    /// `search-key`
    fn key(&mut self, depth: usize) -> Result<Key, Error> {
        self.keys += 1;
        if self.keys > SEARCH_KEYS {
            return Err(Error::TooMany("search keys"));
        }
        if depth > SEARCH_DEPTH {
            return Err(Error::TooMany("nested search keys"));
        }
        match self.cursor.peek() {
            Some(b'(') => self.and(depth),
            Some(b'0'..=b'9' | b'*' | b'$') => Ok(Key::Sequence(self.cursor.sequence()?)),
            _ => self.named(depth),
        }
    }

    fn and(&mut self, depth: usize) -> Result<Key, Error> {
        self.cursor.open()?;
        let mut keys = vec![self.key(depth + 1)?];
        while self.cursor.eat(b' ') {
            keys.push(self.key(depth + 1)?);
        }
        self.cursor.close()?;
        Ok(Key::And(keys))
    }

    fn named(&mut self, depth: usize) -> Result<Key, Error> {
        let not = |key| Key::Not(Box::new(key));
        let name = self.cursor.keyword("a search key")?;
        if let Some(key) = flag_key(&name) {
            return Ok(key);
        }
        if !KEYS_WITH_ARGUMENT.contains(&name.as_slice()) {
            return self.cursor.expected("a search key");
        }
        self.cursor.space()?;
        Ok(match name.as_slice() {
            b"KEYWORD" => Key::Keyword(keyword(self.cursor)?),
            b"UNKEYWORD" => not(Key::Keyword(keyword(self.cursor)?)),
            b"NOT" => not(self.key(depth + 1)?),
            b"OR" => {
                let one = self.key(depth + 1)?;
                self.cursor.space()?;
                Key::Or(Box::new((one, self.key(depth + 1)?)))
            }
            b"UID" => Key::Uid(self.cursor.sequence()?),
            b"BEFORE" => Key::Before(date(self.cursor)?),
            b"ON" => Key::On(date(self.cursor)?),
            b"SINCE" => Key::Since(date(self.cursor)?),
            b"SENTBEFORE" => Key::SentBefore(date(self.cursor)?),
            b"SENTON" => Key::SentOn(date(self.cursor)?),
            b"SENTSINCE" => Key::SentSince(date(self.cursor)?),
            b"LARGER" => Key::Larger(self.cursor.number64()?),
            b"SMALLER" => Key::Smaller(self.cursor.number64()?),
            b"OLDER" => Key::Older(self.cursor.nz_number()?.get()),
            b"YOUNGER" => Key::Younger(self.cursor.nz_number()?.get()),
            b"SUBJECT" => Key::Header(Bytes::from_static(b"Subject"), self.text()?),
            b"FROM" => Key::Header(Bytes::from_static(b"From"), self.text()?),
            b"TO" => Key::Header(Bytes::from_static(b"To"), self.text()?),
            b"CC" => Key::Header(Bytes::from_static(b"Cc"), self.text()?),
            b"BCC" => Key::Header(Bytes::from_static(b"Bcc"), self.text()?),
            b"HEADER" => {
                let field = self.cursor.astring()?;
                self.cursor.space()?;
                Key::Header(field, self.text()?)
            }
            b"BODY" => Key::Body(self.text()?),
            b"TEXT" => Key::Text(self.text()?),
            b"MODSEQ" => Key::ModSeq(self.modseq()?),
            b"EMAILID" => Key::EmailId(self.cursor.astring()?),
            b"THREADID" => Key::ThreadId(self.cursor.astring()?),
            _ => return self.cursor.expected("a search key"),
        })
    }

    /// `astring` in the charset of the search.
    fn text(&mut self) -> Result<String, Error> {
        let octets = self.cursor.astring()?;
        if self.charset == UTF_16BE || self.charset == UTF_16LE {
            // RFC 2781 §4.3: a byte order mark wins, which `decode` sees to.
            return Ok(self.charset.decode(&octets).0.into_owned());
        }
        Ok(self
            .charset
            .decode_without_bom_handling(&octets)
            .0
            .into_owned())
    }

    /// RFC 7162 §7: `"MODSEQ" [search-modseq-ext] SP mod-sequence-valzer`
    fn modseq(&mut self) -> Result<ModSeqCriterion, Error> {
        let mut entry = None;
        if self.cursor.peek() == Some(b'"') {
            let name = self.cursor.string()?;
            self.cursor.space()?;
            let filter = match self.cursor.keyword("an entry type")?.as_slice() {
                b"PRIV" => Filter::Private,
                b"SHARED" => Filter::Shared,
                b"ALL" => Filter::All,
                _ => return self.cursor.expected("an entry type"),
            };
            entry = Some((name, filter));
            self.cursor.space()?;
        }
        Ok(ModSeqCriterion {
            entry,
            value: modseq(self.cursor)?,
        })
    }
}

const KEYS_WITH_ARGUMENT: [&[u8]; 26] = [
    b"KEYWORD",
    b"UNKEYWORD",
    b"NOT",
    b"OR",
    b"UID",
    b"BEFORE",
    b"ON",
    b"SINCE",
    b"SENTBEFORE",
    b"SENTON",
    b"SENTSINCE",
    b"LARGER",
    b"SMALLER",
    b"OLDER",
    b"YOUNGER",
    b"SUBJECT",
    b"FROM",
    b"TO",
    b"CC",
    b"BCC",
    b"HEADER",
    b"BODY",
    b"TEXT",
    b"MODSEQ",
    b"EMAILID",
    b"THREADID",
];

/// Keys that stand alone.
fn flag_key(name: &[u8]) -> Option<Key> {
    let not = |key| Key::Not(Box::new(key));
    Some(match name {
        b"ALL" => Key::All,
        b"ANSWERED" => Key::Flag(SystemFlag::Answered),
        b"DELETED" => Key::Flag(SystemFlag::Deleted),
        b"DRAFT" => Key::Flag(SystemFlag::Draft),
        b"FLAGGED" => Key::Flag(SystemFlag::Flagged),
        b"SEEN" => Key::Flag(SystemFlag::Seen),
        b"UNANSWERED" => not(Key::Flag(SystemFlag::Answered)),
        b"UNDELETED" => not(Key::Flag(SystemFlag::Deleted)),
        b"UNDRAFT" => not(Key::Flag(SystemFlag::Draft)),
        b"UNFLAGGED" => not(Key::Flag(SystemFlag::Flagged)),
        b"UNSEEN" => not(Key::Flag(SystemFlag::Seen)),
        b"RECENT" => Key::Recent,
        b"NEW" => Key::New,
        b"OLD" => not(Key::Recent),
        _ => return None,
    })
}
