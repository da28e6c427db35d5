//! FETCH (RFC 9051 §6.4.5), with BINARY (RFC 3516), CONDSTORE (RFC 7162), OBJECTID (RFC 8474) and
//! PREVIEW (RFC 8970).

use super::store::modseq;
use crate::grammar::command::{
    By, CommandBody, Fetch, FetchItem, Fields, FieldsMatch, Partial, Path, Preview, Section,
    SectionText, Seen,
};
use crate::grammar::cursor::{Cursor, Error};
use crate::limits::FETCH_ITEMS;

/// Numbers of a section's path that are looked at; deeper parts than [`roost_mime`] describes do not
/// exist.
const PATH_NUMBERS: usize = 128;

/// `fetch = "FETCH" SP sequence-set SP ("ALL" / "FULL" / "FAST" / fetch-att / …) [fetch-modifiers]`
pub(super) fn fetch(by: By, cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    cursor.space()?;
    let sequence = cursor.sequence()?;
    cursor.space()?;
    let items = items(cursor)?;
    let mut fetch = Fetch {
        sequence,
        items,
        changed_since: None,
        vanished: false,
    };
    if cursor.eat(b' ') && cursor.peek().is_some() {
        cursor.list(4, |cursor| {
            if cursor.eat_word("CHANGEDSINCE") {
                cursor.space()?;
                fetch.changed_since = Some(modseq(cursor)?);
            } else if cursor.eat_word("VANISHED") {
                fetch.vanished = true;
            } else {
                return cursor.expected("CHANGEDSINCE or VANISHED");
            }
            Ok(())
        })?;
    }
    Ok(CommandBody::Fetch(by, fetch))
}

fn items(cursor: &mut Cursor<'_>) -> Result<Vec<FetchItem>, Error> {
    if cursor.peek() == Some(b'(') {
        let items = cursor.list(FETCH_ITEMS, item)?;
        return if items.is_empty() {
            cursor.expected("a fetch item")
        } else {
            Ok(items)
        };
    }
    use FetchItem::{Body, Envelope, Flags, InternalDate, Rfc822Size};
    if cursor.eat_word("ALL") {
        Ok(vec![Flags, InternalDate, Rfc822Size, Envelope])
    } else if cursor.eat_word("FAST") {
        Ok(vec![Flags, InternalDate, Rfc822Size])
    } else if cursor.eat_word("FULL") {
        Ok(vec![Flags, InternalDate, Rfc822Size, Envelope, Body])
    } else {
        Ok(vec![item(cursor)?])
    }
}

/// `fetch-att`
fn item(cursor: &mut Cursor<'_>) -> Result<FetchItem, Error> {
    let name = cursor
        .run(|octet| octet.is_ascii_alphanumeric() || octet == b'.')
        .to_ascii_uppercase();
    let seen = |peek: &[u8]| if name == peek { Seen::Keep } else { Seen::Set };
    Ok(match name.as_slice() {
        b"ENVELOPE" => FetchItem::Envelope,
        b"FLAGS" => FetchItem::Flags,
        b"INTERNALDATE" => FetchItem::InternalDate,
        b"RFC822" => FetchItem::Rfc822,
        b"RFC822.HEADER" => FetchItem::Rfc822Header,
        b"RFC822.SIZE" => FetchItem::Rfc822Size,
        b"RFC822.TEXT" => FetchItem::Rfc822Text,
        b"BODYSTRUCTURE" => FetchItem::BodyStructure,
        b"UID" => FetchItem::Uid,
        b"MODSEQ" => FetchItem::ModSeq,
        b"EMAILID" => FetchItem::EmailId,
        b"THREADID" => FetchItem::ThreadId,
        b"PREVIEW" => preview(cursor)?,
        b"BODY" if cursor.peek() != Some(b'[') => FetchItem::Body,
        b"BODY" | b"BODY.PEEK" => FetchItem::Section {
            section: section(cursor)?,
            partial: partial(cursor)?,
            seen: seen(b"BODY.PEEK"),
        },
        b"BINARY" | b"BINARY.PEEK" => FetchItem::Binary {
            path: binary_path(cursor)?,
            partial: partial(cursor)?,
            seen: seen(b"BINARY.PEEK"),
        },
        b"BINARY.SIZE" => FetchItem::BinarySize(binary_path(cursor)?),
        _ => return cursor.expected("a fetch item"),
    })
}

