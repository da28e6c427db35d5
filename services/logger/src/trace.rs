//! The life of a message, told by the lines of the daemons it passed.
//!
//! A daemon's line about a message has a text that says what happened, and fields by fixed names
//! (`docs/log-fields.md`). What joins lines is the name of the message in a queue (`queue_id`), its
//! `Message-ID`, and for a notice to the sender the name of what it is about (`about`).
//!
//! | module | what it decides |
//! |---|---|
//! | [`query`] | which messages are asked for, and how they are found |
//! | [`story`] | what lines say of one message |

pub mod query;
pub mod story;

pub use query::{Answer, Question, ask};
pub use story::{Event, Recipient, Story};
