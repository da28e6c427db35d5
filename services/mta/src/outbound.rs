//! Delivery: from a next hop to a connection, over it, and what came of it.
//!
//! | module | what it decides |
//! |---|---|
//! | [`dns`] | what name servers say |
//! | [`hosts`] | in which order which addresses are tried |
//! | [`courier`] | how a connection is opened: time-outs, TLS and its fallback |
//! | [`connection`] | how a message goes over it; the verdicts as outcomes |

pub mod connection;
pub mod courier;
pub mod dns;
pub mod hosts;

pub use connection::{Carried, Connection, Parcel};
pub use courier::{Courier, Unreachable};
pub use dns::{Dns, DnsTrouble, HickoryDns};