/// RFC 8970 §6: `"PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]`
fn preview(cursor: &mut Cursor<'_>) -> Result<FetchItem, Error> {
    if !cursor.rest().starts_with(b" (") {
        return Ok(FetchItem::Preview(Preview::Always));
    }
    // As the only item, what follows may be the fetch modifiers.
    let lazy = cursor
        .rest()
        .get(2..6)
        .is_some_and(|word| word.eq_ignore_ascii_case(b"LAZY"));
    if !lazy {
        return Ok(FetchItem::Preview(Preview::Always));
    }
    cursor.space()?;
    cursor.list(1, |cursor| cursor.keyword("LAZY"))?;
    Ok(FetchItem::Preview(Preview::Lazy))
}

/// `section = "[" [section-spec] "]"`
fn section(cursor: &mut Cursor<'_>) -> Result<Section, Error> {
    cursor.expect(b'[', "[")?;
    let path = path(cursor)?;
    let name = cursor
        .run(|octet| octet.is_ascii_alphabetic() || octet == b'.')
        .to_ascii_uppercase();
    let text = match name.as_slice() {
        b"" => SectionText::Content,
        b"HEADER" => SectionText::Header,
        b"HEADER.FIELDS" => SectionText::Fields(fields(FieldsMatch::Named, cursor)?),
        b"HEADER.FIELDS.NOT" => SectionText::Fields(fields(FieldsMatch::Others, cursor)?),
        b"TEXT" => SectionText::Text,
        // RFC 9051 §6.4.5.1: MIME needs a part number.
        b"MIME" if !path.is_empty() => SectionText::Mime,
        _ => return cursor.expected("a section"),
    };
    cursor.expect(b']', "]")?;
    Ok(Section { path, text })
}

/// `section-part = nz-number *("." nz-number)`, and the dot before a `section-text`.
fn path(cursor: &mut Cursor<'_>) -> Result<Path, Error> {
    let mut path = Path::new();
    while cursor.peek().is_some_and(|octet| octet.is_ascii_digit()) {
        if path.len() == PATH_NUMBERS {
            return Err(Error::TooMany("part numbers"));
        }
        path.push(cursor.nz_number()?.get());
        if !cursor.eat(b'.') {
            return match cursor.peek() {
                Some(b']') => Ok(path),
                _ => cursor.expected("a dot"),
            };
        }
    }
    if !path.is_empty() && cursor.peek() == Some(b']') {
        return cursor.expected("a part number or a section");
    }
    Ok(path)
}

/// RFC 3516 §4: `section-binary = "[" [section-part] "]"`
fn binary_path(cursor: &mut Cursor<'_>) -> Result<Path, Error> {
    cursor.expect(b'[', "[")?;
    let path = path(cursor)?;
    cursor.expect(b']', "]")?;
    Ok(path)
}

/// `header-list = "(" header-fld-name *(SP header-fld-name) ")"`
fn fields(matching: FieldsMatch, cursor: &mut Cursor<'_>) -> Result<Fields, Error> {
    cursor.space()?;
    let names = cursor.list(FETCH_ITEMS, Cursor::astring)?;
    Ok(Fields { matching, names })
}

/// `partial = "<" number64 "." nz-number64 ">"`
fn partial(cursor: &mut Cursor<'_>) -> Result<Option<Partial>, Error> {
    if !cursor.eat(b'<') {
        return Ok(None);
    }
    let from = cursor.number64()?;
    cursor.expect(b'.', "a dot")?;
    let count = match cursor.number64()? {
        0 => return cursor.expected("a number above zero"),
        // Larger than any message: the same as all of it.
        count => u32::try_from(count).unwrap_or(u32::MAX),
    };
    cursor.expect(b'>', ">")?;
    Ok(Some(Partial { from, count }))
}
