//! ENVELOPE, BODY and BODYSTRUCTURE (RFC 9051 §7.5.2) from the structure that was made at delivery.

use roost_mime::{Address, Disposition, Envelope, Kind, Octets, Parameter, PartRef};

use crate::grammar::print::{Wire, nstring, spaced, string};

/// Which of the two forms of a body structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// BODY: without extension data.
    Basic,
    /// BODYSTRUCTURE
    Extensible,
}

/// `envelope`
pub fn envelope(wire: &mut impl Wire, envelope: &Envelope) {
    wire.put(b"(");
    optional(wire, envelope.date.as_ref());
    wire.put(b" ");
    optional(wire, envelope.subject.as_ref());
    let lists = [
        envelope.from.as_slice(),
        envelope.sender_or_from(),
        envelope.reply_to_or_from(),
        &envelope.to,
        &envelope.cc,
        &envelope.bcc,
    ];
    for list in lists {
        wire.put(b" ");
        addresses(wire, list);
    }
    wire.put(b" ");
    optional(wire, envelope.in_reply_to.as_ref());
    wire.put(b" ");
    optional(wire, envelope.message_id.as_ref());
    wire.put(b")");
}

/// `"(" 1*address ")" / nil`
fn addresses(wire: &mut impl Wire, list: &[Address]) {
    if list.is_empty() {
        return wire.put(b"NIL");
    }
    wire.put(b"(");
    for Address {
        name,
        route,
        mailbox,
        host,
    } in list
    {
        wire.put(b"(");
        spaced(wire, [name, route, mailbox, host], |wire, field| {
            optional(wire, field.as_ref())
        });
        wire.put(b")");
    }
    wire.put(b")");
}

fn optional(wire: &mut impl Wire, octets: Option<&Octets>) {
    nstring(wire, octets.map(|octets| &**octets));
}

/// `body`. The depth of parts is bounded where structures are made ([`roost_mime::limits::DEPTH_MAX`]).
pub fn body(wire: &mut impl Wire, part: PartRef<'_>, form: Form) {
    wire.put(b"(");
    match part.kind {
        Kind::Multipart => multipart(wire, part, form),
        Kind::Single | Kind::Message => single(wire, part, form),
    }
    wire.put(b")");
}

/// `body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]`
fn multipart(wire: &mut impl Wire, part: PartRef<'_>, form: Form) {
    for child in part.children() {
        body(wire, child, form);
    }
    wire.put(b" ");
    string(wire, &part.media_subtype);
    if form == Form::Extensible {
        wire.put(b" ");
        parameters(wire, &part.parameters);
        extension(wire, part);
    }
}

/// `body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]`
fn single(wire: &mut impl Wire, part: PartRef<'_>, form: Form) {
    string(wire, &part.media_type);
    wire.put(b" ");
    string(wire, &part.media_subtype);
    wire.put(b" ");
    parameters(wire, &part.parameters);
    wire.put(b" ");
    optional(wire, part.id.as_ref());
    wire.put(b" ");
    optional(wire, part.description.as_ref());
    wire.put(b" ");
    string(wire, &part.encoding);
    wire.show(format_args!(" {}", part.body.octets()));
    if let Some(message) = part.message() {
        wire.put(b" ");
        match &message.get().envelope {
            Some(inner) => envelope(wire, inner),
            None => envelope(wire, &Envelope::default()),
        }
        wire.put(b" ");
        body(wire, message, form);
        wire.show(format_args!(" {}", part.lines));
    } else if part.is_text() {
        wire.show(format_args!(" {}", part.lines));
    }
    if form == Form::Extensible {
        wire.put(b" ");
        optional(wire, part.md5.as_ref());
        extension(wire, part);
    }
}

/// `body-fld-dsp [SP body-fld-lang [SP body-fld-loc]]`, which both kinds end with.
fn extension(wire: &mut impl Wire, part: PartRef<'_>) {
    wire.put(b" ");
    match &part.disposition {
        Some(Disposition {
            kind,
            parameters: fields,
        }) => {
            wire.put(b"(");
            string(wire, kind);
            wire.put(b" ");
            parameters(wire, fields);
            wire.put(b")");
        }
        None => wire.put(b"NIL"),
    }
    wire.put(b" ");
    match part.language.as_slice() {
        [] => wire.put(b"NIL"),
        [tag] => string(wire, tag),
        tags => {
            wire.put(b"(");
            spaced(wire, tags, |wire, tag| string(wire, tag));
            wire.put(b")");
        }
    }
    wire.put(b" ");
    optional(wire, part.location.as_ref());
}

/// `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil`
fn parameters(wire: &mut impl Wire, parameters: &[Parameter]) {
    if parameters.is_empty() {
        return wire.put(b"NIL");
    }
    wire.put(b"(");
    spaced(wire, parameters, |wire, Parameter { name, value }| {
        string(wire, name);
        wire.put(b" ");
        string(wire, value);
    });
    wire.put(b")");
}
