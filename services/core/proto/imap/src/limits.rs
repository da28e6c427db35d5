//! Every limit of this crate: what it bounds, and what is answered past it.

use std::time::Duration;

/// Longest mailbox name, in UTF-8: NO `[CANNOT]` or `[NONEXISTENT]`. Names are held for each folder.
pub const MAILBOX_NAME_OCTETS: usize = 1000;

/// Longest keyword: BAD. Keywords are held for each mailbox.
pub const KEYWORD_OCTETS: usize = 255;

/// Keywords that one STORE or APPEND may name: BAD.
pub const KEYWORDS_PER_COMMAND: usize = 256;

/// Depth of parentheses, NOT and OR in SEARCH: BAD. Bounds the parser's and the search's recursion.
pub const SEARCH_DEPTH: usize = 32;

/// Search keys in one SEARCH: BAD. Bounds the work for each message.
pub const SEARCH_KEYS: usize = 512;

/// Octets of a line without its literals; RFC 7162 §4 wants 8,192 at least, long UID sets more: BAD.
pub const LINE_OCTETS: usize = 64 * 1024;

/// Octets of a literal that is not a message, and of all of them before anybody has logged in:
/// BAD `[TOOBIG]`.
pub const LITERAL_OCTETS: u64 = 64 * 1024;

/// Octets of all literals of a command that are no messages, once logged in: BAD `[TOOBIG]`.
pub const ARGUMENTS_OCTETS: u64 = 256 * 1024;

/// Literals in one command: BAD. Bounds the table that holds them.
pub const LITERALS_PER_COMMAND: usize = 256;

/// Octets of a refused non-synchronising literal that are read and thrown away. Past it: BYE.
pub const SKIP_OCTETS: u64 = 256 * 1024 * 1024;

/// Octets of a refused literal thrown away before anybody has logged in. Past it: BYE.
pub const SKIP_OCTETS_STRANGER: u64 = 256 * 1024;

/// Malformed or unknown commands in a row: BYE. Stops programs that do not speak IMAP.
pub const MISTAKES: u32 = 20;

/// Failed logins of one connection: BYE.
pub const FAILED_LOGINS: u32 = 5;

/// The first delay after a failed login; it doubles with each further one.
pub const FAILED_LOGIN_DELAY: Duration = Duration::from_secs(2);

/// The longest delay after a failed login.
pub const FAILED_LOGIN_DELAY_MAX: Duration = Duration::from_secs(16);

/// Silence before anybody has logged in: BYE.
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);

/// A stranger that is not silent has this many times [`Limits::login_timeout`] to log in: BYE.
pub const LOGIN_TIMEOUTS: u32 = 5;

/// Silence of a client that has logged in: BYE. RFC 9051 §5.4 asks for at least 30 minutes.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// Silence during IDLE after which a line keeps middleboxes awake (`* OK Still here`).
pub const KEEPALIVE: Duration = Duration::from_secs(120);

/// Octets waiting in [`crate::Out`] above which a session stops to produce: backpressure.
pub const OUT_OCTETS: usize = 128 * 1024;

/// Octets of a message read from the backend at a time while a FETCH streams it.
pub const CHUNK_OCTETS: u64 = 256 * 1024;

/// Messages whose \Seen flag one FETCH sets in one change, just before it sends them.
pub const SEEN_BATCH: usize = 256;

/// Largest message part that is decoded in memory, for BINARY and SEARCH: `[UNKNOWN-CTE]`, not searched past it.
pub const DECODE_OCTETS: u64 = 64 * 1024 * 1024;

/// Octets of a header that HEADER.FIELDS chooses from; what follows is left out. Real headers have a
/// few thousand, and it is read whole.
pub const HEADER_OCTETS: u64 = 4 * 1024 * 1024;

/// Octets of all patterns of one LIST, each with the reference before it: BAD. Bounds the work for
/// each mailbox; no name is longer than [`MAILBOX_NAME_OCTETS`].
pub const PATTERN_OCTETS: usize = 4 * MAILBOX_NAME_OCTETS;

/// Fields of an ID command (RFC 2971 §3.3): BAD.
pub const ID_FIELDS: usize = 30;

/// Items of a FETCH, and names of a HEADER.FIELDS list: BAD.
pub const FETCH_ITEMS: usize = 256;

/// Numbers that a response read by a client may name one by one; more are refused.
pub const RESPONSE_NUMBERS: u64 = 1 << 20;

/// What a deployment may choose.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest message that APPEND takes: `[TOOBIG]`; told as APPENDLIMIT (RFC 7889).
    /// It is also the most that the messages of one APPEND may have together.
    pub message_size_max: u64,
    /// Silence of a client that has not logged in.
    pub login_timeout: Duration,
    /// Silence of a client that has.
    pub idle_timeout: Duration,
    /// Octets waiting for the client above which a session stops to produce.
    pub out_octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size_max: 50 * 1024 * 1024,
            login_timeout: LOGIN_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            out_octets: OUT_OCTETS,
        }
    }
}
