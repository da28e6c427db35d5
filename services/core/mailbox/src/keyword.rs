//! Keywords of a mailbox. A tag is a keyword that is an item, with a colour.

use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::config::limits;
use crate::error::Error;
use crate::id::{ItemId, KeywordId};

/// A keyword. Names are the same when they differ in ASCII case only (RFC 9051 §2.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyword {
    /// How entries name it.
    pub id: KeywordId,
    /// Its name.
    pub name: CompactString,
    /// What it is beyond a keyword.
    pub tag: Option<Tag>,
}

/// What a tag has beyond its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The tag as an item.
    pub item: ItemId,
    /// Its colour, as 0xRRGGBB; 0 where none was chosen.
    pub color: u32,
}

/// The keywords of a mailbox, by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keywords(Vec<Keyword>);

impl Keywords {
    pub(crate) fn from_rows(mut keywords: Vec<Keyword>) -> Self {
        keywords.sort_by_key(|keyword| keyword.id);
        Self(keywords)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Keyword> {
        self.0.iter()
    }

    pub(crate) fn get(&self, id: KeywordId) -> Option<&Keyword> {
        let at = self.0.binary_search_by_key(&id, |keyword| keyword.id);
        self.0.get(at.ok()?)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Keyword> {
        self.0
            .iter()
            .find(|keyword| keyword.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn put(&mut self, keyword: Keyword) {
        match self.0.binary_search_by_key(&keyword.id, |old| old.id) {
            Ok(at) => {
                if let Some(old) = self.0.get_mut(at) {
                    *old = keyword;
                }
            }
            Err(at) => self.0.insert(at, keyword),
        }
    }

    pub(crate) fn remove(&mut self, id: KeywordId) {
        self.0.retain(|keyword| keyword.id != id);
    }

    /// A number that no keyword has.
    pub(crate) fn vacant(&self) -> Result<KeywordId, Error> {
        if self.0.len() >= limits::KEYWORDS {
            return Err(Error::Limit("keywords of a mailbox"));
        }
        let vacant = (0..)
            .zip(&self.0)
            .find(|(number, keyword)| keyword.id.get() != *number);
        let number = match vacant {
            Some((number, _)) => number,
            None => u16::try_from(self.0.len()).map_err(|_| Error::Limit("keywords"))?,
        };
        Ok(KeywordId::new(number))
    }
}

/// Whether a name can be a keyword's or a tag's.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let usable = !name.is_empty()
        && name.len() <= limits::KEYWORD_BYTES
        && !name.chars().any(char::is_control)
        && !name.starts_with('\\');
    if usable {
        Ok(())
    } else {
        Err(Error::InvalidName(name.chars().take(64).collect()))
    }
}

/// The keywords of an entry, ascending; `None` where there are none, as nearly always.
pub(crate) type KeywordSet = Option<Arc<[KeywordId]>>;

/// The set of these keywords.
pub(crate) fn keyword_set(mut keywords: Vec<KeywordId>) -> KeywordSet {
    keywords.sort_unstable();
    keywords.dedup();
    (!keywords.is_empty()).then(|| keywords.into())
}
