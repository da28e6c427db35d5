//! Where parts begin and end (RFC 2046 §5.1), in one pass over the message.

use memchr::memmem;

use crate::budget::Budget;
use crate::content::{self, ContentType};
use crate::envelope::Envelope;
use crate::header::{self, Fields};
use crate::limits::{BOUNDARY_MAX, DEPTH_MAX, HEADER_MAX, PARTS_MAX};
use crate::octets::Octets;
use crate::part_fields::{Enveloped, PartFields};
use crate::structure::{Kind, Part, Span, Structure};

/// Describes a message.
pub(crate) fn structure(message: &[u8]) -> Structure {
    let mut scan = Scan {
        message,
        parts: Vec::new(),
        open: Vec::new(),
        dashes: memmem::Finder::new(b"\n--"),
        budget: Budget::new(),
    };
    scan.part(0, Role::Message, 0);
    let mut parts = scan.parts.into_iter();
    let root = parts.next().unwrap_or_else(|| empty_text(0, None));
    Structure {
        root,
        below: parts.collect(),
    }
}

struct Scan<'a> {
    message: &'a [u8],
    parts: Vec<Part>,
    /// The boundaries of the multiparts around the place that is read, outermost first.
    open: Vec<Octets>,
    dashes: memmem::Finder<'static>,
    budget: Budget,
}

/// What a part is to the one that holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The root of a message: it has an envelope.
    Message,
    /// One of a multipart.
    Mixed,
    /// One of a multipart/digest: a message unless it says otherwise.
    Digest,
}

/// Where a body ended.
#[derive(Clone, Copy)]
struct End {
    /// One past its last octet; the line break before a boundary belongs to the boundary.
    body: usize,
    /// The boundary that ended it; `None` at the end of the message.
    delimiter: Option<Delimiter>,
}

/// A line that is a boundary of an open multipart.
#[derive(Clone, Copy)]
struct Delimiter {
    /// The index in `Scan::open`.
    level: usize,
    /// Whether it is the closing one.
    closes: bool,
    /// Where the line begins, and the next one.
    start: usize,
    after: usize,
}

