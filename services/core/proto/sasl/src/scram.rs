//! SCRAM-SHA-256 (RFC 5802, 7677): the messages on the server's side and the keys behind them.
//!
//! The two halves meet at a directory: `ClientFirst` and `Challenged` read and write messages and
//! end in a [`Proof`]; [`Keys`] live where passwords live and turn a `Proof` into a signature.

mod keys;
mod message;

pub use keys::{Keys, KeysError, Parameters, ParametersError, ServerSignature};
pub(crate) use keys::{client_proof, hmac, salted_password};
pub(crate) use message::{Challenged, ClientFirst, escape_name, server_final};
pub use message::{Nonce, Proof};
