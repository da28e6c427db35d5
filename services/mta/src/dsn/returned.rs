//! The third part: what is brought back of the message (RFC 6522 §3, RFC 3461 §4.3).

use std::borrow::Cow;

use roost_proto_smtp::grammar::mail::Ret;

use super::Kind;
use crate::header;
use crate::limits::{RETURNED_ASKED, RETURNED_UNASKED};

/// The message, or its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned<'a> {
    /// Its bytes, as they were queued.
    pub bytes: Cow<'a, [u8]>,
    /// Whether they are all there.
    pub complete: bool,
}

impl Returned<'_> {
    /// How many bytes of a message of `length` bytes a notice needs: all of it, or (`None`) only
    /// its header.
    #[must_use]
    pub fn whole(kind: Kind, returning: Option<Ret>, length: u64) -> bool {
        // RFC 3461 §4.3: RET speaks of failures only; delays and successes bring headers.
        match (kind, returning) {
            (Kind::Failure, Some(Ret::Full)) => length <= RETURNED_ASKED,
            (Kind::Failure, None) => length <= RETURNED_UNASKED,
            (Kind::Failure, Some(Ret::Headers)) | (Kind::Delay | Kind::Success, _) => false,
        }
    }

    /// The whole message, or its header cut out of its beginning.
    #[must_use]
    pub fn new(bytes: Cow<'_, [u8]>, complete: bool) -> Returned<'_> {
        let bytes = match bytes {
            whole if complete => whole,
            Cow::Borrowed(start) => Cow::Borrowed(header::section(start)),
            Cow::Owned(start) => Cow::Owned(header::section(&start).to_vec()),
        };
        Returned { bytes, complete }
    }

    /// The message's own id, if it is sound enough to be named in a header of ours.
    pub(super) fn message_id(&self) -> Option<String> {
        let id = header::first(&self.bytes, "Message-ID")?;
        let sound = id.len() <= 500
            && id.starts_with('<')
            && id.ends_with('>')
            && id.bytes().all(|byte| byte.is_ascii_graphic());
        sound.then_some(id)
    }
}

/// Writes the part with its header.
pub(super) fn write(returned: &Returned<'_>, smtputf8: bool, out: &mut Vec<u8>) {
    let kind = match (returned.complete, smtputf8) {
        (true, false) => "message/rfc822",
        (true, true) => "message/global",
        (false, false) => "text/rfc822-headers",
        (false, true) => "message/global-headers",
    };
    let description = if returned.complete {
        "Undelivered message"
    } else {
        "Message header"
    };
    let mut text = format!("Content-Description: {description}\r\nContent-Type: {kind}\r\n");
    if !returned.bytes.is_ascii() {
        text.push_str("Content-Transfer-Encoding: 8bit\r\n");
    }
    text.push_str("\r\n");
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(&returned.bytes);
}
