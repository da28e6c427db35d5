//! APPEND (RFC 9051 §6.3.12), with MULTIAPPEND (RFC 3502), literal8 (RFC 3516), UTF8 (RFC 6855 §4).

use jiff::Timestamp;

use crate::frame::Raw;
use crate::grammar::command::{AppendMessage, CommandBody};
use crate::grammar::cursor::{Cursor, Error, Names};
use crate::grammar::date::date_time;
use crate::grammar::parse::store::flag_list;
use crate::types::{Keyword, MailboxName, SystemFlags};

/// `append = "APPEND" SP mailbox 1*append-message`
pub(super) fn append(cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    let mut messages = Vec::new();
    while messages.is_empty() || !matches!(cursor.rest(), [] | [b' ']) {
        messages.push(message(cursor)?);
    }
    Ok(CommandBody::Append { mailbox, messages })
}

/// `append-message = [SP flag-list] [SP date-time] SP append-data`
fn message(cursor: &mut Cursor<'_>) -> Result<AppendMessage, Error> {
    let prefix = prefix(cursor)?;
    let body = cursor.any_literal()?;
    if prefix.wrapped {
        cursor.close()?;
    }
    let Prefix {
        system,
        keywords,
        internal_date,
        ..
    } = prefix;
    Ok(AppendMessage {
        system,
        keywords,
        internal_date,
        body,
    })
}

/// What precedes the literal of an `append-message`.
struct Prefix {
    system: SystemFlags,
    keywords: Vec<Keyword>,
    internal_date: Option<Timestamp>,
    /// RFC 6855 §4: `UTF8 (~{…}…)`
    wrapped: bool,
}

fn prefix(cursor: &mut Cursor<'_>) -> Result<Prefix, Error> {
    cursor.space()?;
    let (mut system, mut keywords) = (SystemFlags::NONE, Vec::new());
    if cursor.peek() == Some(b'(') {
        (system, keywords) = flag_list(cursor)?;
        cursor.space()?;
    }
    let mut internal_date = None;
    if cursor.peek() == Some(b'"') {
        internal_date = Some(date_time(cursor)?);
        cursor.space()?;
    }
    let wrapped = cursor.eat_word("UTF8");
    if wrapped {
        cursor.space()?;
        cursor.open()?;
    }
    Ok(Prefix {
        system,
        keywords,
        internal_date,
        wrapped,
    })
}

/// What an announced literal is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Announced {
    /// A message that APPEND adds to this mailbox.
    Message(MailboxName),
    /// Anything else.
    Argument,
}

/// What the literal is for whose marker ends `so_far`.
///
/// # Errors
/// When an APPEND is malformed already, so that its message need not be sent.
pub fn announced(so_far: &Raw, names: Names) -> Result<Announced, Error> {
    let mut cursor = Cursor::new(so_far, names);
    cursor.tag()?;
    cursor.space()?;
    if cursor.keyword("a command")?.as_slice() != b"APPEND" {
        return Ok(Announced::Argument);
    }
    cursor.space()?;
    // The one whose marker stands last has not come yet.
    let last = |rest: &[u8]| {
        let start = rest.iter().take_while(|octet| **octet == b'~').count();
        matches!(rest.split_at(start).1, [b'{', digits @ .., b'}', b'\r', b'\n']
            if digits.iter().all(|octet| octet.is_ascii_digit() || *octet == b'+'))
    };
    if last(cursor.rest()) {
        return Ok(Announced::Argument);
    }
    let mailbox = cursor.mailbox()?;
    loop {
        let prefix = prefix(&mut cursor)?;
        if last(cursor.rest()) {
            return Ok(Announced::Message(mailbox));
        }
        cursor.any_literal()?;
        if prefix.wrapped {
            cursor.close()?;
        }
    }
}
