//! How much of a hostile message is read. Past a limit nothing fails: the rest is kept as opaque
//! octets, and a fetch of the whole message still returns all of it.

/// How deep parts nest. A multipart or message deeper than this is described as
/// `application/octet-stream`. Bounds the recursion of the scanner (about 0.5 KiB of stack a level).
pub const DEPTH_MAX: usize = 64;

/// How many parts a message has at most; what follows them is treated as an epilogue. Real digests
/// have hundreds.
pub const PARTS_MAX: usize = 4_096;

/// Octets of text that one structure holds at most (names, parameters, envelopes). Fields past it
/// are described as absent.
pub const STRUCTURE_TEXT_MAX: usize = 1 << 20;

/// Octets of one field value that are looked at; longer values are cut. RFC 5322 §2.1.1 asks for
/// lines of at most 998 octets but puts no bound on a folded field.
pub const FIELD_VALUE_MAX: usize = 256 << 10;

/// Octets of a header that are searched for the fields a structure needs.
pub const HEADER_MAX: usize = 2 << 20;

/// Addresses of one envelope field, group marks counted.
pub const ADDRESSES_MAX: usize = 10_000;

/// Parameters of one Content-Type or Content-Disposition.
pub const PARAMETERS_MAX: usize = 128;

/// Tags of one Content-Language.
pub const LANGUAGES_MAX: usize = 64;

/// Octets of a boundary that are compared; RFC 2046 §5.1.1 allows 70.
pub const BOUNDARY_MAX: usize = 255;

/// How deep comments nest in a field (RFC 5322 §3.2.2 gives no bound); deeper ones are skipped flat.
pub const COMMENT_DEPTH_MAX: usize = 32;

/// Octets of one field that are decoded to text.
pub const FIELD_TEXT_MAX: usize = 256 << 10;

/// Characters of a preview. RFC 8970 §3.1: at most 200 for a server that computes it eagerly.
pub const PREVIEW_CHARS_MAX: usize = 200;

/// Encoded octets of the text part that the preview is made from.
pub const PREVIEW_SOURCE_MAX: usize = 16 << 10;

/// Octets of a media type, a subtype or an encoding's name (RFC 6838 §4.2 allows 127).
pub const NAME_MAX: usize = 127;

/// Octets of the encoded text of one encoded word; RFC 2047 §2 allows 75 for the whole word.
pub const ENCODED_WORD_MAX: usize = 4_096;
