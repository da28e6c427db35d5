//! The client's side of PLAIN and SCRAM-SHA-256, for outbound connections, tools and tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use crate::limits::NONCE_MAX;
use crate::plain::Login;
use crate::scram::{self, Nonce, Parameters};

/// The one message of PLAIN (RFC 4616), in base64.
#[must_use]
pub fn plain(login: &Login) -> String {
    let authzid = login.authzid.as_deref().unwrap_or_default();
    // The password is exposed to be sent.
    let password = login.password.expose();
    STANDARD.encode(format!("{authzid}\0{}\0{password}", login.authcid))
}

/// Why a client gives up on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerError {
    /// The server broke the mechanism's rules, or asked for unreasonable work.
    #[error("the server's SCRAM message is malformed")]
    Malformed,
    /// The server answered with `e=`: the credentials are wrong or it cannot verify them.
    #[error("the server refused the SCRAM proof")]
    Refused,
    /// The server does not know the account's keys: it is not the server it claims to be.
    #[error("the server could not prove that it knows the account")]
    Signature,
}

/// A SCRAM-SHA-256 client before the server's challenge.
#[derive(Debug)]
pub struct Scram {
    login: Login,
    gs2_header: String,
    bare: String,
    nonce: Nonce,
}

/// A SCRAM-SHA-256 client that waits for the server's signature.
#[derive(Debug)]
pub struct Proved {
    salted: [u8; 32],
    auth_message: String,
}

impl Scram {
    /// Starts an exchange; `nonce` must be fresh.
    #[must_use]
    pub fn new(login: Login, nonce: Nonce) -> Self {
        let authzid = match &login.authzid {
            Some(authzid) => format!("a={}", scram::escape_name(authzid)),
            None => String::new(),
        };
        Self {
            gs2_header: format!("n,{authzid},"),
            bare: format!(
                "n={},r={}",
                scram::escape_name(&login.authcid),
                nonce.as_str()
            ),
            login,
            nonce,
        }
    }

    /// The client's first message, in base64.
    #[must_use]
    pub fn first(&self) -> String {
        STANDARD.encode(format!("{}{}", self.gs2_header, self.bare))
    }

    /// The client's final message in base64, as the answer to the server's challenge in base64.
    ///
    /// # Errors
    /// [`ServerError::Malformed`] for anything but a proper challenge.
    pub fn respond(self, challenge: &[u8]) -> Result<(Proved, String), ServerError> {
        let challenge = decode(challenge)?;
        let (nonce, parameters) = self.challenge(&challenge).ok_or(ServerError::Malformed)?;
        let binding = STANDARD.encode(&self.gs2_header);
        let without_proof = format!("c={binding},r={nonce}");
        let auth_message = format!("{},{challenge},{without_proof}", self.bare);
        let salted = scram::salted_password(&self.login.password, &parameters);
        let proof = STANDARD.encode(scram::client_proof(&salted, auth_message.as_bytes()));
        let message = STANDARD.encode(format!("{without_proof},p={proof}"));
        let proved = Proved {
            salted,
            auth_message,
        };
        Ok((proved, message))
    }

    fn challenge<'a>(&self, challenge: &'a str) -> Option<(&'a str, Parameters)> {
        let mut attributes = challenge.split(',');
        let nonce = attributes.next()?.strip_prefix("r=")?;
        let salt = STANDARD
            .decode(attributes.next()?.strip_prefix("s=")?)
            .ok()?;
        let iterations = attributes.next()?.strip_prefix("i=")?.parse().ok()?;
        // RFC 5802 §5.1: the server's nonce must go on where the client's ends.
        let theirs = nonce.strip_prefix(self.nonce.as_str())?;
        if theirs.is_empty() || theirs.len() > NONCE_MAX {
            return None;
        }
        Some((nonce, Parameters::new(salt, iterations).ok()?))
    }
}

impl Proved {
    /// Checks the server's final message, in base64. Only after this is the server trusted.
    ///
    /// # Errors
    /// [`ServerError`] when the server refuses, or is an impostor.
    pub fn verify(&self, message: &[u8]) -> Result<(), ServerError> {
        let message = decode(message)?;
        if message.starts_with("e=") {
            return Err(ServerError::Refused);
        }
        let signature = message
            .strip_prefix("v=")
            .and_then(|rest| rest.split(',').next())
            .and_then(|signature| STANDARD.decode(signature).ok())
            .ok_or(ServerError::Malformed)?;
        let server_key = scram::hmac(&self.salted, b"Server Key");
        let expected = scram::hmac(&server_key, self.auth_message.as_bytes());
        match bool::from(signature.ct_eq(expected.as_slice())) {
            true => Ok(()),
            false => Err(ServerError::Signature),
        }
    }
}

fn decode(base64: &[u8]) -> Result<String, ServerError> {
    STANDARD
        .decode(base64)
        .ok()
        .and_then(|message| String::from_utf8(message).ok())
        .ok_or(ServerError::Malformed)
}
