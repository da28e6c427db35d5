//! How much of anything the web side takes.

use std::time::Duration;

/// A head: request line and headers. Cookies of 4 KiB each are usual (RFC 6265 §6.1), more than a few
/// are not. Past it: 431 from the HTTP library, or 400.
pub(super) const HEAD_MAX: usize = 32 * 1024;
/// Headers of a head. Past it: 431.
pub(super) const HEADERS_MAX: usize = 100;
/// A request target (RFC 9110 §4.1 recommends 8000 at least). Past it: 414.
pub(super) const TARGET_MAX: usize = 16 * 1024;
/// The line before a chunk, with extensions. Past it the request is refused.
pub(super) const CHUNK_LINE_MAX: usize = 256;
/// The trailer of a chunked body. Past it the request is refused.
pub(super) const TRAILER_MAX: usize = 8 * 1024;
/// Octets that a connection buffers in each direction.
pub(super) const BUFFER_MAX: usize = 64 * 1024;
/// Streams of one HTTP/2 connection at a time (RFC 9113 §6.5.2 recommends 100 at least).
pub(super) const STREAMS_MAX: u32 = 128;
/// Streams that a client may open and reset before they were looked at; one more ends the connection
/// (rapid reset, CVE-2023-44487).
pub(super) const RESETS_PENDING_MAX: usize = 32;
/// Streams that may be reset because of the client's own mistakes on one connection.
pub(super) const RESETS_ERROR_MAX: usize = 128;
/// How often a silent HTTP/2 connection is asked whether it lives, and how long it may take to answer.
pub(super) const PING_EVERY: Duration = Duration::from_secs(30);
/// See [`PING_EVERY`].
pub(super) const PING_TIME_MAX: Duration = Duration::from_secs(20);
/// How long a client may take nothing of an answer.
pub(super) const WRITE_PATIENCE: Duration = Duration::from_secs(60);
/// How long a client that was answered before it had said everything is listened to.
pub(super) const LINGER_TIME: Duration = Duration::from_secs(2);
/// Connections to one server of an upstream that are kept for the next request.
pub(super) const IDLE_MAX: usize = 64;
/// How long they are kept: shorter than what servers keep.
pub(super) const IDLE_TIME_MAX: Duration = Duration::from_secs(45);
/// Static files that are kept in memory, in octets with all their encodings.
pub(super) const CACHE_MAX: u64 = 64 << 20;
/// A static file that is kept in memory and compressed; larger ones are read as they are sent.
pub(super) const CACHED_FILE_MAX: u64 = 2 << 20;
/// How long it is not looked whether a cached file has changed.
pub(super) const FILE_FRESH: Duration = Duration::from_secs(1);
