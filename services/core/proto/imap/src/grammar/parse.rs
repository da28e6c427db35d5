//! Octets → [`Command`].

mod append;
mod fetch;
mod list;
mod search;
mod select;
mod store;

use bytes::Bytes;
use compact_str::CompactString;

use super::command::{By, Command, CommandBody, Extension, IdField, StatusItem, Tag};
use super::cursor::{Cursor, Error, Names, is_tag_char};
use crate::frame::Raw;
use crate::limits::ID_FIELDS;
use crate::types::SpecialUse;

pub use append::{Announced, announced};

/// The tag that a command begins with, if it does: so that a command which cannot be understood can
/// be answered.
#[must_use]
pub fn tag_of(text: &[u8]) -> Option<Tag> {
    let len = text.iter().position(|octet| !is_tag_char(*octet))?;
    match text.split_at(len) {
        ([], _) => None,
        (tag, [b' ', ..]) => tag_from(tag),
        _ => None,
    }
}

fn tag_from(octets: &[u8]) -> Option<Tag> {
    std::str::from_utf8(octets)
        .ok()
        .map(|tag| Tag(CompactString::new(tag)))
}

/// `command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF`
///
/// # Errors
/// Where and how the octets are no command.
pub fn command(raw: &Raw, names: Names) -> Result<Command, Error> {
    let mut cursor = Cursor::new(raw, names);
    let tag = tag_from(cursor.tag()?).map_or_else(|| cursor.expected("a tag"), Ok)?;
    cursor.space()?;
    let name = cursor.keyword("a command")?;
    let body = match name.as_slice() {
        b"UID" => {
            cursor.space()?;
            let name = cursor.keyword("a command")?;
            by_uid(&name, &mut cursor)?
        }
        name => body(name, &mut cursor)?,
    };
    cursor.end()?;
    Ok(Command { tag, body })
}

fn body(name: &[u8], cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    Ok(match name {
        b"CAPABILITY" => CommandBody::Capability,
        b"NOOP" => CommandBody::Noop,
        b"LOGOUT" => CommandBody::Logout,
        b"ID" => id(cursor)?,
        b"STARTTLS" => CommandBody::StartTls,
        b"AUTHENTICATE" => authenticate(cursor)?,
        b"LOGIN" => login(cursor)?,
        b"ENABLE" => enable(cursor)?,
        b"SELECT" => select::select(super::Access::ReadWrite, cursor)?,
        b"EXAMINE" => select::select(super::Access::ReadOnly, cursor)?,
        b"CREATE" => create(cursor)?,
        b"DELETE" => CommandBody::Delete(mailbox(cursor)?),
        b"RENAME" => CommandBody::Rename {
            from: mailbox(cursor)?,
            to: mailbox(cursor)?,
        },
        b"SUBSCRIBE" => CommandBody::Subscribe(mailbox(cursor)?),
        b"UNSUBSCRIBE" => CommandBody::Unsubscribe(mailbox(cursor)?),
        b"LIST" => list::list(cursor)?,
        b"LSUB" => list::lsub(cursor)?,
        b"NAMESPACE" => CommandBody::Namespace,
        b"STATUS" => status(cursor)?,
        b"APPEND" => append::append(cursor)?,
        b"IDLE" => CommandBody::Idle,
        b"CHECK" => CommandBody::Check,
        b"CLOSE" => CommandBody::Close,
        b"UNSELECT" => CommandBody::Unselect,
        b"EXPUNGE" => CommandBody::Expunge(None),
        b"SEARCH" => search::search(By::Sequence, cursor)?,
        b"FETCH" => fetch::fetch(By::Sequence, cursor)?,
        b"STORE" => store::store(By::Sequence, cursor)?,
        b"COPY" => copy(cursor, |set, to| CommandBody::Copy(By::Sequence, set, to))?,
        b"MOVE" => copy(cursor, |set, to| CommandBody::Move(By::Sequence, set, to))?,
        _ => return Err(Error::Unknown),
    })
}

/// `uid = "UID" SP (copy / move / fetch / search / store / uid-expunge)`
fn by_uid(name: &[u8], cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    Ok(match name {
        b"EXPUNGE" => {
            cursor.space()?;
            CommandBody::Expunge(Some(cursor.sequence()?))
        }
        b"SEARCH" => search::search(By::Uid, cursor)?,
        b"FETCH" => fetch::fetch(By::Uid, cursor)?,
        b"STORE" => store::store(By::Uid, cursor)?,
        b"COPY" => copy(cursor, |set, to| CommandBody::Copy(By::Uid, set, to))?,
        b"MOVE" => copy(cursor, |set, to| CommandBody::Move(By::Uid, set, to))?,
        _ => return Err(Error::Unknown),
    })
}

