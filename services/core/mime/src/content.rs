//! Content fields: Content-Type, Content-Disposition, Content-Language and the parameters
//! (RFC 2045 §5.1, RFC 2183, RFC 3282, RFC 2231).

use crate::lexer::Lexer;
use crate::limits::{LANGUAGES_MAX, NAME_MAX, PARAMETERS_MAX};
use crate::octets::Octets;
use crate::structure::{Disposition, Parameter};
use crate::{charset, transfer, word};

/// A media type with its parameters.
pub(crate) struct ContentType {
    pub(crate) media_type: Octets,
    pub(crate) media_subtype: Octets,
    pub(crate) parameters: Vec<Parameter>,
}

impl ContentType {
    /// RFC 2045 §5.2: what text without a Content-Type is.
    pub(crate) fn plain_text() -> Self {
        Self {
            media_type: "text".into(),
            media_subtype: "plain".into(),
            parameters: vec![Parameter {
                name: "charset".into(),
                value: "us-ascii".into(),
            }],
        }
    }

    /// RFC 2046 §5.1.5: what a part of a digest is.
    pub(crate) fn message() -> Self {
        Self {
            media_type: "message".into(),
            media_subtype: "rfc822".into(),
            parameters: Vec::new(),
        }
    }

    /// `None` when there is no type or no subtype; RFC 2045 §5.2 then wants the default.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let mut lexer = Lexer::new(value);
        let media_type = lexer.token();
        if !is_name(media_type) || lexer.peek() != Some(b'/') {
            return None;
        }
        lexer.advance();
        let media_subtype = lexer.token();
        is_name(media_subtype).then(|| Self {
            media_type: media_type.into(),
            media_subtype: media_subtype.into(),
            parameters: parameters(&mut lexer),
        })
    }
}

/// `None` when it names no disposition.
pub(crate) fn disposition(value: &[u8]) -> Option<Disposition> {
    let mut lexer = Lexer::new(value);
    let kind = lexer.word();
    (!kind.is_empty()).then(|| Disposition {
        kind: kind.into(),
        parameters: parameters(&mut lexer),
    })
}

/// The encoding's name without comments; `None` when there is none.
pub(crate) fn encoding(value: &[u8]) -> Option<Octets> {
    let name = Lexer::new(value).token();
    is_name(name).then(|| name.into())
}

fn is_name(token: &[u8]) -> bool {
    (1..=NAME_MAX).contains(&token.len())
}

/// RFC 3282: tags between commas.
pub(crate) fn languages(value: &[u8]) -> Vec<Octets> {
    let mut lexer = Lexer::new(value);
    let mut tags = Vec::new();
    while tags.len() < LANGUAGES_MAX && lexer.peek().is_some() {
        let tag = lexer.token();
        if !tag.is_empty() {
            tags.push(tag.into());
        }
        lexer.skip_past(b',');
    }
    tags
}

/// The value under `name`, without regard to case; the first of several.
pub(crate) fn find<'a>(parameters: &'a [Parameter], name: &str) -> Option<&'a Octets> {
    parameters
        .iter()
        .find(|parameter| parameter.name.is(name))
        .map(|parameter| &parameter.value)
}

/// The value under `name` as text: RFC 2231's form before the plain one (RFC 6266 §4.3 has the
/// reason), and encoded words decoded, which RFC 2047 forbids here and many mailers send.
pub(crate) fn text(parameters: &[Parameter], name: &str) -> Option<String> {
    let extended = parameters.iter().find(|parameter| {
        parameter
            .name
            .strip_suffix(b"*")
            .is_some_and(|plain| plain.eq_ignore_ascii_case(name.as_bytes()))
    });
    match extended {
        Some(parameter) => Some(extended_text(&parameter.value)),
        None => find(parameters, name).map(|value| word::decode(value)),
    }
}

/// `charset'language'percent-encoded` (RFC 2231 §4).
fn extended_text(value: &[u8]) -> String {
    let mut pieces = value.splitn(3, |&octet| octet == b'\'');
    let (charset, encoded) = match (pieces.next(), pieces.next(), pieces.next()) {
        (Some(charset), Some(_), Some(encoded)) => (charset, encoded),
        _ => (&b"utf-8"[..], value),
    };
    charset::decode(charset, &percent_decoded(encoded))
}

