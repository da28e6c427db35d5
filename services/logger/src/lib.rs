//! The logger: everything that the daemons of an installation say, kept where it can be asked for.
//!
//! | module | what it decides |
//! |---|---|
//! | [`Config`] | what this daemon can be told |
//! | [`start`] | which parts run |

mod config;
mod start;

pub use config::Config;
pub use start::start;
