//! Octets → [`Response`]: for clients of our own and for tests. It reads what this crate prints; data
//! of FETCH that hold a body or its description are beyond it, as they are beyond [`FetchAttribute`].

use bytes::Bytes;
use compact_str::{CompactString, ToCompactString as _};

use super::{
    Code, Condition, ESearch, FetchAttribute, FetchData, FlagName, ListReply, Response, StatusData,
    StatusValue, Word,
};
use crate::frame::Raw;
use crate::grammar::command::{By, StatusItem, Tag};
use crate::grammar::cursor::{Cursor, Error, Names, is_atom_char, is_tag_char};
use crate::grammar::date::date_time;
use crate::limits::RESPONSE_NUMBERS;
use crate::types::{DELIMITER, EmailId, Keyword, MailboxId, ModSeq, SystemFlag, Uid, UidValidity};

const CONDITIONS: [Condition; 5] = [
    Condition::Ok,
    Condition::No,
    Condition::Bad,
    Condition::PreAuth,
    Condition::Bye,
];

/// Any response of [`Response`].
///
/// # Errors
/// Where and how the octets are none.
pub fn response(raw: &Raw, names: Names) -> Result<Response, Error> {
    let mut cursor = Cursor::new(raw, names);
    if cursor.eat(b'+') {
        cursor.space()?;
        return Ok(Response::Continue(rest(&mut cursor)?));
    }
    let tag = match cursor.eat(b'*') {
        true => None,
        false => Some(Tag(CompactString::from_utf8_lossy(cursor.tag()?))),
    };
    cursor.space()?;
    let condition = CONDITIONS
        .into_iter()
        .find(|each| cursor.eat_word(each.as_str()));
    if let Some(condition) = condition {
        return status(&mut cursor, tag, condition);
    }
    if tag.is_some() {
        return cursor.expected("OK, NO or BAD");
    }
    let response = untagged(&mut cursor)?;
    cursor.end()?;
    Ok(response)
}

/// Text up to the end. It has no line end in it (RFC 9051 §9, `text`): what frames as a literal is no
/// text, however a server means it.
fn rest(cursor: &mut Cursor<'_>) -> Result<CompactString, Error> {
    let text = CompactString::from_utf8_lossy(cursor.run(|octet| !matches!(octet, b'\r' | b'\n')));
    cursor.end()?;
    Ok(text)
}

fn status(
    cursor: &mut Cursor<'_>,
    tag: Option<Tag>,
    condition: Condition,
) -> Result<Response, Error> {
    cursor.space()?;
    let mut code = None;
    if cursor.eat(b'[') {
        code = Some(self::code(cursor)?);
        cursor.expect(b']', "]")?;
        cursor.space()?;
    }
    let text = rest(cursor)?.into_string().into();
    Ok(Response::Status {
        tag,
        condition,
        code,
        text,
    })
}

fn code(cursor: &mut Cursor<'_>) -> Result<Code, Error> {
    let name = cursor.keyword("a response code")?;
    let word = Word::EACH.iter().find(|(_, word)| word.as_bytes() == name);
    if let Some((word, _)) = word {
        return Ok(Code::Word(*word));
    }
    cursor.space()?;
    Ok(match name.as_slice() {
        b"CAPABILITY" => Code::Capability(words(cursor)?),
        b"PERMANENTFLAGS" => Code::PermanentFlags(flags(cursor)?),
        b"UIDNEXT" => Code::UidNext(uid(cursor)?),
        b"UIDVALIDITY" => Code::UidValidity(validity(cursor)?),
        b"UNSEEN" => Code::Unseen(cursor.number()?),
        b"HIGHESTMODSEQ" => Code::HighestModSeq(modseq(cursor)?),
        b"MODIFIED" => Code::Modified(numbers(cursor)?),
        b"MAILBOXID" => Code::MailboxId(mailbox_id(cursor)?),
        b"APPENDUID" => {
            let validity = validity(cursor)?;
            cursor.space()?;
            Code::AppendUid(validity, uids(cursor)?)
        }
        b"COPYUID" => {
            let validity = validity(cursor)?;
            cursor.space()?;
            let from = uids(cursor)?;
            cursor.space()?;
            Code::CopyUid(validity, from, uids(cursor)?)
        }
        _ => return cursor.expected("a response code"),
    })
}

