//! Messages that tests send.

use std::fmt::Write as _;

/// A plain message with the given subject, from alice to bob.
pub fn plain(subject: &str) -> String {
    format!(
        "From: Alice <alice@example.test>\r\nTo: Bob <bob@example.test>\r\nSubject: {subject}\r\n\
         Date: Tue, 24 Nov 2026 10:00:00 +0100\r\nMessage-ID: <{subject}@example.test>\r\n\r\n\
         Good morning.\r\n.\r\n..a line that begins with dots\r\nThe end.\r\n"
    )
}

/// A message that breaks most rules of MIME and must be stored as it is: a boundary that never
/// comes, broken base64, an unknown charset, 8-bit octets in the header, a header without a colon.
pub fn malformed(subject: &str) -> Vec<u8> {
    let mut message = format!(
        "From: alice@example.test\r\nSubject: {subject}\r\nMessage-ID: <{subject}@example.test>\r\n\
         MIME-Version: 1.0\r\nX-Eight-Bit: "
    )
    .into_bytes();
    message.extend_from_slice(b"caf\xe9 \xff\xfe\r\nthis line is no header\r\n");
    message.extend_from_slice(
        b"Content-Type: multipart/mixed; boundary=\"outer\r\n\r\n--outer\r\n\
          Content-Type: text/plain; charset=no-such-charset\r\nContent-Transfer-Encoding: base64\r\n\r\n\
          !!!! this is not base64 ====\r\n--inner--\r\n\r\n--outer\r\nContent-Type: multipart/mixed\r\n\r\n\
          no boundary at all \x80\x81\r\n",
    );
    message
}

/// A message of about `octets` octets.
pub fn sized(subject: &str, octets: usize) -> String {
    let mut message = plain(subject);
    let line = "The quick brown fox jumps over the lazy dog, and over the lazy dog again.\r\n";
    while message.len() < octets {
        write!(message, "{line}").unwrap();
    }
    message
}
