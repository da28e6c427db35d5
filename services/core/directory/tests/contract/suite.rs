//! The promises.

pub mod access;
pub mod administration;
pub mod login;
pub mod lookup;
pub mod outage;
pub mod routing;