fn untagged(cursor: &mut Cursor<'_>) -> Result<Response, Error> {
    if cursor.peek().is_some_and(|octet| octet.is_ascii_digit()) {
        let number = cursor.number()?;
        cursor.space()?;
        return Ok(match cursor.keyword("a response")?.as_slice() {
            b"EXISTS" => Response::Exists(number),
            b"RECENT" => Response::Recent(number),
            b"EXPUNGE" => Response::Expunge(number),
            b"FETCH" => {
                cursor.space()?;
                let attributes = cursor.list(64, attribute)?;
                Response::Fetch(FetchData { number, attributes })
            }
            _ => return cursor.expected("EXISTS, RECENT, EXPUNGE or FETCH"),
        });
    }
    let name = cursor.keyword("a response")?;
    Ok(match name.as_slice() {
        b"SEARCH" => return search(cursor),
        b"ENABLED" => match cursor.eat(b' ') {
            true => Response::Enabled(words(cursor)?),
            false => Response::Enabled(Vec::new()),
        },
        b"CAPABILITY" => {
            cursor.space()?;
            Response::Capability(words(cursor)?)
        }
        b"ID" => id(cursor)?,
        b"NAMESPACE" => {
            let expected = format!(" ((\"\" \"{DELIMITER}\")) NIL NIL");
            match cursor.run(|_| true) == expected.as_bytes() {
                true => Response::Namespace,
                false => return cursor.expected("the one personal namespace"),
            }
        }
        b"LIST" => Response::List(list(cursor)?),
        b"LSUB" => Response::Lsub(list(cursor)?),
        b"STATUS" => Response::Figures(figures(cursor)?),
        b"FLAGS" => {
            cursor.space()?;
            Response::Flags(flags(cursor)?)
        }
        b"ESEARCH" => Response::ESearch(esearch(cursor)?),
        b"VANISHED" => {
            cursor.space()?;
            let earlier = cursor.eat(b'(');
            if earlier {
                cursor.keyword("EARLIER")?;
                cursor.close()?;
                cursor.space()?;
            }
            Response::Vanished {
                earlier,
                uids: ranges(cursor)?,
            }
        }
        _ => return cursor.expected("a response"),
    })
}

fn words(cursor: &mut Cursor<'_>) -> Result<Vec<CompactString>, Error> {
    let mut words = Vec::new();
    loop {
        words.push(CompactString::from_utf8_lossy(cursor.atom()?));
        if !cursor.eat(b' ') {
            return Ok(words);
        }
    }
}

fn id(cursor: &mut Cursor<'_>) -> Result<Response, Error> {
    cursor.space()?;
    if cursor.eat_word("NIL") {
        return Ok(Response::Id(Vec::new()));
    }
    Ok(Response::Id(cursor.list(64, |cursor| {
        let name = cursor.string()?;
        cursor.space()?;
        Ok((name, cursor.nstring()?))
    })?))
}

fn search(cursor: &mut Cursor<'_>) -> Result<Response, Error> {
    let (mut numbers, mut modseq) = (Vec::new(), None);
    while cursor.eat(b' ') {
        if cursor.eat(b'(') {
            cursor.keyword("MODSEQ")?;
            cursor.space()?;
            modseq = Some(self::modseq(cursor)?);
            cursor.close()?;
        } else {
            numbers.push(cursor.number()?);
        }
    }
    Ok(Response::Search { numbers, modseq })
}

