//! How much a client may send before it is refused.

use std::time::Duration;

/// Longest command line, with its line end. RFC 2449 §4: 255. A password or name by USER and PASS may
/// be longer than RFC 1939's 40 octets, so twice as much is taken. Past it: -ERR.
pub const COMMAND_MAX: usize = 512;

/// Longest line of all: an AUTH command or response (RFC 5034 §4: 12288 octets). Bounds the input
/// buffer. Past it: -ERR, and the rest of the line is skipped.
pub const LINE_MAX: usize = 12_288 + 2;

/// The session stops reading commands and messages while this much output waits for a slow client.
pub const OUTPUT_MARK: usize = 64 * 1024;

/// Commands with an error before the session is closed.
pub const MISTAKES_MAX: u32 = 20;

/// Failed logins in one session before it is closed.
pub const LOGINS_FAILED_MAX: u32 = 5;

/// How long the first failed login makes the client wait; doubles with each.
pub const LOGIN_DELAY: Duration = Duration::from_secs(2);
