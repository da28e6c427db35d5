//! What senders of syslog say: cutting their octets into lines, and reading a line.
//!
//! A line is kept as it came. [`Message::read`] finds its parts whenever somebody asks, and never
//! fails: what is no syslog is the text of a message without a header.

pub mod frame;
pub mod message;
pub mod time;

pub use frame::{Framer, Taken};
pub use message::{Fields, Message, Priority, Severity};
pub use time::Style;

/// The structured data of Roost's own lines (RFC 5424 §6.3.2: a name of one's own ends with an
/// enterprise number; 32473 is the one of documentation, RFC 5612, as nobody has registered another).
pub const OWN_DATA: &str = "roost@32473";