fn list(cursor: &mut Cursor<'_>) -> Result<ListReply, Error> {
    cursor.space()?;
    let attributes = cursor.list(32, |cursor| {
        let slash: &[u8] = if cursor.eat(b'\\') { b"\\" } else { b"" };
        Ok(CompactString::from_utf8_lossy(
            &[slash, cursor.atom()?].concat(),
        ))
    })?;
    cursor.space()?;
    cursor.nstring()?;
    cursor.space()?;
    let mailbox = match cursor.rest() {
        [b'"', b'"', ..] => cursor.string().map(|_| None)?,
        _ => Some(cursor.mailbox()?),
    };
    let mut child_info = Vec::new();
    if cursor.eat(b' ') {
        cursor.open()?;
        cursor.string()?;
        cursor.space()?;
        child_info = cursor.list(8, |cursor| {
            Ok(CompactString::from_utf8_lossy(&cursor.string()?))
        })?;
        cursor.close()?;
    }
    Ok(ListReply {
        attributes,
        mailbox,
        child_info,
    })
}

fn figures(cursor: &mut Cursor<'_>) -> Result<StatusData, Error> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    cursor.space()?;
    let items = cursor.list(64, |cursor| {
        let name = cursor.keyword("a status item")?;
        let item = StatusItem::EACH
            .into_iter()
            .find(|item| item.as_str().as_bytes() == name);
        let Some(item) = item else {
            return cursor.expected("a status item");
        };
        cursor.space()?;
        let value = match cursor.peek() {
            Some(b'(') => StatusValue::Id(mailbox_id(cursor)?),
            _ => StatusValue::Number(cursor.number64()?),
        };
        Ok((item, value))
    })?;
    Ok(StatusData { mailbox, items })
}

fn esearch(cursor: &mut Cursor<'_>) -> Result<ESearch, Error> {
    cursor.space()?;
    cursor.open()?;
    cursor.keyword("TAG")?;
    cursor.space()?;
    let tag: Bytes = cursor.string()?;
    cursor.close()?;
    if tag.is_empty() || !tag.iter().all(|octet| is_tag_char(*octet)) {
        return cursor.expected("a tag");
    }
    let tag = Tag(CompactString::from_utf8_lossy(&tag));
    let by = By::Sequence;
    let mut result = ESearch {
        tag,
        by,
        min: None,
        max: None,
        count: None,
        all: None,
        modseq: None,
    };
    while cursor.eat(b' ') {
        let name = cursor.keyword("a result")?;
        if name == b"UID" {
            result.by = By::Uid;
            continue;
        }
        cursor.space()?;
        match name.as_slice() {
            b"MIN" => result.min = Some(cursor.number()?),
            b"MAX" => result.max = Some(cursor.number()?),
            b"COUNT" => result.count = Some(cursor.number()?),
            b"ALL" => result.all = Some(ranges(cursor)?),
            b"MODSEQ" => result.modseq = Some(modseq(cursor)?),
            _ => return cursor.expected("a result"),
        }
    }
    Ok(result)
}

fn attribute(cursor: &mut Cursor<'_>) -> Result<FetchAttribute, Error> {
    let name = cursor.keyword("a fetch item")?;
    cursor.space()?;
    Ok(match name.as_slice() {
        b"UID" => FetchAttribute::Uid(uid(cursor)?),
        b"FLAGS" => FetchAttribute::Flags(flags(cursor)?),
        b"MODSEQ" => {
            cursor.open()?;
            let modseq = modseq(cursor)?;
            cursor.close()?;
            FetchAttribute::ModSeq(modseq)
        }
        b"INTERNALDATE" => FetchAttribute::InternalDate(date_time(cursor)?),
        b"RFC822.SIZE" => FetchAttribute::Rfc822Size(cursor.number64()?),
        b"EMAILID" => {
            cursor.open()?;
            let id = email_id(cursor.atom()?);
            cursor.close()?;
            FetchAttribute::EmailId(id.map_or_else(|| cursor.expected("an EMAILID"), Ok)?)
        }
        b"THREADID" if cursor.eat_word("NIL") => FetchAttribute::NoThreadId,
        _ => return cursor.expected("a fetch item that fits in a line"),
    })
}

