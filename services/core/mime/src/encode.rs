//! The stored form of a structure: one version octet, then postcard.

use crate::limits::PARTS_MAX;
use crate::structure::{Kind, Part, Structure};

/// Raised when the stored form, or the meaning of what it holds, changes. A store that meets
/// another version describes the message anew.
const VERSION: u8 = 1;

/// Why stored octets are no structure. The remedy is the same for all: parse the message again.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Nothing is there.
    #[error("the stored structure is empty")]
    Empty,
    /// Written by another version.
    #[error("the stored structure has version {found}, this program reads {VERSION}")]
    Version {
        /// The version that it has.
        found: u8,
    },
    /// Not what was written.
    #[error("the stored structure is damaged")]
    Damaged(#[source] postcard::Error),
    /// Readable, but no tree.
    #[error("the stored structure's parts make no tree")]
    NoTree,
}

impl Structure {
    /// The stored form: about 100 octets for a plain message.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Writing to memory what has no maps of unknown length cannot fail; an empty form is
        // refused by `decode`, which leads to a new parse.
        postcard::to_extend(self, vec![VERSION]).unwrap_or_default()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When the octets are not what [`Structure::encode`] of this version wrote.
    pub fn decode(stored: &[u8]) -> Result<Self, DecodeError> {
        let (&version, stored) = stored.split_first().ok_or(DecodeError::Empty)?;
        if version != VERSION {
            return Err(DecodeError::Version { found: version });
        }
        let (structure, rest): (Self, _) =
            postcard::take_from_bytes(stored).map_err(DecodeError::Damaged)?;
        if rest.is_empty() && structure.is_tree() {
            Ok(structure)
        } else {
            Err(DecodeError::NoTree)
        }
    }

    /// Whether each part's descendants lie within its parent's, and kinds have the children that
    /// readers rely on.
    fn is_tree(&self) -> bool {
        let count = self.below.len() + 1;
        let mut ends = vec![count];
        let parts = std::iter::once(&self.root).chain(&self.below);
        count <= 2 * PARTS_MAX
            && parts.enumerate().all(|(index, part)| {
                while ends.last().is_some_and(|&end| end <= index) {
                    ends.pop();
                }
                let end = index + 1 + part.descendants as usize;
                let within = ends.last().is_some_and(|&outer| end <= outer);
                ends.push(end);
                within && self.has_children_of_its_kind(part, index)
            })
            && self.root.descendants as usize == self.below.len()
    }

    fn has_children_of_its_kind(&self, part: &Part, index: usize) -> bool {
        let first = self.below.get(index);
        match part.kind {
            Kind::Single => part.descendants == 0,
            Kind::Multipart => part.descendants > 0,
            Kind::Message => first.is_some_and(|first| {
                first.envelope.is_some()
                    && part.descendants.checked_sub(1) == Some(first.descendants)
            }),
        }
    }
}
