//! The foreign clients, configured for a [`Suite`](crate::Suite).

mod curl;
mod mbsync;
mod mutt;
mod pop3;
mod secure;
mod swaks;
mod wire;

pub use curl::Curl;
pub use mbsync::Mbsync;
pub use mutt::Mutt;
pub use pop3::{fetchmail, getmail};
pub use secure::Secure;
pub use swaks::Swaks;
pub use wire::Wire;
