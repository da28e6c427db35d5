//! What the fuzz targets look at, and nobody else.

use super::codec;
use crate::entry::Entry;
use crate::schema::Schema;

/// Reads a stored entry, if it can be read, and writes it again.
#[must_use]
pub fn entry_again(schema: &Schema, stored: &[u8]) -> Option<(Entry, Vec<u8>)> {
    let entry = codec::decode(schema, stored).ok()?;
    let again = codec::encode(schema, &entry);
    Some((entry, again))
}
