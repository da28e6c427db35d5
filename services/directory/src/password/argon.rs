//! Argon2 in memory that is used again: a fresh allocation for each check would leave every thread
//! of the process with tens of megabytes that it has freed and not given back.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use subtle::ConstantTimeEq;

use super::verify::LENIENT;

/// KiB of memory that an imported hash may ask for; more would let one entry starve the server.
const MEMORY_MAX: u32 = 256 * 1024;

/// Passes that an imported hash may ask for.
const PASSES_MAX: u32 = 64;

/// Memory for one check at a time.
#[derive(Debug, Default)]
pub struct Memory(Vec<Block>);

impl Memory {
    /// Fills `output` with the hash of a password.
    pub(super) fn hash(
        &mut self,
        argon: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), argon2::Error> {
        let blocks = argon.params().block_count();
        if self.0.len() < blocks {
            self.0 = vec![Block::new(); blocks];
        }
        let memory = self.0.get_mut(..blocks).unwrap_or_default();
        argon.hash_password_into_with_memory(password, salt, output, memory)
    }

    /// Gives back what an imported hash took beyond `blocks`.
    pub(super) fn shrink(&mut self, blocks: usize) {
        if self.0.len() > blocks {
            self.0 = Vec::new();
        }
    }
}

/// Whether a password fits `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
pub(super) fn verify(text: &str, password: &[u8], memory: &mut Memory) -> bool {
    read(text).is_some_and(|stored| {
        let mut own = vec![0; stored.hash.len()];
        let argon = Argon2::new(stored.algorithm, stored.version, stored.params);
        let hashed = memory.hash(&argon, password, &stored.salt, &mut own);
        hashed.is_ok() && bool::from(own.ct_eq(&stored.hash))
    })
}

struct Stored {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

fn read(text: &str) -> Option<Stored> {
    let mut parts = text.strip_prefix('$')?.split('$').peekable();
    let algorithm = match parts.next()? {
        "argon2id" => Algorithm::Argon2id,
        "argon2i" => Algorithm::Argon2i,
        "argon2d" => Algorithm::Argon2d,
        _ => return None,
    };
    // The first version did not say that it was.
    let version = match parts.next_if(|part| part.starts_with("v=")) {
        None | Some("v=16") => Version::V0x10,
        Some("v=19") => Version::V0x13,
        Some(_) => return None,
    };
    let mut costs = [0_u32; 3];
    for cost in parts.next()?.split(',') {
        let (name, number) = cost.split_once('=')?;
        let place = ["m", "t", "p"].iter().position(|known| *known == name)?;
        *costs.get_mut(place)? = number.parse().ok()?;
    }
    let [memory, passes, lanes] = costs;
    let salt = LENIENT.decode(parts.next()?).ok()?;
    let hash = LENIENT.decode(parts.next()?).ok()?;
    if memory > MEMORY_MAX || passes > PASSES_MAX || parts.next().is_some() {
        return None;
    }
    let params = Params::new(memory, passes, lanes, Some(hash.len())).ok()?;
    Some(Stored {
        algorithm,
        version,
        params,
        salt,
        hash,
    })
}
