//! LIST with LIST-EXTENDED (RFC 5258), LIST-STATUS (RFC 5819) and SPECIAL-USE (RFC 6154); LSUB.

use super::status_items;
use crate::grammar::command::{CommandBody, List, ListForm, ListReturn, ListSelection};
use crate::grammar::cursor::{Cursor, Error};
use crate::limits::PATTERN_OCTETS;

/// `list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]`
pub(super) fn list(cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    cursor.space()?;
    let mut form = ListForm::Basic;
    let mut selection = ListSelection::default();
    if cursor.peek() == Some(b'(') {
        form = ListForm::Extended;
        selection = select_options(cursor)?;
        cursor.space()?;
    }
    let reference = cursor.pattern()?;
    cursor.space()?;
    let patterns = match cursor.peek() {
        Some(b'(') => {
            form = ListForm::Extended;
            cursor.list(64, Cursor::pattern)?
        }
        _ => vec![cursor.pattern()?],
    };
    bounded(&reference, &patterns)?;
    let mut returns = None;
    if cursor.eat(b' ') && cursor.peek().is_some() {
        if !cursor.eat_word("RETURN") {
            return cursor.expected("RETURN");
        }
        form = ListForm::Extended;
        cursor.space()?;
        returns = Some(return_options(cursor)?);
    }
    Ok(CommandBody::List(List {
        selection,
        reference,
        patterns,
        returns,
        form,
    }))
}

/// `list-select-opts`
fn select_options(cursor: &mut Cursor<'_>) -> Result<ListSelection, Error> {
    let mut options = ListSelection::default();
    cursor.list(16, |cursor| {
        match cursor.keyword("a selection option")?.as_slice() {
            b"SUBSCRIBED" => options.subscribed = true,
            b"REMOTE" => options.remote = true,
            b"RECURSIVEMATCH" => options.recursive_match = true,
            b"SPECIAL-USE" => options.special_use = true,
            _ => return cursor.expected("a selection option"),
        }
        Ok(())
    })?;
    // RFC 5258 §3.1: RECURSIVEMATCH needs something to be recursive about.
    if options.recursive_match && !options.subscribed && !options.special_use {
        return cursor.expected("SUBSCRIBED with RECURSIVEMATCH");
    }
    Ok(options)
}

/// `list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"`
fn return_options(cursor: &mut Cursor<'_>) -> Result<ListReturn, Error> {
    let mut options = ListReturn::default();
    cursor.list(16, |cursor| {
        match cursor.keyword("a return option")?.as_slice() {
            b"SUBSCRIBED" => options.subscribed = true,
            b"CHILDREN" => options.children = true,
            b"SPECIAL-USE" => options.special_use = true,
            b"STATUS" => {
                cursor.space()?;
                options.status = status_items(cursor)?;
            }
            _ => return cursor.expected("a return option"),
        }
        Ok(())
    })?;
    Ok(options)
}

/// `lsub = "LSUB" SP mailbox SP list-mailbox`
pub(super) fn lsub(cursor: &mut Cursor<'_>) -> Result<CommandBody, Error> {
    cursor.space()?;
    let reference = cursor.pattern()?;
    cursor.space()?;
    let pattern = cursor.pattern()?;
    bounded(&reference, std::slice::from_ref(&pattern))?;
    Ok(CommandBody::Lsub { reference, pattern })
}

fn bounded(reference: &str, patterns: &[String]) -> Result<(), Error> {
    let octets: usize = patterns
        .iter()
        .map(|pattern| reference.len() + pattern.len())
        .sum();
    if octets > PATTERN_OCTETS {
        Err(Error::TooMany("octets in a pattern"))
    } else {
        Ok(())
    }
}
