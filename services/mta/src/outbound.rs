//! Delivery: from a next hop to a connection, over it, and what came of it.
//!
//! | module | what it decides |
//! |---|---|
//! | [`dns`] | what name servers say |
//! | [`hosts`] | in which order which addresses are tried |
//! | [`courier`] | how a connection is opened: which host, time-outs, TLS and its fallback |
//! | [`tls`] | how much TLS a destination must have |
//! | [`connection`] | how a message goes over it; the verdicts as outcomes |

pub mod connection;
pub mod courier;
pub mod dns;
pub mod hosts;
pub mod tls;

pub use connection::{Carried, Connection, Parcel};
pub use courier::{Courier, Tried, Unreachable};
pub use dns::{Dns, DnsTrouble, HickoryDns};
pub use tls::Ways;
