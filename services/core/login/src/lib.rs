//! Signing in: SASL's questions answered by the directory. Shared by the daemons that users talk to.
//!
//! | module | what it decides |
//! |---|---|
//! | [`logins`] | whether name and proof are right, and who may act as whom |
//! | [`presence`] | how many sessions an account has at a time |
//! | [`session_id`] | what a session is called in logs |
//!
//! Whether an account may use the daemon's service is the daemon's own question.

pub mod logins;
pub mod presence;
pub mod session_id;

pub use logins::{Logins, unavailable};
pub use presence::{Presence, Present};
pub use session_id::SessionId;
