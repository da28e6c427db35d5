//! Every size and count of the mta, with its reason. What the directory or the configuration
//! sets has its default here.

use std::time::Duration;

/// Bytes of header looked at for loops and fix-ups: generous (Postfix keeps 102,400), and bounds
/// the scan that every message gets.
pub const HEADER_SCANNED: usize = 256 * 1024;

/// Recipients a client may give in a transaction. RFC 5321 §4.5.3.1.8 wants at least 100; past it
/// 452 4.5.3.
pub const RECIPIENTS_MAX: u32 = 1000;

/// Recipients a message may have after lists are expanded; bounds a queue entry at some 10 MB.
/// Past it the recipient is refused with 452 4.5.3.
pub const EXPANDED_MAX: usize = 50_000;

/// Lists within lists, forwards of forwards. Past it: 5.4.6.
pub const EXPANSION_DEPTH: usize = 20;

/// Messages up to this size travel in the journal's record; larger ones are a file, synced first.
pub const INLINE_MAX: usize = 128 * 1024;

/// Bytes of message content held in memory for messages that wait for their first attempt; past it
/// contents are written to their files and read back.
pub const CONTENT_MEMORY: usize = 64 * 1024 * 1024;

/// Messages in the queue; at some 1 KB each this bounds memory at 1 GB. Past it: 452 4.3.1.
pub const QUEUE_MESSAGES_MAX: usize = 1_000_000;

/// Bytes that a piece of a message file is read and written in.
pub const PIECE: usize = 64 * 1024;

/// How much of a message a failure notice brings back when the sender said nothing.
pub const RETURNED_UNASKED: u64 = 64 * 1024;

/// The same when the sender asked for all of it (RET=FULL, RFC 3461 §4.3); larger messages come
/// back as their header, as that section's "reasonable limit" allows.
pub const RETURNED_ASKED: u64 = 10 * 1024 * 1024;

/// Recipients named in one notice; the rest is counted only.
pub const REPORTED_MAX: usize = 500;

/// Recipients a transaction to a foreign host carries. RFC 5321 §4.5.3.1.8: every host takes 100.
pub const REMOTE_RECIPIENTS: usize = 100;

/// Recipients a transaction to a store of ours carries: in practice all.
pub const LOCAL_RECIPIENTS: usize = 1000;

/// Messages over one connection before it is closed, so that a load balancer on the other side
/// gets its share.
pub const MESSAGES_PER_CONNECTION: u32 = 200;

/// Hosts of a destination that one attempt tries. RFC 5321 §5.1 wants at least two.
pub const HOSTS_TRIED: usize = 5;

/// How long an idle connection to a foreign host is kept for the next message.
pub const IDLE_REMOTE: Duration = Duration::from_secs(2);

/// The same to a store of ours.
pub const IDLE_LOCAL: Duration = Duration::from_secs(20);

/// Characters of a peer's reply that are kept for the queue, the log and the notice.
pub const REPLY_KEPT: usize = 800;

/// Bytes returned of a message's text through the control socket.
pub const CONTROL_CONTENT_MAX: u64 = 50 * 1024 * 1024;

/// How long a session itself makes a client wait after failed logins; what an address has earned
/// beyond it is waited for before.
pub const LOGIN_DELAY_OWN_MAX: Duration = Duration::from_secs(16);

/// Clients and accounts whose rates are remembered: some 10 MB.
pub const RATES_KEPT: usize = 65_536;
