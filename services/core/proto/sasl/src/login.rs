//! LOGIN (draft-murchison-sasl-login): name and password as answers to two prompts.

use crate::exchange::Malformed;
use crate::plain::{self, Login};

/// The prompts that clients expect, to the letter; some compare them.
pub(crate) const NAME_PROMPT: &str = "Username:";
pub(crate) const PASSWORD_PROMPT: &str = "Password:";

/// The answer to the first prompt.
pub(crate) fn name(response: &[u8]) -> Result<String, Malformed> {
    plain::name(response)
}

/// The answer to the second, which completes the login of `authcid`.
pub(crate) fn password(authcid: String, response: &[u8]) -> Result<Login, Malformed> {
    Ok(Login {
        authzid: None,
        authcid,
        password: plain::password(response)?,
    })
}
