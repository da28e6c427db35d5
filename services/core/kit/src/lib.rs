//! What every Roost daemon needs once.
//!
//! | module | what it decides |
//! |---|---|
//! | [`clock`] | what time it is; tests replace it |
//! | [`disk`] | how bytes become durable; tests replace it by one that tears, drops and fails |

pub mod clock;
pub mod disk;