fn mailbox(cursor: &mut Cursor<'_>) -> Result<crate::types::MailboxName, Error> {
    cursor.space()?;
    cursor.mailbox()
}

fn copy(
    cursor: &mut Cursor<'_>,
    body: impl Fn(crate::types::Sequence, crate::types::MailboxName) -> CommandBody,
) -> Result<CommandBody, Error> {
    cursor.space()?;
    let sequence = cursor.sequence()?;
    Ok(body(sequence, mailbox(cursor)?))
}

/// RFC 2971 §3.1: `id_params_list = "(" *(string SP nstring) ")" / nil`
fn id(cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    cursor.space()?;
    if cursor.eat_word("NIL") {
        return Ok(CommandBody::Id(Vec::new()));
    }
    let fields = cursor.list(ID_FIELDS, |cursor| -> Result<IdField, Error> {
        let name = cursor.string()?;
        cursor.space()?;
        Ok((name, cursor.nstring()?))
    })?;
    Ok(CommandBody::Id(fields))
}

/// `authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]`
fn authenticate(cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    cursor.space()?;
    let name = cursor.keyword("a mechanism")?;
    let mechanism = CompactString::from_utf8_lossy(&name);
    let initial = match cursor.eat(b' ') {
        false => None,
        true => match cursor.run(|octet| octet.is_ascii_graphic()) {
            [] => None,
            octets => Some(Bytes::copy_from_slice(octets)),
        },
    };
    Ok(CommandBody::Authenticate { mechanism, initial })
}

/// `login = "LOGIN" SP userid SP password`
fn login(cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    cursor.space()?;
    let name = cursor.astring()?;
    cursor.space()?;
    Ok(CommandBody::Login {
        name,
        password: cursor.astring()?,
    })
}

/// RFC 5161 §4: `enable = "ENABLE" 1*(SP capability)`
fn enable(cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    let mut extensions = Vec::new();
    cursor.space()?;
    loop {
        let extension = match cursor.keyword("a capability")?.as_slice() {
            b"IMAP4REV2" => Extension::Imap4Rev2,
            b"UTF8=ACCEPT" => Extension::Utf8Accept,
            b"CONDSTORE" => Extension::CondStore,
            b"QRESYNC" => Extension::QResync,
            _ => Extension::Other,
        };
        extensions.push(extension);
        if extensions.len() > 32 {
            return Err(Error::TooMany("capabilities"));
        }
        if !cursor.eat(b' ') {
            return Ok(CommandBody::Enable(extensions));
        }
    }
}

/// `create = "CREATE" SP mailbox [create-params]`, RFC 6154 §6: `"USE" SP "(" [use-attr …] ")"`
fn create(cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    let mailbox = mailbox(cursor)?;
    let mut special_use = Vec::new();
    if cursor.eat(b' ') && cursor.peek().is_some() {
        cursor.open()?;
        if !cursor.eat_word("USE") {
            return cursor.expected("USE");
        }
        cursor.space()?;
        special_use = cursor.list(SpecialUse::EACH.len(), |cursor| {
            let slash: &[u8] = if cursor.eat(b'\\') { b"\\" } else { b"" };
            let attribute = [slash, cursor.atom()?].concat();
            // RFC 6154 §3: an unknown use is refused by NO [USEATTR]; none of ours is unknown to us,
            // so that it is a syntax error here is no loss.
            SpecialUse::parse(&attribute).map_or_else(|| cursor.expected("a special use"), Ok)
        })?;
        cursor.close()?;
    }
    Ok(CommandBody::Create {
        mailbox,
        special_use,
    })
}

/// `status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"`
fn status(cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    let mailbox = mailbox(cursor)?;
    cursor.space()?;
    Ok(CommandBody::Status {
        mailbox,
        items: status_items(cursor)?,
    })
}

fn status_items(cursor: &mut Cursor<'_>) -> Result<Vec<StatusItem>, Error> {
    let items = cursor.list(64, |cursor| {
        let name = cursor.keyword("a status item")?;
        StatusItem::EACH
            .into_iter()
            .find(|item| item.as_str().as_bytes() == name)
            .map_or_else(|| cursor.expected("a status item"), Ok)
    })?;
    if items.is_empty() {
        cursor.expected("a status item")
    } else {
        Ok(items)
    }
}