fn email_id(wire: &[u8]) -> Option<EmailId> {
    let digits = std::str::from_utf8(wire.strip_prefix(b"M")?).ok()?;
    let mut octets = [0; 15];
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != octets.len() {
        return None;
    }
    for (octet, pair) in octets.iter_mut().zip(pairs) {
        *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(EmailId(octets))
}

fn flags(cursor: &mut Cursor<'_>) -> Result<Vec<FlagName>, Error> {
    cursor.list(4_096, |cursor| {
        if !cursor.eat(b'\\') {
            let name = cursor.run(|octet| is_atom_char(octet) || octet == b']');
            let keyword = Keyword::try_from(name).or_else(|_| cursor.expected("a flag"))?;
            return Ok(FlagName::Keyword(keyword));
        }
        if cursor.eat(b'*') {
            return Ok(FlagName::Any);
        }
        if cursor.eat_word("Recent") {
            return Ok(FlagName::Recent);
        }
        let name = [b"\\", cursor.atom()?].concat();
        SystemFlag::parse(&name)
            .map(FlagName::System)
            .map_or_else(|| cursor.expected("a flag"), Ok)
    })
}

fn uid(cursor: &mut Cursor<'_>) -> Result<Uid, Error> {
    let number = cursor.nz_number()?.get();
    Uid::new(number).map_or_else(|| cursor.expected("a UID"), Ok)
}

fn validity(cursor: &mut Cursor<'_>) -> Result<UidValidity, Error> {
    let number = cursor.nz_number()?.get();
    UidValidity::new(number).map_or_else(|| cursor.expected("a UIDVALIDITY"), Ok)
}

fn modseq(cursor: &mut Cursor<'_>) -> Result<ModSeq, Error> {
    let value = cursor.number64()?;
    ModSeq::new(value).map_or_else(|| cursor.expected("a mod-sequence"), Ok)
}

fn mailbox_id(cursor: &mut Cursor<'_>) -> Result<MailboxId, Error> {
    cursor.open()?;
    let id = cursor.atom()?.to_vec();
    cursor.close()?;
    let number = std::str::from_utf8(&id)
        .ok()
        .and_then(|id| id.strip_prefix('F')?.parse().ok());
    number
        .map(MailboxId)
        .filter(|parsed| parsed.to_compact_string().as_bytes() == id)
        .map_or_else(|| cursor.expected("a MAILBOXID"), Ok)
}

/// Ranges without `*`.
fn ranges(cursor: &mut Cursor<'_>) -> Result<Vec<std::ops::RangeInclusive<u32>>, Error> {
    let mut ranges = Vec::new();
    loop {
        let from = cursor.nz_number()?.get();
        let to = if cursor.eat(b':') {
            cursor.nz_number()?.get()
        } else {
            from
        };
        ranges.push(from.min(to)..=from.max(to));
        if !cursor.eat(b',') {
            return Ok(ranges);
        }
    }
}

/// The numbers of ranges, as far as they are few enough to be held.
fn numbers(cursor: &mut Cursor<'_>) -> Result<Vec<u32>, Error> {
    let mut numbers = Vec::new();
    for range in ranges(cursor)? {
        let count = u64::from(range.end() - range.start()) + 1;
        if numbers.len() as u64 + count > RESPONSE_NUMBERS {
            return Err(Error::TooMany("numbers"));
        }
        numbers.extend(range);
    }
    Ok(numbers)
}

fn uids(cursor: &mut Cursor<'_>) -> Result<Vec<Uid>, Error> {
    Ok(numbers(cursor)?.into_iter().filter_map(Uid::new).collect())
}
