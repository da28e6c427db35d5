//! What a search looks at inside a message: its sent date, header and text.

use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use jiff::civil::Date;
use roost_mime::header::Fields;
use roost_mime::{SentDate, Structure, charset, text};

use crate::backend::{Failure, Mailboxes, MessageId};
use crate::grammar::Key;
use crate::limits::DECODE_OCTETS;
use crate::session::reply::Ending;

pub(super) struct Content {
    structure: Arc<Structure>,
    /// The header of the message, or all of the message where its text is sought, too.
    octets: Bytes,
    /// Made once a message, however many keys look at them.
    bodies: OnceCell<Vec<String>>,
    headers: OnceCell<Vec<String>>,
}

/// How much of a message a search reads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    /// The structure, which has the date.
    Structure,
    /// The header.
    Header,
    /// Everything.
    Body,
}

impl Content {
    /// Reads as much as the keys look at. `None` when the message is gone.
    pub(super) async fn load<M: Mailboxes>(
        home: &M,
        message: MessageId,
        keys: &[Key],
    ) -> Result<Option<Self>, Ending> {
        let structure = match home.structure(message).await {
            Ok(structure) => structure,
            Err(Failure::Expunged) => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        let end = match keys.iter().map(depth).max() {
            Some(Depth::Header) => structure.root().header.end,
            Some(Depth::Body) => structure.root().whole().end,
            Some(Depth::Structure) | None => 0,
        };
        let octets = match end.min(DECODE_OCTETS) {
            0 => Bytes::new(),
            end => match home.octets(message, 0..end).await {
                Ok(octets) => octets,
                Err(Failure::Expunged) => return Ok(None),
                Err(failure) => return Err(failure.into()),
            },
        };
        Ok(Some(Self {
            structure,
            octets,
            bodies: OnceCell::new(),
            headers: OnceCell::new(),
        }))
    }

    /// The day on which the message says that it was sent.
    pub(super) fn sent(&self) -> Option<Date> {
        let date = self.structure.envelope().date.as_ref()?;
        SentDate::parse(date).map(|sent| sent.day)
    }

    /// RFC 9051 §6.4.4 HEADER: a field of that name has the text; any such field, for an empty text.
    pub(super) fn header_has(&self, name: &[u8], sought: &str) -> bool {
        let header = self.structure.root().header.of(&self.octets);
        let sought = fold(sought);
        Fields::new(header)
            .filter(|field| field.is(name))
            .any(|field| sought.is_empty() || fold(&field.text()).contains(&sought))
    }

    /// BODY: a text part has it.
    pub(super) fn body_has(&self, sought: &str) -> bool {
        let sought = fold(sought);
        sought.is_empty() || self.bodies().iter().any(|text| text.contains(&sought))
    }

    /// TEXT: the header of the message or of a part has it, or a text part.
    pub(super) fn text_has(&self, sought: &str) -> bool {
        let sought = fold(sought);
        let mut texts = self.headers().iter().chain(self.bodies());
        sought.is_empty() || texts.any(|text| text.contains(&sought))
    }

    /// The text parts, folded.
    fn bodies(&self) -> &[String] {
        let max = usize::try_from(DECODE_OCTETS).unwrap_or(usize::MAX);
        self.bodies.get_or_init(|| {
            let parts = self.structure.parts().filter(|part| part.is_text());
            let decoded =
                parts.map(|part| text::decoded(part.get(), part.body.of(&self.octets), max));
            decoded.map(|text| fold(&text)).collect()
        })
    }

    /// The headers of the message and its parts, folded: as they came, and as they are shown.
    fn headers(&self) -> &[String] {
        self.headers.get_or_init(|| {
            let headers = self
                .structure
                .parts()
                .map(|part| part.header.of(&self.octets));
            let folded = headers.flat_map(|header| {
                let shown: Vec<_> = Fields::new(header).map(|field| field.text()).collect();
                [fold(&charset::guess(header)), fold(&shown.join("\n"))]
            });
            folded.collect()
        })
    }
}

/// What upper and lower case have in common, near enough to RFC 5051's `i;unicode-casemap`.
fn fold(text: &str) -> String {
    text.to_lowercase()
}

fn depth(key: &Key) -> Depth {
    match key {
        Key::Header(..) => Depth::Header,
        Key::Body(_) | Key::Text(_) => Depth::Body,
        Key::And(keys) => keys.iter().map(depth).max().unwrap_or(Depth::Structure),
        Key::Or(both) => depth(&both.0).max(depth(&both.1)),
        Key::Not(key) => depth(key),
        _ => Depth::Structure,
    }
}
