//! SASLprep (RFC 4013), which makes equal what people type alike.

use std::borrow::Cow;

/// A name or password that SASLprep prohibits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text has characters that SASLprep (RFC 4013) prohibits")]
pub struct Prohibited;

/// The prepared form of a name.
///
/// # Errors
/// [`Prohibited`] when it has characters that no name may have.
pub fn name(name: &str) -> Result<Cow<'_, str>, Prohibited> {
    match stringprep::saslprep(name) {
        Ok(prepared) => Ok(prepared),
        Err(_) => Err(Prohibited),
    }
}

/// The prepared form of a password, from which SCRAM keys are derived.
///
/// departs: RFC 5802 §5.1 lets preparation fail; SASLprep knows Unicode 3.2 and so fails for every
/// newer character, emoji among them. Such a password is used as it came, as PostgreSQL does and as
/// clients without SASLprep do.
#[must_use]
pub fn password(password: &str) -> Cow<'_, str> {
    match stringprep::saslprep(password) {
        Ok(prepared) => prepared,
        Err(_) => Cow::Borrowed(password),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4013() {
        for (input, output) in [
            ("I\u{AD}X", "IX"),
            ("user", "user"),
            ("USER", "USER"),
            ("\u{AA}", "a"),
            ("\u{2168}", "IX"),
        ] {
            assert_eq!(name(input).unwrap(), output);
            assert_eq!(password(input), output);
        }
        assert_eq!(name("\u{7}"), Err(Prohibited));
        assert_eq!(name("\u{627}1"), Err(Prohibited));
    }

    #[test]
    fn a_password_newer_than_saslprep_is_used_as_it_is() {
        assert_eq!(password("hunter\u{1F980}"), "hunter\u{1F980}");
    }
}
