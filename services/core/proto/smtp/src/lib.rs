//! SMTP and LMTP grammar and sessions without I/O.
pub mod envelope;
pub mod frame;
pub mod grammar;
pub mod limits;
pub mod reply;
pub mod session;
pub mod trace;

pub use envelope::{Envelope, Recipient};
pub use grammar::address::{Address, ForwardPath, Host, LocalPart, ReversePath};
pub use grammar::domain::Domain;
pub use reply::{Accepted, Enhanced, Outcome, Refusal, Reply};
pub use session::{Backend, Client, Config, Context, Finish, Next, Role, Session};
