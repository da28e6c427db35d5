//! `$1$`: crypt(3) with MD5, as Linux systems of the nineties wrote it. Only to check old hashes.

use md5::{Digest, Md5};

const ROUNDS: usize = 1000;
const SALT_MAX: usize = 8;
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The part after the salt of the hash of a password.
pub(super) fn md5_crypt(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let salt = salt.get(..SALT_MAX).unwrap_or(salt);
    let digest = rounds(password, salt, first_digest(password, salt));
    encode(&digest)
}

fn first_digest(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let inner = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize();
    let mut outer = Md5::new();
    outer.update(password);
    outer.update(b"$1$");
    outer.update(salt);
    for chunk in password.chunks(16) {
        outer.update(inner.get(..chunk.len()).unwrap_or(&inner));
    }
    let mut length = password.len();
    while length > 0 {
        let first = password.get(..1).unwrap_or_default();
        outer.update(if length & 1 == 1 { b"\0" } else { first });
        length >>= 1;
    }
    outer.finalize().into()
}

fn rounds(password: &[u8], salt: &[u8], mut digest: [u8; 16]) -> [u8; 16] {
    for round in 0..ROUNDS {
        let mut next = Md5::new();
        if round % 2 == 1 {
            next.update(password)
        } else {
            next.update(digest)
        }
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        if round % 2 == 1 {
            next.update(digest)
        } else {
            next.update(password)
        }
        digest = next.finalize().into();
    }
    digest
}

fn encode(digest: &[u8; 16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(22);
    let mut put = |mut bits: u32, count: usize| {
        for _ in 0..count {
            out.push(ALPHABET[(bits & 0x3f) as usize]);
            bits >>= 6;
        }
    };
    let triple = |a: usize, b: usize, c: usize| {
        u32::from(digest[a]) << 16 | u32::from(digest[b]) << 8 | u32::from(digest[c])
    };
    for (a, b, c) in [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)] {
        put(triple(a, b, c), 4);
    }
    put(u32::from(digest[11]), 2);
    out
}
