//! One message's FETCH response: everything but the octets of bodies is made at once.

use std::sync::Arc;

use bytes::Bytes;
use roost_mime::Structure;

use super::part::{self, Text};
use super::{Content, Fetching, Piece};
use crate::backend::{Entry, Failure, Mailboxes, MessageId, Snapshot};
use crate::grammar::print::{literal, print_path, print_section, string};
use crate::grammar::{
    By, FetchAttribute, FetchData, FetchItem, Form, Names, Partial, Path, Response, Section,
    SectionText, Wire, body, envelope,
};
use crate::limits::CHUNK_OCTETS;
use crate::session::Enabled;
use crate::session::tell::flag_names;
use crate::session::view::View;
use crate::types::Uid;

/// Makes the pieces of a message's response. A message that cannot be read is left out; the FETCH
/// then ends in NO.
pub(super) async fn prepare<M: Mailboxes>(
    fetching: &mut Fetching,
    home: &M,
    view: &View<M::Snapshot>,
    enabled: &Enabled,
    uid: Uid,
) {
    let Some((number, entry)) = view.by_uid(uid) else {
        return;
    };
    let id = MessageId {
        mailbox: view.current.mailbox(),
        uid,
    };
    let mut writer = Writer {
        home,
        view,
        enabled,
        id,
        entry,
        structure: None,
        text: Vec::new(),
        pieces: Vec::new(),
        unknown_cte: false,
        has_read: false,
    };
    writer.text.show(format_args!("* {number} FETCH ("));
    let mut items: Vec<&FetchItem> = fetching.items.iter().collect();
    let tells_flags = items.contains(&&FetchItem::Flags);
    if !tells_flags && fetching.just_seen.binary_search(&uid).is_ok() {
        // RFC 9051 §6.4.5: if setting \Seen changed the flags, they are part of the response.
        items.push(&FetchItem::Flags);
        if enabled.condstore && !items.contains(&&FetchItem::ModSeq) {
            items.push(&FetchItem::ModSeq);
        }
    }
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            writer.text.put(b" ");
        }
        if let Err(failure) = writer.item(item).await {
            return leave_out(fetching, writer, failure);
        }
    }
    writer.text.put(b")\r\n");
    fetching.unknown_cte |= writer.unknown_cte;
    fetching.message = Some(id);
    let Writer { pieces, text, .. } = writer;
    fetching.pieces.extend(pieces);
    fetching.pieces.push_back(Piece::Octets(text.into()));
}

/// Ends a message's response that cannot be made.
fn leave_out<M: Mailboxes>(fetching: &mut Fetching, writer: Writer<'_, M>, failure: Failure) {
    let is_gone = failure == Failure::Expunged;
    // RFC 9051 §6.4.9: a UID that is there no more is no error.
    if !(is_gone && fetching.by == By::Uid) {
        fetching.trouble.get_or_insert(failure);
    }
    if is_gone || fetching.just_seen.binary_search(&writer.id.uid).is_err() {
        return;
    }
    // It has become \Seen all the same, and the client must hear of it.
    let Some((number, entry)) = writer.view.by_uid(writer.id.uid) else {
        return;
    };
    let flags = flag_names(writer.view, writer.enabled, &entry);
    let attributes = vec![FetchAttribute::Uid(entry.uid), FetchAttribute::Flags(flags)];
    let mut text = Vec::new();
    Response::Fetch(FetchData { number, attributes }).print(&mut text, Names::Utf8);
    fetching.pieces.push_back(Piece::Octets(text.into()));
}

struct Writer<'a, M: Mailboxes> {
    home: &'a M,
    view: &'a View<M::Snapshot>,
    enabled: &'a Enabled,
    id: MessageId,
    entry: Entry,
    structure: Option<Arc<Structure>>,
    /// What comes after the pieces so far.
    text: Vec<u8>,
    pieces: Vec<Piece>,
    unknown_cte: bool,
    /// Whether octets of the message are among the pieces.
    has_read: bool,
}

