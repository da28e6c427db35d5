//! Keys, proofs and signatures (RFC 5802 §3) and their stored form (RFC 5803).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::limits::{ITERATIONS_MAX, ITERATIONS_MIN, SALT_MAX};
use crate::{Password, prep};

const LENGTH: usize = 32;
const SCHEME: &str = "SCRAM-SHA-256";

/// The salt and the number of PBKDF2 rounds with which keys were made; no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    salt: Vec<u8>,
    iterations: u32,
}

/// Parameters that are not worth their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// The salt is empty or longer than [`SALT_MAX`].
    #[error("the salt has {0} octets instead of 1 to {SALT_MAX}")]
    Salt(usize),
    /// The rounds are outside of [`ITERATIONS_MIN`] to [`ITERATIONS_MAX`].
    #[error("{0} iterations instead of {ITERATIONS_MIN} to {ITERATIONS_MAX}")]
    Iterations(u32),
}

impl Parameters {
    /// Checks and wraps them.
    ///
    /// # Errors
    /// [`ParametersError`] names the value that is out of its bounds.
    pub fn new(salt: Vec<u8>, iterations: u32) -> Result<Self, ParametersError> {
        if salt.is_empty() || salt.len() > SALT_MAX {
            return Err(ParametersError::Salt(salt.len()));
        }
        if !(ITERATIONS_MIN..=ITERATIONS_MAX).contains(&iterations) {
            return Err(ParametersError::Iterations(iterations));
        }
        Ok(Self { salt, iterations })
    }

    /// The salt.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// The number of PBKDF2 rounds.
    #[must_use]
    pub fn iterations(&self) -> u32 {
        self.iterations
    }
}

/// What the server signs a successful exchange with, so that the client knows the server too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerSignature(pub [u8; LENGTH]);

/// The keys of one account. Whoever has them can pretend to be the server, and to verify is all that
/// they are good for; so they stay in the directory.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    parameters: Parameters,
    stored: [u8; LENGTH],
    server: [u8; LENGTH],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({} iterations, ..)", self.parameters.iterations)
    }
}

impl Keys {
    /// Derives the keys of `password`. Costs `iterations` rounds of PBKDF2: some milliseconds.
    #[must_use]
    pub fn derive(password: &Password, parameters: Parameters) -> Self {
        let salted = salted_password(password, &parameters);
        Self {
            stored: sha256(&hmac(&salted, b"Client Key")),
            server: hmac(&salted, b"Server Key"),
            parameters,
        }
    }

    /// The parameters with which they were made.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The server's signature, if `proof` was made with the password of these keys.
    #[must_use]
    pub fn verify(&self, auth_message: &[u8], proof: &[u8]) -> Option<ServerSignature> {
        let signature = hmac(&self.stored, auth_message);
        let client_key = xor(&signature, proof)?;
        let fits = bool::from(sha256(&client_key).ct_eq(&self.stored));
        fits.then(|| ServerSignature(hmac(&self.server, auth_message)))
    }
}

impl fmt::Display for Keys {
    /// RFC 5803 §2: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [salt, stored, server] =
            [self.parameters.salt(), &self.stored, &self.server].map(|part| STANDARD.encode(part));
        let iterations = self.parameters.iterations;
        write!(f, "{SCHEME}${iterations}:{salt}${stored}:{server}")
    }
}

/// Why a stored text is not SCRAM-SHA-256 keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// It is an `authPassword` of another scheme.
    #[error("not of the scheme {SCHEME}")]
    Scheme,
    /// It breaks the form of RFC 5803.
    #[error("not of the form {SCHEME}$iterations:salt$StoredKey:ServerKey")]
    Form,
    /// Its parameters are out of bounds.
    #[error("unusable parameters")]
    Parameters(#[from] ParametersError),
}

impl FromStr for Keys {
    type Err = KeysError;

