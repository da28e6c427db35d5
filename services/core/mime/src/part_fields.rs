//! The header fields that a part is described by.

use crate::content::{self, ContentType};
use crate::envelope::{self, Address, Envelope};
use crate::header::Field;
use crate::limits::ADDRESSES_MAX;
use crate::octets::Octets;
use crate::structure::Disposition;

/// Whether a part has an envelope: the roots of messages have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Enveloped {
    Yes,
    No,
}

/// The fields that describe a part, as they are met; the first of a name counts.
#[derive(Default)]
pub(crate) struct PartFields {
    pub(crate) content_type: Option<ContentType>,
    content_type_seen: bool,
    pub(crate) id: Option<Octets>,
    pub(crate) description: Option<Octets>,
    pub(crate) encoding: Option<Octets>,
    pub(crate) md5: Option<Octets>,
    pub(crate) disposition: Option<Disposition>,
    pub(crate) language: Vec<Octets>,
    pub(crate) location: Option<Octets>,
    pub(crate) envelope: Envelope,
}

impl PartFields {
    /// Takes a field of the part's header; envelope fields only where the part has an envelope.
    pub(crate) fn take(&mut self, field: &Field<'_>, envelope: Enveloped) {
        let known = match field.name.get(..8) {
            Some(prefix) if prefix.eq_ignore_ascii_case(b"content-") => {
                self.take_content(field.name.get(8..).unwrap_or_default(), field);
                true
            }
            _ => false,
        };
        if !known && envelope == Enveloped::Yes {
            self.take_envelope(field);
        }
    }

    fn take_content(&mut self, name: &[u8], field: &Field<'_>) {
        let value = || field.unfolded();
        match name.to_ascii_lowercase().as_slice() {
            b"type" if !self.content_type_seen => {
                self.content_type_seen = true;
                self.content_type = ContentType::parse(&value());
            }
            b"transfer-encoding" => keep_first(&mut self.encoding, || content::encoding(&value())),
            b"disposition" => keep_first(&mut self.disposition, || content::disposition(&value())),
            b"id" => keep_first(&mut self.id, || owned(&value())),
            b"description" => keep_first(&mut self.description, || owned(&value())),
            b"md5" => keep_first(&mut self.md5, || owned(&value())),
            b"location" => keep_first(&mut self.location, || owned(&value())),
            b"language" if self.language.is_empty() => self.language = content::languages(&value()),
            _ => {}
        }
    }

    fn take_envelope(&mut self, field: &Field<'_>) {
        let envelope = &mut self.envelope;
        let text = || owned(&field.unfolded());
        let list = |list: &mut Vec<Address>| {
            let room = ADDRESSES_MAX.saturating_sub(list.len());
            list.extend(
                envelope::addresses(&field.unfolded())
                    .into_iter()
                    .take(room),
            );
        };
        match field.name.to_ascii_lowercase().as_slice() {
            b"date" => keep_first(&mut envelope.date, text),
            b"subject" => keep_first(&mut envelope.subject, text),
            b"in-reply-to" => keep_first(&mut envelope.in_reply_to, text),
            b"message-id" => keep_first(&mut envelope.message_id, text),
            b"from" => list(&mut envelope.from),
            b"sender" => list(&mut envelope.sender),
            b"reply-to" => list(&mut envelope.reply_to),
            b"to" => list(&mut envelope.to),
            b"cc" => list(&mut envelope.cc),
            b"bcc" => list(&mut envelope.bcc),
            _ => {}
        }
    }
}

fn keep_first<T>(place: &mut Option<T>, value: impl FnOnce() -> Option<T>) {
    if place.is_none() {
        *place = value();
    }
}

fn owned(value: &[u8]) -> Option<Octets> {
    Some(value.into())
}
