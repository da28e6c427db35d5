//! What each operation does. No socket, no order between requests: a request, an identity and the
//! directory go in, answers come out.

pub mod add;
pub mod bind;
pub mod compare;
pub mod delete;
mod deposit;
pub mod modify;
mod page;
pub mod password;
mod read_entry;
pub mod rename;
pub mod scram;
pub mod search;
mod show;
mod sort;
mod stamp;
mod standing;

use crate::wire::message::Control;
use crate::wire::response::{Outcome, ResultCode};

/// How an operation ended well.
#[derive(Debug)]
pub struct Answer {
    /// Its outcome.
    pub outcome: Outcome,
    /// What goes with it.
    pub controls: Vec<Control>,
}

impl Answer {
    /// Success, and nothing to say.
    #[must_use]
    pub fn success() -> Self {
        Self::of(ResultCode::Success)
    }

    /// An outcome that needs no words.
    #[must_use]
    pub fn of(code: ResultCode) -> Self {
        Self {
            outcome: Outcome::of(code),
            controls: Vec::new(),
        }
    }

    /// Success of a change, which is durable: see [`crate::store::write::Durable`].
    #[must_use]
    pub fn durable(_: crate::store::write::Durable, controls: Vec<Control>) -> Self {
        Self {
            controls,
            ..Self::success()
        }
    }
}