impl<M: Mailboxes> Writer<'_, M> {
    async fn item(&mut self, item: &FetchItem) -> Result<(), Failure> {
        let attribute = match item {
            FetchItem::Uid => FetchAttribute::Uid(self.entry.uid),
            FetchItem::Flags => {
                FetchAttribute::Flags(flag_names(self.view, self.enabled, &self.entry))
            }
            FetchItem::ModSeq => FetchAttribute::ModSeq(self.entry.modseq),
            FetchItem::InternalDate => FetchAttribute::InternalDate(self.entry.internal_date),
            FetchItem::Rfc822Size => FetchAttribute::Rfc822Size(self.entry.size),
            FetchItem::EmailId => FetchAttribute::EmailId(self.entry.email_id),
            FetchItem::ThreadId => FetchAttribute::NoThreadId,
            FetchItem::Envelope => {
                let structure = self.structure().await?;
                self.text.put(b"ENVELOPE ");
                envelope(&mut self.text, structure.envelope());
                return Ok(());
            }
            FetchItem::Body => return self.described(b"BODY ", Form::Basic).await,
            FetchItem::BodyStructure => {
                return self.described(b"BODYSTRUCTURE ", Form::Extensible).await;
            }
            FetchItem::Preview(_) => return self.preview().await,
            FetchItem::Rfc822 => return self.legacy(b"RFC822 ", SectionText::Content).await,
            FetchItem::Rfc822Header => {
                return self.legacy(b"RFC822.HEADER ", SectionText::Header).await;
            }
            FetchItem::Rfc822Text => return self.legacy(b"RFC822.TEXT ", SectionText::Text).await,
            FetchItem::Section {
                section, partial, ..
            } => {
                self.text.put(b"BODY");
                print_section(&mut self.text, section);
                return self.section(section, *partial).await;
            }
            FetchItem::Binary { path, partial, .. } => return self.binary(path, *partial).await,
            FetchItem::BinarySize(path) => return self.binary_size(path).await,
        };
        attribute.print(&mut self.text);
        Ok(())
    }

    async fn structure(&mut self) -> Result<Arc<Structure>, Failure> {
        if let Some(structure) = &self.structure {
            return Ok(Arc::clone(structure));
        }
        let structure = self.home.structure(self.id).await?;
        self.structure = Some(Arc::clone(&structure));
        Ok(structure)
    }

    async fn described(&mut self, name: &[u8], form: Form) -> Result<(), Failure> {
        let structure = self.structure().await?;
        self.text.put(name);
        body(&mut self.text, structure.root(), form);
        Ok(())
    }

    /// RFC 8970
    async fn preview(&mut self) -> Result<(), Failure> {
        let structure = self.structure().await?;
        let preview = part::preview(self.home, self.id, &structure).await?;
        self.text.put(b"PREVIEW ");
        string(&mut self.text, preview.as_bytes());
        Ok(())
    }

    /// RFC822 and its like: sections under other names.
    async fn legacy(&mut self, name: &[u8], text: SectionText) -> Result<(), Failure> {
        let section = Section {
            path: Path::new(),
            text,
        };
        // The name ends with the space that `section` puts.
        self.text.put(name.trim_ascii_end());
        self.section(&section, None).await
    }

    /// The value of a section, behind its name.
    async fn section(
        &mut self,
        section: &Section,
        partial: Option<Partial>,
    ) -> Result<(), Failure> {
        let whole = section.path.is_empty() && section.text == SectionText::Content;
        let found = if whole {
            // No need to look at the structure: most clients fetch this and nothing else.
            Some(Text::Range(0..self.entry.size))
        } else {
            let structure = self.structure().await?;
            part::section(self.home, self.id, &structure, section).await?
        };
        match found {
            None => {
                self.text.put(b" NIL");
            }
            Some(text) => {
                self.origin(partial);
                self.literal(Content::Text, text.cut(partial)).await?;
            }
        }
        Ok(())
    }

    /// RFC 3516 §4.2
    async fn binary(&mut self, path: &Path, partial: Option<Partial>) -> Result<(), Failure> {
        self.text.put(b"BINARY");
        print_path(&mut self.text, path);
        if path.is_empty() {
            self.origin(partial);
            return self
                .literal(
                    Content::Binary,
                    Text::Range(0..self.entry.size).cut(partial),
                )
                .await;
        }
        match self.decoded(path).await? {
            None => self.text.put(b" NIL"),
            Some(octets) => {
                self.origin(partial);
                let octets = match Text::Octets(octets).cut(partial) {
                    Text::Octets(octets) => octets,
                    Text::Range(_) => Bytes::new(),
                };
                // RFC 3516 §4.2: literal8 where there are NULs; a literal is known to more clients.
                let content = match octets.contains(&0) {
                    true => Content::Binary,
                    false => Content::Text,
                };
                self.literal(content, Text::Octets(octets)).await?;
            }
        }
        Ok(())
    }

    /// RFC 3516 §4.3
    async fn binary_size(&mut self, path: &Path) -> Result<(), Failure> {
        self.text.put(b"BINARY.SIZE");
        print_path(&mut self.text, path);
        let size = match path.is_empty() {
            true => self.entry.size,
            false => self
                .decoded(path)
                .await?
                .map_or(0, |octets| octets.len() as u64),
        };
        self.text.show(format_args!(" {size}"));
        Ok(())
    }

    /// A part without its transfer encoding; none where there is no such part or encoding.
    async fn decoded(&mut self, path: &Path) -> Result<Option<Bytes>, Failure> {
        let structure = self.structure().await?;
        match part::decoded(self.home, self.id, &structure, path).await? {
            part::Decoded::Octets(octets) => Ok(Some(octets)),
            part::Decoded::NoPart => Ok(None),
            part::Decoded::UnknownEncoding => {
                self.unknown_cte = true;
                Ok(None)
            }
        }
    }

    fn origin(&mut self, partial: Option<Partial>) {
        if let Some(Partial { from, .. }) = partial {
            self.text.show(format_args!("<{from}>"));
        }
    }

    async fn literal(&mut self, content: Content, text: Text) -> Result<(), Failure> {
        let before: &[u8] = match content {
            Content::Text => b" ",
            Content::Binary => b" ~",
        };
        let range = match text {
            Text::Octets(octets) => {
                self.text.put(before);
                literal(&mut self.text, &content.sendable(octets));
                return Ok(());
            }
            Text::Range(range) => range,
        };
        // The first octets are read before any are promised: most often that is all there are, and
        // a message that has gone meanwhile is left out. Later ones are read as they are sent.
        let mut first = Bytes::new();
        if !self.has_read && !range.is_empty() {
            let end = range.end.min(range.start.saturating_add(CHUNK_OCTETS));
            first = self.home.octets(self.id, range.start..end).await?;
            if first.len() as u64 != end - range.start {
                return Err(Failure::Corrupt);
            }
            self.has_read = true;
        }
        self.text.put(before);
        self.text
            .show(format_args!("{{{}}}\r\n", range.end - range.start));
        let text = std::mem::take(&mut self.text);
        self.pieces.push(Piece::Octets(text.into()));
        let rest = range.start + first.len() as u64..range.end;
        if !first.is_empty() {
            self.pieces.push(Piece::Octets(content.sendable(first)));
        }
        if !rest.is_empty() {
            self.pieces.push(Piece::Message(rest, content));
        }
        Ok(())
    }
}
