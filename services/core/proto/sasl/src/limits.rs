//! How much a peer may send, and how much work it may ask for.

/// Longest base64 line of an exchange. RFC 4954 §4: 12288 octets suffice for every mechanism.
/// Bounds one line buffer a session; past it the exchange fails as malformed.
pub const LINE_MAX: usize = 12_288;

/// Longest authentication or authorization identity, in octets. RFC 4616 §2 asks for at least 255.
pub const NAME_MAX: usize = 1024;

/// Longest password, in octets. Bounds the work of a hash that reads all of it.
pub const PASSWORD_MAX: usize = 1024;

/// Longest SCRAM nonce that a client may choose, in octets. Clients send 24 to 64.
pub const NONCE_MAX: usize = 256;

/// Fewest PBKDF2 rounds. RFC 7677 §4: at least 4096.
pub const ITERATIONS_MIN: u32 = 4096;

/// Most PBKDF2 rounds that a client accepts from a server, so that a hostile one cannot stall it.
pub const ITERATIONS_MAX: u32 = 1_000_000;

/// Longest salt, in octets, in stored keys and from a server.
pub const SALT_MAX: usize = 256;
