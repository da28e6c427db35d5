//! How much a peer may send before it is refused. Sizes that an administrator sets are in
//! [`crate::session::Config`]; here is what bounds memory whatever the configuration says.

use std::time::Duration;

/// Longest command line, with its CRLF. RFC 5321 §4.5.3.1.4 asks for 512 and the extensions in use
/// add about 1100 (AUTH 500, ORCPT 500, ENVID 100). Past it: 500 5.5.2.
pub const COMMAND_MAX: usize = 2048;

/// Longest line of all, with its CRLF: an AUTH command or response (RFC 4954 §4: 12288 octets).
/// Bounds the input buffer of a session outside of messages. Past it: 500 5.5.2, the rest skipped.
pub const LINE_MAX: usize = 12_288 + 2;

/// Longest local part, in octets. RFC 5321 §4.5.3.1.1 asks for 64; VERP and relays' rewriting make
/// longer ones in real mail. Past it: 501 5.1.7 or 5.1.3.
pub const LOCAL_PART_MAX: usize = 255;

/// Longest domain, in octets of its A-label form (RFC 5321 §4.5.3.1.2, RFC 1035 §2.3.4).
pub const DOMAIN_MAX: usize = 255;

/// Longest label of a domain (RFC 1035 §2.3.4).
pub const LABEL_MAX: usize = 63;

/// Longest ENVID, in decoded octets (RFC 3461 §4.4).
pub const ENVID_MAX: usize = 100;

/// Longest ORCPT, in decoded octets (RFC 3461 §4.2).
pub const ORCPT_MAX: usize = 500;

/// Longest line of a reply, with code and CRLF (RFC 5321 §4.5.3.1.5). We cut ours to it; a server's
/// may be [`REPLY_LINE_MAX`].
pub const REPLY_LINE: usize = 512;

/// Longest reply line that the client takes from a server; many exceed RFC 5321's 512.
pub const REPLY_LINE_MAX: usize = 4096;

/// Most lines in one reply of a server. The longest EHLO replies have about thirty.
pub const REPLY_LINES_MAX: usize = 128;

/// The session stops reading commands while this much output waits for a slow client.
pub const OUTPUT_MARK: usize = 16 * 1024;

/// Commands with an error, of which a session takes this many before it is closed with 421.
pub const MISTAKES_MAX: u32 = 20;

/// From this many errors on, each costs [`MISTAKE_DELAY`].
pub const MISTAKES_FREE: u32 = 10;

/// How long an error makes the client wait, once it has made many.
pub const MISTAKE_DELAY: Duration = Duration::from_secs(1);

/// Commands that do nothing (NOOP, RSET, HELP, VRFY) between two messages, before 421.
pub const IDLE_COMMANDS_MAX: u32 = 100;

/// Refused recipients in one session before 421: nobody enumerates addresses at leisure. Does not
/// hold for LMTP, whose client is ours.
pub const REFUSED_RECIPIENTS_MAX: u32 = 100;

/// Failed authentications in one session before 421.
pub const LOGINS_FAILED_MAX: u32 = 5;

/// How long the first failed authentication makes the client wait; doubles with each.
pub const LOGIN_DELAY: Duration = Duration::from_secs(2);

/// Recipients in one transaction at least (RFC 5321 §4.5.3.1.8), whatever is configured.
pub const RECIPIENTS_MIN: u32 = 100;

/// How long one message may take to come in. The time between two chunks is bounded by the
/// configured command timeout.
pub const MESSAGE_TIME_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// Octets a second that a message must bring on average, beyond [`MESSAGE_GRACE`]: so that nobody
/// holds a connection with one octet now and then. A modem brings a thousand. Past it: 421 4.4.2.
pub const MESSAGE_RATE_MIN: u64 = 64;

/// How many times the command timeout a message may take whatever it brings.
pub const MESSAGE_GRACE: u32 = 3;

/// Commands that the client sends before it reads replies. Their replies fit into a socket buffer,
/// so that neither side ever waits for the other to read (RFC 2920 §3.1).
pub const PIPELINE_DEPTH: usize = 100;
