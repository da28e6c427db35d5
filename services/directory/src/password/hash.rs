//! New hashes and new passwords.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::Rng;
use roost_proto_sasl::scram::Keys;
use roost_proto_sasl::{Parameters, Password};

use super::argon::Memory;

/// KiB of memory of one check: the second choice of RFC 9106 §4 is 64 MiB; this is OWASP's, and a
/// quarter of that for each check at a time.
const MEMORY: u32 = 19 * 1024;

/// Passes over that memory.
const PASSES: u32 = 2;

const SALT_SIZE: usize = 16;
const HASH_SIZE: usize = 32;

/// Rounds of PBKDF2 behind SCRAM keys. RFC 7677 §4 asks for at least 4096; every client pays them
/// at each login, phones too.
const SCRAM_ITERATIONS: u32 = 10_000;

/// Characters of a password that the server makes up: none that people mistake for another.
const ALPHABET: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Characters of a made-up password: 116 bits.
const GENERATED_LENGTH: usize = 20;

/// A hash could not be made: there was not enough memory for it.
#[derive(Debug, thiserror::Error)]
#[error("cannot hash a password")]
pub struct HashError(#[source] argon2::Error);

/// `{ARGON2}$argon2id$…`, as OpenLDAP's `argon2` module writes it too.
pub fn hash(password: &[u8], memory: &mut Memory) -> Result<Vec<u8>, HashError> {
    let salt: [u8; SALT_SIZE] = random();
    let params = Params::new(MEMORY, PASSES, 1, Some(HASH_SIZE)).map_err(HashError)?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = [0; HASH_SIZE];
    memory
        .hash(&argon, password, &salt, &mut output)
        .map_err(HashError)?;
    let salt = STANDARD_NO_PAD.encode(salt);
    let output = STANDARD_NO_PAD.encode(output);
    Ok(format!("{{ARGON2}}$argon2id$v=19$m={MEMORY},t={PASSES},p=1${salt}${output}").into_bytes())
}

/// Blocks of memory that [`hash`] takes.
#[must_use]
pub const fn blocks() -> usize {
    MEMORY as usize
}

/// Whether a stored hash is what [`hash`] would make today.
#[must_use]
pub fn is_current(stored: &[u8]) -> bool {
    stored.starts_with(format!("{{ARGON2}}$argon2id$v=19$m={MEMORY},t={PASSES},p=1$").as_bytes())
}

/// The SCRAM keys of a password in the form of RFC 5803; `None` if it is not text.
#[must_use]
pub fn scram_keys(password: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(password).ok()?;
    let salt: [u8; SALT_SIZE] = random();
    let parameters = Parameters::new(salt.to_vec(), SCRAM_ITERATIONS).ok()?;
    Some(
        Keys::derive(&Password::new(text), parameters)
            .to_string()
            .into_bytes(),
    )
}

/// The iterations that [`scram_keys`] uses, for decoys.
#[must_use]
pub const fn scram_iterations() -> u32 {
    SCRAM_ITERATIONS
}

/// A password that nobody guesses.
#[must_use]
pub fn generate() -> String {
    let mut password = String::with_capacity(GENERATED_LENGTH);
    while password.len() < GENERATED_LENGTH {
        let [octet]: [u8; 1] = random();
        // Octets beyond the alphabet are thrown away, so that each character is equally likely.
        if let Some(character) = ALPHABET.get(usize::from(octet & 0x3f)) {
            password.push(char::from(*character));
        }
    }
    password
}

/// Octets from the operating system's generator.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    rand::rng().fill_bytes(&mut octets);
    octets
}