impl Scan<'_> {
    /// Reads the part whose header begins at `start`.
    fn part(&mut self, start: usize, role: Role, depth: usize) -> End {
        let (header, stopped) = self.header(start);
        let (mut part, content_type_boundary) = self.describe(header, role);
        let index = self.parts.len();
        let body = to_usize(header.end);

        part.kind = kind_of(&part);
        if depth >= DEPTH_MAX || self.parts.len() + 1 >= PARTS_MAX {
            make_opaque(&mut part);
        }
        let kind = part.kind;
        let digest = part.media_subtype.is("digest");
        self.parts.push(part);

        let end = match (kind, stopped) {
            (Kind::Message, None) => self.part(body, Role::Message, depth + 1),
            (Kind::Multipart, None) => {
                self.multipart(body, content_type_boundary, digest, depth + 1)
            }
            (_, None) => self.body(body, body),
            (_, Some(delimiter)) => End {
                body,
                delimiter: Some(delimiter),
            },
        };
        self.finish(index, body, end.body);
        end
    }

    /// Completes a part once its end is known.
    fn finish(&mut self, index: usize, body: usize, end: usize) {
        let missing_child = match self.parts.get(index).map(|part| part.kind) {
            Some(Kind::Single) | None => None,
            Some(_) if self.parts.len() > index + 1 => None,
            Some(Kind::Multipart) => Some(None),
            Some(Kind::Message) => Some(Some(Box::default())),
        };
        if let Some(envelope) = missing_child {
            self.parts.push(empty_text(end, envelope));
        }
        let descendants = self.parts.len().saturating_sub(index + 1);
        let lines = count_lines(self.message.get(body..end).unwrap_or_default());
        if let Some(part) = self.parts.get_mut(index) {
            part.body = Span::new(body, end);
            part.lines = lines;
            part.descendants = u32::try_from(descendants).unwrap_or(u32::MAX);
        }
    }

    /// Reads the parts of a multipart and what is around them.
    fn multipart(
        &mut self,
        body: usize,
        boundary: Option<Octets>,
        digest: bool,
        depth: usize,
    ) -> End {
        let Some(boundary) = boundary.and_then(|boundary| comparable(&boundary)) else {
            return self.body(body, body);
        };
        let level = self.open.len();
        let role = if digest { Role::Digest } else { Role::Mixed };
        self.open.push(boundary);
        let mut end = self.body(body, body);
        while let Some(delimiter) = end.delimiter.filter(|found| found.level == level) {
            if delimiter.closes || self.parts.len() >= PARTS_MAX {
                // RFC 2046 §5.1.1: what follows is the epilogue, to be ignored.
                self.open.truncate(level);
                end = self.body(body, delimiter.after);
                break;
            }
            end = self.part(delimiter.after, role, depth);
        }
        self.open.truncate(level);
        end
    }

    /// Finds where the body that begins at `start` ends, which is not before the line at `from`.
    fn body(&self, start: usize, from: usize) -> End {
        let mut line = from;
        while let Some(found) = self.next_dashes(line, from) {
            if let Some(delimiter) = self.delimiter(found) {
                return End {
                    body: self.before_line_break(found, start),
                    delimiter: Some(delimiter),
                };
            }
            line = found + 2;
        }
        End {
            body: self.message.len().max(from),
            delimiter: None,
        }
    }

    /// The next line from `from` on that begins with `--`; `first` itself begins a line.
    fn next_dashes(&self, from: usize, first: usize) -> Option<usize> {
        if self.open.is_empty() {
            return None;
        }
        let rest = self.message.get(from..)?;
        if from == first && rest.starts_with(b"--") {
            return Some(from);
        }
        self.dashes.find(rest).map(|offset| from + offset + 1)
    }

    /// Whether the line at `start` is a boundary of an open multipart.
    ///
    /// RFC 2046 §5.1.1: it is enough that the line begins with the boundary. Where several do, the
    /// longest counts, and of equal ones the innermost.
    fn delimiter(&self, start: usize) -> Option<Delimiter> {
        let text = self.message.get(start + 2..)?;
        let (level, boundary) = self
            .open
            .iter()
            .enumerate()
            .filter(|(_, boundary)| text.starts_with(boundary.as_ref()))
            .max_by_key(|(level, boundary)| (boundary.len(), *level))?;
        let closes = text
            .get(boundary.len()..)
            .is_some_and(|rest| rest.starts_with(b"--"));
        Some(Delimiter {
            level,
            closes,
            start,
            after: header::line_end(self.message, start),
        })
    }

    /// The header that begins at `start`: to its empty line, to a boundary, or to the end.
    fn header(&self, start: usize) -> (Span, Option<Delimiter>) {
        let mut line = start;
        loop {
            let rest = self.message.get(line..).unwrap_or_default();
            if rest.is_empty() {
                return (Span::new(start, line), None);
            }
            if rest.starts_with(b"--")
                && let Some(delimiter) = self.delimiter(line)
            {
                return (Span::new(start, delimiter.start), Some(delimiter));
            }
            let next = header::line_end(self.message, line);
            if header::is_blank(rest) {
                return (Span::new(start, next), None);
            }
            line = next;
        }
    }

    /// Reads the fields that a part is described by. Also gives its boundary.
    fn describe(&mut self, span: Span, role: Role) -> (Part, Option<Octets>) {
        let header = span.of(self.message);
        let header = header.get(..HEADER_MAX).unwrap_or(header);
        let enveloped = match role {
            Role::Message => Enveloped::Yes,
            Role::Mixed | Role::Digest => Enveloped::No,
        };
        let mut fields = PartFields::default();
        for field in Fields::new(header) {
            fields.take(&field, enveloped);
        }
        let content_type = fields.content_type.unwrap_or_else(|| match role {
            Role::Digest => ContentType::message(),
            Role::Message | Role::Mixed => ContentType::plain_text(),
        });
        let boundary = content_type
            .media_type
            .is("multipart")
            .then(|| content::find(&content_type.parameters, "boundary").cloned())
            .flatten();
        let part = Part {
            kind: Kind::Single,
            header: span,
            body: Span::default(),
            lines: 0,
            media_type: content_type.media_type,
            media_subtype: content_type.media_subtype,
            parameters: self.budget.afford_parameters(content_type.parameters),
            id: self.budget.afford(fields.id),
            description: self.budget.afford(fields.description),
            encoding: fields.encoding.unwrap_or_else(|| "7bit".into()),
            md5: self.budget.afford(fields.md5),
            disposition: self.budget.afford_disposition(fields.disposition),
            language: self.budget.afford_all(fields.language, |tag| tag.len()),
            location: self.budget.afford(fields.location),
            envelope: (role == Role::Message)
                .then(|| Box::new(self.budget.afford_envelope(fields.envelope))),
            descendants: 0,
        };
        (part, boundary)
    }

    /// Where the body ends when a boundary's line begins at `line`.
    fn before_line_break(&self, line: usize, start: usize) -> usize {
        let body = self.message.get(start..line).unwrap_or_default();
        let body = body.strip_suffix(b"\n").unwrap_or(body);
        let body = body.strip_suffix(b"\r").unwrap_or(body);
        start + body.len()
    }
}

fn kind_of(part: &Part) -> Kind {
    match () {
        () if part.media_type.is("multipart") => Kind::Multipart,
        () if part.is("message", "rfc822") || part.is("message", "global") => Kind::Message,
        () => Kind::Single,
    }
}

/// What of a boundary is compared; `None` when there is nothing to compare.
fn comparable(boundary: &[u8]) -> Option<Octets> {
    let boundary = boundary.get(..BOUNDARY_MAX).unwrap_or(boundary);
    // RFC 2046 §5.1.1: a boundary does not end with white space.
    let boundary = boundary.trim_ascii_end();
    (!boundary.is_empty()).then(|| boundary.into())
}

/// Describes a part that is too deep, or one too many, so that IMAP's grammar holds: a multipart
/// and a message must have something in them.
fn make_opaque(part: &mut Part) {
    if part.kind != Kind::Single {
        let content_type = ("application".into(), "octet-stream".into());
        (part.media_type, part.media_subtype) = content_type;
        part.parameters = Vec::new();
        part.kind = Kind::Single;
    }
}

/// A part without octets, for a multipart or message that holds nothing.
fn empty_text(at: usize, envelope: Option<Box<Envelope>>) -> Part {
    let content_type = ContentType::plain_text();
    Part {
        kind: Kind::Single,
        header: Span::new(at, at),
        body: Span::new(at, at),
        lines: 0,
        media_type: content_type.media_type,
        media_subtype: content_type.media_subtype,
        parameters: content_type.parameters,
        id: None,
        description: None,
        encoding: "7bit".into(),
        md5: None,
        disposition: None,
        language: Vec::new(),
        location: None,
        envelope,
        descendants: 0,
    }
}

fn count_lines(body: &[u8]) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', body).count()).unwrap_or(u32::MAX)
}

fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
