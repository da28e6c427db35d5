//! A structure as IMAP prints it, enough to compare with another server.

use roost_mime::{Address, Disposition, Envelope, Kind, Octets, Parameter, PartRef, Structure};

/// `(ENVELOPE (...) BODYSTRUCTURE (...))`
pub(crate) fn print(structure: &Structure) -> Vec<u8> {
    let mut out = b"(ENVELOPE ".to_vec();
    envelope(structure.envelope(), &mut out);
    out.extend(b" BODYSTRUCTURE ");
    body(structure.root(), &mut out);
    out.push(b')');
    out
}

fn body(part: PartRef<'_>, out: &mut Vec<u8>) {
    out.push(b'(');
    if part.kind == Kind::Multipart {
        part.children().for_each(|child| body(child, out));
        out.push(b' ');
        string(&part.media_subtype, out);
        out.push(b' ');
        parameters(&part.parameters, out);
    } else {
        single(part, out);
    }
    out.push(b' ');
    disposition(part.disposition.as_ref(), out);
    out.push(b' ');
    match part.language.as_slice() {
        [] => out.extend(b"NIL"),
        tags => list(tags, out, |tag, out| string(tag, out)),
    }
    out.push(b' ');
    nstring(part.location.as_ref(), out);
    out.push(b')');
}

fn single(part: PartRef<'_>, out: &mut Vec<u8>) {
    string(&part.media_type, out);
    out.push(b' ');
    string(&part.media_subtype, out);
    out.push(b' ');
    let mut sent = part.parameters.clone();
    if part.is_text() && part.charset().is_none() {
        // Dovecot adds the default to every text.
        sent.push(Parameter {
            name: "charset".into(),
            value: "us-ascii".into(),
        });
    }
    parameters(&sent, out);
    out.push(b' ');
    nstring(part.id.as_ref(), out);
    out.push(b' ');
    nstring(part.description.as_ref(), out);
    out.push(b' ');
    string(&part.encoding, out);
    out.extend(format!(" {}", part.body.octets()).bytes());
    if let Some(message) = part.message() {
        out.push(b' ');
        envelope(message.get().envelope.as_deref().unwrap(), out);
        out.push(b' ');
        body(message, out);
    }
    if part.kind == Kind::Message || part.is_text() {
        out.extend(format!(" {}", part.lines).bytes());
    }
    out.push(b' ');
    nstring(part.md5.as_ref(), out);
}

fn envelope(envelope: &Envelope, out: &mut Vec<u8>) {
    out.push(b'(');
    nstring(envelope.date.as_ref(), out);
    out.push(b' ');
    nstring(envelope.subject.as_ref(), out);
    for addresses in [
        &envelope.from[..],
        envelope.sender_or_from(),
        envelope.reply_to_or_from(),
        &envelope.to,
        &envelope.cc,
        &envelope.bcc,
    ] {
        out.push(b' ');
        match addresses {
            [] => out.extend(b"NIL"),
            _ => {
                out.push(b'(');
                addresses.iter().for_each(|one| address(one, out));
                out.push(b')');
            }
        }
    }
    out.push(b' ');
    nstring(envelope.in_reply_to.as_ref(), out);
    out.push(b' ');
    nstring(envelope.message_id.as_ref(), out);
    out.push(b')');
}

fn address(address: &Address, out: &mut Vec<u8>) {
    let fields = [
        &address.name,
        &address.route,
        &address.mailbox,
        &address.host,
    ];
    list(&fields, out, |field, out| nstring(field.as_ref(), out));
}

fn disposition(disposition: Option<&Disposition>, out: &mut Vec<u8>) {
    let Some(disposition) = disposition else {
        return out.extend(b"NIL");
    };
    out.push(b'(');
    string(&disposition.kind, out);
    out.push(b' ');
    parameters(&disposition.parameters, out);
    out.push(b')');
}

fn parameters(parameters: &[Parameter], out: &mut Vec<u8>) {
    match parameters {
        [] => out.extend(b"NIL"),
        _ => list(parameters, out, |parameter, out| {
            string(&parameter.name, out);
            out.push(b' ');
            string(&parameter.value, out);
        }),
    }
}

fn list<T>(items: &[T], out: &mut Vec<u8>, print: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'(');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        print(item, out);
    }
    out.push(b')');
}

fn nstring(value: Option<&Octets>, out: &mut Vec<u8>) {
    match value {
        None => out.extend(b"NIL"),
        Some(value) => string(value, out),
    }
}

fn string(value: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &octet in value {
        if matches!(octet, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(octet);
    }
    out.push(b'"');
}