    fn from_str(text: &str) -> Result<Self, KeysError> {
        // RFC 3112 §3: white space may surround the `$`, and the scheme's name has no case.
        let mut parts = text.split('$').map(|part| part.trim_matches(' '));
        let scheme = parts.next().unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(KeysError::Scheme);
        }
        let (Some(info), Some(value), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeysError::Form);
        };
        let (iterations, salt) = info.split_once(':').ok_or(KeysError::Form)?;
        let (stored, server) = value.split_once(':').ok_or(KeysError::Form)?;
        let iterations = iterations.parse().or(Err(KeysError::Form))?;
        Ok(Self {
            parameters: Parameters::new(octets(salt)?, iterations)?,
            stored: octets(stored)?.try_into().or(Err(KeysError::Form))?,
            server: octets(server)?.try_into().or(Err(KeysError::Form))?,
        })
    }
}

fn octets(base64: &str) -> Result<Vec<u8>, KeysError> {
    STANDARD.decode(base64).or(Err(KeysError::Form))
}

/// RFC 5802 §3: `Hi(Normalize(password), salt, i)`.
pub(crate) fn salted_password(password: &Password, parameters: &Parameters) -> [u8; LENGTH] {
    // The password is exposed to be hashed.
    let prepared = prep::password(password.expose());
    let mut salted = [0; LENGTH];
    pbkdf2::pbkdf2_hmac::<Sha256>(
        prepared.as_bytes(),
        &parameters.salt,
        parameters.iterations,
        &mut salted,
    );
    salted
}

/// RFC 5802 §3: `ClientKey XOR ClientSignature`.
pub(crate) fn client_proof(salted: &[u8; LENGTH], auth_message: &[u8]) -> [u8; LENGTH] {
    let client_key = hmac(salted, b"Client Key");
    let signature = hmac(&sha256(&client_key), auth_message);
    std::array::from_fn(|index| client_key[index] ^ signature[index])
}

fn xor(signature: &[u8; LENGTH], proof: &[u8]) -> Option<[u8; LENGTH]> {
    let proof: &[u8; LENGTH] = proof.try_into().ok()?;
    Some(std::array::from_fn(|index| signature[index] ^ proof[index]))
}

fn sha256(bytes: &[u8]) -> [u8; LENGTH] {
    Sha256::digest(bytes).into()
}

pub(crate) fn hmac(key: &[u8; LENGTH], message: &[u8]) -> [u8; LENGTH] {
    // A key shorter than SHA-256's block is padded with zeros (RFC 2104 §2), which makes the array
    // below equal to `key` and the construction infallible.
    let mut block = [0; 64];
    block[..LENGTH].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pencil() -> Keys {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let parameters = Parameters::new(salt, 4096).unwrap();
        Keys::derive(&Password::new("pencil"), parameters)
    }

    #[test]
    fn the_vector_of_rfc_7677() {
        let auth_message = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let proof = STANDARD
            .decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
            .unwrap();
        let signature = pencil().verify(auth_message.as_bytes(), &proof).unwrap();
        assert_eq!(
            STANDARD.encode(signature.0),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
        assert_eq!(pencil().verify(b"another message", &proof), None);
        assert_eq!(pencil().verify(auth_message.as_bytes(), &proof[..31]), None);
        assert_eq!(pencil().verify(auth_message.as_bytes(), b""), None);
    }

    #[test]
    fn the_stored_form_is_read_back() {
        let text = pencil().to_string();
        assert_eq!(
            text,
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==\
             $WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
        assert_eq!(text.parse(), Ok(pencil()));
        let spaced = text.replace('$', " $ ").replace(SCHEME, "scram-sha-256");
        assert_eq!(spaced.parse(), Ok(pencil()));
        assert_eq!(format!("{:?}", pencil()), "Keys(4096 iterations, ..)");
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, error) in [
            ("", KeysError::Scheme),
            ("{SSHA}abc", KeysError::Scheme),
            ("SCRAM-SHA-1$4096:AA==$AA==:AA==", KeysError::Scheme),
            ("SCRAM-SHA-256$4096:AA==", KeysError::Form),
            ("SCRAM-SHA-256$4096:AA==$AA==:AA==", KeysError::Form),
            ("SCRAM-SHA-256$-1:AA==$AA==:AA==", KeysError::Form),
        ] {
            assert_eq!(text.parse::<Keys>(), Err(error), "{text}");
        }
        let weak = pencil().to_string().replace("4096", "1");
        let error = ParametersError::Iterations(1);
        assert_eq!(weak.parse::<Keys>(), Err(KeysError::Parameters(error)));
    }
}