fn percent_decoded(encoded: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => transfer::hex_octet(*high, *low),
            _ => None,
        };
        octets.push(escaped.unwrap_or(first));
        rest = after
            .get(if escaped.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    octets
}

/// `*(";" attribute "=" value)`, what is no parameter skipped, continuations joined.
fn parameters(lexer: &mut Lexer<'_>) -> Vec<Parameter> {
    let mut sent = Vec::new();
    for _ in 0..PARAMETERS_MAX {
        lexer.skip_past(b';');
        if lexer.peek().is_none() {
            break;
        }
        let name = lexer.token();
        if name.is_empty() || lexer.peek() != Some(b'=') {
            continue;
        }
        lexer.advance();
        sent.push(Parameter {
            name: name.into(),
            value: lexer.parameter_value().into(),
        });
    }
    join(sent)
}

/// One section of a continued parameter: `name*2*`.
struct Continuation<'a> {
    base: &'a [u8],
    number: u16,
    extended: bool,
    value: &'a [u8],
}

impl<'a> Continuation<'a> {
    /// `None` for a parameter that is not one, such as `filename` or `filename*`.
    fn of(parameter: &'a Parameter) -> Option<Self> {
        let (name, extended) = match parameter.name.strip_suffix(b"*") {
            Some(name) => (name, true),
            None => (&*parameter.name, false),
        };
        let star = memchr::memrchr(b'*', name)?;
        let digits = name.get(star + 1..)?;
        let plain = (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        Some(Self {
            base: name.get(..star).filter(|base| !base.is_empty() && plain)?,
            number: std::str::from_utf8(digits).ok()?.parse().ok()?,
            extended,
            value: &parameter.value,
        })
    }
}

/// RFC 2231 §3: joins continuations in the order of their numbers, 0 and up without a gap; the
/// joined parameter stands where the first of them stood. Sections that cannot be joined are kept
/// as they came.
fn join(sent: Vec<Parameter>) -> Vec<Parameter> {
    let sections: Vec<_> = sent.iter().map(Continuation::of).collect();
    if sections.iter().all(Option::is_none) {
        return sent;
    }
    let mut used = vec![false; sent.len()];
    let mut joined = Vec::with_capacity(sent.len());
    for (index, parameter) in sent.iter().enumerate() {
        if used.get(index).copied().unwrap_or_default() {
            continue;
        }
        match sections.get(index).and_then(Option::as_ref) {
            Some(section) => match join_one(section.base, &sections, &mut used) {
                Some(whole) => joined.push(whole),
                None => joined.push(parameter.clone()),
            },
            None => joined.push(parameter.clone()),
        }
    }
    joined
}

fn join_one(
    base: &[u8],
    sections: &[Option<Continuation<'_>>],
    used: &mut [bool],
) -> Option<Parameter> {
    let mut pieces: Vec<(usize, &Continuation<'_>)> = sections
        .iter()
        .enumerate()
        .filter_map(|(index, section)| Some((index, section.as_ref()?)))
        .filter(|(_, section)| section.base.eq_ignore_ascii_case(base))
        .collect();
    pieces.sort_by_key(|(_, section)| section.number);
    let in_order = pieces
        .iter()
        .enumerate()
        .all(|(at, (_, section))| usize::from(section.number) == at);
    if !in_order {
        return None;
    }
    let extended = pieces.iter().any(|(_, section)| section.extended);
    let mut name = base.to_vec();
    let mut value = Vec::new();
    if extended {
        name.push(b'*');
        // The charset stands in the first section; without one the value still needs its marks.
        if pieces.first().is_some_and(|(_, first)| !first.extended) {
            value.extend_from_slice(b"''");
        }
    }
    for (index, section) in pieces {
        if let Some(used) = used.get_mut(index) {
            *used = true;
        }
        if extended && !section.extended {
            percent_encode(section.value, &mut value);
        } else {
            value.extend_from_slice(section.value);
        }
    }
    Some(Parameter {
        name: name.into(),
        value: value.into(),
    })
}

/// RFC 2231 §7, attribute-char is kept.
fn percent_encode(octets: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &octet in octets {
        let kept = octet.is_ascii_graphic() && !b"*'%()<>@,;:\\\"/[]?=".contains(&octet);
        if kept {
            out.push(octet);
        } else {
            let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or(b'0');
            out.extend([b'%', digit(octet >> 4), digit(octet & 15)]);
        }
    }
}
