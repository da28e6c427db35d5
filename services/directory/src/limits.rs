//! Every limit of the directory server, with its reason. What an administrator may turn is in
//! [`crate::config`].

use std::time::Duration;

/// Nesting of a search filter. RFC 4511 names none; people write less than ten.
pub const FILTER_DEPTH_MAX: u32 = 64;

/// Nodes of a search filter: bounds the time that one entry can cost.
pub const FILTER_NODES_MAX: u32 = 4096;

/// Octets of a message before a bind: a stranger needs no more for a bind or a look at the schema.
pub const MESSAGE_SIZE_ANONYMOUS: u64 = 256 * 1024;

/// Octets of a distinguished name in its normal form. It is a key of the database.
pub const DN_SIZE_MAX: usize = 8 * 1024;

/// Parts of a distinguished name.
pub const DN_DEPTH_MAX: usize = 64;

/// Octets of a value that go into the index; longer ones are found by their beginning and then
/// compared whole.
pub const INDEX_KEY_SIZE: usize = 128;

/// Octets of one stored entry: bounds what a search must hold at a time.
pub const ENTRY_SIZE_MAX: usize = 16 * 1024 * 1024;

/// Entries read from the database at a time by a search.
pub const SEARCH_BATCH: u32 = 128;

/// Lookups that one `or` may spread into before a scan is cheaper.
pub const PLAN_LOOKUPS_MAX: usize = 256;

/// Candidates a union of lookups may hold in memory: 8 octets each.
pub const PLAN_CANDIDATES_MAX: usize = 2_000_000;

/// Entries that a weakly selective lookup and a subtree are compared on to choose one.
pub const PLAN_PROBE: i64 = 2_000;

/// Entries that a sorted search may gather; beyond, the sort control is refused.
pub const SORT_ENTRIES_MAX: usize = 20_000;

/// Octets of memory for entries kept decoded.
pub const ENTRY_CACHE_SIZE: u64 = 64 * 1024 * 1024;

/// Requests of one connection that are worked on at a time. More wait in the socket.
pub const OPERATIONS_AT_A_TIME: usize = 16;

/// Encoded answers of one connection that wait to be written; when full, searches wait.
pub const ANSWERS_WAITING: usize = 64;

/// Octets of them, but for one answer that alone is larger.
pub const ANSWERS_OCTETS: u32 = 512 * 1024;

/// Password checks at a time at most, however many processors there are: each takes 19 MiB.
pub const PASSWORD_CHECKS_MAX: usize = 16;

/// How long a password check may wait for its turn before the client hears `busy`.
pub const PASSWORD_WAIT: Duration = Duration::from_secs(20);

/// Octets of a password. Longer ones are refused before they are hashed.
pub const PASSWORD_SIZE_MAX: usize = 1024;

/// Changes of one modify request.
pub const CHANGES_MAX: usize = 10_000;

/// Values of one attribute.
pub const VALUES_MAX: usize = 200_000;
