//! SELECT and EXAMINE (RFC 9051 §6.3.2), with CONDSTORE and QRESYNC (RFC 7162).

use super::store::modseq;
use crate::grammar::command::{Access, CommandBody, QresyncParameter, Select};
use crate::grammar::cursor::{Cursor, Error};
use crate::types::UidValidity;

/// `select = "SELECT" SP mailbox [select-params]`
pub(super) fn select(access: Access, cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    let mut select = Select {
        access,
        mailbox,
        condstore: false,
        qresync: None,
    };
    if cursor.eat(b' ') && cursor.peek().is_some() {
        cursor.list(8, |cursor| {
            if cursor.eat_word("CONDSTORE") {
                select.condstore = true;
            } else if cursor.eat_word("QRESYNC") {
                cursor.space()?;
                select.qresync = Some(qresync(cursor)?);
            } else {
                return cursor.expected("CONDSTORE or QRESYNC");
            }
            Ok(())
        })?;
    }
    Ok(CommandBody::Select(select))
}

/// RFC 7162 §7: `"(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"`
fn qresync(cursor: &mut Cursor<'_>) -> Result<QresyncParameter, Error> {
    cursor.open()?;
    let number = cursor.nz_number()?.get();
    let uid_validity =
        UidValidity::new(number).map_or_else(|| cursor.expected("a UIDVALIDITY"), Ok)?;
    cursor.space()?;
    let modseq = modseq(cursor)?;
    let (mut known_uids, mut matches) = (None, None);
    if cursor.eat(b' ') {
        if cursor.peek() != Some(b'(') {
            known_uids = Some(cursor.sequence_set()?);
        }
        if known_uids.is_none() || cursor.eat(b' ') {
            cursor.open()?;
            let numbers = cursor.sequence_set()?;
            cursor.space()?;
            matches = Some((numbers, cursor.sequence_set()?));
            cursor.close()?;
        }
    }
    cursor.close()?;
    Ok(QresyncParameter {
        uid_validity,
        modseq,
        known_uids,
        matches,
    })
}
