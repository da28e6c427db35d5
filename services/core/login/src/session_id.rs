//! What a session is called in logs and in trace fields.

use std::fmt;

/// Letters and digits that read well aloud: no vowels, so no words, and nothing that looks alike.
const ALPHABET: &[u8; 32] = b"0123456789bcdfghjkmnpqrstvwxyzBC";

/// 50 random bits, as ten letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// A new one; two of a day are equal with a chance of one in a million at most, where there are
    /// fifty thousand sessions.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..10).try_for_each(|place| {
            let digit = usize::try_from(self.0 >> (5 * place) & 31).unwrap_or(0);
            let letter = ALPHABET.get(digit).copied().unwrap_or(b'0');
            write!(f, "{}", char::from(letter))
        })
    }
}
