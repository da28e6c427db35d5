//! STORE (RFC 9051 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3), and lists of flags.

use crate::backend::FlagAction;
use crate::grammar::command::{By, CommandBody, Reply, Store};
use crate::grammar::cursor::{Cursor, Error};
use crate::limits::KEYWORDS_PER_COMMAND;
use crate::types::{Keyword, ModSeq, SystemFlag, SystemFlags};

/// `store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags`
pub(super) fn store(by: By, cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    cursor.space()?;
    let sequence = cursor.sequence()?;
    cursor.space()?;
    let mut unchanged_since = None;
    if cursor.eat(b'(') {
        if !cursor.eat_word("UNCHANGEDSINCE") {
            return cursor.expected("UNCHANGEDSINCE");
        }
        cursor.space()?;
        unchanged_since = Some(modseq(cursor)?);
        cursor.close()?;
        cursor.space()?;
    }
    let action = match cursor.peek() {
        Some(b'+') => FlagAction::Add,
        Some(b'-') => FlagAction::Remove,
        _ => FlagAction::Replace,
    };
    if action != FlagAction::Replace {
        cursor.eat(if action == FlagAction::Add {
            b'+'
        } else {
            b'-'
        });
    }
    let reply = match cursor.keyword("FLAGS")?.as_slice() {
        b"FLAGS" => Reply::Flags,
        b"FLAGS.SILENT" => Reply::Silent,
        _ => return cursor.expected("FLAGS"),
    };
    cursor.space()?;
    let (system, keywords) = match cursor.peek() {
        Some(b'(') => flag_list(cursor)?,
        _ => flags(cursor)?,
    };
    Ok(CommandBody::Store(
        by,
        Store {
            sequence,
            unchanged_since,
            action,
            reply,
            system,
            keywords,
        },
    ))
}

pub(super) fn modseq(cursor: &mut Cursor<'_>) -> Result<ModSeq, Error> {
    let value = cursor.number64()?;
    ModSeq::new(value).map_or_else(|| cursor.expected("a mod-sequence"), Ok)
}

/// `flag-list = "(" [flag *(SP flag)] ")"`
pub(super) fn flag_list(cursor: &mut Cursor<'_>) -> Result<(SystemFlags, Vec<Keyword>), Error> {
    cursor.open()?;
    if cursor.eat(b')') {
        return Ok((SystemFlags::NONE, Vec::new()));
    }
    let flags = flags(cursor)?;
    cursor.close()?;
    Ok(flags)
}

/// `flag *(SP flag)`
fn flags(cursor: &mut Cursor<'_>) -> Result<(SystemFlags, Vec<Keyword>), Error> {
    let (mut system, mut keywords) = (SystemFlags::NONE, Vec::<Keyword>::new());
    loop {
        if cursor.eat(b'\\') {
            let name = [b"\\", cursor.atom()?].concat();
            match SystemFlag::parse(&name) {
                Some(flag) => system = system.with(flag),
                // RFC 3501 §2.3.2: a client cannot alter \Recent; some send it back with the others.
                None if name.eq_ignore_ascii_case(b"\\Recent") => {}
                None => return cursor.expected("a flag that can be set"),
            }
        } else {
            let keyword = keyword(cursor)?;
            if !keywords.contains(&keyword) {
                keywords.push(keyword);
            }
        }
        if keywords.len() > KEYWORDS_PER_COMMAND {
            return Err(Error::TooMany("keywords"));
        }
        if !cursor.eat(b' ') || cursor.peek().is_none() {
            return Ok((system, keywords));
        }
    }
}

/// `flag-keyword`
pub(super) fn keyword(cursor: &mut Cursor<'_>) -> Result<Keyword, Error> {
    let octets = cursor.run(super::super::cursor::is_astring_char);
    Keyword::try_from(octets).or_else(|_| cursor.expected("a flag"))
}
